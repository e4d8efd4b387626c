"""Keeping the feed small: old events go, the newest of each stream stay."""

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


def purge(*, older_than: timedelta = KEEP_FOR, keep: int = KEEP_AT_LEAST) -> int:
    """Delete one batch of events that are old and not among the newest `keep` of their stream; how many went.

    The stream remembers the highest number that is gone, so that a cursor behind it is told to load anew.
    """
    heads = dict(Stream.objects.values_list("key", "head"))
    old = Event.objects.filter(at__lt=timezone.now() - older_than).order_by("at")
    found = list(old.values_list("pk", "stream", "seq")[:BATCH])
    gone = [(pk, stream, seq) for pk, stream, seq in found if seq <= heads.get(stream, 0) - keep]
    if not gone:
        return 0
    with transaction.atomic():
        for stream in {stream for _, stream, _ in gone}:
            highest = max(seq for _, name, seq in gone if name == stream)
            Stream.objects.filter(pk=stream).update(floor=Greatest(F("floor"), highest))
        Event.objects.filter(pk__in=[pk for pk, _, _ in gone]).delete()
    return len(gone)
