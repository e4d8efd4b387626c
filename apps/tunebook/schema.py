"""The JSON Schema of the job document, as published."""

from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from tunebook import command, limits, platform, readings, schedule
from tunebook.distributions import TYPES, Distribution
from tunebook.policies import POLICIES, Policy
from tunebook.sampling import MAX_SEED, MAX_SOURCES, SAMPLERS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_FLAG: Schema = {"type": "boolean"}

# What a policy's argument may be, by its annotation.
_TYPES: dict[Any, Schema] = {
    bool: _FLAG,
    int: _WHOLE,
    float: _NUMBER,
    int | None: {"type": ["integer", "null"]},
    float | None: {"type": ["number", "null"]},
}
# Arguments of distributions by name; what a class declares with a default may be left out.
_ARGUMENTS: dict[str, Schema] = {
    "upper": _WHOLE,
    "lower": _WHOLE,
    "min_value": _NUMBER,
    "max_value": _NUMBER,
    "low": {"type": ["number", "null"], "exclusiveMinimum": 0},
    "high": {"type": ["number", "null"], "exclusiveMinimum": 0},
    "mu": _NUMBER,
    "sigma": {"type": "number", "minimum": 0},
    "q": {"type": "number", "exclusiveMinimum": 0},
    "clip": _FLAG,
    "from_min": _FLAG,
    "whole": _FLAG,
    "values": {"type": "array", "minItems": 1, "description": "an object may hold distributions: a nested space"},
}


