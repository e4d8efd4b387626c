"""Experiments: one row per sweep, with everything a list shows kept as columns by the verbs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.experiments.drafts import Draft
from apps.experiments.workers import Chore, Host, Worker
from apps.tags.models import Tag
from apps.workspaces.access import Actor, visible
from apps.workspaces.models import Workspace, random_name
from tunebook.status import ENDED_EXPERIMENT, ExperimentStatus, TrialStatus

__all__ = [
    "COUNT_COLUMNS",
    "Accessibility",
    "Chore",
    "Desired",
    "Draft",
    "Experiment",
    "Host",
    "SpaceVersion",
    "Tally",
    "Worker",
]

COUNT_COLUMNS: Mapping[str, str] = {status.value: f"{status.value.lower()}_count" for status in TrialStatus}
"""Trial status -> the column of Experiment that counts the trials in it."""


class Accessibility(models.TextChoices):
    PUBLIC = "PUBLIC", "Everyone in the workspace"
    PRIVATE = "PRIVATE", "Its creator and administrators"


class Desired(models.TextChoices):
    """What a person asked for; the status follows when it has happened."""

    RUN = "run", "Run"
    PAUSE = "pause", "Pause"
    DRAIN = "drain", "Drain"
    STOP = "stop", "Stop"


def tag_text(pairs: Iterable[tuple[str, str]]) -> str:
    """What `Experiment.tagged` keeps of these tags, so that no list reads them one by one."""
    return json.dumps(sorted(pairs), ensure_ascii=False, separators=(",", ":"))


def experiment_key() -> str:
    """Long enough that a million experiments do not meet by chance."""
    return random_name(10)


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def visible_to(self, actor: Actor) -> ExperimentQuerySet:
        return self.filter(visible(actor))

    def kept(self) -> ExperimentQuerySet:
        """Without what lies in the trash."""
        # a list of one: NOT "trashed" would keep SQLite from walking the index in order
        return self.filter(trashed__in=[False])

    def lean(self) -> ExperimentQuerySet:
        """Without the documents: what lists and counters need."""
        return self.defer("job", "submitted")


class Experiment(models.Model):
    """One sweep: what was declared, how far it is, and who drives it.

    `status` is what is; `desired` is what a person asked for; `reason` says in words why the status is what it is.
    Counts, best value and progress are written in the transaction of the change they count.
    """

    key = models.CharField(max_length=16, unique=True, default=experiment_key, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="experiments")
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="experiments")
    name = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    accessibility = models.CharField(max_length=8, choices=Accessibility, default=Accessibility.PRIVATE)
    tags: models.ManyToManyField[Tag, Any] = models.ManyToManyField(Tag, related_name="experiments", blank=True)
    tagged = models.TextField(default="[]", editable=False, help_text="its tags as JSON, [[key, value], ...] in order")

    dialect = models.CharField(max_length=16, default="native")
    submitted = models.TextField(blank=True, help_text="the document as it came, word for word")
    job = models.JSONField(help_text="the declaration that is in force")
    space_version = models.PositiveIntegerField(default=1)
    seed = models.BigIntegerField()

    sampler = models.CharField(max_length=32)
    policy = models.CharField(max_length=32, blank=True)
    goal = models.CharField(max_length=8)
    metric = models.CharField(max_length=255)
    max_trials = models.PositiveIntegerField(null=True)
    max_concurrent = models.PositiveIntegerField(default=1)

    status = models.CharField(max_length=16, default=ExperimentStatus.CREATED)
    desired = models.CharField(max_length=8, choices=Desired, default=Desired.RUN)
    reason = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    modified = models.DateTimeField(default=timezone.now, editable=False)
    started = models.DateTimeField(null=True, editable=False)
    ended = models.DateTimeField(null=True, editable=False)
    trashed = models.BooleanField(default=False)
    trashed_at = models.DateTimeField(null=True, editable=False)
    trashed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1, help_text="raised by each edit, for conditional changes")

    trial_count = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    waiting_count = models.PositiveIntegerField(default=0)
    running_count = models.PositiveIntegerField(default=0)
    unknown_count = models.PositiveIntegerField(default=0)
    finished_count = models.PositiveIntegerField(default=0)
    early_stopped_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    user_canceled_count = models.PositiveIntegerField(default=0)
    sys_canceled_count = models.PositiveIntegerField(default=0)
    extra_trials = models.PositiveIntegerField(default=0, help_text="restarted and queued ones, beyond max_trials")
    spent = models.FloatField(default=0.0, help_text="seconds that the trials which have ended took together")
    paused_at = models.DateTimeField(null=True, editable=False, help_text="since when a person wants it paused")
    idle = models.FloatField(
        default=0.0, help_text="seconds since its start in which nothing ran: paused, or had ended"
    )
    best_value = models.FloatField(null=True)
    best_trial = models.PositiveIntegerField(null=True)
    spark = models.JSONField(default=list, help_text="[[ended trials, best so far], ...] at each improvement, thinned")

    driver = models.CharField(max_length=64, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    driven_at = models.DateTimeField(null=True)
    troubles = models.PositiveIntegerField(default=0, help_text="errors of the driver in a row")
    retry_at = models.DateTimeField(null=True, help_text="set aside until then after an error")

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                # what follows the order is read for filtering, sorting and counting, so that a scan touches no row
                fields=[
                    "workspace",
                    "trashed",
                    "-created",
                    "-id",
                    "accessibility",
                    "creator",
                    "status",
                    "name",
                    "best_value",
                    "dialect",
                    "sampler",
                    "metric",
                ],
                name="experiment_newest",
            ),
            models.Index(
                fields=["workspace", "trashed", "-modified", "-id", "accessibility", "creator"],
                name="experiment_modified",
            ),
            models.Index(
                fields=["workspace", "trashed", "status", "-created", "-id", "accessibility", "creator"],
                name="experiment_status",
            ),
            models.Index(
                fields=["workspace", "trashed", "accessibility", "-created", "-id", "creator"],
                name="experiment_accessibility",
            ),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(ended=None),
                name="experiment_open",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.key

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED_EXPERIMENT

    @property
    def counts(self) -> dict[str, int]:
        """Trials per status, without the statuses that no trial is in."""
        numbers = {status: getattr(self, column) for status, column in COUNT_COLUMNS.items()}
        return {status: number for status, number in numbers.items() if number}

    @property
    def ended_count(self) -> int:
        return (
            self.finished_count
            + self.early_stopped_count
            + self.failed_count
            + self.user_canceled_count
            + self.sys_canceled_count
        )

    @property
    def planned_trials(self) -> int | None:
        """How many trials it will come to: the limit, and those that were restarted or queued beyond it."""
        return None if self.max_trials is None else self.max_trials + self.extra_trials

    @property
    def live_count(self) -> int:
        """Trials that hold a slot."""
        return self.waiting_count + self.running_count + self.unknown_count


class SpaceVersion(models.Model):
    """The search space as it was from one edit to the next."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="space_versions")
    number = models.PositiveIntegerField()
    space = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["experiment", "number"], name="one_space_per_version")]

    def __str__(self) -> str:
        return f"{self.experiment_id} v{self.number}"


class Tally(models.Model):
    """How many experiments there are of one workspace, creator, accessibility, status and trash flag."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    accessibility = models.CharField(max_length=8)
    status = models.CharField(max_length=16)
    trashed = models.BooleanField()
    number = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "creator", "accessibility", "status", "trashed"], name="one_tally_per_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.status}: {self.number}"
