"""What this dialect keeps of its own: names of tasks, installed algorithms, and who has logged on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.artifacts.models import Snapshot
from apps.experiments.models import Experiment
from apps.workspaces.models import Key, Workspace


class Algorithm(models.Model):
    """A plugin algorithm of a workspace: uploaded files, or a folder of the server that an administrator allowed."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    path = models.CharField(max_length=1024, blank=True, help_text="the server's folder, where nothing was uploaded")
    folder = models.CharField(max_length=1024, blank=True, help_text="of optimizer.py, below the uploaded files")
    conda_home = models.CharField(max_length=1024, blank=True)
    conda_env = models.CharField(max_length=255, blank=True)
    remote_exec = models.BooleanField(default=False)
    log_level = models.CharField(max_length=16, default="INFO")
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "name"], name="one_algorithm_per_name")]

    def __str__(self) -> str:
        return self.name


class Submission(models.Model):
    """An experiment that came through this dialect: under which name it is asked for, and as what.

    `gone` ones were deleted here: their names are free again, their trainings can still be read.
    """

    class Kind(models.TextChoices):
        TASK = "task", "Hypersearch task"
        EXEC = "exec", "Single training"

    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="wmla")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=4, choices=Kind)
    name = models.CharField(max_length=255)
    group = models.CharField(max_length=255, blank=True, help_text="the instance group as it was sent")
    framework = models.CharField(max_length=32, blank=True)
    args = models.TextField(blank=True)
    algorithm = models.ForeignKey(Algorithm, models.SET_NULL, null=True, related_name="submissions")
    gone = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "name"], condition=models.Q(gone=False), name="one_submission_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Logon(models.Model):
    """A token or a session that was given out for a name and a password; only its hash is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    user: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.ForeignKey(Key, models.CASCADE, null=True, related_name="+", help_text="that it was given out for")
    password = models.CharField(
        max_length=64, blank=True, help_text="hash of the password's, which ends it by changing"
    )
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"logon of {self.user_id}"
