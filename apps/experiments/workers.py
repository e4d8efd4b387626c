"""Who does the work: optimizer processes, the machines they run on, and chores that one of them does at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

SEEN_WITHIN = timedelta(seconds=30)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> WorkerQuerySet:
        """Those that gave a sign of life lately, by the database's clock."""
        return self.filter(seen__gt=Now() - SEEN_WITHIN, seen__lt=Now() + SEEN_WITHIN, left=None)  # it may be set back


class Worker(models.Model):
    """One optimizer process."""

    name = models.CharField(max_length=64, unique=True)
    host = models.CharField(max_length=128)
    pid = models.PositiveIntegerField()
    slots = models.PositiveIntegerField()
    version = models.CharField(max_length=32, blank=True)
    started = models.DateTimeField(default=timezone.now)
    seen = models.DateTimeField(default=timezone.now)
    draining = models.BooleanField(default=False)
    left = models.DateTimeField(null=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-started"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_alive(self) -> bool:
        """Whether it gave a sign of life lately, by this machine's clock; to show, not to decide by."""
        return self.left is None and self.seen > timezone.now() - SEEN_WITHIN


class Host(models.Model):
    """A machine whose slots several optimizers share; its row is the lock under which slots are counted."""

    name = models.CharField(max_length=128, primary_key=True)
    slots = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.name} ({self.slots})"


class Chore(models.Model):
    """A piece of upkeep that one worker at a time does: whoever renews the row in time."""

    name = models.CharField(max_length=32, primary_key=True)
    holder = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
