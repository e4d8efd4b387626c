"""Columns on their way to a browser: as steps from each number to the next, which compress to half as much and less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.insights.charts.numbers import Payload

STEPPED: Mapping[str, Mapping[str, int]] = {
    "history": {"number": 1, "ended": 10, "cost": 10},
    "sample": {"number": 1},
    "timeline": {"number": 1, "begin": 10},
}
"""Chart -> its columns whose neighbours lie close, and how many parts of one they are rounded to."""


def coded(payload: Payload) -> Payload:
    """The payload with such columns as {"per": 10, "steps": [...]}; static/js/charts/coding.js reads them back."""
    columns = STEPPED.get(payload["chart"], {})
    return payload | {name: _stepped(payload[name], per) for name, per in columns.items() if name in payload}


def _stepped(column: Sequence[float | None], per: int) -> dict[str, Any]:
    """A step for each number, from the last one that there was; None stays."""
    steps: list[int | None] = []
    last = 0
    for value in column:
        if value is None:
            steps.append(None)
            continue
        place = round(value * per)
        steps.append(place - last)
        last = place
    return {"per": per, "steps": steps}
