"""Rows of the database as the facts that a task's record is made of. A fixed number of queries for any number of tasks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Max, Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from apps.dialects.wmla.models import Submission
from apps.experiments.models import Experiment
from apps.trials.models import Kind, Measurement, Trial
from tunebook.fields import Fields
from tunebook.status import ENDED_TRIAL, LIVE_TRIAL, TrialStatus
from tunebook.wire import wmla

COLUMNS = (
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
Row = dict[str, Any]
Metrics = Mapping[str, Sequence[Mapping[str, Any]]]


def in_state(wanted: QuerySet[Submission], state: str) -> list[int]:
    """The ids of the tasks in one state, or of all where none is named. One query."""
    known = wanted.values_list("pk", "experiment__status", "experiment__trial_count", "experiment__best_trial")
    return [
        pk
        for pk, status, count, best in known
        if not state or wmla.task_state(status, has_started=count > 0, has_result=best is not None) == state.upper()
    ]


def records(found: Sequence[Submission]) -> list[dict[str, Any]]:
    """The records of tasks, without their additional metrics. One query for all their trials."""
    trials: dict[int, list[Row]] = defaultdict(list)
    rows = Trial.objects.filter(experiment__in=[one.experiment_id for one in found]).order_by("number")
    for row in rows.values("experiment_id", *COLUMNS):
        trials[row.pop("experiment_id")].append(row)
    return [_record(one, _document(one), trials[one.experiment_id], {}) for one in found]


def record(one: Submission) -> dict[str, Any]:
    """The record of one task with everything. One query for its trials, two more where it asks for other metrics."""
    document = _document(one)
    rows = Trial.objects.filter(experiment=one.experiment_id).order_by("number").values(*COLUMNS)
    return _record(one, document, list(rows), _metrics(one, document))


def _document(one: Submission) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(one.experiment.submitted or "{}")
    return found


def _record(one: Submission, document: Mapping[str, Any], rows: list[Row], metrics: Metrics) -> dict[str, Any]:
    experiment, shown = one.experiment, _latest(rows)
    statuses = [row["status"] for row in shown]
    numbers = [row["number"] for row in shown]
    facts = wmla.Facts(
        name=one.name,
        status=experiment.status,
        creator=experiment.creator.get_username(),
        created=experiment.created,
        now=timezone.now(),
        started=experiment.started,
        ended=experiment.ended,
        running=sum(status in LIVE_TRIAL for status in statuses),
        complete=sum(status in ENDED_TRIAL for status in statuses),
        failed=statuses.count(TrialStatus.FAILED),
        total=_total(experiment, document, len(shown)),
        best=numbers.index(experiment.best_trial) if experiment.best_trial in numbers else None,
        reason=experiment.reason,
        trials=[_trial(row, place, metrics.get(row["key"], ())) for place, row in enumerate(shown)],
    )
    return wmla.task(document, facts)


def _trial(row: Row, place: int, metrics: Sequence[Mapping[str, Any]]) -> wmla.Trial:
    """One experiment of a task; the best value so far counts until it has ended, and none of one that has failed."""
    value = row["best_value"] if row["value"] is None else row["value"]
    return wmla.Trial(
        number=place,
        key=row["key"],
        status=row["status"],
        params=row["params"],
        value=None if row["status"] == TrialStatus.FAILED else value,
        step=row["last_step"],
        started=row["started"],
        ended=row["ended"],
        metrics=metrics,
    )


def _total(experiment: Experiment, document: Mapping[str, Any], shown: int) -> int:
    """How many there will be: as many as were asked for or listed; where nobody can know, and at the end, what there are."""
    listed = len(document.get("experiments") or ())
    bounds = [bound for bound in (experiment.max_trials, listed or None) if bound is not None]
    return shown if experiment.has_ended or not bounds else max(min(bounds), shown)


def _latest(rows: Sequence[Row]) -> list[Row]:
    """The trials; one that was tried again is replaced by its latest try, in the place of the first."""
    first_of: dict[int, int] = {}
    last: dict[int, Row] = {}
    for row in rows:
        original: int | None = row["restart_of__number"]
        first: int = row["number"] if original is None else first_of.get(original, original)
        first_of[row["number"]] = first
        last[first] = row
    return list(last.values())


def _metrics(one: Submission, document: Mapping[str, Any]) -> Metrics:
    """Least, largest and latest value of the additional metrics, by the trial's key. Two queries, none without any."""
    names = list(wmla.additional_metrics(Fields(document, "").inside("algoDef")))
    if not names:
        return {}
    rows = Measurement.objects.filter(
        trial__experiment=one.experiment_id, name__in=names, kind=Kind.FINITE, attempt=F("trial__attempt_count")
    )
    newest = rows.filter(trial=OuterRef("trial"), name=OuterRef("name")).order_by("-step").values("pk")[:1]
    latest = {
        (key, name): value
        for key, name, value in rows.filter(pk=Subquery(newest)).values_list("trial__key", "name", "value")
    }
    ends = rows.order_by("trial__key", "name").values_list("trial__key", "name")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, name, low, high in ends.annotate(low=Min("value"), high=Max("value")):
        found[key].append({"name": name, "min": low, "max": high, "latest": latest.get((key, name))})
    return found
