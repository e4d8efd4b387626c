"""When trials ran and how many at once: a bar each, or, for many, how many ran in each span of time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import DateTimeField, Min, QuerySet, Value
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import Payload, digits
from apps.trials.models import Trial
from apps.trials.spans import Seconds

MOST_BARS = 1_200
SPANS = 240


class Row(NamedTuple):
    """When a trial ran, in seconds after the first one began; without an end it still does."""

    number: int
    status: str
    begin: float
    end: float | None


def timeline(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """Bars in slots, or above 1,200 trials the average number of running ones per span by how they ended. Two queries."""
    ran, now = trials.filter(started__isnull=False), timezone.now()
    first = ran.order_by().aggregate(first=Min("started"))["first"] or now
    start = Value(first, output_field=DateTimeField())
    # the database reckons with moments, as for the history
    timed = ran.order_by("started").annotate(begin=Seconds(start, "started"), end=Seconds(start, "ended"))
    rows = [Row(*row) for row in timed.values_list("number", "status", "begin", "end")]
    return draw(rows, first, now) | {"slots_allowed": experiment.max_concurrent}


def draw(rows: Sequence[Row], first: datetime, now: datetime) -> Payload:
    """The payload of rows in order of their start, the first one's moment; what still runs runs until now."""
    until = (now - first).total_seconds()
    begins = [row.begin for row in rows]
    ends = [max(until if row.end is None else row.end, row.begin) for row in rows]
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
