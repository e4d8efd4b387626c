"""The same properties in the other shape: what 2022 renamed, both ways."""

from collections.abc import Mapping
from typing import Any

from tunebook.wire.azureml.spelling import canonical
from tunebook.wire.azureml.versions import OLD, TODAY

_LIMITS = ("maxTotalTrials", "maxConcurrentTrials", "timeout")
_RESOURCES = ("instanceCount", "instanceType", "properties")
_MOVED = {
    OLD: {*_LIMITS, "algorithm", "compute", "inputDataBindings", "outputDataBindings"},
    TODAY: {"limits", "samplingAlgorithm", "computeId", "resources", "inputs", "outputs"},
}
ONLY_TODAY = ("displayName", "isArchived", "queueSettings", "componentId")


def converted(properties: Mapping[str, Any], have: str, want: str) -> dict[str, Any]:
    """The properties in the shape that is wanted; members that only the other shape has are left out."""
    if want == TODAY:
        return canonical(properties if have == TODAY else _to_today(properties))
    return _to_old(properties) if have == TODAY else dict(properties)


def _to_today(properties: Mapping[str, Any]) -> dict[str, Any]:
    is_sweep = str(properties.get("jobType")).lower() == "sweep"
    trial = dict(properties.get("trial") or {})
    holder = trial if is_sweep else properties
    compute = properties.get("compute") or {}
    limits = {name: properties[name] for name in _LIMITS if properties.get(name) is not None}
    if trial.get("timeout") is not None:
        limits["trialTimeout"] = trial.pop("timeout")
    found = {name: value for name, value in properties.items() if name not in _MOVED[OLD]}
    found["computeId"] = compute.get("target")
    found["resources"] = {name: compute[name] for name in _RESOURCES if compute.get(name) is not None}
    found["inputs"] = {
        name: _kept(jobInputType="uri_folder", uri=one.get("dataId") or one["pathOnCompute"], mode=one.get("mode"))
        for name, one in (holder.get("inputDataBindings") or {}).items()
        if one and (one.get("dataId") or one.get("pathOnCompute"))
    }
    found["outputs"] = {
        name: _kept(jobOutputType="uri_folder", uri=(one or {}).get("pathOnCompute"), mode=(one or {}).get("mode"))
        for name, one in (holder.get("outputDataBindings") or {}).items()
    }
    if limits:
        found["limits"] = {"jobLimitsType": "Sweep" if is_sweep else "Command", **limits}
    if is_sweep:
        found["samplingAlgorithm"] = {"samplingAlgorithmType": properties.get("algorithm", "Random")}
        found["trial"] = _without(trial, "inputDataBindings", "outputDataBindings")
    return found


def _to_old(properties: Mapping[str, Any]) -> dict[str, Any]:
    is_sweep = str(properties.get("jobType")).lower() == "sweep"
    limits = dict(properties.get("limits") or {})
    resources = properties.get("resources") or {}
    found = {name: value for name, value in properties.items() if name not in (*_MOVED[TODAY], *ONLY_TODAY)}
    found["compute"] = _kept(target=properties.get("computeId"), **{name: resources.get(name) for name in _RESOURCES})
    found |= {name: limits[name] for name in _LIMITS if limits.get(name) is not None}
    holder: dict[str, Any] = dict(properties.get("trial") or {}) if is_sweep else found
    holder["inputDataBindings"] = {
        name: _kept(dataId=(one or {}).get("uri", (one or {}).get("value")), mode=(one or {}).get("mode"))
        for name, one in (properties.get("inputs") or {}).items()
    }
    holder["outputDataBindings"] = {
        name: _kept(pathOnCompute=(one or {}).get("uri"), mode=(one or {}).get("mode"))
        for name, one in (properties.get("outputs") or {}).items()
    }
    if is_sweep:
        algorithm = properties.get("samplingAlgorithm") or {}
        found["algorithm"] = algorithm.get("samplingAlgorithmType", "Random")
        found["trial"] = _without(holder, "resources") | _kept(timeout=limits.get("trialTimeout"))
    return found


def _kept(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
