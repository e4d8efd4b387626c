"""The durable change feed: gapless numbered events per stream, written in the transaction of the change.

The row lock on the stream makes commit order equal sequence order on both databases, so that a reader's cursor
never passes an event that is not yet visible.
"""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.utils import timezone


def experiment_stream(key: str) -> str:
    return f"exp:{key}"


def workspace_stream(slug: str) -> str:
    return f"ws:{slug}"


class Stream(models.Model):
    """One ordered list of events; `head` is the number of its newest."""

    key = models.CharField(max_length=80, primary_key=True)
    head = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0, help_text="the highest number that was purged")

    def __str__(self) -> str:
        return f"{self.key}@{self.head}"


class Event(models.Model):
    """One thing that happened, at its place in a stream."""

    stream = models.CharField(max_length=80)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["stream", "seq"], name="one_event_per_place")]
        indexes: ClassVar = [models.Index(fields=["at"], name="event_age")]

    def __str__(self) -> str:
        return f"{self.stream}#{self.seq} {self.kind}"


class Timeline(models.Model):
    """Identifies this database's history; a restored backup gets another id, so that old cursors are refused."""

    feed_id = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.feed_id


def feed_id() -> str:
    """The id of this database's timeline, made on first use. One query."""
    row = Timeline.objects.order_by("pk").first()
    if row is None:
        Timeline.objects.bulk_create([Timeline(pk=1, feed_id=secrets.token_hex(8))], ignore_conflicts=True)
        row = Timeline.objects.order_by("pk").get()
    return row.feed_id
