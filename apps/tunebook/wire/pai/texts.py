"""ConfigIni, ConfigYml and SearchSpace: the configuration as the three files of the vendor's tool."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tunebook.wire.pai.documents import SECTIONS, masked

# What stands before the number of a list's entry, where it is not the member's name alone.
_NUMBERED = {"metric_source": "metric_source_"}
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./= +-]*")
_TAKEN = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def config_ini(document: Mapping[str, Any]) -> str:
    """The trial.ini text: a section per `*_config` member, lists as numbered keys, secrets masked."""
    blocks = []
    for section in SECTIONS:
        members = document.get(section)
        if isinstance(members, Mapping) and members:
            lines = [f"{key}={value}" for name, member in members.items() for key, value in _lines(name, member)]
            blocks.append("\n".join([f"[{section}]", *lines]) + "\n")
    return "\n".join(blocks)


def config_yml(document: Mapping[str, Any]) -> str:
    """The exp.yml text: an experiment file of NNI, keys in camelCase, class arguments as they came."""
    given = document.get("yml_config")
    yml: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    whole = {
        "experimentName": yml.get("experiment_name"),
        "experimentWorkingDirectory": "../expdir",
        "searchSpaceFile": "search_space.json",
        "trialCommand": "python3 -m hpo_tools.core.utils.run --config=./trial.ini",
        "trialConcurrency": yml.get("trial_concurrency"),
        "maxTrialNumber": yml.get("max_trial_number"),
        "debug": yml.get("debug"),
        "logLevel": yml.get("log_level"),
        "tuner": _algorithm(yml.get("tuner")) or {"name": "TPE"},
        "trainingService": {"platform": "local"},
        "assessor": _algorithm(yml.get("assessor")),
    }
    return "".join(f"{line}\n" for line in _yaml(whole, ""))


def search_space_text(document: Mapping[str, Any]) -> str:
    """The search_space.json text."""
    return json.dumps(document.get("search_space") or {}, ensure_ascii=False)


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for number, one in enumerate(value, 1):
            yield f"{_NUMBERED.get(name, name)}{number}", _ini_value(one)
    elif value is not None:
        yield name, _ini_value(masked(name, value))


def _ini_value(value: Any) -> str:
    """One line: what follows a line break is indented, as INI files continue a value."""
    if isinstance(value, Mapping):
        return str(dict(value))
    return str(value).replace("\r", "").replace("\n", "\n\t")


def _algorithm(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not given:
        return {}
    return {"name": given.get("name"), "classArgs": given.get("class_args")}


def _yaml(mapping: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Block YAML of nested objects; members that are None or empty objects are left out."""
    for name, value in mapping.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_scalar(name)}:"
            yield from _yaml(value, indent + "  ")
        elif value is not None and value != {}:
            yield f"{indent}{_scalar(name)}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    """Plain where no reader can take it for something else, JSON (which YAML includes) otherwise."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _TAKEN and value == value.strip():
        return value
    return json.dumps(value, ensure_ascii=False)
