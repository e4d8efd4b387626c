"""Where each of several experiments has tried each parameter, on one scale."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, IntegerField, Q, Value, When

from apps.experiments.models import Experiment
from apps.insights.charts.axes import axis, label, placing, tried
from apps.insights.charts.numbers import Payload
from apps.insights.wording import short
from apps.trials.models import Trial
from tunebook.job import Job

BINS = 24
MOST_TRIALS = 4_000
"""Trials of all experiments together that are looked at; of more an even choice."""
MOST_PARAMETERS = 400
Flat = Mapping[str, Any]


@dataclass(frozen=True)
class Density:
    """How often one experiment tried each part of the common range, and where its best trial lies (0 to 1)."""

    counts: tuple[int, ...]
    tried: int
    best: float | None
    words: str


@dataclass(frozen=True)
class Parameter:
    """One parameter on an axis that holds it in all of them; None for an experiment that does not have it.

    `labels` name the parts of a choice.
    """

    name: str
    low: str
    high: str
    labels: Sequence[str]
    densities: Sequence[Density | None]


def names_of(experiments: Sequence[Experiment], jobs: Mapping[int, Job]) -> list[str]:
    """All parameters, in the order of the declarations; jobs by the experiment's row."""
    return list(dict.fromkeys(name for one in experiments for name in jobs[one.pk].space.leaves()))


def densities(
    experiments: Sequence[Experiment], jobs: Mapping[int, Job], names: Sequence[str] | None = None
) -> list[Parameter]:
    """Of these parameters, or of all in the order of the declarations. One query."""
    flats, bests = _tried(experiments, jobs)
    chosen = names_of(experiments, jobs) if names is None else names
    return [_parameter(name, experiments, jobs, flats, bests) for name in chosen[:MOST_PARAMETERS]]


def _tried(experiments: Sequence[Experiment], jobs: Mapping[int, Job]) -> tuple[dict[int, list[Flat]], dict[int, Flat]]:
    """Experiment's row -> parameters of its trials by flat names, and those of its best one."""
    most = MOST_TRIALS // len(experiments)
    steps = [When(experiment=one.pk, then=Value(max(1, math.ceil(one.trial_count / most)))) for one in experiments]
    wanted = Q(part=0)
    for one in experiments:
        if one.best_trial is not None:
            wanted |= Q(experiment=one.pk, number=one.best_trial)
    rows = Trial.objects.filter(experiment__in=[one.pk for one in experiments], excluded=False)
    rows = rows.alias(part=F("number") % Case(*steps, output_field=IntegerField())).filter(wanted)
    best_of = {one.pk: one.best_trial for one in experiments}
    flats: dict[int, list[Flat]] = defaultdict(list)
    bests: dict[int, Flat] = {}
    for pk, number, params in rows.order_by("experiment_id", "number").values_list("experiment_id", "number", "params"):
        flat = jobs[pk].space.flatten(params)
        flats[pk].append(flat)
        if number == best_of[pk]:
            bests[pk] = flat
    return flats, bests


def _parameter(
    name: str,
    experiments: Sequence[Experiment],
    jobs: Mapping[int, Job],
    flats: Mapping[int, Sequence[Flat]],
    bests: Mapping[int, Flat],
) -> Parameter:
    values = {
        one.pk: [value for flat in flats.get(one.pk, ()) if (value := tried(flat, name)) is not None]
        for one in experiments
    }
    has = [one for one in experiments if name in jobs[one.pk].space.leaves() or values[one.pk]]
    drawn = common([axis(name, jobs[one.pk].space.leaves()[name][0], values[one.pk]) for one in has
                    if name in jobs[one.pk].space.leaves()], [value for one in has for value in values[one.pk]])  # fmt: skip
    is_category = drawn["scale"] == "category"
    return Parameter(
        name,
        "" if is_category else short(drawn["min"]),
        "" if is_category else short(drawn["max"]),
        drawn["values"] if is_category else (),
        [
            _density(drawn, values[one.pk], tried(bests.get(one.pk, {}), name)) if one in has else None
            for one in experiments
        ],
    )


def common(axes: Sequence[Payload], values: Sequence[Any]) -> Payload:
    """One axis that holds all of these: categories where one has them, logarithmic where all are."""
    if any(one["scale"] == "category" for one in axes):
        known = [word for one in axes if one["scale"] == "category" for word in one["values"]]
        return {"scale": "category", "values": list(dict.fromkeys([*known, *map(label, values)]))}
    low, high = min(float(one["min"]) for one in axes), max(float(one["max"]) for one in axes)
    is_log = all(one["scale"] == "log" for one in axes) and low > 0
    return {"scale": "log" if is_log else "linear", "min": low, "max": high}


def _density(drawn: Payload, values: Sequence[Any], best: Any) -> Density:
    count = _bins(drawn, values)
    counts = [0] * count
    place = placing(drawn)

    def at(value: Any) -> float:
        share = place(value)
        return share if drawn["scale"] == "category" or count == BINS else (share * (count - 1) + 0.5) / count

    for value in values:
        counts[min(int(at(value) * count), count - 1)] += 1
    return Density(tuple(counts), len(values), None if best is None else at(best), _words(values, best))


def _bins(drawn: Payload, values: Sequence[Any]) -> int:
    """A bin for each category, or whole number where there are few; else so many that a shape is seen."""
    if drawn["scale"] == "category":
        return max(len(drawn["values"]), 1)
    span = drawn["max"] - drawn["min"] + 1
    whole = all(isinstance(value, int) for value in values) and float(span).is_integer()
    return int(span) if values and whole and drawn["scale"] == "linear" and span < BINS else BINS


def _words(values: Sequence[Any], best: Any) -> str:
    """What the drawing shows, for those who do not see it."""
    if not values:
        return "not tried"
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values):
        middle = sorted(numbers)[len(numbers) // 2]
        said = f"tried from {short(min(numbers))} to {short(max(numbers))}, half of it up to {short(middle)}"
    else:
        often = max(set(map(label, values)), key=[label(value) for value in values].count)
        said = f"tried {len(set(map(label, values)))} values, {often} most"
    return said if best is None else f"{said}; best at {short(best) if isinstance(best, float) else label(best)}"
