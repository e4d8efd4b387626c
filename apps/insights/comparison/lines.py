"""The lines of a comparison: best so far, distributions of results, curves. All of one objective, below sixty kilobytes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import Payload, digits, shorts, thin_line
from apps.insights.comparison.hues import Look
from apps.insights.wording import metric
from apps.trials.history import series_name
from apps.trials.models import Measurement, Trial, number_of
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.status import TrialStatus

MOST_STEPS = 1_200
"""Steps of all lines together; each has a number, a time, a cost and a value on both lines."""
MOST_SHARES = 2_800
MOST_POINTS = 3_600

Looks = Mapping[str, Look]
One = TypeVar("One")


class Row(NamedTuple):
    """What the best so far is worked out from, and what it cost."""

    number: int
    value: float | None
    ended: float
    took: float


def best_so_far(experiments: Sequence[Experiment], shown: Looks) -> Payload:
    """For each experiment its improvements over trials, and over time and summed trial time. One query."""
    objective = Objective.from_dict(experiments[0].job["objective"])
    most = max(20, MOST_STEPS // len(experiments))
    rows = _ended(experiments)
    series = [_steps(one, rows[one.pk], objective, most) for one in experiments]
    return _payload("compare-best", experiments, shown, objective, series)


def _ended(experiments: Sequence[Experiment]) -> dict[int, list[Row]]:
    """Ended trials by experiment; times in seconds since its start."""
    began = {one.pk: one.started or one.created for one in experiments}
    found: dict[int, list[Row]] = defaultdict(list)
    rows = Trial.objects.filter(experiment__in=list(began), excluded=False, ended__isnull=False)
    columns = ("experiment_id", "number", "status", "value", "ended", "started")
    for pk, number, status, value, ended, started in rows.order_by("experiment_id", "number").values_list(*columns):
        counts = status == TrialStatus.FINISHED and value is not None and math.isfinite(value)
        took = max((ended - started).total_seconds(), 0.0) if started else 0.0
        found[pk].append(Row(number, value if counts else None, max((ended - began[pk]).total_seconds(), 0.0), took))
    return found


def _steps(experiment: Experiment, rows: Sequence[Row], objective: Objective, most: int) -> Payload:
    by_number = thinned([rows[place] for place in _improvements(rows, objective)], most)
    in_time = sorted(rows, key=lambda row: (row.ended, row.number))
    spent, costs = 0.0, {}
    for row in in_time:
        spent += row.took
        costs[row.number] = spent
    by_time = thinned([in_time[place] for place in _improvements(in_time, objective)], most)
    return {
        "number": [row.number for row in by_number],
        "best": shorts(row.value for row in by_number),
        "time": [digits(row.ended, 6) for row in by_time],
        "cost": [digits(costs[row.number], 6) for row in by_time],
        "value": shorts(row.value for row in by_time),
        "trial": [row.number for row in by_time],
        "until": {
            "number": max((row.number for row in rows), default=0),
            "time": digits(in_time[-1].ended, 6) if in_time else 0,
            "cost": digits(spent, 6),
        },
    }


def _improvements(rows: Iterable[Row], objective: Objective) -> Iterable[int]:
    best: float | None = None
    for place, row in enumerate(rows):
        if row.value is not None and (best is None or objective.is_better(row.value, best)):
            best = row.value
            yield place


def thinned(rows: Sequence[One], most: int) -> Sequence[One]:
    """At most so many, evenly, with both ends."""
    if len(rows) <= most:
        return rows
    return [rows[round(index * (len(rows) - 1) / (most - 1))] for index in range(most)]


def distributions(experiments: Sequence[Experiment], shown: Looks) -> Payload:
    """For each experiment the results in order, with the share of trials that is at most so large. One query."""
    objective = Objective.from_dict(experiments[0].job["objective"])
    rows = Trial.objects.filter(
        experiment__in=[one.pk for one in experiments],
        status=TrialStatus.FINISHED,
        value__isnull=False,
        excluded=False,
    )
    values: dict[int, list[float]] = defaultdict(list)
    for pk, value in rows.order_by().values_list("experiment_id", "value"):
        if value is not None and math.isfinite(value):
            values[pk].append(value)
    most = max(20, MOST_SHARES // len(experiments))
    series = [_shares(sorted(values[one.pk]), most) for one in experiments]
    return _payload("compare-edf", experiments, shown, objective, series)


def _shares(values: Sequence[float], most: int) -> Payload:
    places = thinned(range(len(values)), most)
    return {
        "total": len(values),
        "value": shorts(values[place] for place in places),
        "share": [round((place + 1) / len(values), 4) for place in places],
    }


def _payload(
    chart: str, experiments: Sequence[Experiment], shown: Looks, objective: Objective, series: Sequence[Payload]
) -> Payload:
    return {
        "chart": chart,
        "goal": objective.goal,
        "metric": metric(objective.name),
        "series": [
            {"name": str(one), "key": one.key, "hue": shown[one.key].hue, "dashed": shown[one.key].dashed, **drawn}
            for one, drawn in zip(experiments, series, strict=True)
        ],
    }


def curves_of(trials: Sequence[Trial], jobs: Mapping[int, Job], shown: Looks, names: Mapping[str, str]) -> Payload:
    """The learning curve of each trial; looks and names by the trial's key. One query.

    jobs: the declaration of each experiment, by its row; they share an objective.
    """
    objective = jobs[trials[0].experiment_id].objective
    points = _points(trials, jobs)
    most = max(20, MOST_POINTS // len(trials))
    series = []
    for trial in trials:
        line = thin_line(points.get(trial.pk, ()), most)
        series.append(
            {
                "name": names[trial.key],
                "key": trial.key,
                "hue": shown[trial.key].hue,
                "dashed": shown[trial.key].dashed,
                "step": [step for step, _ in line],
                "value": shorts(value for _, value in line),
            }
        )
    return {"chart": "compare-curves", "goal": objective.goal, "metric": metric(objective.name), "series": series}


def _points(trials: Sequence[Trial], jobs: Mapping[int, Job]) -> dict[int, list[tuple[float, float]]]:
    """For each trial (by row) the objective's value at each step, of its newest attempt that reached it."""
    names = {trial.pk: series_name(jobs[trial.experiment_id].objective) for trial in trials}
    rows: QuerySet[Measurement] = Measurement.objects.filter(trial__in=list(names), name__in=set(names.values()))
    found: dict[int, dict[int, float]] = defaultdict(dict)
    ordered = rows.order_by("trial_id", "attempt", "step").values_list("trial_id", "name", "step", "value", "kind")
    for pk, name, step, value, kind in ordered:
        if name == names[pk]:
            found[pk][step] = number_of(value, kind)
    return {pk: sorted(line.items()) for pk, line in found.items()}
