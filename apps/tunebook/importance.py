"""How much each parameter matters: the share of the results' variance that it explains alone, by a random forest.

The decomposition is the functional ANOVA of Hutter, Hoos and Leyton-Brown (2014): a forest is fitted to the results,
and each tree, being constant on boxes, can be averaged over all other parameters exactly. What a parameter's average
still varies by is its share; what is left over belongs to parameters acting together. The trees differ, and how much
they do is the uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from tunebook.distributions import Value
from tunebook.objective import Objective
from tunebook.samplers.encode import Encoder, Floats, Kind
from tunebook.space import Space

FEWEST = 10
"""Results below which nothing is said: a forest of fewer explains the noise."""
MOST = 4_000
"""Results that are looked at; of more, evenly chosen ones."""
TREES = 64


@dataclass(frozen=True)
class Share:
    """What one parameter explains: its mean share over the trees, from 0 to 1, and the trees' standard deviation."""

    name: str
    share: float
    spread: float
    active: int  # how many of the results had this parameter


@dataclass(frozen=True)
class Importance:
    """The shares of all parameters, the largest first.

    `together` is what parameters explain only in combination, `fit` how much of the variance the forest predicts for
    results it was not shown (1 is all, 0 or less nothing: then the shares mean little). `results` were used, of `total`.
    """

    shares: tuple[Share, ...]
    together: float
    fit: float
    results: int
    total: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "shares": [
                {"name": one.name, "share": round(one.share, 4), "spread": round(one.spread, 4), "active": one.active}
                for one in self.shares
            ],
            "together": round(self.together, 4),
            "fit": round(self.fit, 4),
            "results": self.results,
            "total": self.total,
        }


def importance(
    space: Space, objective: Objective, results: Sequence[tuple[Mapping[str, Value], float]], seed: int = 0
) -> Importance | None:
    """What the parameters explain of some results.

    Args:
        space: the search space; parameters of a result that it does not know are left out.
        objective: whose goal says which side of the values is the bad one.
        results: parameters and finite value of each; other values are left out.
        seed: of the forest; the same input and seed give the same answer.

    None when there are fewer than ten results, or all are the same.

    Example:
        >>> import random
        >>> space, draw = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)}), random.Random(1)
        >>> tried = [space.sample(draw) for _ in range(50)]
        >>> importance(space, Objective("minimize"), [(one, one["x"]) for one in tried]).shares[0].name
        'x'
    """
    known = [(params, float(value)) for params, value in results if math.isfinite(value)]
    if len(known) < FEWEST or not space.leaves():
        return None
    used = _evenly(known, MOST)
    encoder = Encoder(space)
    rows = _points(encoder, [params for params, _ in used])
    values = _clipped(np.array([value for _, value in used]), objective)
    if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return None
    draw = np.random.default_rng(seed)
    filled = np.where(np.isnan(rows), draw.random(rows.shape), rows)
    forest = RandomForestRegressor(
        TREES, min_samples_leaf=max(1, len(used) // 500), max_features=0.7, oob_score=True, random_state=seed, n_jobs=1
    )
    forest.fit(filled, values)
    trees = [shares for tree in forest.estimators_ if (shares := _shares(tree.tree_, rows.shape[1])) is not None]
    table = np.array(trees)
    means, spreads = table.mean(axis=0), table.std(axis=0)
    active = (~np.isnan(rows)).sum(axis=0)
    shares = [
        Share(column.name, float(mean), float(spread), int(count))
        for column, mean, spread, count in zip(encoder.columns, means, spreads, active, strict=True)
    ]
    shares.sort(key=lambda one: -one.share)
    together = max(0.0, 1.0 - float(means.sum()))
    return Importance(tuple(shares), together, float(forest.oob_score_), len(used), len(known))


def _evenly(known: Sequence[Any], most: int) -> Sequence[Any]:
    if len(known) <= most:
        return known
    return [known[index * len(known) // most] for index in range(most)]


def _points(encoder: Encoder, tried: Iterable[Mapping[str, Value]]) -> Floats:
    """Each parameter set as a point of the unit cube; NaN where a parameter does not count.

    Where it does not count its value changes nothing, so that random ones stand for it later: the forest then finds
    that it matters under its condition only.
    """
    rows = np.array([encoder.row(params) for params in tried], dtype=np.float64)
    for place, column in enumerate(encoder.columns):
        if column.kind is Kind.OPTION:
            rows[:, place] = (rows[:, place] + 0.5) / column.count
        elif column.kind is Kind.LEVEL:
            middles = np.array([column.middle(level) for level in range(column.count)] + [np.nan])
            rows[:, place] = middles[np.nan_to_num(rows[:, place], nan=column.count).astype(np.int64)]
    return rows


def _clipped(values: Floats, objective: Objective) -> Floats:
    """The values, those far on the bad side moved nearer: else one that diverged would be all there is to explain."""
    loss = values * objective.sign
    low, high = np.quantile(loss, [0.05, 0.9])
    return np.minimum(loss, high + 1.5 * (high - low)) if high > low else loss


def _shares(tree: Any, columns: int) -> Floats | None:
    """What each column explains of one tree's variance over the unit cube; None for a tree that is one leaf."""
    low, high = _boxes(tree, columns)
    leaves = tree.children_left == -1
    low, high, value = low[leaves], high[leaves], tree.value[leaves, 0, 0]
    sides = np.maximum(high - low, 0.0)
    volume = sides.prod(axis=1)
    mean = float(volume @ value)
    whole = float(volume @ (value - mean) ** 2)
    if whole <= 0.0:
        return None
    shares = np.empty(columns)
    for place in range(columns):
        side = sides[:, place]
        # beside this column, a leaf weighs as much as the rest of its box
        rest = np.divide(volume, side, out=np.zeros_like(volume), where=side > 0)
        shares[place] = _variance(low[:, place], high[:, place], rest * (value - mean)) / whole
    return np.clip(shares, 0.0, 1.0)


def _boxes(tree: Any, columns: int) -> tuple[Floats, Floats]:
    """The box of each node: parents come before their children in the arrays of a tree."""
    low, high = np.zeros((tree.node_count, columns)), np.ones((tree.node_count, columns))
    level = np.array([0])
    while level.size:
        inner = level[tree.children_left[level] != -1]
        left, right = tree.children_left[inner], tree.children_right[inner]
        feature, threshold = tree.feature[inner], tree.threshold[inner]
        for child in (left, right):
            low[child], high[child] = low[inner], high[inner]
        high[left, feature] = np.minimum(high[left, feature], threshold)
        low[right, feature] = np.maximum(low[right, feature], threshold)
        level = np.concatenate([left, right])
    return low, high


def _variance(low: Floats, high: Floats, weight: Floats) -> float:
    """The variance over [0, 1] of a sum of steps: each adds its weight between two ends. Its mean is 0."""
    ends = np.concatenate([low, high])
    order = np.argsort(ends, kind="stable")
    height = np.cumsum(np.concatenate([weight, -weight])[order])
    width = np.diff(ends[order], append=1.0)
    return float(width @ height**2)
