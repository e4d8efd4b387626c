"""Rows of the database as the facts that a task's record is made of. A fixed number of queries for any number of tasks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Max, Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from apps.dialects.wmla.models import Submission
from apps.trials.models import Kind, Measurement, Trial
from tunebook.fields import Fields
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL, LIVE_TRIAL, TrialStatus
from tunebook.wire import wmla

COLUMNS = (
    "experiment_id",
    "number",
    "key",
    "status",
    "params",
    "value",
    "best_value",
    "last_step",
    "started",
    "ended",
    "restart_of__number",
)


def in_state(wanted: QuerySet[Submission], state: str) -> list[int]:
    """The ids of the tasks in one state, or of all where none is named. One query."""
    known = wanted.values_list("pk", "experiment__status", "experiment__trial_count", "experiment__best_trial")
    return [
        pk
        for pk, status, count, best in known
        if not state or wmla.task_state(status, has_started=count > 0, has_result=best is not None) == state.upper()
    ]


def records(found: Sequence[Submission], *, with_metrics: bool = False) -> list[dict[str, Any]]:
    """The records of tasks. One query for all their trials; with metrics two more where a task asks for some."""
    trials: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    wanted = [one.experiment_id for one in found]
    for row in Trial.objects.filter(experiment__in=wanted).order_by("number").values_list(*COLUMNS):
        trials[row[0]].append(row[1:])
    return [_record(one, trials[one.experiment_id], with_metrics=with_metrics) for one in found]


def _record(one: Submission, rows: list[tuple[Any, ...]], *, with_metrics: bool) -> dict[str, Any]:
    document = json.loads(one.experiment.submitted or "{}")
    metrics = _metrics(one, document) if with_metrics else {}
    experiment = one.experiment
    kept = _latest(rows)
    shown = {
        number: wmla.Trial(
            number=number,
            key=key,
            status=status,
            params=params,
            value=None if status == TrialStatus.FAILED else best if value is None else value,
            step=step,
            started=started,
            ended=ended,
            metrics=metrics.get(key, ()),
        )
        for number, key, status, params, value, best, step, started, ended in kept.values()
    }
    places = {number: place for place, number in enumerate(kept)}
    statuses = [trial.status for trial in shown.values()]
    complete = sum(status in ENDED_TRIAL for status in statuses)
    listed = len(document.get("experiments") or ())
    planned = min(experiment.max_trials or listed, listed) if listed else experiment.max_trials
    has_ended = experiment.status in ENDED_EXPERIMENT
    facts = wmla.Facts(
        name=one.name,
        status=experiment.status,
        creator=experiment.creator.get_username(),
        created=experiment.created,
        now=timezone.now(),
        started=experiment.started,
        ended=experiment.ended,
        running=sum(status in LIVE_TRIAL for status in statuses),
        complete=complete,
        failed=sum(status == TrialStatus.FAILED for status in statuses),
        total=len(shown) if planned is None or has_ended else max(planned, len(shown)),
        best=places.get(experiment.best_trial) if experiment.best_trial is not None else None,
        reason=experiment.reason,
        trials=[_placed(trial, place) for place, trial in enumerate(shown.values())],
    )
    return wmla.task(document, facts)


def _latest(rows: list[tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    """Trials by number, those that were tried again after a stop replaced by their latest try, in the place of the first."""
    first_of: dict[int, int] = {}
    last: dict[int, tuple[Any, ...]] = {}
    for *row, original in rows:
        first = row[0] if original is None else first_of.get(original, original)
        first_of[row[0]] = first
        last[first] = tuple(row)
    return {row[0]: row for row in last.values()}


def _placed(trial: wmla.Trial, place: int) -> wmla.Trial:
    return wmla.Trial(**{**trial.__dict__, "number": place})


def _metrics(one: Submission, document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Least, largest and latest value of the additional metrics, by the trial's key. Two queries, none without any."""
    names = list(wmla.additional_metrics(Fields(document, "").inside("algoDef")))
    if not names:
        return {}
    rows = Measurement.objects.filter(
        trial__experiment=one.experiment, name__in=names, kind=Kind.FINITE, attempt=F("trial__attempt_count")
    )
    newest = rows.filter(trial=OuterRef("trial"), name=OuterRef("name")).order_by("-step").values("pk")[:1]
    latest = {
        (key, name): value
        for key, name, value in rows.filter(pk=Subquery(newest)).values_list("trial__key", "name", "value")
    }
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, name, low, high in (
        rows.order_by("trial__key", "name")
        .values_list("trial__key", "name")
        .annotate(low=Min("value"), high=Max("value"))
    ):
        found[key].append({"name": name, "min": low, "max": high, "latest": latest.get((key, name))})
    return found
