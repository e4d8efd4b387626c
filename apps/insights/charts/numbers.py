"""Numbers on their way to a chart: rounding, words for what JSON lacks, thinning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Payload = dict[str, Any]
Point = tuple[float, float]

MOST_POINTS = 1300


def short(value: float | None) -> float | str | None:
    """Six significant digits are more than a pixel; what is not finite becomes a word."""
    if value is None:
        return None
    if math.isfinite(value):
        return digits(value, 6)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def digits(value: float, count: int = 4) -> float:
    """So many significant digits; whole numbers stay whole, which is shorter."""
    return whole(float(f"{value:.{count}g}"))


def whole(value: float) -> float:
    """The number itself, without its ".0" where it is whole."""
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else value


def replayed(asked: Mapping[str, str]) -> int | None:
    """The number of the last trial that a replay shows, if it is one. What is no number is none."""
    text = asked.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def shorts(values: Iterable[float | None]) -> list[float | str | None]:
    return [short(value) for value in values]


def thin_line(points: Sequence[Point], most: int = 100) -> Sequence[Point]:
    """A line with at most about so many points: first and last, and the lowest and highest of each bucket between."""
    if len(points) <= most:
        return points
    buckets = max(1, (most - 2) // 2)
    inner = points[1:-1]
    kept = [points[0]]
    for start, end in _buckets(len(inner), buckets):
        part = inner[start:end]
        kept += sorted({_lowest(part), _highest(part)})
    return [*kept, points[-1]]


def _buckets(length: int, number: int) -> Iterable[tuple[int, int]]:
    for index in range(number):
        start, end = index * length // number, (index + 1) * length // number
        if start < end:
            yield start, end


def _lowest(part: Sequence[Point]) -> Point:
    return min(part, key=lambda point: (not math.isnan(point[1]), point[1]))


def _highest(part: Sequence[Point]) -> Point:
    return max(part, key=lambda point: (not math.isnan(point[1]), point[1]))
