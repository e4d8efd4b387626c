"""Sweep files: the YAML of CLI v2, and the shapes it had before 2022."""

import os
from collections.abc import Mapping
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import Fields, kind, unknown
from tunebook.sweep.command_job import ParameterizedCommand
from tunebook.sweep.declarations import ALGORITHMS, POLICIES, Objective, SweepJobLimits
from tunebook.sweep.entities import IDENTITIES, Identity, JobResourceConfiguration, QueueSettings
from tunebook.sweep.search_space import KINDS, Choice, SweepDistribution
from tunebook.sweep.sweep_job import SweepJob
from tunebook.sweep.yaml_form import GOALS, RULES
from tunebook.wire.text import parse

TYPES = ("sweep", "sweep_job")
_MEMBERS = (
    *("$schema", "type", "name", "display_name", "description", "experiment_name", "tags", "properties"),
    *("compute", "identity", "inputs", "outputs", "trial", "search_space", "sampling_algorithm", "objective"),
    *("early_termination", "limits", "queue_settings", "resources", "services"),
)
_TRIAL = (
    *("command", "code", "environment", "environment_variables"),
    *("distribution", "resources", "queue_settings", "compute", "name", "type", "inputs", "outputs"),
)
_LIMITS = ("max_total_trials", "max_concurrent_trials", "timeout", "trial_timeout")
# Before 2022: where a member stood, and where it stands now.
_OLD = {
    "algorithm": "sampling_algorithm",
    "max_total_trials": "limits.max_total_trials",
    "max_concurrent_trials": "limits.max_concurrent_trials",
    "timeout_minutes": "limits.timeout",
    "timeout": "limits.timeout",
}


def load_job(source: str | os.PathLike[str], *, relative_origin: str | None = None) -> SweepJob:
    """The sweep of a YAML file. Raises SpecError with the path of what is wrong, OSError when it cannot be read.

    relative_origin: the folder that relative paths start from; the file's own when left out.
    """
    with open(source, "rb") as file:
        document = parse(file.read())
    return load_document(document, base_path=relative_origin or os.path.dirname(os.path.abspath(source)))


def load_document(document: object, *, base_path: str | None = None) -> SweepJob:
    """The sweep of a file that is read already."""
    if not isinstance(document, Mapping):
        raise SpecError("", f"must be an object, got {kind(document)}")
    if not is_old(document):
        return _load(document, base_path)
    try:
        return _load(_modern(document), base_path)
    except SpecError as error:
        raise SpecError(_old_path(error.path, document), error.message) from None


def is_old(document: Mapping[str, Any]) -> bool:
    """Is it of a shape from before 2022?"""
    return document.get("type") == "sweep_job" or bool(_OLD.keys() & document.keys())


def _load(document: Mapping[str, Any], base_path: str | None) -> SweepJob:
    if document.get("type") is not None:  # first of all, or a job of another type is told that its members are unknown
        Fields(document, "").word("type", TYPES, "")
    fields = Fields(document, "", _MEMBERS).require("type", "trial", "objective")
    objective = fields.inside("objective", ("goal", "primary_metric")).require("goal", "primary_metric")
    return SweepJob(
        name=fields.optional_text("name"),
        display_name=fields.optional_text("display_name"),
        description=fields.optional_text("description"),
        experiment_name=fields.optional_text("experiment_name"),
        tags=_texts(fields, "tags"),
        properties=_texts(fields, "properties"),
        compute=_without_prefix(fields.optional_text("compute") or fields.inside("trial").optional_text("compute")),
        identity=_identity(fields),
        inputs=_inputs(fields),
        outputs={name: fields.inside("outputs").mapping(name) or None for name in fields.mapping("outputs")},
        trial=_trial(fields.inside("trial", _TRIAL)),
        search_space=_space(fields) if fields.has("search_space") else None,
        sampling_algorithm=_sampling(fields),
        objective=Objective(objective.word("goal", GOALS, ""), objective.text("primary_metric", empty=False)),
        early_termination=_policy(fields),
        limits=_limits(fields.inside("limits", _LIMITS)),
        queue_settings=_queue(fields),
        resources=_resources(fields),
        services=fields.mapping("services") or None,
        base_path=base_path,
    )


def _trial(trial: Fields) -> ParameterizedCommand:
    trial.require("command")
    environment = trial.document.get("environment")
    if environment is not None and not isinstance(environment, str | Mapping):
        raise SpecError(trial.at("environment"), f"must be text or an object, got {kind(environment)}")
    variables = trial.mapping("environment_variables")
    return ParameterizedCommand(
        trial.text("command", empty=False),
        code=_code(trial),
        environment=environment,
        environment_variables={name: _text(value) for name, value in variables.items()},
        distribution=trial.mapping("distribution") or None,
        resources=_resources(trial),
        queue_settings=_queue(trial),
    )


def _code(trial: Fields) -> str | None:
    """The folder of the code: text, or from early files an object with its local path."""
    if isinstance(trial.document.get("code"), Mapping):
        return trial.inside("code", ("local_path",)).optional_text("local_path")
    return trial.optional_text("code")


def _space(fields: Fields) -> dict[str, SweepDistribution]:
    space = fields.inside("search_space")
    return {name: distribution(space.document[name], space.at(name)) for name in space.document}


def distribution(entry: object, path: str) -> SweepDistribution:
    """One entry of a search space: `{type: uniform, min_value: 0, max_value: 1}`."""
    given = Fields(entry, path)
    word = given.text("type") or given.require("type").text("type")
    if word.lower() not in KINDS:
        raise SpecError(given.at("type"), unknown(word, KINDS, f"type {word!r:.40}"))
    of = KINDS[word.lower()]
    given = Fields(entry, path, ("type", *of.arguments)).require(*of.arguments)
    if of is Choice:
        return Choice([_option(value, f"{path}.values.{n}") for n, value in enumerate(given.items("values"))])
    return of(**{name: _number(given, name) for name in of.arguments})


