"""How often a sign-in may fail, counted in the database, so that all web processes know it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.utils import timezone

from apps.workspaces.models import Failure

TRIES = 10
WINDOW = timedelta(minutes=1)


def seconds_left(*places: str) -> int:
    """How long whoever signs in from these places has to wait; 0 when they may try. One query."""
    now = timezone.now()
    rows = Failure.objects.filter(place__in=[digest(place) for place in places], at__gt=now - WINDOW)
    times: dict[str, list[timedelta]] = {}
    for place, at in rows.order_by("-at").values_list("place", "at"):
        times.setdefault(place, []).append(at + WINDOW - now)
    waits = [found[TRIES - 1] for found in times.values() if len(found) >= TRIES]
    return max((int(wait.total_seconds()) + 1 for wait in waits), default=0)


def failed(*places: str) -> None:
    """Count a failed sign-in; those that count no more are forgotten. Two queries."""
    Failure.objects.filter(at__lt=timezone.now() - WINDOW).delete()
    Failure.objects.bulk_create([Failure(place=digest(place)) for place in places])


def digest(place: str) -> str:
    """What is kept of a name or an address: nobody shall read in the table who tried what."""
    return hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()
