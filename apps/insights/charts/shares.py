"""How much each parameter matters, as it was last worked out."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.insights.charts.numbers import Payload, replayed
from apps.insights.models import Insight, State
from apps.insights.wording import metric
from apps.trials.models import Trial

MOST = 12
FEWEST = 10
"""Results below which tunebook.importance says nothing."""
TRUSTED = (
    (0.7, "The forest behind it predicts results well."),
    (0.3, "The forest behind it predicts results roughly."),
)
DOUBTED = "The forest behind it hardly predicts results it was not shown: read this with care."


def importance(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """The kept shares, their age, and whether newer ones are coming; of all trials, whatever the filter. One query.

    Asks an optimizer for newer ones where a quarter more trials have ended.
    """
    return shares(experiment, keeping.look(experiment, replayed(asked)))


def shares(experiment: Experiment, known: keeping.Known) -> Payload:
    """The payload of what is known."""
    found = known.document.get("importance") or {}
    told = found.get("shares", [])[:MOST]
    return {
        "chart": "importance",
        "metric": metric(experiment.metric),
        "state": state(experiment, known),
        "fewest": FEWEST,
        "ended": known.insight.ended if known.insight is not None else 0,
        "ended_now": experiment.ended_count,
        "done": known.insight.done.isoformat() if known.insight is not None and known.insight.done else None,
        "name": [one["name"] for one in told],
        "share": [one["share"] for one in told],
        "spread": [one["spread"] for one in told],
        "together": found.get("together"),
        "fit": found.get("fit"),
        "trust": trust(found.get("fit")) if found else "",
        "results": found.get("results", 0),
    }


def state(experiment: Experiment, known: keeping.Known) -> str:
    """few, wanted, working, failed or done: whether there is something to show, else why not."""
    if known.document.get("importance"):
        return "done"
    pending: Insight | None = known.pending
    if pending is not None and pending.state == State.FAILED:
        return "failed"
    if pending is not None:
        return "working" if pending.state == State.WORKING else "wanted"
    return "few"


def trust(fit: float | None) -> str:
    """What the fit of the forest says about its shares."""
    if fit is None:
        return ""
    return next((words for least, words in TRUSTED if fit >= least), DOUBTED)
