"""Storing what trials send over HTTP: the reports of many attempts in one transaction.

A commit costs more than anything else on this path, so that those who wait at the same time share one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.experiments.models import Desired, Experiment
from apps.experiments.rows import prepared
from apps.feed.models import experiment_stream
from apps.feed.writing import Happening, append
from apps.trials.models import Attempt, Trial
from apps.tuning import measuring
from apps.tuning.again import again
from apps.tuning.announce import metrics_event
from apps.tuning.errors import Fenced, LimitReached
from apps.tuning.measuring import CURVE, TOO_MANY_POINTS, Reading, Stored, save_curve
from apps.tuning.names import TOO_MANY
from apps.workspaces.access import OutOfReach
from apps.workspaces.models import hash_token
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.status import TrialStatus

LATE = timedelta(minutes=10)
"""So long after its end an attempt may still report what lay in buffers."""


@dataclass(frozen=True)
class Batch:
    """What one attempt reports.

    again: as MLflow's clients have it, a step that is taken stands for a later one (measuring.said_again), and a batch
    is stored whole or refused. trial: the key of the trial that the sender means; with another one's token the batch is
    refused.
    """

    token: str
    readings: Sequence[Reading]
    again: bool = False
    trial: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of a batch, and whether the attempt should end."""

    stored: Stored
    should_stop: bool


@dataclass
class Source:
    """An attempt that reports, with its trial's row locked."""

    trial: Trial
    attempt: int
    key: str
    version: int
    is_superseded: bool
    is_over: bool

    @property
    def name(self) -> str:
        return f"attempt {self.attempt} of trial {self.trial.number}"


@again
def report(batches: Sequence[Batch]) -> list[Taken | Exception]:
    """Store batches in one transaction; for each what became of it, or why it was refused.

    OutOfReach for an unknown token, Fenced for a superseded attempt or one that ended long ago, LimitReached for too
    many points or metrics. Six queries, one more for several attempts, one for each trial, and the lookups of `measuring.plan`.
    """
    hashes = [hash_token(batch.token) for batch in batches]
    answers: list[Taken | Exception] = []
    rows: list[measuring.Row] = []
    moved: dict[int, Trial] = {}
    said: dict[str, list[Happening]] = defaultdict(list)
    with transaction.atomic():
        sources = _sources(list(dict.fromkeys(hashes)))
        for batch, key in zip(batches, hashes, strict=True):
            source = sources.get(key)
            try:
                stored, made = _plan(source, batch)
            except (OutOfReach, Fenced, LimitReached) as error:
                answers.append(error)
                continue
            assert source is not None
            answers.append(Taken(stored, source.trial.desired == Desired.STOP))
            if made:
                rows += made
                moved[source.trial.pk] = source.trial
                said[source.key].append(metrics_event(source.trial, stored))
        if rows:
            _write(rows, list(moved.values()), said)
    return answers


def _write(rows: Sequence[measuring.Row], trials: Sequence[Trial], said: Mapping[str, Sequence[Happening]]) -> None:
    """Store what was planned: measurements, the curves of their trials, the events of their experiments."""
    along = measuring.at_once(trials[0], rows) if len(trials) == 1 else None
    if along is None:
        measuring.insert(rows)
        for trial in trials:
            save_curve(trial)
    for key in sorted(said):
        append(experiment_stream(key), said[key], along=along)


def _plan(source: Source | None, batch: Batch) -> tuple[Stored, list[measuring.Row]]:
    if source is None or batch.trial not in ("", source.trial.key):
        raise OutOfReach("attempt")
    if source.is_superseded:
        raise Fenced(f"{source.name} was superseded")
    if source.is_over:
        raise Fenced(f"{source.name} ended long ago")
    trial = source.trial
    readings = batch.readings
    if batch.again:
        readings = measuring.said_again(trial, source.attempt, readings)
    before = {name: getattr(trial, name) for name in CURVE}
    stored, made = measuring.plan(trial, source.attempt, objective(source.key, source.version), readings)
    beyond = TOO_MANY_POINTS if stored.is_full else TOO_MANY if batch.again and stored.surplus else ""
    if beyond:
        for name, value in before.items():  # the next batch may be of the same trial
            setattr(trial, name, value)
        raise LimitReached(beyond)
    return stored, made


@lru_cache(maxsize=1024)
def objective(experiment: str, version: int) -> Objective:
    """The objective of an experiment as its declaration was in that version. One query, the first time."""
    return Job.from_dict(Experiment.objects.values_list("job", flat=True).get(key=experiment)).objective


def _sources(hashes: list[str]) -> dict[str, Source]:
    """The attempts of these tokens, their trials locked in order. One query, two for several attempts."""
    long_ago = connection.ops.adapt_datetimefield_value(timezone.now() - LATE)
    with prepared() as cursor:
        if connection.features.has_select_for_update:
            if len(hashes) > 1:  # a driver locks the experiment first, and then its trials in whatever order
                cursor.execute(EXPERIMENTS, [hashes])
            cursor.execute(f"{SOURCES.format(these='= ANY(%s)')}{LOCKING}", [long_ago, hashes])
        else:
            marks = ", ".join(["%s"] * len(hashes))
            cursor.execute(SOURCES.format(these=f"IN ({marks})"), [long_ago, *hashes])
        found = cursor.fetchall()
    return {key: _source(*rest) for key, *rest in found}


def _source(
    attempt: int, fenced: bool, over: bool, experiment: int, key: str, version: int, count: int, *columns: Any
) -> Source:
    trial = Trial(experiment_id=experiment, attempt_count=count, **dict(zip(COLUMNS, columns, strict=True)))
    # What was true of the attempt before its trial was locked may be over. The trial's row is looked at again then: one
    # that is to be tried again has no attempt that counts.
    is_superseded = bool(fenced) or attempt != count or trial.status == TrialStatus.CREATED
    return Source(trial, attempt, key, version, is_superseded, bool(over))


COLUMNS = ("id", "key", "number", "status", "desired", *CURVE)
_ATTEMPT, _TRIAL, _EXPERIMENT = (model._meta.db_table for model in (Attempt, Trial, Experiment))
SOURCES = f"""
SELECT a.token_hash, a.number, a.fenced, a.ended IS NOT NULL AND a.ended < %s, e.id, e.key, e.version, t.attempt_count,
{", ".join(f"t.{name}" for name in COLUMNS)}
FROM {_ATTEMPT} a JOIN {_TRIAL} t ON t.id = a.trial_id JOIN {_EXPERIMENT} e ON e.id = t.experiment_id
WHERE a.token_hash {{these}} ORDER BY t.id"""
LOCKING = " FOR NO KEY UPDATE OF t"
EXPERIMENTS = f"""
SELECT 1 FROM {_EXPERIMENT}
WHERE id IN (SELECT experiment_id FROM {_ATTEMPT} WHERE token_hash = ANY(%s)) ORDER BY id FOR KEY SHARE"""
