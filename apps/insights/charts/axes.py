"""A space's parameters as axes of charts: scale, ends, categories; and a trial's value on one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apps.insights.charts.numbers import Payload, digits
from tunebook.distributions import Distribution
from tunebook.space import Space

Flat = Mapping[str, Any]
MOST_CATEGORIES = 60
LONGEST_LABEL = 60


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


def reader(space: Space, name: str) -> Callable[[Mapping[str, Any]], Any]:
    """How to read one parameter of a trial's params by its flat name; plain ones without flattening the rest."""
    distribution = space.get(name)
    if distribution is not None and not getattr(distribution, "is_nested", False):
        return lambda params: space.flatten({name: params[name]}).get(name) if name in params else None
    top = next((one for one in space if name == one or name.startswith(f"{one}.")), name)
    return lambda params: space.flatten({top: params[top]}).get(name) if top in params else None
