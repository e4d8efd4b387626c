"""Learning curves of many trials: the running ones, the best and the newest, each thinned to a line of pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db.models import QuerySet

from apps.dashboard.charts.numbers import Payload, short, shorts, thin_line
from apps.experiments.models import Experiment
from apps.trials.history import Curve
from apps.trials.history import curves as curves_of
from apps.trials.models import Trial
from tunebook.objective import Objective
from tunebook.status import LIVE_TRIAL, TrialStatus

MOST_CURVES = 200
MOST_READ = 100_000
"""Measurements read for one chart; longer curves make fewer of them."""
POINTS = 80


class Row(NamedTuple):
    """What decides whether a trial's curve is drawn."""

    pk: int
    number: int
    status: str
    value: float | None
    value_count: int


def curves(experiment: Experiment, trials: QuerySet[Trial]) -> Payload:
    """The curves worth drawing. Two queries."""
    objective = Objective.from_dict(experiment.job["objective"])
    columns = ("pk", "number", "status", "value", "value_count")
    rows = [Row(*row) for row in trials.filter(value_count__gt=0).order_by("number").values_list(*columns)]
    chosen = choose(rows, objective)
    known = curves_of(experiment, objective, [row.pk for row in chosen])
    return draw(chosen, known, objective) | {"total": len(rows)}


def choose(rows: Sequence[Row], objective: Objective, most: int = MOST_CURVES, read: int = MOST_READ) -> list[Row]:
    """The live ones, the better half of what remains to choose, and the newest; in order of number."""
    wanted = [*_live(rows), *ranked(rows, objective)[: most // 2], *reversed(rows)]
    chosen: dict[int, Row] = {}
    for row in wanted:
        if len(chosen) >= most or (chosen and read < row.value_count):
            break
        if row.pk not in chosen:
            read -= row.value_count
            chosen[row.pk] = row
    return sorted(chosen.values(), key=lambda row: row.number)


def _live(rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if row.status in LIVE_TRIAL)


def ranked(rows: Iterable[Row], objective: Objective) -> list[Row]:
    """The succeeded ones, best first."""
    finished = [row for row in rows if row.status == TrialStatus.FINISHED and row.value is not None]
    sign = -1 if objective.is_better(1.0, 0.0) else 1
    return sorted(finished, key=lambda row: (sign * (row.value or 0.0), row.number))


def draw(rows: Sequence[Row], known: dict[int, Curve], objective: Objective) -> Payload:
    best = next(iter(ranked(rows, objective)), None)
    return {
        "chart": "curves",
        "goal": objective.goal,
        "metric": objective.name,
        "best": best.number if best else None,
        "best_value": short(best.value) if best else None,
        "trials": [_line(row, known[row.pk]) for row in rows if row.pk in known],
    }


def _line(row: Row, curve: Curve) -> Payload:
    points = thin_line(curve, POINTS)
    return {
        "number": row.number,
        "status": row.status,
        "step": [step for step, _ in points],
        "value": shorts(value for _, value in points),
    }
