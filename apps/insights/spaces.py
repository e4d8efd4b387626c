"""A search space against what was tried: where trials lie, where the best lie, and what an edit would leave usable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F

from apps.experiments.models import Experiment, SpaceVersion
from apps.insights.charts.axes import axis, label, placing, tried
from apps.insights.summary import Top
from apps.insights.wording import short
from apps.trials.models import Trial
from tunebook.distributions import Distribution
from tunebook.space import Space

BINS = 24
MOST, MOST_VALUES = 2_000, 40_000
"""Trials that are looked at for the histograms, and their values together; of more an even choice."""
MOST_CHECKED = 20_000


@dataclass(frozen=True)
class Strip:
    """One parameter: how often each part of its range was tried, and where the best trials lie (0 to 1).

    `labels` name the parts of a choice; `gone` are those of them that were tried and are no longer offered.
    """

    name: str
    described: str
    scale: str
    condition: str
    low: str
    high: str
    counts: tuple[int, ...]
    labels: tuple[str, ...]
    gone: tuple[str, ...]
    best: tuple[float, ...]
    tried: int
    lowest_best: str
    highest_best: str


def strips(
    experiment: Experiment, space: Space, top: Sequence[Top], upto: int | None = None
) -> tuple[list[Strip], int]:
    """A strip per parameter, and how many trials were looked at. One query."""
    rows = Trial.objects.filter(experiment=experiment, excluded=False)
    total = experiment.trial_count
    if upto is not None:
        rows, total = rows.filter(number__lte=upto), min(total, upto + 1)
    leaves = space.leaves()
    step = max(1, math.ceil(total / min(MOST, MOST_VALUES // max(len(leaves), 1) + 1)))
    if step > 1:
        rows = rows.alias(part=F("number") % step).filter(part=0)
    flats = [space.flatten(params) for params in rows.order_by("number").values_list("params", flat=True)]
    made = []
    for name, (distribution, condition) in leaves.items():
        words = f"only if {condition.parent} is {' or '.join(condition.labels)}" if condition else ""
        made.append(_strip(name, distribution, words, flats, top))
    return made, len(flats)


def _strip(
    name: str, distribution: Distribution, condition: str, flats: Sequence[Mapping[str, Any]], top: Sequence[Top]
) -> Strip:
    values = [value for flat in flats if (value := tried(flat, name)) is not None]
    best = [value for one in top if (value := tried(one.flat, name)) is not None]
    drawn = axis(name, distribution, [*values, *best])
    is_category = drawn["scale"] == "category"
    levels = distribution.size if not is_category and (distribution.size or BINS + 1) <= BINS else None
    count = len(drawn["values"]) if is_category else levels or BINS
    counts = [0] * max(count, 1)
    place = placing(drawn)

    def at(value: Any) -> float:
        if levels is None or not distribution.contains(value):
            return place(value)
        return (int(distribution.position(value) * levels) + 0.5) / levels

    for value, times in Counter(map(label, values) if is_category else values).items():
        counts[min(int(at(value) * count), count - 1)] += times
    numbers = [value for value in best if not is_category]
    offered = set(map(label, getattr(distribution, "labels", ())))
    return Strip(
        name=name,
        described=distribution.describe(),
        scale=drawn["scale"],
        condition=condition,
        low="" if is_category else short(drawn["min"]),
        high="" if is_category else short(drawn["max"]),
        counts=tuple(counts),
        labels=tuple(drawn["values"]) if is_category else (),
        gone=tuple(one for one in drawn["values"] if one not in offered) if is_category else (),
        best=tuple(at(value) for value in best),
        tried=len(values),
        lowest_best=short(min(numbers)) if numbers else ", ".join(dict.fromkeys(map(label, best))),
        highest_best=short(max(numbers)) if numbers else "",
    )


@dataclass(frozen=True)
class Usable:
    """What of the trials so far an edited space still knows: `outside` counts by parameter, `partly` have others left."""

    total: int
    whole: int
    partly: int
    outside: Mapping[str, int]
    added: tuple[str, ...]
    checked: int


def usable(experiment: Experiment, space: Space) -> Usable:
    """How many of the trials so far lie in a space as a whole, or in some of its parameters. One query."""
    rows = Trial.objects.filter(experiment=experiment, excluded=False).order_by("-number")
    tried = list(rows.values_list("params", flat=True)[:MOST_CHECKED])
    whole = partly = 0
    outside: dict[str, int] = {}
    for params in tried:
        wrong = [name for name in space if name not in params or not space[name].contains(params[name])]
        extra = [name for name in params if name not in space]
        if not wrong and not extra:
            whole += 1
            continue
        if len(wrong) < len(space):
            partly += 1
        for name in (name for name in wrong if name in params):
            outside[name] = outside.get(name, 0) + 1
    known = {name for params in tried for name in params}
    added = tuple(name for name in space if name not in known) if tried else ()
    return Usable(experiment.trial_count, whole, partly, outside, added, len(tried))


@dataclass(frozen=True)
class Change:
    """What an edit did to one parameter; `before` or `after` empty where it was added or taken out."""

    name: str
    before: str
    after: str


def changes(before: Space, after: Space) -> list[Change]:
    """The parameters in which two spaces differ."""
    names = dict.fromkeys([*before, *after])
    found = []
    for name in names:
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old.to_dict() != new.to_dict():
            found.append(Change(name, words(old), words(new)))
    return found


def words(distribution: Distribution | None) -> str:
    """A distribution as people read it; its kind where the range alone would not say it."""
    if distribution is None:
        return ""
    return f"{distribution.describe()} ({distribution.type})"


@dataclass(frozen=True)
class Version:
    """One version of the space: who made it when, what it changed, how many trials were asked from it."""

    row: SpaceVersion
    changes: Sequence[Change]
    trials: int


def versions(experiment: Experiment) -> list[Version]:
    """The history of the space, newest first. Two queries."""
    rows = list(SpaceVersion.objects.filter(experiment=experiment).select_related("author").order_by("number"))
    counted = (
        Trial.objects.filter(experiment=experiment).values("space_version").annotate(trials=Count("pk")).order_by()
    )
    counts = {row["space_version"]: row["trials"] for row in counted}
    spaces = [Space.from_dict(row.space) for row in rows]
    made = [
        Version(row, changes(spaces[index - 1], spaces[index]) if index else [], counts.get(row.number, 0))
        for index, row in enumerate(rows)
    ]
    return made[::-1]
