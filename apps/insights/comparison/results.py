"""What came of several experiments, as numbers that can stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Min, OuterRef, Q, Subquery, Sum

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.insights.models import Insight, State
from apps.trials.models import Trial
from tunebook.status import TrialStatus


@dataclass(frozen=True)
class Result:
    """`cost` is the time of all trials together; `reached` the first trial that came to the common level."""

    cost: timedelta | None
    reached: int | None
    reached_after: timedelta | None


def common_level(experiments: Sequence[Experiment]) -> float | None:
    """The value that each of them has come to: the worst of their bests. They share a goal."""
    bests = [one.best_value for one in experiments if one.best_value is not None]
    if len(bests) < 2:
        return None
    return max(bests) if experiments[0].goal == "minimize" else min(bests)


def results(experiments: Sequence[Experiment], level: float | None) -> dict[str, Result]:
    """Experiment key -> its result; `level` is what a trial must have come to. One query."""
    took = ExpressionWrapper(F("ended") - F("started"), output_field=DurationField())
    good = Q(status=TrialStatus.FINISHED, excluded=False)
    if level is not None:
        good &= Q(**{"value__lte" if experiments[0].goal == "minimize" else "value__gte": level})
    rows = Trial.objects.filter(experiment__in=[one.pk for one in experiments], ended__isnull=False)
    summed = rows.order_by().values("experiment_id")
    summed = summed.annotate(cost=Sum(took), first=Min("number", filter=good), at=Min("ended", filter=good))
    known: dict[int, dict[str, Any]] = {row["experiment_id"]: dict(row) for row in summed}
    return {one.key: _result(one, known.get(one.pk, {}), level) for one in experiments}


def _result(experiment: Experiment, row: dict[str, Any], level: float | None) -> Result:
    if level is None or row.get("at") is None:
        return Result(row.get("cost"), None, None)
    began: datetime = experiment.started or experiment.created
    return Result(row["cost"], row["first"], row["at"] - began)


def shares_of(experiments: Sequence[Experiment]) -> dict[str, dict[str, dict[str, float]]]:
    """Experiment key -> parameter -> its importance with share and spread, where it was worked out. Three queries at most.

    Asks an optimizer for what nobody has asked for yet.
    """
    done = Insight.objects.filter(experiment=OuterRef("experiment"), state=State.DONE).order_by("-ended")
    rows = Insight.objects.filter(
        experiment__in=[one.pk for one in experiments], state=State.DONE, ended=Subquery(done.values("ended")[:1])
    )
    keys = {one.pk: one.key for one in experiments}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for pk, document in rows.values_list("experiment_id", "document"):
        told = ((document or {}).get("importance") or {}).get("shares", [])
        found[keys[pk]] = {one["name"]: one for one in told}
    keeping.want_first([one for one in experiments if one.key not in found])
    return found
