"""The trials of an experiment as a table: one row each, one column per parameter."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMATS = ("csv", "json", "jsonl")
_BEFORE = ("number", "status", "value")
_AFTER = ("last_step", "source", "reason", "started", "ended")


def trials_text(trials: Sequence[Mapping[str, Any]], form: str) -> str:
    """The whole table as a text that ends with a line break: CSV, a JSON list, or one JSON object per line.

    In CSV a parameter's column is called `params.lr`; lists and objects are JSON there.
    """
    if form == "json":
        return json.dumps(list(trials), ensure_ascii=False, indent=2) + "\n"
    if form == "jsonl":
        return "".join(json.dumps(trial, ensure_ascii=False) + "\n" for trial in trials)
    names = list(dict.fromkeys(name for trial in trials for name in trial.get("params") or {}))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_BEFORE, *(f"params.{name}" for name in names), *_AFTER])
    for trial in trials:
        params = trial.get("params") or {}
        values = [*_picked(trial, _BEFORE), *(params.get(name) for name in names), *_picked(trial, _AFTER)]
        writer.writerow([_cell(value) for value in values])
    return out.getvalue()


def _picked(trial: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    return [trial.get(name) for name in names]


def _cell(value: Any) -> str:
    """A value as a cell. A text that a spreadsheet would run as a formula gets a quote in front."""
    if value is None:
        return ""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return str(value)
