"""A space's parameters as axes of charts: scale, ends, categories; and a trial's value on one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apps.insights.charts.numbers import Payload, digits
from tunebook.distributions import Distribution
from tunebook.space import Space

MOST_CATEGORIES = 60
LONGEST_LABEL = 60
NULL = "null"
SMALLEST = 1e-300
"""What a logarithm is taken of at least."""


def axis(name: str, distribution: Distribution, values: Iterable[Any]) -> Payload:
    """One parameter's axis around its bounds and all values that were seen, which may lie outside after an edit."""
    seen = [value for value in values if value is not None]
    if not distribution.is_numeric or not all(map(is_number, seen)):
        known = [label(value) for value in getattr(distribution, "labels", ())]
        return {"name": name, "scale": "category", "values": list(dict.fromkeys([*known, *map(label, seen)]))}
    ends = [end for end in (distribution.lowest, distribution.highest) if end is not None]
    low, high = min([*ends, *seen], default=0.0), max([*ends, *seen], default=1.0)
    scale = "log" if distribution.is_log and low > 0 else "linear"
    return {"name": name, "scale": scale, "min": digits(low, 6), "max": digits(high, 6)}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def label(value: Any) -> str:
    """A choice's value in words, as short as an axis needs."""
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def tried(flat: Mapping[str, Any], name: str) -> Any:
    """A trial's value of a parameter, a choice of nothing by its label; None where the trial does not have it."""
    value = flat.get(name)
    return NULL if value is None and name in flat else value


def placing(one: Payload) -> Callable[[Any], float]:
    """What says where a value lies on an axis, 0 to 1; a category in the middle of its share."""
    if one["scale"] == "category":
        places = {text: (place + 0.5) / len(one["values"]) for place, text in enumerate(one["values"])}
        return lambda value: places[label(value)]
    low, high = float(one["min"]), float(one["max"])
    if one["scale"] == "log":
        low, high = math.log(low), math.log(high)
    span = high - low
    if span <= 0:
        return lambda value: 0.5

    def linear(value: Any) -> float:
        return min(max((value - low) / span, 0.0), 1.0) if is_number(value) else 0.5

    def logarithmic(value: Any) -> float:
        return min(max((math.log(max(value, SMALLEST)) - low) / span, 0.0), 1.0) if is_number(value) else 0.5

    return logarithmic if one["scale"] == "log" else linear


def reader(space: Space, name: str) -> tuple[str, Callable[[Any], Any]]:
    """The parameter of a trial that holds a flat name, and how that is read from its value; None where it does not."""
    top = name if name in space else next((one for one in space if name.startswith(f"{one}.")), name)
    return top, lambda value: None if value is None else space.flatten({top: value}).get(name)
