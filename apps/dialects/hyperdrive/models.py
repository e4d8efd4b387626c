"""The ids of runs that their clients chose themselves."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.experiments.models import Experiment
from apps.workspaces.models import Workspace


class NamedRun(models.Model):
    """A run by the id its client gave it; all others go by the key of their experiment."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    run_id = models.CharField(max_length=255)
    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="hyperdrive_run")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "run_id"], name="one_run_per_id")]

    def __str__(self) -> str:
        return self.run_id
