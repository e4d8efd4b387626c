"""A study of Optuna, from its relational storage in a SQLite file or on PostgreSQL (tables of versions 3 to 5)."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tunebook.distribution import Distribution
from tunebook.distributions import Choice, LogUniform, QLogUniform, QUniform, Randint, Uniform
from tunebook.errors import SpecError
from tunebook.imports.document import Document, Point, chosen, document, goal_of, job, trial
from tunebook.imports.store import Store, opened

TABLES = ("studies", "study_directions", "trials", "trial_params", "trial_values", "trial_intermediate_values")
STATES = {
    "COMPLETE": "FINISHED",
    "PRUNED": "EARLY_STOPPED",
    "FAIL": "FAILED",
    "RUNNING": "RUNNING",
    "WAITING": "WAITING",
}
KINDS = {"FINITE": None, "INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
METRIC = "value"


def read_optuna(source: str, *, name: str = "", metric: str = "", goal: str = "") -> Document:
    """One study: parameters, values, intermediate values and states.

    metric: what to call the value, which Optuna gives no name. Of several objectives the first counts, the others are
    kept as metrics beside it.
    """
    with opened(source, TABLES, "storage of Optuna") as store:
        studies = {row["study_name"]: row["study_id"] for row in store.rows("SELECT * FROM studies")}
        study = chosen(name, studies, "study")
        return _study(store, study, studies[study], metric or METRIC, goal)


def _study(store: Store, name: str, key: int, metric: str, goal: str) -> Document:
    directions = store.rows("SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective", key)
    told = directions[0]["direction"].lower() if directions else "minimize"
    params, space = _params(store, key)
    values: dict[int, dict[int, float | None]] = defaultdict(dict)
    for row in store.rows(f"SELECT v.* FROM trial_values v {_OF_STUDY}", key):
        values[row["trial_id"]][row["objective"]] = _number(row["value"], row["value_type"])
    curves: dict[int, list[Point]] = defaultdict(list)
    for row in store.rows(f"SELECT v.* FROM trial_intermediate_values v {_OF_STUDY} ORDER BY v.step", key):
        value = _number(row["intermediate_value"], row["intermediate_value_type"])
        if value is not None:
            curves[row["trial_id"]].append((row["step"], value, None))
    notes = defaultdict(list)
    for row in store.rows(f"SELECT v.* FROM trial_user_attributes v {_OF_STUDY} ORDER BY v.key", key):
        notes[row["trial_id"]].append(f"{row['key']}: {row['value_json']}")
    trials = [
        trial(
            row["number"],
            params[row["trial_id"]],
            STATES.get(row["state"], "UNKNOWN"),
            value=values[row["trial_id"]].get(0),
            series=_series(metric, values[row["trial_id"]], curves[row["trial_id"]]),
            started=_moment(row["datetime_start"]),
            ended=_moment(row["datetime_complete"]),
            note="\n".join(notes[row["trial_id"]])[:4000],
        )
        for row in store.rows("SELECT * FROM trials WHERE study_id = ? ORDER BY number", key)
    ]
    declared = job(
        space, metric, goal_of(metric, goal or told.replace("not_set", "")), origin="Optuna", trials=len(trials)
    )
    return document(name=name, origin="Optuna", job=declared, trials=trials)


_OF_STUDY = "JOIN trials t ON t.trial_id = v.trial_id WHERE t.study_id = ?"


def _params(store: Store, key: int) -> tuple[dict[int, dict[str, Any]], dict[str, Distribution]]:
    """Each trial's parameters, and the space of all: what was declared last under each name."""
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    known: dict[str, Mapping[str, Any]] = {}
    for row in store.rows(f"SELECT v.* FROM trial_params v {_OF_STUDY} ORDER BY v.param_id", key):
        name, declared = row["param_name"], json.loads(row["distribution_json"])
        known[name] = declared
        attributes, value = declared["attributes"], row["param_value"]
        if "choices" in attributes:
            params[row["trial_id"]][name] = attributes["choices"][int(value)]
        else:
            params[row["trial_id"]][name] = int(value) if declared["name"].startswith("Int") else value
    return params, {name: _distribution(name, declared) for name, declared in known.items()}


def _distribution(name: str, declared: Mapping[str, Any]) -> Distribution:
    given, kind = declared["attributes"], declared["name"]
    if "choices" in given:
        return Choice(given["choices"])
    low, high, step = given["low"], given["high"], given.get("step") or given.get("q")
    is_log = given.get("log") or "Log" in kind
    if low == high:
        return Choice([low])
    if kind.startswith("Int"):
        if is_log:
            return QLogUniform.between(low, high, 1, clip=True)
        return Randint(high + 1, low) if step in (None, 1) else QUniform(low, high, step, from_min=True)
    if "Float" in kind or "Uniform" in kind:
        if is_log:
            return LogUniform.between(low, high)
        return QUniform(low, high, step, from_min=True) if step else Uniform(low, high)
    raise SpecError(f"space.{name}", f"is of a kind that is not known here: {kind}")


def _series(metric: str, values: Mapping[int, float | None], curve: list[Point]) -> dict[str, list[Point]]:
    """The curve of the first objective, or its one value; the other objectives as metrics of one point."""
    first = values.get(0)
    found = {metric: curve or ([] if first is None else [(0, first, None)])}
    others = ((place, value) for place, value in values.items() if place and value is not None)
    return found | {f"{metric}_{place}": [(0, value, None)] for place, value in others}


def _number(value: float | None, kind: str) -> float | None:
    return value if kind == "FINITE" else KINDS.get(kind)


def _moment(at: str | datetime | None) -> str | None:
    """Optuna writes the local time of the machine, without a zone."""
    if at is None:
        return None
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone().isoformat()
