"""The table twin of a chart: the same numbers for readers who do not see the drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.insights.charts.numbers import Payload
from tunebook.status import STATUS_WORDS

MOST_ROWS = 50

Table = tuple[list[str], list[list[Any]]]


def table(payload: Payload) -> Table:
    """Headings and at most fifty rows, evenly chosen, newest first."""
    headings, rows = TABLES[payload["chart"]](payload)
    step = -(-len(rows) // MOST_ROWS) or 1
    return headings, rows[::-1][::step]


def of_parameter(payload: Payload, name: str) -> Payload:
    """A sample's payload with this parameter alone, as a slice shows it; of another chart, or name, as it was."""
    places = [place for place, axis in enumerate(payload.get("axes", ())) if axis["name"] == name]
    if not places:
        return payload
    return {
        **payload,
        "axes": [payload["axes"][place] for place in places],
        "columns": [payload["columns"][place] for place in places],
    }


def _statuses(payload: Payload) -> list[str]:
    return [STATUS_WORDS[payload["statuses"][place]] for place in payload["status"]]


def _history(payload: Payload) -> Table:
    statuses = _statuses(payload)
    columns = zip(payload["number"], statuses, payload["value"], payload["ended"], strict=True)
    return ["Trial", "Status", payload["metric"], "Ended after (s)"], [list(row) for row in columns]


def _curves(payload: Payload) -> Table:
    rows = [
        [trial["number"], STATUS_WORDS[trial["status"]], trial["step"][-1], trial["value"][-1]]
        for trial in payload["trials"]
        if trial["step"]
    ]
    return ["Trial", "Status", "Last step", payload["metric"]], rows


def _curve(payload: Payload) -> Table:
    own = payload["this"]
    rows = zip(own["step"], own["value"], strict=True)
    return ["Step", payload["metric"]], [list(row) for row in rows]


def _importance(payload: Payload) -> Table:
    rows = zip(payload["name"], payload["share"], payload["spread"], strict=True)
    return ["Parameter", "Share of the variance", "Uncertainty (±)"], [list(row) for row in rows][::-1]


def _sample(payload: Payload) -> Table:
    columns = [_words(axis, column) for axis, column in zip(payload["axes"], payload["columns"], strict=True)]
    rows = zip(payload["number"], payload["value"], *columns, strict=True)
    return ["Trial", payload["metric"], *(axis["name"] for axis in payload["axes"])], [list(row) for row in rows]


def _words(axis: Payload, column: list[Any]) -> list[Any]:
    if axis["scale"] != "category":
        return column
    return [None if place is None else axis["values"][place] for place in column]


def _edf(payload: Payload) -> Table:
    rows = zip(payload["value"], payload["share"], strict=True)
    return [payload["metric"], "Share of trials at most so large"], [list(row) for row in rows]


def _contour(payload: Payload) -> Table:
    rows = [list(one) for one in payload.get("best", [])][::-1]
    return ["Trial", payload["x"] or "x", payload["y"] or "y", payload["metric"]], rows


def _timeline(payload: Payload) -> Table:
    if "busy" in payload:
        statuses = [STATUS_WORDS[status] for status in payload["statuses"]]
        rows = [[index * payload["width"], *busy] for index, busy in enumerate(zip(*payload["busy"], strict=True))]
        return ["From (s)", *statuses], rows
    statuses = _statuses(payload)
    columns = zip(payload["number"], statuses, payload["begin"], payload["took"], payload["slot"], strict=True)
    return ["Trial", "Status", "Began after (s)", "Took (s)", "Slot"], [list(row) for row in columns]


TABLES: Mapping[str, Callable[[Payload], Table]] = {
    "history": _history,
    "curves": _curves,
    "curve": _curve,
    "importance": _importance,
    "sample": _sample,
    "edf": _edf,
    "contour": _contour,
    "timeline": _timeline,
}
