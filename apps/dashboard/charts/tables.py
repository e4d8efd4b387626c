"""The table twin of a chart: the same numbers for readers who do not see the drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.dashboard.charts.numbers import Payload

MOST_ROWS = 50

Table = tuple[list[str], list[list[Any]]]


def table(payload: Payload) -> Table:
    """Headings and at most fifty rows, evenly chosen, newest first."""
    headings, rows = TABLES[payload["chart"]](payload)
    step = -(-len(rows) // MOST_ROWS) or 1
    return headings, rows[::-1][::step]


def _history(payload: Payload) -> Table:
    statuses = [payload["statuses"][place] for place in payload["status"]]
    columns = zip(payload["number"], statuses, payload["value"], payload["ended"], strict=True)
    return ["Trial", "Status", payload["metric"], "Ended after (s)"], [list(row) for row in columns]


def _curves(payload: Payload) -> Table:
    rows = [
        [trial["number"], trial["status"], trial["step"][-1], trial["value"][-1]]
        for trial in payload["trials"]
        if trial["step"]
    ]
    return ["Trial", "Status", "Last step", payload["metric"]], rows


def _curve(payload: Payload) -> Table:
    own = payload["this"]
    rows = zip(own["step"], own["value"], strict=True)
    return ["Step", payload["metric"]], [list(row) for row in rows]


TABLES: Mapping[str, Callable[[Payload], Table]] = {"history": _history, "curves": _curves, "curve": _curve}
