"""What a pair of parameters leads to: a grid over both, each cell the smoothed mean of the results around it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Any

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.insights.charts.axes import axis, is_number, label, placing, reader
from apps.insights.charts.numbers import Payload, digits
from apps.insights.charts.sample import by_importance
from apps.insights.wording import metric
from apps.trials.members import Members
from apps.trials.models import Trial
from tunebook.distributions import Distribution
from tunebook.job import Job
from tunebook.space import Space
from tunebook.status import TrialStatus

CELLS = 24
FEWEST = 10
POINTS = 300
BEST = 10
REACH = 2
"""Cells on each side that a smoothed cell looks at."""
WEIGHTS = tuple(math.exp(-(step**2) / 1.5) for step in range(REACH + 1))
ENOUGH = 0.3
"""Weight of results around a cell below which nothing is said about it."""

Grid = list[list[float]]
Point = tuple[int, Any, Any, float]


def contour(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """The grid of the pair `x` and `y`, else of the two parameters that matter most. Two queries."""
    job = Job.from_dict(experiment.job)
    leaves = job.space.leaves()
    names = by_importance(experiment, list(leaves))
    x, y = pair(names, asked)
    objective = job.objective
    payload: Payload = {
        "chart": "contour",
        "goal": objective.goal,
        "metric": metric(objective.name),
        "names": names,
        "x": x,
        "y": y,
        "total": 0,
    }
    if not x or not y:
        return payload
    points = tried(trials, job.space, x, y)
    across, up = (
        axis(x, leaves[x][0], [a for _, a, _, _ in points]),
        axis(y, leaves[y][0], [b for _, _, b, _ in points]),
    )
    payload |= {"total": len(points), "across": across, "up": up}
    if len(points) < FEWEST:
        return payload
    levels = _levels(leaves[x][0]), _levels(leaves[y][0])
    best = nsmallest(BEST, points, key=lambda point: objective.sign * point[3])
    at_x, at_y = placing(across), placing(up)
    every = math.ceil(len(points) / POINTS)
    return payload | {
        "grid": grid([(at_x(a), at_y(b), v) for _, a, b, v in points], across, up, objective.sign, levels),
        "ends": {"x": _ends(across, levels[0]), "y": _ends(up, levels[1])},
        "points": [[_shown(across, a), _shown(up, b)] for _, a, b, _ in points[::every]],
        "every": every,
        "best": [[number, _shown(across, a), _shown(up, b), digits(v, 6)] for number, a, b, v in best],
    }


def pair(names: Sequence[str], asked: Mapping[str, str]) -> tuple[str, str]:
    """The two names asked for where they are parameters; else the first ones that are free."""
    x = asked.get("x", "")
    x = x if x in names else next((name for name in names if name != asked.get("y")), "")
    y = asked.get("y", "")
    y = y if y in names and y != x else next((name for name in names if name != x), "")
    return x, y


def tried(trials: QuerySet[Trial], space: Space, x: str, y: str) -> list[Point]:
    """Number, the two parameters and the value of the succeeded trials that have both, in order of number. One query."""
    (top_x, read_x), (top_y, read_y) = reader(space, x), reader(space, y)
    rows = trials.filter(status=TrialStatus.FINISHED, value__isnull=False).order_by("number")
    tops = top_x, top_y
    if Members.can_take(tops):
        taken = rows.annotate(pair=Members("params", tops)).values_list("number", "pair", "value")
        found = [(number, read_x(one), read_y(other), value) for number, (one, other), value in taken]
    else:
        whole = rows.values_list("number", "params", "value")
        found = [(number, read_x(all_.get(top_x)), read_y(all_.get(top_y)), value) for number, all_, value in whole]
    return [
        (n, a, b, v) for n, a, b, v in found if a is not None and b is not None and v is not None and math.isfinite(v)
    ]


def _levels(distribution: Distribution) -> int | None:
    """How many values a stepped parameter has, where each can have a cell of its own."""
    return distribution.size if distribution.size is not None and 1 < distribution.size <= CELLS else None


def _ends(one: Payload, levels: int | None) -> list[float] | None:
    """Where the cells of an axis begin and end: half a step beyond the outer values of a stepped parameter."""
    if one["scale"] == "category":
        return None
    low, high = float(one["min"]), float(one["max"])
    if levels is None or one["scale"] == "log":
        return [digits(low, 6), digits(high, 6)]
    half = (high - low) / (levels - 1) / 2
    return [digits(low - half, 6), digits(high + half, 6)]


def grid(
    points: Sequence[tuple[float, float, float]],
    across: Payload,
    up: Payload,
    sign: float,
    levels: tuple[int | None, int | None] = (None, None),
) -> list[list[Any]]:
    """Rows from bottom to top: each cell the mean of results there and, weighing less, in cells nearby; None: too few.

    Values far on the bad side are moved nearer, so that one of them does not colour everything around it. Categories
    are not smoothed over.
    """
    columns, rows = _count(across, levels[0]), _count(up, levels[1])
    worst = _far(sorted(sign * value for _, _, value in points))
    sums, counts = _zeros(rows, columns), _zeros(rows, columns)
    for a, b, value in points:
        row, column = min(int(b * rows), rows - 1), min(int(a * columns), columns - 1)
        sums[row][column] += sign * min(sign * value, worst)
        counts[row][column] += 1
    if across["scale"] != "category":
        sums, counts = _blurred(sums), _blurred(counts)
    if up["scale"] != "category":
        sums, counts = _turned(_blurred(_turned(sums))), _turned(_blurred(_turned(counts)))
    return [
        [digits(total / count) if count >= ENOUGH else None for total, count in zip(one, other, strict=True)]
        for one, other in zip(sums, counts, strict=True)
    ]


def _count(one: Payload, levels: int | None) -> int:
    if one["scale"] == "category":
        return len(one["values"])
    return levels if levels is not None and one["scale"] != "log" else CELLS


def _far(losses: Sequence[float]) -> float:
    low, high = losses[len(losses) // 20], losses[min(len(losses) * 9 // 10, len(losses) - 1)]
    return high + 1.5 * (high - low)


def _zeros(rows: int, columns: int) -> Grid:
    return [[0.0] * columns for _ in range(rows)]


def _blurred(cells: Grid) -> Grid:
    """Each row mixed with its neighbours to the left and right."""
    steps = range(-REACH, REACH + 1)
    return [
        [
            sum(row[at + step] * WEIGHTS[abs(step)] for step in steps if 0 <= at + step < len(row))
            for at in range(len(row))
        ]
        for row in cells
    ]


def _turned(cells: Grid) -> Grid:
    return [list(column) for column in zip(*cells, strict=True)]


def _shown(one: Payload, value: Any) -> Any:
    return label(value) if one["scale"] == "category" else digits(value) if is_number(value) else None