def _option(value: Any, path: str) -> Any:
    """An option; the distributions inside an object make a nested space."""
    if not isinstance(value, Mapping):
        return value
    is_nested = {name: isinstance(member, Mapping) and _is_kind(member.get("type")) for name, member in value.items()}
    return {
        name: distribution(member, f"{path}.{name}") if is_nested[name] else member for name, member in value.items()
    }


def _is_kind(word: object) -> bool:
    return isinstance(word, str) and word in KINDS


def _number(given: Fields, name: str) -> Any:
    """A number, whole ones left whole."""
    number = given.number(name)
    return given.document[name] if number is not None else None


def _sampling(fields: Fields) -> Any:
    given = fields.document.get("sampling_algorithm")
    if given is None or isinstance(given, str):
        return fields.word("sampling_algorithm", ALGORITHMS, "random") if given else None
    members = fields.inside("sampling_algorithm", ("type", "seed", "rule", "logbase")).require("type")
    word = members.word("type", ALGORITHMS, "")
    if word != "random":
        return ALGORITHMS[word]()
    rule = members.word("rule", RULES, "random") if members.has("rule") else None
    options = {"rule": rule, "seed": members.integer("seed"), "logbase": members.document.get("logbase")}
    return ALGORITHMS[word](**options)


def _policy(fields: Fields) -> Any:
    if not fields.has("early_termination"):
        return None
    given = fields.inside("early_termination").require("type")
    word = given.word("type", POLICIES, "")
    usual = POLICIES[word]()
    given = fields.inside("early_termination", ("type", *usual.members))
    members: dict[str, Any] = {
        name: given.number(name) if name.startswith("slack") else given.integer(name)
        for name in usual.members
        if given.has(name)
    }
    if word == "truncation_selection":
        given.require("truncation_percentage")
    return POLICIES[word](**members)


def _limits(limits: Fields) -> SweepJobLimits:
    return SweepJobLimits(**{name: limits.integer(name, low=0) for name in _LIMITS})


def _identity(fields: Fields) -> Identity | None:
    if not fields.has("identity"):
        return None
    given = fields.inside("identity").require("type")
    word = given.word("type", IDENTITIES, "")
    members = {name: given.text(name) for name in given.document if name != "type"}
    return IDENTITIES[word](**members)


def _inputs(fields: Fields) -> dict[str, Any]:
    """Values and objects; `{value: 3}` is the value."""
    inputs = fields.inside("inputs")
    found = {}
    for name, given in inputs.document.items():
        if isinstance(given, list) or given is None:
            raise SpecError(inputs.at(name), f"must be a value or an object, got {kind(given)}")
        given = _modern_input(given)
        found[name] = given.get("value", given) if isinstance(given, Mapping) else given
        if isinstance(given, Mapping):
            for member in ("type", "path", "mode"):
                inputs.inside(name).text(member)
    return found


def _queue(fields: Fields) -> QueueSettings | None:
    given = fields.inside("queue_settings", QueueSettings.members)
    found = {name: given.text(name) for name in given.document}
    return QueueSettings(**found) if found else None


def _resources(fields: Fields) -> JobResourceConfiguration | None:
    given = fields.inside("resources", JobResourceConfiguration.members)
    given.integer("instance_count", low=0)
    return JobResourceConfiguration.of(given.document) if given.document else None


def _modern(document: Mapping[str, Any]) -> dict[str, Any]:
    """The file with every member where it stands today."""
    found = {name: value for name, value in document.items() if name not in _OLD}
    limits = dict(document.get("limits") or {})
    for name in ("max_total_trials", "max_concurrent_trials", "timeout"):
        if document.get(name) is not None:
            limits.setdefault(name, document[name])
    if isinstance(document.get("timeout_minutes"), int):
        limits["timeout"] = document["timeout_minutes"] * 60
    trial = dict(document["trial"]) if isinstance(document.get("trial"), Mapping) else document.get("trial")
    if isinstance(trial, dict):
        found.setdefault("compute", trial.pop("compute", None))
        if isinstance(trial.get("inputs"), Mapping):
            inputs = {name: _modern_input(given) for name, given in trial.pop("inputs").items()}
            found["inputs"] = {**inputs, **dict(document.get("inputs") or {})}
    if isinstance(found.get("compute"), Mapping):
        found["compute"] = found["compute"].get("target")
    if isinstance(document.get("search_space"), Mapping):
        found["search_space"] = {name: _modern_entry(entry) for name, entry in document["search_space"].items()}
    if document.get("algorithm") is not None:
        found["sampling_algorithm"] = document["algorithm"]
    return {**found, "type": "sweep", "trial": trial, "limits": limits}


def _modern_input(given: Any) -> Any:
    """An input whose place stood in `data`."""
    if not isinstance(given, Mapping) or "data" not in given:
        return given
    return {"path": given["data"], **{name: value for name, value in given.items() if name != "data"}}


def _modern_entry(entry: Any) -> Any:
    if not isinstance(entry, Mapping) or "spec" not in entry:
        return entry
    return {**{name: value for name, value in entry.items() if name != "spec"}, "type": entry["spec"]}


def _old_path(path: str, document: Mapping[str, Any]) -> str:
    return next((was for was, now in _OLD.items() if path == now and was in document), path)


def _texts(fields: Fields, name: str) -> dict[str, str]:
    return {key: _text(value) for key, value in fields.mapping(name).items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _without_prefix(compute: str | None) -> str | None:
    return None if compute is None else compute.removeprefix("azureml:")
