"""From an HpoExperimentConfiguration to a Job."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from tunebook.command import Command
from tunebook.errors import SpecError
from tunebook.fields import Fields, is_finite, join, kind, listed
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.monitor import Monitor
from tunebook.objective import Goal, Metric, Mode, Objective
from tunebook.platform import PLATFORMS, Platform
from tunebook.readings import COMBINES, Readings
from tunebook.schedule import DAYS, Schedule
from tunebook.wire.nni.algorithms import optimize_mode
from tunebook.wire.pai.algorithms import load_assessor, load_tuner
from tunebook.wire.pai.documents import ELSEWHERE, MEMBERS, PATH, SECTIONS, YML_MEMBERS
from tunebook.wire.typed_value import load_space

METRIC_TYPES = {"stdout": "stdout", "json": "json", "summary": "summary", "table": "table", "api": "report"}
_ON = {"1": True, "true": True, "0": False, "false": False, "": False}
_PLACES = {"limits": "yml_config", "command": "platform_config", "objective": "metric_config"}


def load(document: object, path: str = PATH, *, platforms: Sequence[str] = PLATFORMS) -> Job:
    """The job that a configuration declares. SpecError with the wire's path names the first thing that is wrong.

    platforms: the names of those that are there. Members of the vendor's other services (oss_config, dlc_config ...) are checked for their form and not acted upon.
    """
    whole = Fields(document, path, MEMBERS).require("platform_config", "metric_config")
    for section in ELSEWHERE:
        _check_texts(whole.inside(section, SECTIONS[section]))
    space, literals = load_space(whole.mapping("search_space"), whole.at("search_space"))
    yml = whole.inside("yml_config", YML_MEMBERS)
    metrics = whole.inside("metric_config", SECTIONS["metric_config"])
    sampling = load_tuner(yml, is_empty=not space)
    goal = _goal(yml, metrics)
    platform, command = _platform(whole, platforms), _command(whole, literals)
    job = Job(
        space=space,
        objective=_objective(metrics, goal),
        sampling=sampling,
        policy=load_assessor(yml, goal),
        limits=_limits(yml, again=command.resume),
        command=command,
        readings=_readings(metrics),
        schedule=_schedule(whole),
        monitor=_monitor(whole),
        platform=platform,
    )
    return _checked(job, whole)


def _checked(job: Job, whole: Fields) -> Job:
    """The job, its cross-checks told with the wire's paths."""
    try:
        return job.check()
    except SpecError as error:
        raise SpecError(join(whole.path, _wire_path(error.path, job)), error.message) from None


def _wire_path(path: str, job: Job) -> str:
    """Where the wire says what stands at this place of the job."""
    if path.startswith("command.steps."):
        return path.replace("command.steps.", "platform_config.cmd.", 1)
    if path.startswith("command.params_files."):
        index = path.split(".")[2]
        return f"params_config.params_src_dst_filepath.{index}"
    if path.startswith("objective.metrics."):
        return f"metric_config.metric_dict.{job.objective.metrics[int(path.split('.')[2])].name}"
    table = {
        "command.steps": "platform_config.cmd",
        "command.model_path": "output_config.model_path",
        "command.summary_path": "output_config.summary_path",
        "sampling": "yml_config.tuner",
        "platform": "platform_config",
        "space": "search_space",
    }
    if path.startswith("sampling.options."):
        return path.replace("sampling.options", "yml_config.tuner.class_args", 1)
    if path.startswith("readings.sources"):
        return path.replace("readings.sources", "metric_config.metric_source", 1)
    for ours, theirs in table.items():
        if path == ours or path.startswith(f"{ours}."):
            return theirs
    return path


def _goal(yml: Fields, metrics: Fields) -> Goal:
    """The direction: what tuner, assessor and metric_config say, which must agree; maximize when none says."""
    said = {
        fields.at("optimize_mode"): mode
        for fields in (
            yml.inside("tuner").inside("class_args"),
            yml.inside("assessor").inside("class_args"),
            metrics,
        )
        if (mode := optimize_mode(fields))
    }
    first = next(iter(said.items()), None)
    for place, mode in said.items():
        if first is not None and mode != first[1]:
            raise SpecError(place, f"is {mode}, but {first[0]} is {first[1]}; they must agree")
    return first[1] if first else "maximize"


def _objective(metrics: Fields, goal: Goal) -> Objective:
    metrics.require("metric_type", "metric_source", "final_mode", "metric_dict")
    weights = metrics.inside("metric_dict")
    if not weights.document:
        raise SpecError(weights.path, "must name at least one metric and its weight")
    found = []
    for name in weights.document:
        if not name.strip():
            raise SpecError(weights.path, "the name of a metric must not be empty")
        found.append(Metric(name, _number(weights, name)))
    mode = metrics.word("final_mode", COMBINES, "final")
    return Objective(goal, tuple(found), cast(Mode, mode))


def _readings(metrics: Fields) -> Readings:
    read = METRIC_TYPES[metrics.word("metric_type", METRIC_TYPES, "")]
    combine = metrics.word("source_list_final_mode", COMBINES, metrics.word("final_mode", COMBINES, "final"))
    sources = metrics.texts("metric_source")
    try:
        return Readings(read, sources, combine)
    except SpecError as error:
        raise SpecError(metrics.at(error.path.replace("sources", "metric_source", 1)), error.message) from None


