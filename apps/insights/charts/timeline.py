"""When trials ran and how many at once: a bar each, or, for many, how many ran in each span of time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import Payload, digits
from apps.trials.models import Trial

MOST_BARS = 1_200
SPANS = 240


class Row(NamedTuple):
    """When a trial ran."""

    number: int
    status: str
    started: datetime
    ended: datetime | None


def timeline(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """Bars in slots, or above 1,200 trials the average number of running ones per span by how they ended. One query."""
    columns = ("number", "status", "started", "ended")
    rows = [Row(*row) for row in trials.filter(started__isnull=False).order_by("started").values_list(*columns)]
    return draw(rows, timezone.now()) | {"slots_allowed": experiment.max_concurrent}


def draw(rows: Sequence[Row], now: datetime) -> Payload:
    """The payload of rows in order of their start; what still runs runs until now."""
    first = rows[0].started if rows else now
    begins = [(row.started - first).total_seconds() for row in rows]
    ends = [max(((row.ended or now) - first).total_seconds(), begin) for row, begin in zip(rows, begins, strict=True)]
    statuses = sorted({row.status for row in rows})
    payload: Payload = {
        "chart": "timeline",
        "started": first.isoformat(),
        "total": len(rows),
        "statuses": statuses,
        "until": digits(max(ends, default=0.0), 6),
    }
    if len(rows) > MOST_BARS:
        return payload | spans(rows, begins, ends, statuses)
    places = {status: place for place, status in enumerate(statuses)}
    slots = lanes(begins, ends)
    return payload | {
        "number": [row.number for row in rows],
        "status": [places[row.status] for row in rows],
        "begin": [round(begin, 1) for begin in begins],
        "took": [round(end - begin, 1) for begin, end in zip(begins, ends, strict=True)],
        "slot": slots,
        "slots": max(slots, default=-1) + 1,
    }


def lanes(begins: Sequence[float], ends: Sequence[float]) -> list[int]:
    """The lowest slot that is free when each begins; begins must be in order."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    slots, made = [], 0
    for begin, end in zip(begins, ends, strict=True):
        while busy and busy[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            slot = heapq.heappop(free)
        else:
            slot, made = made, made + 1
        heapq.heappush(busy, (end, slot))
        slots.append(slot)
    return slots


def spans(rows: Sequence[Row], begins: Sequence[float], ends: Sequence[float], statuses: Sequence[str]) -> Payload:
    """For each of 240 spans of time the average number of trials that ran, one list per status."""
    until = max(ends) or 1.0
    width = until / SPANS
    busy = {status: [0.0] * SPANS for status in statuses}
    for row, begin, end in zip(rows, begins, ends, strict=True):
        own = busy[row.status]
        first, last = min(int(begin / width), SPANS - 1), min(int(end / width), SPANS - 1)
        for span in range(first, last + 1):
            inside = min(end, (span + 1) * width) - max(begin, span * width)
            own[span] += max(inside, 0.0) / width
    return {"width": digits(width, 6), "busy": [[digits(value, 3) for value in busy[status]] for status in statuses]}
