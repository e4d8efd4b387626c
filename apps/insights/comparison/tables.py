"""The table twins of a comparison's charts."""

from __future__ import annotations

from typing import Any

from apps.insights.charts.numbers import Payload
from apps.insights.charts.tables import Table
from apps.insights.comparison.lines import thinned

MOST_ROWS = 60
"""Rows of all lines together."""


def table(payload: Payload) -> Table:
    """Headings and rows of a payload, line by line with the first and the last point of each."""
    metric, most = payload["metric"], max(4, MOST_ROWS // max(1, len(payload["series"])))
    headings, columns = {
        "compare-best": (["Experiment", "Trial", f"Best {metric} so far"], ("number", "best")),
        "compare-edf": (["Experiment", metric, "Share of trials at most so large"], ("value", "share")),
        "compare-curves": (["Trial", "Step", metric], ("step", "value")),
    }[payload["chart"]]
    rows: list[list[Any]] = []
    for series in payload["series"]:
        points = list(zip(*(series[name] for name in columns), strict=True))
        rows += [[series["name"], *point] for point in thinned(points, most)]
    return headings, rows
