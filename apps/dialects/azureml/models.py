"""The names that jobs have on this wire, what only this wire says of them, and the code that clients bring along."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.artifacts.models import Snapshot
from apps.experiments.models import Experiment
from apps.workspaces.models import Workspace


class ArmJob(models.Model):
    """A job by the name its client chose: which experiment it is, and what no experiment has a column for.

    A job that was deleted keeps its row, and its name is free: the next job of that name takes the name over.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="arm_job")
    job_type = models.CharField(max_length=8, help_text="Sweep or Command")
    shape = models.CharField(max_length=20, blank=True, help_text="the schema it was put in; empty when it was not")
    properties = models.JSONField(default=dict, help_text="the client's own `properties`")
    tags = models.JSONField(default=dict, help_text="those that no tag of ours can hold")
    archived = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "name"], name="one_job_per_name")]

    def __str__(self) -> str:
        return self.name


class Asset(models.Model):
    """A version of an environment, kept to be told again: trials run in this server's own environment."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    version = models.CharField(max_length=255)
    properties = models.JSONField(default=dict)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def is_archived(self) -> bool:
        return bool(self.properties.get("isArchived"))


class EnvironmentVersion(Asset):
    """One environment by name and version."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "name", "version"], name="one_environment_per_version")
        ]


class CodeVersion(Asset):
    """One folder of code by name and version. Without a snapshot it was only named, never uploaded here."""

    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    hash = models.CharField(max_length=128, blank=True, help_text="of its content, as the client computed it")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "name", "version"], name="one_code_per_version")
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "hash"], name="code_by_hash")]


class DataVersion(Asset):
    """One data asset by name and version: where its maker said it lies, and its files if they were uploaded here."""

    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    file = models.CharField(max_length=1024, blank=True, help_text="its name where the asset is one file")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "name", "version"], name="one_data_per_version")
        ]


class JobInput(models.Model):
    """Files that a job reads; they are kept as long as the job is."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="+")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["experiment", "snapshot"], name="one_input_per_snapshot")
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id} reads {self.snapshot_id}"


def container_name() -> str:
    """Nobody guesses it; who knows it may upload."""
    return secrets.token_hex(16)


class Upload(models.Model):
    """What files are being uploaded to: the container of one code version, or a folder of the default datastore.

    Gone once a version is made of it, or after a day.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    container = models.CharField(max_length=32, unique=True, default=container_name)
    name = models.CharField(max_length=255)
    version = models.CharField(max_length=255)
    created = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    def __str__(self) -> str:
        return self.container


class UploadedFile(models.Model):
    """One file in a container; its bytes lie in the store."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="files")
    path = models.CharField(max_length=1024)
    block = models.CharField(max_length=128, blank=True, help_text="a piece of a large file; empty for whole ones")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "path", "block"], name="one_upload_per_path")
        ]

    def __str__(self) -> str:
        return self.path
