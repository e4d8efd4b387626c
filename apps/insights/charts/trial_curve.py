"""The learning curve of one trial, beside the best trial's and the median of the others."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from apps.insights.charts.curves import MOST_READ, Row, choose, ranked
from apps.insights.charts.numbers import Payload, Point, shorts, thin_line
from apps.insights.wording import metric
from apps.trials.history import Curve, latest
from apps.trials.history import curves as curves_of
from apps.trials.models import Trial
from tunebook.objective import Objective

OTHERS = 60
FEWEST = 3
POINTS = 400


def trial_curve(trial: Trial) -> Payload:
    """This trial's curve with its two comparisons, each as step and value. Two queries beside the experiment's."""
    experiment = trial.experiment
    objective = Objective.from_dict(experiment.job["objective"])
    reported = Trial.objects.filter(experiment=experiment, value_count__gt=0).order_by("number")
    rows = [Row(*row) for row in reported.values_list(*Row._fields)]
    chosen = choose(rows, objective, most=OTHERS, read=MOST_READ - trial.value_count)
    known = curves_of(objective, latest([trial, *chosen]))
    best = next(iter(ranked(chosen, objective)), None)
    others = [curve for pk, curve in known.items() if pk != trial.pk]
    payload = {
        "chart": "curve",
        "number": trial.number,
        "goal": objective.goal,
        "metric": metric(objective.name),
        "this": _columns(known.get(trial.pk, ())),
        "median": _columns(median_curve(others)),
    }
    if best is not None and best.pk != trial.pk:
        payload["best"] = _columns(known.get(best.pk, ())) | {"number": best.number}
    return payload


def median_curve(curves: Iterable[Curve]) -> list[Point]:
    """At each step the middle of what the curves had there, where at least three had come so far."""
    values: dict[int, list[float]] = defaultdict(list)
    for curve in curves:
        for step, value in curve:
            if math.isfinite(value):
                values[step].append(value)
    return [(step, median(values[step])) for step in sorted(values) if len(values[step]) >= FEWEST]


def _columns(points: Iterable[Point]) -> Payload:
    kept = thin_line(list(points), POINTS)
    return {"step": [step for step, _ in kept], "value": shorts(value for _, value in kept)}
