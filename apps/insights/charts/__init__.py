"""Rows to the numbers that charts draw: column-oriented, few digits, thinned, never more than a few queries.

A chart is a function (experiment, trials, asked) -> payload and one line in CHARTS; its drawing lives in
static/js/charts. `asked` holds what a viewer chose beside the filter: the pair of a contour, the axis of curves. Every
payload stays below 60 kB however many trials there are, and says how it was thinned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2s

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.insights.charts.coding import coded
from apps.insights.charts.contour import contour
from apps.insights.charts.curves import curves
from apps.insights.charts.edf import edf
from apps.insights.charts.history import history
from apps.insights.charts.numbers import Payload, replayed
from apps.insights.charts.sample import by_importance, sample
from apps.insights.charts.shares import importance
from apps.insights.charts.tables import of_parameter, table
from apps.insights.charts.timeline import timeline
from apps.insights.charts.trial_curve import trial_curve
from apps.trials.models import Trial

__all__ = [
    "CHARTS",
    "Asked",
    "Payload",
    "build",
    "by_importance",
    "coded",
    "etag",
    "of_parameter",
    "replayed",
    "table",
    "trial_curve",
]

Asked = Mapping[str, str]
CHARTS: Mapping[str, Callable[[Experiment, QuerySet[Trial], Asked], Payload]] = {
    "history": history,
    "importance": importance,
    "curves": curves,
    "sample": sample,
    "contour": contour,
    "edf": edf,
    "timeline": timeline,
}


def build(
    name: str, experiment: Experiment, trials: QuerySet[Trial] | None = None, asked: Asked | None = None
) -> Payload:
    """The payload of a chart over these trials, or over all; excluded ones never count. KeyError for an unknown name.

    `after` in what was asked leaves the trials beyond that number out: the chart as it was then.
    """
    asked = asked or {}
    chosen = Trial.objects.filter(experiment=experiment) if trials is None else trials
    chosen = chosen.filter(excluded=False)
    after = replayed(asked)
    if after is not None:
        chosen = chosen.filter(number__lte=after)
    return CHARTS[name](experiment, chosen, asked)


def etag(experiment: Experiment, query: str = "") -> str:
    """A weak tag that changes with every event of the experiment, its findings among them, and with the query string.

    Two queries.
    """
    cursor = reading.cursor(experiment_stream(experiment.key))
    asked = blake2s(query.encode(), digest_size=6).hexdigest()
    return f'W/"{cursor}:{asked}"'
