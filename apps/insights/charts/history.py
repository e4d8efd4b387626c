"""Optimisation history: one point per trial, those that were the best when they came always among them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import DateTimeField, QuerySet, Value

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import MOST_POINTS, Payload, shorts
from apps.insights.wording import metric
from apps.trials.models import Trial
from apps.trials.spans import Seconds
from tunebook.objective import Objective
from tunebook.status import TrialStatus

PER_BUCKET = 4


class Row(NamedTuple):
    """What a point is made of."""

    number: int
    status: str
    value: float | None
    last_value: float | None
    ended: float | None
    """Seconds after the start of the experiment."""
    took: float | None = None

    @property
    def shown(self) -> float | None:
        """The result, or how far it has come."""
        return self.value if self.value is not None else self.last_value


def history(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """The columns number, status, value, ended (seconds after the start) and cost of an experiment's trials. One query.

    The cost of a trial is the time all trials had taken together when it ended.
    """
    began = experiment.started or experiment.created
    start = Value(began, output_field=DateTimeField())
    # the database reckons with moments: making 20,000 of them takes Python as long as all the rest
    timed = trials.order_by("number").annotate(after=Seconds(start, "ended"), seconds=Seconds("started", "ended"))
    rows = [Row(*row) for row in timed.values_list("number", "status", "value", "last_value", "after", "seconds")]
    objective = Objective.from_dict(experiment.job["objective"])
    payload = draw(rows, objective, began)
    return payload | {"max_trials": experiment.max_trials}


def draw(rows: Sequence[Row], objective: Objective, started: datetime) -> Payload:
    """The payload of rows in order of number."""
    kept = thin(rows, objective)
    statuses = sorted({row.status for row in kept})
    places = {status: place for place, status in enumerate(statuses)}
    spent = costs(rows)
    return {
        "chart": "history",
        "goal": objective.goal,
        "metric": metric(objective.name),
        "started": started.isoformat(),
        "total": len(rows),
        "number": [row.number for row in kept],
        "statuses": statuses,
        "status": [places[row.status] for row in kept],
        "value": shorts(row.shown for row in kept),
        "ended": [None if row.ended is None else _rounded(row.ended) for row in kept],
        "cost": [_rounded(spent[row.number]) if row.number in spent else None for row in kept],
        "spent": _rounded(max(spent.values(), default=0.0)),
    }


def costs(rows: Iterable[Row]) -> dict[int, float]:
    """Trial number -> seconds that all trials had taken when it ended, each trial's own time counted when it ended."""
    ended = sorted((row.ended, row.number, row.took) for row in rows if row.ended is not None and row.took is not None)
    spent, sums = 0.0, {}
    for _, number, took in ended:
        spent += max(took, 0.0)
        sums[number] = spent
    return sums


def _rounded(seconds: float) -> float:
    return round(seconds, 1) if seconds < 10_000 else round(seconds)


def thin(rows: Sequence[Row], objective: Objective, most: int = MOST_POINTS) -> Sequence[Row]:
    """At most about so many rows, evenly over the numbers: the extremes and odd ones of each part, and all improvements.

    Of improvements that would take more than half of the room an even choice, with the first and the last.
    """
    if len(rows) <= most:
        return rows
    better = list(improvements(rows, objective))
    if len(better) > most // 2:
        better = [better[round(place * (len(better) - 1) / (most // 2 - 1))] for place in range(most // 2)]
    kept = set(better)
    buckets = max(1, (most - len(kept)) // PER_BUCKET)
    for index in range(buckets):
        start, end = index * len(rows) // buckets, (index + 1) * len(rows) // buckets
        kept.update(start + place for place in _telling(rows[start:end]))
    return [rows[place] for place in sorted(kept)]


def improvements(rows: Iterable[Row], objective: Objective) -> Iterable[int]:
    """The places of succeeded trials that beat all before them."""
    best: float | None = None
    for place, row in enumerate(rows):
        value = row.value
        if row.status != TrialStatus.FINISHED or value is None or not math.isfinite(value):
            continue
        if best is None or objective.is_better(value, best):
            best = value
            yield place


def _telling(part: Sequence[Row]) -> set[int]:
    """The lowest, the highest and a middle one, and one that did not succeed."""
    valued = [place for place, row in enumerate(part) if row.shown is not None and math.isfinite(row.shown)]
    valued.sort(key=lambda place: part[place].shown or 0.0)
    odd = next((place for place, row in enumerate(part) if row.status != TrialStatus.FINISHED), None)
    telling = {valued[0], valued[len(valued) // 2], valued[-1]} if valued else set()
    return telling | ({odd} if odd is not None else set())
