"""Trials: one parameter set each; attempts: one execution each; measurements: what an attempt reported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from apps.experiments import rows
from apps.experiments.models import Desired, Experiment
from apps.trials.spans import Seconds
from apps.workspaces.models import random_name
from tunebook.status import ENDED_TRIAL, LIVE_TRIAL, TrialStatus

BEFORE: dict[str, frozenset[str]] = {
    TrialStatus.CREATED: frozenset({TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.UNKNOWN}),
    TrialStatus.WAITING: frozenset({TrialStatus.CREATED}),
    TrialStatus.RUNNING: frozenset({TrialStatus.WAITING, TrialStatus.UNKNOWN}),
    TrialStatus.UNKNOWN: frozenset({TrialStatus.WAITING, TrialStatus.RUNNING}),
    TrialStatus.FINISHED: frozenset({TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.UNKNOWN}),
    TrialStatus.EARLY_STOPPED: frozenset({TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.UNKNOWN}),
    TrialStatus.FAILED: frozenset({TrialStatus.CREATED, TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.UNKNOWN}),
    TrialStatus.USER_CANCELED: frozenset({TrialStatus.CREATED, *LIVE_TRIAL}),
    TrialStatus.SYS_CANCELED: frozenset({TrialStatus.CREATED, *LIVE_TRIAL}),
}
"""Status -> the statuses a trial may come from. WAITING to an end: it was RUNNING so briefly that both are told at once."""


def trial_key() -> str:
    """Long enough that a million trials do not meet by chance."""
    return random_name(10)


class TrialQuerySet(models.QuerySet["Trial"]):
    def move(self, trial: Trial, to: str, before: Mapping[str, Any] | None = None, **changes: Any) -> bool:
        """Move one trial to another status with other columns. False: it had already gone elsewhere. One query.

        before: columns that must be so, such as the one status that it may come from.
        """
        where = {"status": BEFORE[to], **(before or {})}
        if before and where["status"] not in (BEFORE[to], *BEFORE[to]):
            return False
        changes = {"status": to, "modified": timezone.now(), **changes}
        return rows.update(Trial, changes, id=trial.pk, **where) == 1

    def live(self) -> TrialQuerySet:
        return self.filter(status__in=LIVE_TRIAL)

    def spent(self) -> float:
        """The seconds since these trials began, together. One query."""
        now = models.Value(timezone.now(), output_field=models.DateTimeField())
        total = self.order_by().aggregate(total=models.Sum(Seconds("started", now)))["total"]
        return max(total or 0.0, 0.0)


class Trial(models.Model):
    """One parameter set of an experiment and what came of it.

    `value` is the objective of a finished trial; `last_value`, `best_value`, `value_sum` and `value_count` follow its
    curve while it runs, so that no request adds up measurements; `point_count` says how many there are.
    """

    key = models.CharField(max_length=16, unique=True, default=trial_key, editable=False)
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="trials", db_index=False)
    number = models.PositiveIntegerField()
    params = models.JSONField()
    space_version = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=16, help_text="why it was asked: start-up, model, grid, queued, restarted ...")
    expected = models.FloatField(null=True)
    spread = models.FloatField(null=True)
    note = models.TextField(blank=True)
    parent = models.PositiveIntegerField(null=True, help_text="number of the trial whose checkpoint it goes on from")
    restart_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="restarts", db_index=False)
    excluded = models.BooleanField(default=False, help_text="neither models nor policies nor the best count it")
    excluded_why = models.CharField(max_length=255, blank=True, help_text="the reason that was given, and by whom")
    extra = models.BooleanField(default=False, help_text="does not count against max_trials")

    status = models.CharField(max_length=16, default=TrialStatus.CREATED)
    desired = models.CharField(max_length=8, choices=Desired, default=Desired.RUN)
    stopped_by = models.CharField(max_length=8, blank=True, help_text="who asked it to stop: policy, user or system")
    reason = models.TextField(blank=True)
    attempt_count = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(default=timezone.now, editable=False)
    modified = models.DateTimeField(default=timezone.now, editable=False)
    started = models.DateTimeField(null=True, editable=False)
    ended = models.DateTimeField(null=True, editable=False)

    value = models.FloatField(null=True)
    last_value = models.FloatField(null=True)
    last_step = models.BigIntegerField(null=True)
    best_value = models.FloatField(null=True)
    value_sum = models.FloatField(default=0.0)
    value_count = models.PositiveIntegerField(default=0)
    point_count = models.PositiveIntegerField(default=0, help_text="measurements of all metrics and attempts")

    objects = TrialQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["experiment", "number"], name="one_trial_per_number"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["experiment", "status", "number"], name="trial_status"),
            models.Index(
                fields=["experiment", "value", "number"],
                include=["id"],  # deep pages are found without the rows
                condition=models.Q(value__isnull=False),
                name="trial_by_value",
            ),
            models.Index(fields=["restart_of"], condition=models.Q(restart_of__isnull=False), name="trial_restarts"),
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id}/{self.number}"

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED_TRIAL

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_TRIAL

    @property
    def took(self) -> float:
        """Seconds from its start to its end; 0 for one that has not both."""
        if self.started is None or self.ended is None:
            return 0.0
        return max((self.ended - self.started).total_seconds(), 0.0)


class AttemptState(models.TextChoices):
    LAUNCHING = "LAUNCHING", "Launching"
    RUNNING = "RUNNING", "Running"
    STOPPING = "STOPPING", "Stopping"
    ENDED = "ENDED", "Ended"
    LOST = "LOST", "Lost"


OPEN_ATTEMPT = (AttemptState.LAUNCHING, AttemptState.RUNNING, AttemptState.STOPPING)


class Attempt(models.Model):
    """One execution of a trial. Its launch key makes launching idempotent; its token lets it report.

    `token` is known to the process that made the row only; the row keeps its hash.
    """

    token: str = ""

    trial = models.ForeignKey(Trial, models.CASCADE, related_name="attempts", db_index=False)
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    launch_key = models.CharField(max_length=64, unique=True)
    executor = models.CharField(max_length=16, default="local")
    host = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=12, choices=AttemptState, default=AttemptState.LAUNCHING)
    handle = models.JSONField(null=True)
    offsets = models.JSONField(default=dict, help_text="how far each metric source has been read")
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    fenced = models.BooleanField(default=False, help_text="superseded: its reports are refused")
    created = models.DateTimeField(default=timezone.now, editable=False)
    started = models.DateTimeField(null=True, editable=False)
    ended = models.DateTimeField(null=True, editable=False)
    code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    reason = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["trial", "number"], name="one_attempt_per_number")]
        indexes: ClassVar = [
            models.Index(fields=["experiment"], condition=models.Q(ended=None), name="attempt_open"),
        ]

    def __str__(self) -> str:
        return self.launch_key


class Kind(models.IntegerChoices):
    """What a measurement's value is; SQLite and JSON cannot keep the last three as numbers."""

    FINITE = 0, "finite"
    NAN = 1, "NaN"
    INFINITY = 2, "Infinity"
    MINUS_INFINITY = 3, "-Infinity"


