"""Trials with their parameters, for every chart that draws them: parallel coordinates, slices, rank.

All of few trials; of many the best ones and an even choice of the rest, so many as sixty kilobytes hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.insights.charts.axes import axis, is_number, label, tried
from apps.insights.charts.numbers import Payload, digits, shorts, whole
from apps.insights.wording import metric
from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.status import ENDED_TRIAL, TrialStatus

MOST_BYTES = 52_000
MOST_ROWS = 1_500
MOST_AXES = 12
BEST = 200
POSITIONS = 500
"""How many places on a linear axis are told apart at least; ten times as many at most."""
MANY_TIMES = 100
"""How much larger the end of a logarithmic axis must be than its beginning for three digits to do."""
CELL, HEAD = 6, 18  # bytes of one parameter and of number, status and value, about


class Row(NamedTuple):
    """What decides whether a trial is among those drawn."""

    pk: int
    number: int
    status: str
    value: float | None


def sample(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """Number, status, value and parameters of ended trials, one column each; axes by importance. Three queries."""
    job = Job.from_dict(experiment.job)
    leaves = job.space.leaves()
    names = by_importance(experiment, list(leaves))[:MOST_AXES]
    ended = trials.filter(status__in=ENDED_TRIAL).order_by("number")
    rows = [Row(*row) for row in ended.values_list("pk", "number", "status", "value")]
    most = max(100, min(MOST_ROWS, MOST_BYTES // (HEAD + CELL * max(1, len(names)))))
    chosen, how = choose(rows, job.objective, most)
    params = dict(Trial.objects.filter(pk__in=[row.pk for row in chosen]).values_list("pk", "params"))
    flats = [job.space.flatten(params.get(row.pk) or {}) for row in chosen]
    columns = [[tried(flat, name) for flat in flats] for name in names]
    axes = [axis(name, leaves[name][0], column) for name, column in zip(names, columns, strict=True)]
    statuses = sorted({row.status for row in chosen})
    places = {status: place for place, status in enumerate(statuses)}
    return {
        "chart": "sample",
        "goal": job.objective.goal,
        "metric": metric(job.objective.name),
        "total": len(rows),
        "how": how,
        "left_out": [name for name in leaves if name not in names],
        "axes": axes,
        "columns": [_column(one, column) for one, column in zip(axes, columns, strict=True)],
        "number": [row.number for row in chosen],
        "statuses": statuses,
        "status": [places[row.status] for row in chosen],
        "value": shorts(row.value for row in chosen),
    }


def by_importance(experiment: Experiment, names: Sequence[str]) -> list[str]:
    """The names, those that matter most first where that is known. One query."""
    found = keeping.newest(experiment).document.get("importance") or {}
    place = {one["name"]: place for place, one in enumerate(found.get("shares", ()))}
    return sorted(names, key=lambda name: place.get(name, len(place)))


def choose(rows: Sequence[Row], objective: Objective, most: int) -> tuple[list[Row], str]:
    """The rows to draw, in order of number, and how they were chosen in words; none for all."""
    if len(rows) <= most:
        return list(rows), ""
    valued = [row for row in rows if row.status == TrialStatus.FINISHED and _finite(row.value)]
    valued.sort(key=lambda row: (objective.sign * (row.value or 0.0), row.number))
    best = valued[: min(BEST, most // 3)]
    taken = {row.pk for row in best}
    rest = [row for row in rows if row.pk not in taken]
    room = most - len(best)
    even = [rest[index * len(rest) // room] for index in range(room)]
    how = f"the {len(best)} best and one in {math.ceil(len(rest) / room)} of the others"
    return sorted([*best, *even], key=lambda row: row.number), how


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _column(one: Payload, column: Sequence[Any]) -> list[Any]:
    """A parameter's values: of a category the place of its label, of numbers so much as an axis shows; None: not active."""
    if one["scale"] == "category":
        places = {text: place for place, text in enumerate(one["values"])}
        return [None if value is None else places[label(value)] for value in column]
    shown = _shortening(one)
    return [shown(value) if is_number(value) else None for value in column]


def _shortening(one: Payload) -> Callable[[float], float]:
    """How to write a number so that its place on the axis stays: few digits on a long one, decimals by the span else."""
    low, high = one["min"], one["max"]
    if one["scale"] == "log":
        return lambda value: digits(value, 3 if high >= MANY_TIMES * low else 4)
    places = -math.floor(math.log10((high - low) / POSITIONS)) if high > low else 0
    return lambda value: whole(round(value, places)) if places > 0 else digits(value)
