"""Rows to the numbers that charts draw: column-oriented, six significant digits, thinned, never more than a few queries.

A chart is a function (experiment, trials) -> payload and one line in CHARTS; its drawing lives in static/js/charts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2s

from django.db.models import QuerySet

from apps.dashboard.charts.curves import curves
from apps.dashboard.charts.history import history
from apps.dashboard.charts.numbers import Payload
from apps.dashboard.charts.tables import table
from apps.dashboard.charts.trial_curve import trial_curve
from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.trials.models import Trial

__all__ = ["CHARTS", "Payload", "build", "etag", "table", "trial_curve"]

CHARTS: Mapping[str, Callable[[Experiment, QuerySet[Trial]], Payload]] = {
    "history": history,
    "curves": curves,
}


def build(name: str, experiment: Experiment, trials: QuerySet[Trial] | None = None) -> Payload:
    """The payload of a chart over these trials, or over all of the experiment. KeyError for an unknown name."""
    chosen = Trial.objects.filter(experiment=experiment) if trials is None else trials
    return CHARTS[name](experiment, chosen)


def etag(experiment: Experiment, query: str = "") -> str:
    """A weak tag that changes with every event of the experiment and with the query string. Two queries."""
    cursor = reading.cursor(experiment_stream(experiment.key))
    asked = blake2s(query.encode(), digest_size=6).hexdigest()
    return f'W/"{cursor}:{asked}"'
