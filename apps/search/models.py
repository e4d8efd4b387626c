"""What finding needs beside the experiments: saved views, stars, the archive, and facts about best trials."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace

MAX_NAME = 80
MAX_TEXT = 255
COLUMNS = (
    "name",
    "best",
    "trials",
    "running",
    "succeeded",
    "failed",
    "metric",
    "sampler",
    "owner",
    "updated",
    "created",
)
"""What a view may keep as its columns; "name" always stands there, and alone means no other."""


class ViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, actor: Actor) -> ViewQuerySet:
        """One's own and the shared ones, in the workspaces within reach."""
        mine_or_shared = models.Q(owner_id=actor.user_id) | models.Q(shared=True)
        return self.filter(mine_or_shared, workspace_id__in=list(actor.roles))

    def opening(self, actor: Actor) -> ViewQuerySet:
        """Those that a person's catalog opens with: one in a workspace at most."""
        return self.visible_to(actor).filter(first_of__user=actor.user_id)


class SavedView(models.Model):
    """A query of the catalog under a name, for its owner alone or for the whole workspace.

    `columns` are words of COLUMNS with dots between; empty: whoever looks has their own.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=MAX_NAME)
    query = models.CharField(max_length=1000, blank=True)
    sort = models.CharField(max_length=16, blank=True)
    columns = models.CharField(max_length=MAX_TEXT, blank=True)
    shared = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now, editable=False)

    objects = ViewQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "owner", "name"], name="one_view_per_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shows(self) -> list[str]:
        """The names of its columns; empty where it keeps none."""
        return self.columns.split(".") if self.columns else []


class FirstView(models.Model):
    """The saved view that a person's catalog opens with in a workspace; without a row it shows all."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="first_of")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "workspace"], name="one_first_view_per_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.view_id}"


class Star(models.Model):
    """One person's mark on an experiment; nobody else sees it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="stars")
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "experiment"], name="one_star_per_user")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.experiment_id}"


class Archived(models.Model):
    """An experiment put away: the catalog shows it only when asked for; everything else goes on as before.

    A row of its own, not a column, so that lists that know no archive read what they always did.
    """

    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="archived")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.experiment_id}"


class Fact(models.Model):
    """One parameter ("param.lr") or last metric ("metric.acc") of an experiment's best trial; "trial" is its number.

    Kept by the upkeep, so that a query over parameters reads an index and not the documents of all trials.
    """

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="facts", db_index=False)
    name = models.CharField(max_length=MAX_TEXT)
    number = models.FloatField(null=True)
    text = models.CharField(max_length=MAX_TEXT, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["experiment", "name"], name="one_fact_per_name")]
        indexes: ClassVar = [
            models.Index(fields=["name", "number", "experiment"], name="fact_number"),
            models.Index(fields=["name", "text", "experiment"], name="fact_text"),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.text}"
