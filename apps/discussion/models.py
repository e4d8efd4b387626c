"""What people write about experiments and trials: a note that is edited in common, and comments."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.trials.models import Trial

MAX_TEXT = 100_000
MAX_COMMENT = 10_000


def about(experiment: Experiment, trial: Trial | None) -> models.Q:
    """What is about the trial, or about the experiment itself."""
    return models.Q(experiment=experiment, trial=trial) if trial else models.Q(experiment=experiment, trial=None)


class NoteQuerySet(models.QuerySet["Note"]):
    def in_force(self) -> NoteQuerySet:
        """The newest version of each note."""
        newer = Note.objects.annotate(about=Coalesce("trial_id", 0)).filter(
            experiment=models.OuterRef("experiment"),
            about=Coalesce(models.OuterRef("trial_id"), 0),
            number__gt=models.OuterRef("number"),
        )
        return self.filter(~models.Exists(newer))


class Note(models.Model):
    """One version of the note on an experiment or a trial; the highest number is the one in force."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="notes", db_index=False)
    trial = models.ForeignKey(Trial, models.CASCADE, related_name="notes", null=True)
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True, help_text="Markdown")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, db_index=False)
    username = models.CharField(max_length=150)
    created = models.DateTimeField(default=timezone.now, editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["experiment", "number"], condition=models.Q(trial=None), name="one_note_per_version"
            ),
            models.UniqueConstraint(
                fields=["trial", "number"], condition=models.Q(trial__isnull=False), name="one_trial_note_per_version"
            ),
        ]

    def __str__(self) -> str:
        return f"note {self.number} by {self.username}"


class CommentQuerySet(models.QuerySet["Comment"]):
    def kept(self) -> CommentQuerySet:
        return self.filter(deleted=None)


class Comment(models.Model):
    """What one person says about an experiment or a trial."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="comments", db_index=False)
    trial = models.ForeignKey(Trial, models.CASCADE, related_name="comments", null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, db_index=False)
    username = models.CharField(max_length=150)
    text = models.TextField(help_text="Markdown")
    created = models.DateTimeField(default=timezone.now, editable=False)
    edited = models.DateTimeField(null=True, editable=False)
    deleted = models.DateTimeField(null=True, editable=False)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created", "id"]
        indexes: ClassVar = [models.Index(fields=["experiment", "created", "id"], name="comment_order")]

    def __str__(self) -> str:
        return f"comment by {self.username}"
