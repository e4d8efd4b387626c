"""The names that jobs have on this wire, and what only this wire says of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

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
    shape = models.CharField(max_length=20, help_text="the schema in which it was submitted")
    properties = models.JSONField(default=dict, help_text="the client's own `properties`")
    tags = models.JSONField(default=dict, help_text="those that no tag of ours can hold")
    archived = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "name"], name="one_job_per_name")]

    def __str__(self) -> str:
        return self.name
