"""What was found out about an experiment's results, kept as of each time it was worked out."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.experiments.models import Experiment


class State(models.TextChoices):
    WANTED = "WANTED", "Waits for an optimizer"
    WORKING = "WORKING", "Being worked out"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Could not be worked out"


class Insight(models.Model):
    """Findings (`tunebook.findings`) from the first `ended` trials that had ended; earlier ones stay, for looking back.

    `upto` is the highest trial number that was known then.
    """

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="insights")
    ended = models.PositiveIntegerField(help_text="how many trials had ended")
    upto = models.IntegerField(default=-1)
    state = models.CharField(max_length=8, choices=State, default=State.WANTED)
    document: models.JSONField[Any, Any] = models.JSONField(null=True)
    message = models.TextField(blank=True, help_text="why it could not be worked out")
    asked = models.DateTimeField(db_default=Now(), editable=False)
    until = models.DateTimeField(null=True, help_text="who works on it has so long")
    done = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["experiment", "ended"], name="one_insight_per_count"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["asked"], condition=models.Q(done=None), name="insight_open"),
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id} after {self.ended}"