def _object(members: dict[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": members,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def _optional(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _distribution(kind: type[Distribution]) -> Schema:
    declared = fields(kind)  # type: ignore[arg-type]  # every distribution is a dataclass, which its base is not
    members = {"type": {"const": kind.type}, **{one.name: _ARGUMENTS[one.name] for one in declared}}
    required = tuple(one.name for one in declared if one.default is MISSING)
    if "low" not in members:
        return _object(members, ("type", *required))
    by_value = tuple(name for name in required if name not in ("min_value", "max_value"))
    either = [{"required": ["min_value", "max_value"]}, {"required": ["low", "high"]}]
    return _object(members, ("type", *by_value), anyOf=either)


def _policy(kind: type[Policy]) -> Schema:
    types = get_type_hints(kind)
    members = {one.name: _TYPES[types[one.name]] for one in fields(kind)}
    required = tuple(one.name for one in fields(kind) if one.default is MISSING)
    return _object({"name": {"const": kind.name}, **members}, ("name", *required))


def _sampling() -> Schema:
    return _object(
        {
            "name": {"enum": list(SAMPLERS)},
            "options": {"type": "object"},
            "seed": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_SEED},
            "warm_start": {"type": ["array", "null"], "items": _TEXT, "maxItems": MAX_SOURCES},
            "warm_weight": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
        },
        allOf=[
            {
                "if": {"properties": {"name": {"const": name}}, "required": ["name"]},
                "then": {"properties": {"options": {"propertyNames": {"enum": list(options)}}}},
            }
            for name, options in SAMPLERS.items()
        ],
    )


def _platform() -> Schema:
    units = {"type": "number", "minimum": 0, "maximum": platform.MAX_UNITS}
    return _object({"name": {"enum": list(platform.PLATFORMS)}, "cpus": units, "gpus": units})


def _limits() -> Schema:
    seconds = {"type": ["number", "null"], "minimum": 1, "maximum": limits.MAX_SECONDS}
    count = {"type": ["integer", "null"], "minimum": 1, "maximum": limits.MAX_TRIALS}
    again = {"type": ["integer", "null"], "minimum": 0, "maximum": limits.MAX_RETRIES}
    return _object(
        {
            "max_trials": count,
            "max_concurrent": {"type": ["integer", "null"], "minimum": 1, "maximum": limits.MAX_CONCURRENT},
            "max_seconds": seconds,
            "trial_seconds": seconds,
            "trial_memory": {"type": ["integer", "null"], "minimum": limits.MIN_MEMORY, "maximum": limits.MAX_MEMORY},
            "max_failed": count,
            "patience": count,
            "min_gain": {"type": ["number", "null"], "minimum": 0, "maximum": limits.MAX_GAIN},
            "retries": again,
            "command_retries": again,
        }
    )


def _command() -> Schema:
    text = {"type": "string", "minLength": 1, "maxLength": command.MAX_STEP}
    words = {"type": "array", "minItems": 1, "items": {"type": "string", "maxLength": command.MAX_STEP}}
    path = _optional(text)
    return _object(
        {
            "steps": {"type": "array", "minItems": 1, "maxItems": command.MAX_STEPS, "items": {"anyOf": [text, words]}},
            "environment": {
                "type": ["object", "null"],
                "propertyNames": {"pattern": "^(?!TUNEBOOK_)[A-Za-z_][A-Za-z0-9_]*$"},
                "additionalProperties": {"type": "string"},
            },
            "params_files": {
                "type": ["array", "null"],
                "maxItems": command.MAX_FILES,
                "items": _object({"source": text, "destination": text}, ("source", "destination")),
            },
            "resume": {"type": ["boolean", "null"]},
            "model_path": path,
            "summary_path": path,
            "working_dir": path,
            "literals": {"type": ["object", "null"], "additionalProperties": _TEXT},
            "grace": {"type": ["number", "null"], "minimum": 0, "maximum": command.MAX_GRACE},
            "outputs": {"type": ["array", "null"], "maxItems": command.MAX_FILES, "items": text},
            "code": {"type": ["string", "null"], "pattern": f"^{command.SNAPSHOT_KEY}$"},
        },
        ("steps",),
    )


def job_schema() -> Schema:
    """The schema, draft 2020-12: every member with its type and bounds; what it cannot say `Job.check` looks at."""
    distributions = {kind.type: _distribution(kind) for kind in TYPES.values()}
    metric = _object({"name": _TEXT, "weight": _NUMBER}, ("name",))
    clock = {"type": ["string", "null"], "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"}
    mentions = {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 100}
    return _object(
        {
            "version": {"type": ["integer", "null"], "const": 1},
            "space": {
                "type": "object",
                "propertyNames": {"minLength": 1},
                "additionalProperties": {"$ref": "#/$defs/distribution"},
            },
            "objective": _object(
                {
                    "goal": {"enum": ["minimize", "maximize"]},
                    "metrics": {"type": "array", "minItems": 1, "items": metric},
                    "mode": {"enum": ["final", "best", "avg"]},
                    "target": {"type": ["number", "null"]},
                }
            ),
            "command": _command(),
            "sampling": _optional(_sampling()),
            "policy": _optional({"oneOf": [_policy(kind) for kind in POLICIES.values()]}),
            "limits": _optional(_limits()),
            "readings": _optional(
                _object(
                    {
                        "type": {"enum": list(readings.TYPES)},
                        "sources": {"type": ["array", "null"], "items": _TEXT, "maxItems": readings.MAX_SOURCES},
                        "combine": {"enum": list(readings.COMBINES)},
                    }
                )
            ),
            "platform": _optional(_platform()),
            "schedule": _optional(_object({"day": {"enum": list(schedule.DAYS)}, "start": clock, "end": clock})),
            "monitor": _optional(
                _object(
                    {
                        "url": {"type": "string", "pattern": "^https?://."},
                        "keyword": {"type": ["string", "null"]},
                        "at_mobiles": mentions,
                        "at_user_ids": mentions,
                        "is_at_all": {"type": ["boolean", "null"]},
                    },
                    ("url",),
                )
            ),
        },
        ("space", "objective", "command"),
        title="Tunebook job",
        **{
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {
                **distributions,
                "distribution": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in distributions]},
            },
        },
    )
