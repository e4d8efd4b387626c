"""Storing what attempts measured: each (attempt, source, metric, step) once, the first value stays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from apps.experiments import rows
from apps.trials.history import series_name
from apps.trials.models import COMBINED, Measurement, Trial, kind_of, number_of
from tunebook.objective import Mode, Objective
from tunebook.readings import Readings

MAX_STEP = 2**53 - 1
MAX_POINTS = 1_000_000
FEW = 8
"""So many measurements at once are the usual case, for which the insert statements are kept."""
Verdict = Literal["stored", "duplicate", "conflict", "rejected"]
Place = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one metric at one step; `source` counts the metric sources of the job from 0."""

    metric: str
    step: int
    value: float
    source: int = 0

    @property
    def place(self) -> Place:
        return self.source, self.metric, self.step


@dataclass
class Stored:
    """What became of a batch: one verdict per reading, and how the trial's curve went on."""

    verdicts: list[Verdict] = field(default_factory=list)
    points: list[tuple[int, float]] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    last_step: int | None = None

    @property
    def count(self) -> int:
        return self.verdicts.count("stored")


def store(trial: Trial, attempt: int, objective: Objective, readings: Sequence[Reading]) -> Stored:
    """Insert the readings not yet known and carry the trial's curve columns on (the caller saves the trial).

    Call with the trial's row locked. One query to look, when a step is not newer than all known; one to insert; one
    more where several metrics make the objective.
    """
    known = _known(trial, attempt, readings)
    fresh: dict[Place, float] = {}
    result = Stored()
    for reading in readings:
        before = known.get(reading.place, fresh.get(reading.place))
        if before is None:
            fresh[reading.place] = reading.value
            result.verdicts.append("stored")
        else:
            result.verdicts.append("duplicate" if same(before, reading.value) else "conflict")
    if not fresh:
        return result
    combined = _combined(trial, attempt, objective, fresh)
    _insert(trial, attempt, fresh | combined)
    _carry_on(trial, objective, fresh | combined, result)
    return result


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _known(trial: Trial, attempt: int, readings: Sequence[Reading]) -> dict[Place, float]:
    if not readings or trial.last_step is None:
        return {}
    steps = [reading.step for reading in readings]
    if min(steps) > trial.last_step:
        return {}
    near = Measurement.objects.filter(
        trial=trial,
        attempt=attempt,
        name__in={reading.metric for reading in readings},
        step__range=(min(steps), max(steps)),
    )
    return _by_place(near)


def _by_place(found: Iterable[Measurement]) -> dict[Place, float]:
    return {(row.source, row.name, row.step): number_of(row.value, row.kind) for row in found}


def _combined(trial: Trial, attempt: int, objective: Objective, fresh: dict[Place, float]) -> dict[Place, float]:
    """The weighted objective at every step that these readings complete; empty where one metric is the objective."""
    if series_name(objective) != COMBINED:
        return {}
    names = {metric.name for metric in objective.metrics}
    steps = {(source, step) for source, name, step in fresh if name in names}
    if not steps:
        return {}
    at = {step for _, step in steps}
    near = Measurement.objects.filter(trial=trial, attempt=attempt, name__in=names, step__in=at)
    values: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for (source, name, step), value in {**_by_place(near), **fresh}.items():
        if name in names:
            values[source, step][name] = value
    found = {(source, COMBINED, step): objective.combine(values[source, step]) for source, step in steps}
    return {place: value for place, value in found.items() if value is not None}


def _insert(trial: Trial, attempt: int, values: dict[Place, float]) -> None:
    made = [
        Measurement(
            trial_id=trial.pk,
            attempt=attempt,
            source=source,
            name=name,
            step=step,
            value=value if math.isfinite(value) else None,
            kind=kind_of(value),
        )
        for (source, name, step), value in values.items()
    ]
    if len(made) <= FEW:
        rows.insert(made)
    else:
        Measurement.objects.bulk_create(made)


def _carry_on(trial: Trial, objective: Objective, values: dict[Place, float], result: Stored) -> None:
    """Follow the objective's curve in the trial's columns, in order of step."""
    series = series_name(objective)
    for (_, name, step), value in sorted(values.items(), key=lambda item: item[0][2]):
        if name != COMBINED:
            result.last[name] = value
            result.last_step = max(result.last_step or 0, step)
        if name == series:
            result.points.append((step, value))
    newest = result.last_step
    is_newer = trial.last_step is None or (newest is not None and newest >= trial.last_step)
    if newest is not None:
        trial.last_step = max(newest, trial.last_step or 0)
    finite = [value for _, value in result.points if math.isfinite(value)]
    if not finite:
        return
    if is_newer:
        trial.last_value = finite[-1]
    known = [] if trial.best_value is None else [trial.best_value]
    trial.best_value = objective.best([*known, *finite])
    trial.value_sum += sum(finite)
    trial.value_count += len(finite)


def final_value(trial: Trial, attempt: int, objective: Objective, readings: Readings) -> float | None:
    """The objective of an ended trial by the objective's mode; None when nothing finite was reported.

    Costs no query with one metric source, one with several: each source's series is reduced, then these are.
    """
    if len(readings.sources) <= 1:
        return _reduced(trial, objective.mode)
    found = Measurement.objects.filter(trial=trial, attempt=attempt, name=series_name(objective))
    series: dict[int, list[float]] = defaultdict(list)
    for row in found.order_by("source", "step"):
        series[row.source].append(number_of(row.value, row.kind))
    finals = [objective.reduce(values) for _, values in sorted(series.items())]
    known = [value for value in finals if value is not None]
    return replace(objective, mode=cast(Mode, readings.combine)).reduce(known) if known else None


def _reduced(trial: Trial, mode: str) -> float | None:
    if mode == "best":
        return trial.best_value
    if mode == "avg":
        return trial.value_sum / trial.value_count if trial.value_count else None
    return trial.last_value
