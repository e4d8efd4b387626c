"""The two forms of an NNI configuration: what each calls its members, brought to the names of version 2 and 3."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import Fields, is_finite, unknown

ALGORITHM = ("name", "className", "codeDirectory", "classArgs")
# Members that say something here, and those that only NNI's own machinery looks at.
MEMBERS = (
    "experimentName",
    "trialConcurrency",
    "maxExperimentDuration",
    "maxTrialDuration",
    "maxTrialNumber",
    "searchSpace",
    "searchSpaceFile",
    "useAnnotation",
    "trialCommand",
    "trialCodeDirectory",
    "trialGpuNumber",
    "tuner",
    "advisor",
    "assessor",
    "trainingService",
)
UNUSED = (
    "nniManagerIp",
    "experimentWorkingDirectory",
    "debug",
    "logLevel",
    "tunerGpuIndices",
    "sharedStorage",
    "experimentType",
    "logCollection",
)
# Version 1's member -> version 2's; a dot leads into a section.
V1 = {
    "experimentName": "experimentName",
    "trialConcurrency": "trialConcurrency",
    "maxExecDuration": "maxExperimentDuration",
    "maxTrialDuration": "maxTrialDuration",
    "maxTrialNum": "maxTrialNumber",
    "searchSpacePath": "searchSpaceFile",
    "useAnnotation": "useAnnotation",
    "trainingServicePlatform": "trainingService.platform",
    "trial.command": "trialCommand",
    "trial.codeDir": "trialCodeDirectory",
    "trial.gpuNum": "trialGpuNumber",
}
_V1_ALGORITHMS = {"tuner": "builtinTunerName", "assessor": "builtinAssessorName", "advisor": "builtinAdvisorName"}
_V1_ALGORITHM = ("classArgs", "codeDir", "classFileName", "className", "gpuIndices", "includeIntermediateResults")
_V1_UNUSED = (
    "authorName",
    "description",
    "nniManagerIp",
    "logDir",
    "debug",
    "logLevel",
    "multiPhase",
    "multiThread",
    "versionCheck",
    "logCollection",
    "localConfig",
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def is_version_1(document: Mapping[str, Any]) -> bool:
    return "trainingServicePlatform" in document or isinstance(document.get("trial"), Mapping)


def canonical(document: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of any version under the names of version 2/3. Raises SpecError on members nobody knows."""
    if is_version_1(document):
        return _from_version_1(Fields(document, "", _v1_members(document)))
    found = _spelled(document, "", (*MEMBERS, *UNUSED))
    for name in ("tuner", "advisor", "assessor"):
        if isinstance(found.get(name), Mapping):
            found[name] = _spelled(found[name], name, (*ALGORITHM, "includeIntermediateResults"))
    return found


@contextmanager
def in_words_of(document: Mapping[str, Any]) -> Iterator[None]:
    """Tell the place of every SpecError raised inside as this document's version calls it."""
    try:
        yield
    except SpecError as error:
        path = _v1_path(error.path) if is_version_1(document) else error.path
        raise SpecError(path, error.message) from None


def seconds(fields: Fields, name: str) -> float | None:
    """A duration: a number of seconds, or a number with one unit of s, m, h and d; None when it is absent."""
    value = fields.document.get(name)
    if value is None:
        return None
    parts = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    found = float(parts[1]) * _SECONDS[parts[2]] if parts else value
    if isinstance(found, str) and found.strip().isdigit():
        found = float(found)
    if not is_finite(found) or found < 1:
        raise SpecError(
            fields.at(name), f"must be seconds, or a number with s, m, h or d, from 1 s on, got {value!r:.40}"
        )
    return float(found)


def _spelled(document: Mapping[str, Any], path: str, known: tuple[str, ...]) -> dict[str, Any]:
    """The members under their usual spelling: NNI compares names without case and underscores."""
    words = {name.lower(): name for name in known}
    found: dict[str, Any] = {}
    for key, value in Fields(document, path).document.items():
        name = words.get(key.replace("_", "").lower())
        if name is None:
            raise SpecError(f"{path}.{key}" if path else key, unknown(key, known))
        if name in found:
            raise SpecError(f"{path}.{key}" if path else key, f"{name} is given twice")
        found[name] = value
    return found


def _v1_members(document: Mapping[str, Any]) -> list[str]:
    """All that version 1 knows at the top; sections of other platforms are refused by the platform itself."""
    elsewhere = [name for name in document if isinstance(name, str) and name.endswith("Config")]
    plain = [name for name in V1 if "." not in name]
    return [*plain, "trial", *_V1_ALGORITHMS, *_V1_UNUSED, "machineList", *elsewhere]


def _from_version_1(whole: Fields) -> dict[str, Any]:
    if whole.flag("multiPhase"):
        raise SpecError("multiPhase", "is not offered: a trial has one set of parameters")
    found: dict[str, Any] = {}
    trial = whole.inside("trial")
    for theirs, ours in V1.items():
        section, dot, name = theirs.partition(".")
        value = trial.document.get(name) if dot else whole.document.get(section)
        if value is not None:
            found[ours] = value
    if "trainingService.platform" in found:
        found["trainingService"] = {"platform": found.pop("trainingService.platform")}
    for section, builtin in _V1_ALGORITHMS.items():
        if whole.has(section):
            found[section] = _v1_algorithm(whole.inside(section, (builtin, *_V1_ALGORITHM)), builtin)
    return found


def _v1_algorithm(given: Fields, builtin: str) -> dict[str, Any]:
    found = {"name": given.text(builtin), "classArgs": given.document.get("classArgs")}
    if given.has("className") and not found["name"]:
        file = given.text("classFileName").removesuffix(".py")
        found["className"] = ".".join(filter(None, (file, given.text("className"))))
        found["codeDirectory"] = given.text("codeDir", ".")
    return {name: value for name, value in found.items() if value}


def _v1_path(path: str) -> str:
    back = {ours: theirs for theirs, ours in V1.items()}
    section, _, rest = path.partition(".")
    if section in _V1_ALGORITHMS and rest.partition(".")[0] == "name":
        return f"{section}.{_V1_ALGORITHMS[section]}"
    return back.get(path, back.get(section, section) + (f".{rest}" if rest and section not in back else ""))
