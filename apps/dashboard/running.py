"""The trials that run now, each with the newest part of its curve."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import thin_line
from apps.trials.history import series_name
from apps.trials.models import Measurement, Trial, number_of
from tunebook.objective import Objective
from tunebook.status import LIVE_TRIAL

MOST_RUNNING = 20
MOST_READ = 400
"""About so many values of each curve are read: the newest ones."""
POINTS = 40

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Running:
    """A trial that runs, and its reported values by step, thinned; none of what is not finite."""

    trial: Trial
    curve: Line


def running(experiment: Experiment, objective: Objective) -> list[Running]:
    """The trials that hold a slot, the first twenty by number. Two queries."""
    trials = list(Trial.objects.filter(experiment=experiment, status__in=LIVE_TRIAL).order_by("number")[:MOST_RUNNING])
    lines = _curves([trial for trial in trials if trial.value_count], objective)
    return [Running(trial, thin_line(lines.get(trial.pk, []), POINTS)) for trial in trials]


def _curves(trials: Sequence[Trial], objective: Objective) -> dict[int, list[tuple[float, float]]]:
    if not trials:
        return {}
    wanted = Q()
    for trial in trials:
        wanted |= Q(trial=trial, step__gte=_first_step(trial)) if trial.value_count > MOST_READ else Q(trial=trial)
    rows = Measurement.objects.filter(wanted, name=series_name(objective)).order_by("trial_id", "attempt", "step")
    points: dict[int, dict[int, float]] = defaultdict(dict)
    for trial_id, step, value, kind in rows.values_list("trial_id", "step", "value", "kind"):
        points[trial_id][step] = number_of(value, kind)  # what a later attempt says of a step counts
    return {
        trial_id: [(step, value) for step, value in sorted(found.items()) if math.isfinite(value)]
        for trial_id, found in points.items()
    }


def _first_step(trial: Trial) -> int:
    """Where the newest values begin, if steps come evenly; those below 0 are taken for neighbours."""
    last = trial.last_step or 0
    return last - max(math.ceil(last / trial.value_count * MOST_READ), MOST_READ)
