"""Files that belong to experiments: what trials leave behind, and the code that they run.

The bytes of a file are kept once, under their hash; rows say who refers to them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import Workspace


class Blob(models.Model):
    """Bytes in the store. `touched` keeps them for a while after somebody has put them in and before a row refers to them."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    touched = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    def __str__(self) -> str:
        return self.sha256


class Artifact(models.Model):
    """One file of a trial, or of an experiment as a whole."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="artifacts", db_index=False)
    trial = models.ForeignKey(Trial, models.CASCADE, related_name="artifacts", null=True, db_index=False)
    path = models.CharField(max_length=1024)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="artifacts", db_column="sha256")
    size = models.BigIntegerField()
    content_type = models.CharField(max_length=127)
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trial", "path"], condition=models.Q(trial__isnull=False), name="one_artifact_per_trial_path"
            ),
            models.UniqueConstraint(
                fields=["experiment", "path"], condition=models.Q(trial=None), name="one_artifact_per_experiment_path"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["experiment", "trial"], name="artifact_owner")]

    def __str__(self) -> str:
        return self.path

    @property
    def sha256(self) -> str:
        return self.blob_id

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


class Snapshot(models.Model):
    """A folder of code as it was handed in; its key follows from its content.

    `files` is a list of {path, sha256, size, mode}; mode is 0o644 or 0o755. Whoever else refers to a snapshot by a
    foreign key says PROTECT, which keeps it.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="snapshots")
    key = models.CharField(max_length=40, unique=True)
    files = models.JSONField()
    blobs: models.ManyToManyField[Blob, Any] = models.ManyToManyField(Blob, related_name="snapshots")
    size = models.BigIntegerField()
    created = models.DateTimeField(default=timezone.now, editable=False)
    touched = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    def __str__(self) -> str:
        return self.key


class RemarkKind(models.TextChoices):
    """What a remark is: a text that a script sets once, one that it may change, or a document."""

    PARAM = "param", "Parameter"
    TAG = "tag", "Tag"
    INPUT = "input", "Data set"
    MODEL = "model", "Model"
    OUTPUT = "output", "Model of this trial"
    RUN = "run", "About the run"


class Remark(models.Model):
    """What a training script wrote down about its trial in words, under a name. Documents are kept as JSON text."""

    trial = models.ForeignKey(Trial, models.CASCADE, related_name="remarks", db_index=False)
    attempt = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=8, choices=RemarkKind)
    name = models.CharField(max_length=250)
    text = models.TextField()
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["trial", "kind", "name"], name="one_remark_per_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
