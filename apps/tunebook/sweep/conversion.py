"""Between a sweep of these classes and the one document of ours."""

import copy
import os
import re
from typing import Any

from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.sweep import wire_form
from tunebook.sweep.command_job import ParameterizedCommand
from tunebook.sweep.declarations import (
    ALGORITHMS,
    BanditPolicy,
    EarlyTerminationPolicy,
    MedianStoppingPolicy,
    Objective,
    RandomSamplingAlgorithm,
    SamplingAlgorithm,
    SweepJobLimits,
    TruncationSelectionPolicy,
)
from tunebook.sweep.search_space import KINDS, SweepDistribution
from tunebook.sweep.sweep_job import SweepJob
from tunebook.wire import azureml, durations

_POLICIES: dict[str, type[EarlyTerminationPolicy]] = {
    "Bandit": BanditPolicy,
    "MedianStopping": MedianStoppingPolicy,
    "TruncationSelection": TruncationSelectionPolicy,
}


# Code by the name it was registered under in Azure, by its whole id, or at an address.
_ELSEWHERE = re.compile(r"azureml:[^/\\]+[:@][^/\\]+|(azureml:)?/subscriptions/.*|(?!file:)[\w+.-]+://.*", re.DOTALL)


def to_job(sweep: SweepJob, *, here: bool = True) -> Job:
    """The job of a sweep. Raises SpecError with the path in the sweep: `search_space.lr.max_value`.

    Trials run in the sweep's `code` folder, and find its local inputs, where those are folders and files of this
    machine; the server has to see them under the same path. `here=False` looks at no path.
    """
    properties = wire_form.sweep_properties(copy.copy(sweep))
    for found in properties["inputs"].values() if here else ():
        if "uri" in found:
            found["uri"] = _local(sweep, found["uri"]) or found["uri"]
    trial = properties.get("trial") or {}
    if not isinstance(trial.get("environmentId"), str):  # one described on the spot: trials run in the server's own
        trial.pop("environmentId", None)
    source = _source(sweep) if here else None
    try:
        return azureml.load(properties, source=source)
    except SpecError as error:
        message = re.sub(r"\bslack(Factor|Amount)\b", lambda found: _snake(found[0]), error.message)
        raise SpecError(_path(error.path, properties), message) from None


def from_job(job: Job, *, name: str | None = None) -> SweepJob:
    """The sweep of a job. Raises SpecError for what Azure has no word for."""
    properties = azureml.dump(job)
    sampling = properties["samplingAlgorithm"]
    trial = properties["trial"]
    limits = properties["limits"]
    return SweepJob(
        name=name,
        search_space={key: SweepDistribution.from_wire(entry) for key, entry in properties["searchSpace"].items()},
        sampling_algorithm=_sampling(sampling),
        objective=Objective(job.objective.goal, job.objective.name),
        early_termination=_policy(properties.get("earlyTermination")),
        limits=SweepJobLimits(
            max_concurrent_trials=limits.get("maxConcurrentTrials"),
            max_total_trials=limits.get("maxTotalTrials"),
            timeout=_seconds(limits.get("timeout")),
            trial_timeout=_seconds(limits.get("trialTimeout")),
        ),
        trial=ParameterizedCommand(
            trial["command"],
            code=job.command.working_dir,
            environment_variables=trial["environmentVariables"],
        ),
        compute="local",
    )


def _local(sweep: SweepJob, path: Any) -> str | None:
    """The whole path of something on this machine, or None."""
    text = os.fspath(path).removeprefix("azureml:").removeprefix("file://")
    whole = os.path.abspath(os.path.join(sweep.base_path, text))
    return whole if os.path.exists(whole) else None


def _source(sweep: SweepJob) -> str | None:
    """The folder of its code, or the one that the file lies in; None for code that is kept elsewhere."""
    code = sweep.trial.code if sweep.trial else None
    if not code:
        return None
    path = _local(sweep, code)
    if path is None and not _ELSEWHERE.fullmatch(os.fspath(code)):
        raise SpecError("trial.code", f"there is no {os.fspath(code)!r:.200} in {sweep.base_path}")
    return os.path.dirname(path) if path and os.path.isfile(path) else path


def _sampling(given: dict[str, Any]) -> SamplingAlgorithm:
    kind = ALGORITHMS[given["samplingAlgorithmType"].lower()]
    if kind is RandomSamplingAlgorithm:
        options = {name: given.get(name) for name in ("rule", "seed", "logbase")}
        return RandomSamplingAlgorithm(**options)
    return kind()


def _policy(given: dict[str, Any] | None) -> EarlyTerminationPolicy | None:
    if given is None:
        return None
    members = {_snake(name): value for name, value in given.items() if name != "policyType"}
    known = {name: value for name, value in members.items() if name in _POLICIES[given["policyType"]].members}
    return _POLICIES[given["policyType"]](**known)


def _seconds(text: str | None) -> int | None:
    seconds = durations.seconds_of(text) if text else None
    return None if seconds is None else round(seconds)


def _path(path: str, properties: dict[str, Any]) -> str:
    """The place in the sweep of a place in its properties."""
    first, *rest = path.removeprefix("properties.").split(".")
    if first == "searchSpace" and rest:
        return ".".join(["search_space", *_argument(rest, properties)])
    if first in ("inputs", "outputs", "tags", "properties"):
        return ".".join([first, *rest])
    if first == "trial" and rest[:1] == ["environmentVariables"]:
        return ".".join(["trial", "environment_variables", *rest[1:]])
    places = {"trial.environment_id": "trial.environment", "trial.code_id": "trial.code", "compute_id": "compute"}
    found = ".".join(_snake(part) for part in (first, *rest))
    return places.get(found, found).replace("policy_type", "type").replace("sampling_algorithm_type", "type")


def _argument(rest: list[str], properties: dict[str, Any]) -> list[str]:
    """`lr.1.0` is the minimum of lr, `lr.0` its type."""
    name, *place = rest
    expression = properties["searchSpace"].get(name)
    kind = KINDS.get(expression[0]) if isinstance(expression, list) else None
    if place[:1] == ["0"]:
        return [name, "type"]
    if kind and len(place) > 1 and place[1].isdigit():
        return [name, kind.arguments[int(place[1])], *place[2:]]
    return [name, *place[2:]]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
