"""From an NNI experiment configuration to a Job."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunebook.command import Command
from tunebook.errors import SpecError
from tunebook.fields import Fields, kind, listed
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Goal, Metric, Objective
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.space import Space
from tunebook.wire.nni.algorithms import find_tuner, load_assessor, load_tuner, optimize_mode
from tunebook.wire.nni.versions import ALGORITHM, canonical, in_words_of, is_version_1, seconds
from tunebook.wire.text import parse
from tunebook.wire.typed_value import load_space

METRIC = "default"
"""The metric of a trial that reports plain numbers; in a reported dictionary the member of this name."""
ADAPTER = "tunebook.wire.nni.custom_tuner"
"""The plugin that runs a tuner class written for NNI."""
PLATFORMS = ("local",)
_PLACES = {
    "limits.max_trials": "maxTrialNumber",
    "limits.max_concurrent": "trialConcurrency",
    "limits.max_seconds": "maxExperimentDuration",
    "limits.trial_seconds": "maxTrialDuration",
}


def is_config(document: Mapping[str, Any]) -> bool:
    """Whether this is an NNI experiment: it says how many trials run at once, and what one runs."""
    names = {str(name).replace("_", "").lower() for name in document}
    return "trialconcurrency" in names and bool(names & {"trialcommand", "trial"})


def load(document: Mapping[str, Any], *, base_path: str | None = None) -> Job:
    """The job that a configuration declares. SpecError, with the document's own path, names the first thing wrong.

    base_path: the folder of the configuration file, from which its relative paths start; without one the search space
    must stand in the document, and the code folder must be a whole path. Trials run in the code folder itself, so the
    server has to see it under the same path.
    """
    with in_words_of(document):
        return _load(Fields(canonical(document), ""), base_path, old=is_version_1(document))


def _load(whole: Fields, base: str | None, *, old: bool) -> Job:
    whole.require("trialConcurrency", "trialCommand")
    _check_platform(whole, old)
    if whole.flag("useAnnotation"):
        raise SpecError("useAnnotation", "is not offered: write the search space down")
    limits, (entries, path) = _limits(whole), _search_space(whole, base)
    section = "tuner" if whole.has("tuner") else "advisor"
    if whole.has("tuner") and whole.has("advisor"):
        raise SpecError("advisor", "must not be given beside a tuner")
    given = whole.inside(section, (*ALGORITHM, "includeIntermediateResults"))
    assessor = whole.inside("assessor", ALGORITHM)
    if assessor.has("className"):
        raise SpecError(
            "assessor.className", "assessors of your own are not offered; there are Medianstop, Curvefitting"
        )
    space, sampling, default = _algorithm(given, entries, path, base)
    job = Job(
        space=space,
        objective=Objective(_goal(given, assessor, default), (Metric(METRIC),), "final"),
        sampling=sampling,
        policy=load_assessor(assessor),
        limits=limits,
        command=_command(whole, base),
        readings=Readings("nni"),
    )
    try:
        return job.check()
    except SpecError as error:
        raise SpecError(_place(error.path, section), error.message) from None


def _place(path: str, section: str) -> str:
    """Where the configuration says what stands at this place of the job."""
    first = path.partition(".")[0]
    sections = {"command": "trialCommand", "space": "searchSpace", "sampling": f"{section}.classArgs"}
    return _PLACES.get(path, sections.get(first, path))


def _check_platform(whole: Fields, old: bool) -> None:
    service = whole.document.get("trainingService")
    if isinstance(service, list):
        raise SpecError("trainingService", f"must be one platform, and that {listed(PLATFORMS)}, got a list")
    if service is None and not old:
        return
    given = whole.inside("trainingService").require("platform").text("platform")
    if given.lower() not in PLATFORMS:
        raise SpecError(
            "trainingService.platform", f"trials run on this server's hosts: must be local, got {given!r:.60}"
        )


def _search_space(whole: Fields, base: str | None) -> tuple[Any, str]:
    """The entries of the search space, and the place where they stand."""
    if whole.has("searchSpace"):
        if whole.has("searchSpaceFile"):
            raise SpecError("searchSpaceFile", "must not be given beside searchSpace")
        return whole.document["searchSpace"], "searchSpace"
    name = whole.require("searchSpaceFile").text("searchSpaceFile", empty=False)
    if base is None:
        hint = "write the search space itself as searchSpace, or send the file with `tunebook submit`"
        raise SpecError("searchSpaceFile", f"a file on your machine cannot be read from here; {hint}")
    try:
        return parse(Path(base, name).read_text(encoding="utf-8")), "searchSpaceFile"
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("searchSpaceFile", f"cannot be read: {error}") from None
    except SpecError as error:
        raise SpecError("searchSpaceFile", f"{error.path} {error.message}".strip()) from None


def _algorithm(given: Fields, entries: Any, path: str, base: str | None) -> tuple[Space, Sampling, Goal | None]:
    """Space, sampler and the goal where none is said, of a tuner of NNI's or of one's own."""
    if given.has("className"):
        space, _ = load_space(entries, path)
        return space, _own_tuner(given, entries, base), "maximize"
    if not given.has("name"):
        raise SpecError(given.at("name"), "is required")
    tuner = find_tuner(given.text("name", empty=False), given.at("name"))
    members = ("optimize_mode", "seed", *tuner.arguments)
    arguments = given.inside("classArgs", members)
    if tuner.sampler == "experiments":
        return Space({}), Sampling("experiments", {"experiments": _parameter_sets(entries, path)}), tuner.goal
    space, _ = load_space(entries, path)
    return space, load_tuner(tuner, arguments) if space else Sampling("grid"), tuner.goal


def _parameter_sets(entries: Any, path: str) -> list[Any]:
    """Batch: the options of the one choice are the parameter sets."""
    one = next(iter(entries.values())) if isinstance(entries, Mapping) and len(entries) == 1 else None
    if not isinstance(one, Mapping) or one.get("_type") != "choice" or not isinstance(one.get("_value"), list):
        raise SpecError(path, "Batch needs one entry alone: a choice whose options are whole parameter sets")
    for index, option in enumerate(one["_value"]):
        if not isinstance(option, Mapping):
            raise SpecError(f"{path}.{next(iter(entries))}._value.{index}", f"must be an object, got {kind(option)}")
    return list(one["_value"])


def _own_tuner(given: Fields, entries: Any, base: str | None) -> Sampling:
    folder = _folder(given.text("codeDirectory", "."), given.at("codeDirectory"), base)
    module, dot, name = given.text("className", empty=False).rpartition(".")
    if not dot:
        raise SpecError(given.at("className"), "must be the module and the class in it, as my_tuner.MyTuner")
    arguments = {
        "folder": folder,
        "module": module,
        "name": name,
        "search_space": entries,
        "class_args": given.mapping("classArgs"),
    }
    return Sampling("plugin", {"module": ADAPTER, "class": "Plugin", "arguments": arguments})


def _goal(tuner: Fields, assessor: Fields, default: Goal | None) -> Goal:
    """What tuner and assessor say, which must agree; else what the tuner means when it says nothing."""
    said = {part.path: optimize_mode(part.inside("classArgs")) for part in (tuner, assessor)}
    first, second = said[tuner.path], said[assessor.path]
    if first and second and first != second:
        message = f"is {second}, but {tuner.path}.classArgs.optimize_mode is {first}; they must agree"
        raise SpecError("assessor.classArgs.optimize_mode", message)
    return first or second or default or "maximize"


def _limits(whole: Fields) -> Limits:
    whole.number("trialGpuNumber", low=0)
    return Limits(
        max_trials=whole.integer("maxTrialNumber", low=1, high=1_000_000),
        max_concurrent=whole.integer("trialConcurrency", low=1, high=10_000) or 1,
        max_seconds=seconds(whole, "maxExperimentDuration"),
        trial_seconds=seconds(whole, "maxTrialDuration"),
    )


def _command(whole: Fields, base: str | None) -> Command:
    folder = _folder(whole.text("trialCodeDirectory", "."), "trialCodeDirectory", base)
    return Command(steps=(whole.text("trialCommand", empty=False),), working_dir=folder)


def _folder(given: str, path: str, base: str | None) -> str:
    """The whole path of a folder of this machine; without a base it is taken as it is said."""
    if base is None:
        if not os.path.isabs(given):
            hint = "write the whole path on the server, or send the file with `tunebook submit`"
            raise SpecError(path, f"{given!r} starts from a folder on your machine; {hint}")
        return given
    whole = os.path.abspath(os.path.join(base, os.path.expanduser(given)))
    if not os.path.isdir(whole):
        raise SpecError(path, f"there is no folder {whole}")
    return whole
