"""Reading the feed after a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.feed.models import Event, Stream, feed_id


@dataclass(frozen=True)
class Cursor:
    """A place in a stream of one timeline: "<feed id>:<seq>" on the wire."""

    feed: str
    seq: int

    def __str__(self) -> str:
        return f"{self.feed}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        feed, _, seq = text.rpartition(":")
        return cls(feed, int(seq)) if feed and seq.isdecimal() and len(seq) < 19 else None


def cursor(stream: str) -> Cursor:
    """Where the stream stands now; read it before the data that a page shows. Two queries."""
    return Cursor(feed_id(), heads([stream]).get(stream, 0))


def heads(streams: Iterable[str]) -> dict[str, int]:
    """The newest number of each stream that has events. One query."""
    return dict(Stream.objects.filter(pk__in=list(streams)).values_list("key", "head"))


def after(stream: str, seq: int, limit: int = 500) -> Sequence[Event]:
    """The events behind a number, oldest first. One query."""
    return list(Event.objects.filter(stream=stream, seq__gt=seq).order_by("seq")[:limit])


def can_resume(stream: str, seq: int) -> bool:
    """False when events behind this number are purged or the number lies ahead: the reader must load anew. One query."""
    row = Stream.objects.filter(pk=stream).first()
    head, floor = (row.head, row.floor) if row else (0, 0)
    return floor <= seq <= head
