"""Findings are worked out by an optimizer, not in a request: who wants them leaves a row, who works takes one.

They are wanted anew when a quarter more trials have ended than last time, so that a long experiment is looked at some
thirty times in all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError
from django.db.models import DateTimeField, ExpressionWrapper, F, Max, Q, Value
from django.db.models.functions import Now

from apps.experiments.models import Experiment
from apps.insights.models import Insight, State
from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.status import TrialStatus

FIRST = 5
"""Ended trials from which on there can be anything to say."""
GROWTH = 1.25
HOLD = timedelta(seconds=120)
MOST_RESULTS = 4_000
MOST_FAILED = 2_000
LATEST = 5
"""Rows looked at for the newest findings: one that waits, one that is worked on, and some that failed."""


@dataclass(frozen=True)
class Known:
    """The newest findings of an experiment, and whether newer ones are on their way."""

    insight: Insight | None
    pending: Insight | None

    @property
    def document(self) -> dict[str, Any]:
        return (self.insight.document if self.insight is not None else None) or {}


def due_at(ended: int) -> int:
    """How many trials must have ended before it is worth another look."""
    return max(ended + 1, math.ceil(ended * GROWTH), FIRST)


def newest(experiment: Experiment, upto: int | None = None) -> Known:
    """What is known of an experiment, or was known when no trial beyond `upto` was. One query."""
    rows = Insight.objects.filter(experiment=experiment).order_by("-ended")
    if upto is not None:
        rows = rows.filter(upto__lte=upto)
    found = list(rows[:LATEST])
    done = next((one for one in found if one.state == State.DONE), None)
    pending = found[0] if found and found[0].state != State.DONE and upto is None else None
    return Known(done, pending)


def want(experiment_id: int, ended: int, *, final: bool = False) -> bool:
    """Ask for findings from so many ended trials; False when they are there or asked for. One query, three to ask.

    `final` ones, of an experiment that has ended, are wanted whenever anything is new.
    """
    if ended < FIRST:
        return False
    last = Insight.objects.filter(experiment=experiment_id).aggregate(last=Max("ended"))["last"] or 0
    if ended < (last + 1 if final else due_at(last)):
        return False
    # what still waits is overtaken: only the newest is worth the work
    Insight.objects.filter(experiment=experiment_id, state=State.WANTED).delete()
    made = Insight.objects.bulk_create([Insight(experiment_id=experiment_id, ended=ended)], ignore_conflicts=True)
    return bool(made)


def want_first(experiments: Iterable[Experiment]) -> None:
    """Ask for findings of those of which nobody ever asked for any, where enough trials have ended. Two queries at most."""
    ready = {one.pk: one.ended_count for one in experiments if one.ended_count >= FIRST}
    asked = set(Insight.objects.filter(experiment__in=list(ready)).values_list("experiment_id", flat=True))
    rows = [Insight(experiment_id=pk, ended=ended) for pk, ended in ready.items() if pk not in asked]
    if rows:
        with suppress(OperationalError):  # as below
            Insight.objects.bulk_create(rows, ignore_conflicts=True)


def look(experiment: Experiment, upto: int | None = None) -> Known:
    """What is known; asks for newer findings where enough trials have ended since. One query, up to three the first time."""
    known = newest(experiment, upto)
    last = max((one.ended for one in (known.insight, known.pending) if one is not None), default=0)
    if upto is None and known.pending is None and experiment.ended_count > last:
        with suppress(OperationalError):  # a database that cannot be written is no reason not to show what is known
            asked = want(experiment.pk, experiment.ended_count, final=experiment.has_ended)
            known = newest(experiment) if asked else known
    return known


def claim() -> Insight | None:
    """Take the next findings to work out, if any; nobody else gets them for two minutes. Up to two queries."""
    free = Q(state=State.WANTED) | Q(state=State.WORKING, until__lt=Now())
    found = Insight.objects.filter(free, done=None).order_by("asked").select_related("experiment").first()
    if found is None:
        return None
    taken = Insight.objects.filter(free, pk=found.pk).update(state=State.WORKING, until=_end_of_hold())
    return found if taken else None


def hold(insight: Insight) -> None:
    """Go on working on it for another two minutes. One query."""
    Insight.objects.filter(pk=insight.pk, state=State.WORKING).update(until=_end_of_hold())


def _end_of_hold() -> ExpressionWrapper:
    return ExpressionWrapper(Now() + Value(HOLD), output_field=DateTimeField())


def request(insight: Insight) -> dict[str, Any]:
    """What `tunebook.findings` is asked. Two queries."""
    experiment = insight.experiment
    job = Job.from_dict(experiment.job)
    rows = Trial.objects.filter(experiment=experiment, excluded=False)
    columns = ("number", "params", "value", "last_value", "status")
    told = rows.filter(
        Q(status=TrialStatus.FINISHED, value__isnull=False)
        | Q(status=TrialStatus.EARLY_STOPPED, last_value__isnull=False)
    )
    step = max(1, math.ceil((experiment.finished_count + experiment.early_stopped_count) / MOST_RESULTS))
    thinned = told.alias(place=F("number") % step).filter(place=0) if step > 1 else told
    results = [
        [params, value if value is not None else last]
        for _, params, value, last, _ in thinned.order_by("number").values_list(*columns)
    ]
    failed = rows.filter(status=TrialStatus.FAILED).order_by("-number").values_list("number", "params", "reason")
    return {
        "space": job.space.to_dict(),
        "objective": job.objective.to_dict(),
        "results": results,
        "failed": [list(one) for one in failed[:MOST_FAILED]],
        "seed": experiment.seed % 2**32,
    }


def keep(insight: Insight, document: dict[str, Any]) -> None:
    """Store what was found. One query beside the highest number's."""
    upto = Trial.objects.filter(experiment=insight.experiment_id).aggregate(last=Max("number"))["last"]
    Insight.objects.filter(pk=insight.pk).update(
        state=State.DONE, document=document, done=Now(), until=None, message="", upto=upto if upto is not None else -1
    )


def give_up(insight: Insight, why: str) -> None:
    """Note that it could not be worked out; the next one is asked for when there are more trials."""
    Insight.objects.filter(pk=insight.pk).update(state=State.FAILED, message=why[:2000], done=Now(), until=None)
