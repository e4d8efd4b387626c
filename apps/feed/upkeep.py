"""Keeping the feed small: old events go, the newest of each stream stay, and so does what people are told in words."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from apps.feed.models import Event, Stream

KEEP_FOR = timedelta(days=7)
KEEP_AT_LEAST = 1_000
BATCH = 1_000
STREAMS = 50
NOTE = "note"
"""The kind of event that is a line of an experiment's event log; it stays for as long as the experiment."""


class Purge:
    """Deletes old events bit by bit: each call looks at some streams and goes on where the last one ended."""

    def __init__(self, *, older_than: timedelta = KEEP_FOR, keep: int = KEEP_AT_LEAST) -> None:
        self.older_than, self.keep = older_than, keep
        self.reached = ""

    def step(self) -> int:
        """Delete a batch from each of the next streams that are longer than `keep`; how many events went.

        One query, and one to five per stream. A stream remembers the highest number that is gone, so that a cursor
        behind it is told to load anew.
        """
        long_ones = Stream.objects.filter(head__gt=F("floor") + self.keep, key__gt=self.reached).order_by("key")
        found = list(long_ones[:STREAMS])
        self.reached = found[-1].key if len(found) == STREAMS else ""
        return sum(self._shorten(stream) for stream in found)

    def _shorten(self, stream: Stream) -> int:
        last = min(stream.head - self.keep, stream.floor + BATCH)
        behind = Event.objects.filter(stream=stream.key, seq__gt=stream.floor, seq__lte=last)
        kept = behind.filter(at__gte=timezone.now() - self.older_than).order_by("seq").values_list("seq", flat=True)
        young = kept.first()
        floor = last if young is None else young - 1
        if floor <= stream.floor:
            return 0
        with transaction.atomic():
            Stream.objects.filter(pk=stream.key).update(floor=Greatest(F("floor"), floor))
            gone, _ = behind.filter(seq__lte=floor).exclude(kind=NOTE).delete()
        return gone


def forget(stream: str) -> None:
    """Delete the lines of a stream that a purge would leave for ever, because what it tells of is gone. One query."""
    Event.objects.filter(stream=stream, kind=NOTE).delete()
