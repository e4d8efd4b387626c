"""The trials nearest to one: how alike two parameter sets are, each parameter by its place in its range."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tunebook.space import Leaf, Space

NEAREST = 5
MOST = 20_000


@dataclass(frozen=True)
class Neighbour:
    """A trial near another: `distance` is 0 for the same parameters, 1 where every one lies at the other end."""

    number: int
    status: str
    value: float | None
    distance: float
    differs: tuple[str, ...]


def neighbours(experiment: Experiment, space: Space, trial: Trial, most: int = NEAREST) -> list[Neighbour]:
    """The nearest of the newest twenty thousand others, nearest first. One query."""
    leaves = space.leaves()
    own = space.flatten(trial.params)
    rows = Trial.objects.filter(experiment=experiment).exclude(pk=trial.pk).order_by("-number")
    others = rows.values_list("number", "status", "value", "params")[:MOST].iterator()
    near = heapq.nsmallest(
        most,
        (
            (distance(leaves, own, space.flatten(params)), number, status, value, params)
            for number, status, value, params in others
        ),
        key=lambda one: one[:2],
    )
    return [
        Neighbour(number, status, value, away, tuple(differing(leaves, own, space.flatten(params))))
        for away, number, status, value, params in near
    ]


def distance(leaves: Mapping[str, Leaf], one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """From 0 to 1: the root of the mean square over all parameters that either has."""
    total, count = 0.0, 0
    for name, (distribution, _) in leaves.items():
        a, b = one.get(name), other.get(name)
        if a is None and b is None:
            continue
        count += 1
        if a == b:
            continue
        if a is None or b is None or not distribution.is_numeric or not (_fits(a) and _fits(b)):
            total += 1.0
        else:
            total += (distribution.position(a) - distribution.position(b)) ** 2
    return math.sqrt(total / count) if count else 0.0


def differing(leaves: Mapping[str, Leaf], one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names of the parameters in which two differ."""
    return [name for name in leaves if one.get(name) != other.get(name)]


def _fits(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