def _limits(yml: Fields, *, again: bool) -> Limits:
    """The bounds of the job. `again`: a failed command is run again, as a lost one is, and goes on where it failed."""
    concurrent = yml.integer("trial_concurrency", low=1)
    total = yml.integer("max_trial_number", low=1)
    yml.text("experiment_name")
    yml.flag("debug")
    yml.text("log_level")
    names = {"max_trials": "max_trial_number", "max_concurrent": "trial_concurrency"}
    try:
        limits = Limits(max_trials=total, max_concurrent=concurrent or 1)
        return replace(limits, command_retries=limits.retries) if again else limits
    except SpecError as error:
        raise SpecError(yml.at(names[error.path]), error.message) from None


def _command(whole: Fields, literals: Mapping[str, str]) -> Command:
    platform = whole.inside("platform_config", SECTIONS["platform_config"]).require("name", "cmd")
    steps = platform.texts("cmd")
    if not steps:
        raise SpecError(platform.at("cmd"), "must have at least one command")
    output = whole.inside("output_config", SECTIONS["output_config"])
    model_path, summary_path = output.text("model_path") or None, output.text("summary_path") or None
    files, resume = _params_files(whole), _is_on(platform, "resume")
    try:
        return Command(
            steps=steps,
            params_files=files,
            resume=resume,
            model_path=model_path,
            summary_path=summary_path,
            literals=dict(literals),
        )
    except SpecError as error:
        raise SpecError(_command_path(whole, error.path), error.message) from None


def _platform(whole: Fields, platforms: Sequence[str]) -> Platform:
    """Where trials run; how much of a cluster one takes is told as text, as everything in this section."""
    section = whole.inside("platform_config", SECTIONS["platform_config"]).require("name", "cmd")
    name = section.text("name", empty=False).strip().upper()
    if name not in platforms:
        allowed, got = listed(platforms), section.text("name")
        raise SpecError(section.at("name"), f"commands run on this server's hosts, allowed: {allowed}; got {got!r}")
    try:
        return Platform(name=name, **{unit: _number(section, unit) for unit in ("cpus", "gpus") if section.has(unit)})
    except SpecError as error:
        raise SpecError(section.at(error.path), error.message) from None


def _number(section: Fields, name: str) -> float:
    """A number, or a text that is one."""
    value = section.document[name]
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not is_finite(number):
        raise SpecError(section.at(name), f"must be a number, got {value!r:.60}")
    return float(number)


def _command_path(whole: Fields, path: str) -> str:
    first, *rest = path.split(".")
    places = {
        "steps": ["platform_config", "cmd", *rest],
        "params_files": ["params_config", "params_src_dst_filepath", *rest[:1]],
        "literals": ["search_space"],
    }
    return whole.at(".".join(places.get(first, ["output_config", path])))


def _params_files(whole: Fields) -> tuple[tuple[str, str], ...]:
    section = whole.inside("params_config", SECTIONS["params_config"])
    pairs = []
    for index, text in enumerate(section.texts("params_src_dst_filepath")):
        source, comma, destination = (part.strip() for part in text.partition(","))
        if not source or not comma or not destination or "," in destination:
            where = f"{section.at('params_src_dst_filepath')}.{index}"
            raise SpecError(where, f"must be 'source,destination', got {text!r:.80}")
        pairs.append((source, destination))
    return tuple(pairs)


def _schedule(whole: Fields) -> Schedule | None:
    given = whole.inside("schedule_config", SECTIONS["schedule_config"])
    day = given.word("day", (*DAYS, ""), "") or "everyday"
    start, end = given.text("start_time") or "00:00", given.text("end_time") or "23:59"
    if not any(given.document.values()):
        return None
    try:
        return Schedule(day, start, end)
    except SpecError as error:
        raise SpecError(given.at({"start": "start_time", "end": "end_time"}[error.path]), error.message) from None


def _monitor(whole: Fields) -> Monitor | None:
    given = whole.inside("monitor_config", SECTIONS["monitor_config"])
    mobiles, users = _listed_in(given, "at_mobiles"), _listed_in(given, "at_user_ids")
    everybody, keyword = _is_on(given, "is_at_all"), given.text("keyword")
    if not any(given.document.values()):
        return None
    url = given.text("url", empty=False) if given.has("url") else given.require("url").text("url")
    try:
        return Monitor(url, keyword, mobiles, users, everybody)
    except SpecError as error:
        raise SpecError(given.at(error.path), error.message) from None


def _listed_in(fields: Fields, name: str) -> tuple[str, ...]:
    """The entries of a list written as text: `['133', '144']`, `[133, 144]` or `133,144`; a real list is taken too."""
    value = fields.document.get(name)
    if isinstance(value, list):
        return fields.texts(name)
    inner = re.sub(r"[\[\]()'\"]", "", fields.text(name))
    return tuple(part.strip() for part in inner.split(",") if part.strip())


def _is_on(fields: Fields, name: str) -> bool:
    """A switch written as text: 1, 0, True, False in any case; JSON's own true, false, 1 and 0 are taken too."""
    value = fields.document.get(name)
    text = "" if value is None else str(value).strip().lower()
    if not isinstance(value, str | bool | int | None) or text not in _ON:
        raise SpecError(fields.at(name), f"must be '1' or '0', 'True' or 'False', got {_shown(value)}")
    return _ON[text]


def _check_texts(section: Fields) -> None:
    for name in section.document:
        section.text(name)


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float) else kind(value)