COMBINED = ""
"""The name under which the weighted objective is kept where it is not simply one metric."""


class Measurement(models.Model):
    """One metric's value at one step of one attempt."""

    id = models.BigAutoField(primary_key=True)
    trial = models.ForeignKey(Trial, models.CASCADE, related_name="measurements", db_index=False)
    attempt = models.PositiveIntegerField(default=1)
    source = models.PositiveSmallIntegerField(default=0, help_text="which of several metric sources said it")
    name = models.CharField(max_length=255, blank=True)
    step = models.BigIntegerField()
    value = models.FloatField(null=True)
    kind = models.PositiveSmallIntegerField(choices=Kind, default=Kind.FINITE)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trial", "name", "attempt", "source", "step"], name="one_value_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.step}={self.number}"

    @property
    def number(self) -> float:
        return number_of(self.value, self.kind)


def number_of(value: float | None, kind: int) -> float:
    """The number a (value, kind) pair stands for."""
    if kind == Kind.FINITE and value is not None:
        return value
    return {Kind.INFINITY: math.inf, Kind.MINUS_INFINITY: -math.inf}.get(Kind(kind), math.nan)


def kind_of(value: float) -> int:
    """How a number is kept."""
    if math.isfinite(value):
        return Kind.FINITE
    if math.isnan(value):
        return Kind.NAN
    return Kind.INFINITY if value > 0 else Kind.MINUS_INFINITY
