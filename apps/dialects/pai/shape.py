"""What an HpoExperimentConfiguration looks like, for readers of the OpenAPI document; the codec decides."""

from __future__ import annotations

from typing import Any

from tunebook.wire.pai import SECTIONS

TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
MODE: dict[str, Any] = {"type": "string", "enum": ["final", "best", "avg"]}
OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}
ALGORITHM: dict[str, Any] = {"type": "object", "properties": {"name": TEXT, "class_args": OBJECT}}
MEMBERS: dict[str, dict[str, Any]] = {
    "cmd": TEXTS,
    "metric_type": {"type": "string", "enum": ["stdout", "json", "summary", "table", "api"]},
    "metric_source": TEXTS,
    "final_mode": MODE,
    "source_list_final_mode": MODE,
    "metric_dict": {"type": "object", "additionalProperties": {"type": "number"}},
    "params_src_dst_filepath": TEXTS,
}
REQUIRED = {
    "platform_config": ["name", "cmd"],
    "metric_config": ["metric_type", "metric_source", "final_mode", "metric_dict"],
}
TYPES = [
    "choice",
    "randint",
    "uniform",
    "quniform",
    "loguniform",
    "qloguniform",
    "normal",
    "qnormal",
    "lognormal",
    "qlognormal",
]
VARIABLE: dict[str, Any] = {
    "type": "object",
    "properties": {"_type": {"type": "string", "enum": TYPES}, "_value": {"type": "array", "items": {}}},
    "required": ["_type", "_value"],
}
YML: dict[str, Any] = {
    "type": "object",
    "properties": {
        "trial_concurrency": {"type": "integer", "minimum": 1},
        "max_trial_number": {"type": "integer", "minimum": 1},
        "experiment_name": TEXT,
        "debug": {"type": "boolean"},
        "log_level": TEXT,
        "tuner": ALGORITHM,
        "assessor": ALGORITHM,
    },
}


def _section(name: str, members: tuple[str, ...]) -> dict[str, Any]:
    properties = {member: MEMBERS.get(member, TEXT) for member in members}
    return {"type": "object", "properties": properties} | ({"required": REQUIRED[name]} if name in REQUIRED else {})


CONFIGURATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        **{name: _section(name, members) for name, members in SECTIONS.items()},
        "search_space": {"type": "object", "additionalProperties": VARIABLE},
        "yml_config": YML,
    },
    "required": ["platform_config", "metric_config"],
    "additionalProperties": False,
}
