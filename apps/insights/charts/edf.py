"""How the results are distributed: for each value, the share of succeeded trials at least as good or as low."""

from __future__ import annotations

import math
from collections.abc import Mapping

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import Payload, shorts
from apps.insights.wording import metric
from apps.trials.models import Trial
from tunebook.objective import Objective
from tunebook.status import TrialStatus

MOST = 400


def edf(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """The values of succeeded trials in order with the share that is at most as large; thinned to 400. One query."""
    objective = Objective.from_dict(experiment.job["objective"])
    rows = trials.filter(status=TrialStatus.FINISHED, value__isnull=False)
    values = sorted(value for value in rows.order_by().values_list("value", flat=True) if value is not None)
    finite = [value for value in values if math.isfinite(value)]
    places = _places(len(finite))
    return {
        "chart": "edf",
        "goal": objective.goal,
        "metric": metric(objective.name),
        "total": len(finite),
        "value": shorts(finite[place] for place in places),
        "share": [round((place + 1) / len(finite), 4) for place in places],
    }


def _places(count: int) -> list[int]:
    """Evenly chosen places with both ends."""
    if count <= MOST:
        return list(range(count))
    return [round(index * (count - 1) / (MOST - 1)) for index in range(MOST)]
