"""Appending to the feed. Call inside the transaction that makes the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from apps.feed import wake
from apps.feed.models import Event, Stream

Happening = tuple[str, dict[str, Any]]


def append(stream: str, happenings: Sequence[Happening]) -> int:
    """Number and store (kind, payload) pairs at the end of a stream; the number of the last one. Two or three queries.

    Readers are woken after the commit.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("feed events are written inside the transaction of their change")
    head = _advance(stream, len(happenings))
    first = head - len(happenings) + 1
    Event.objects.bulk_create(
        Event(stream=stream, seq=seq, kind=kind, payload=payload)
        for seq, (kind, payload) in enumerate(happenings, start=first)
    )
    transaction.on_commit(wake.poke_once())
    return head


def _advance(stream: str, count: int) -> int:
    """Move the head by count and return where it is now; the update's row lock orders the writers."""
    if Stream.objects.filter(pk=stream).update(head=F("head") + count) == 0:
        Stream.objects.bulk_create([Stream(key=stream, head=0)], ignore_conflicts=True)
        Stream.objects.filter(pk=stream).update(head=F("head") + count)
    return Stream.objects.values_list("head", flat=True).get(pk=stream)
