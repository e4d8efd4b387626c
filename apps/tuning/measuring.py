"""Storing what attempts measured: each (attempt, source, metric, step) once, the first value stays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple, cast

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.experiments import rows
from apps.feed.writing import Along
from apps.trials.history import series_name
from apps.trials.models import COMBINED, Kind, Measurement, Trial, kind_of, number_of
from apps.tuning.names import surplus
from tunebook.objective import Mode, Objective
from tunebook.readings import Readings

MAX_STEP = 2**53 - 1
MAX_POINTS = 1_000_000
TOO_MANY_POINTS = f"a trial keeps at most {MAX_POINTS:,} points; what comes after them is left out"
RETRIED = 32
"""So many measurements at least are looked back for one that is sent a second time."""
Verdict = Literal["stored", "duplicate", "conflict", "rejected"]
Place = tuple[int, str, int]
Row = tuple[int, int, int, str, int, float | None, int, datetime]
"""A measurement as it is stored: trial, attempt, source, name, step, value, kind, at."""
CURVE = ("last_value", "last_step", "best_value", "value_sum", "value_count", "point_count")
"""The columns of a trial that follow what it measures, most of them the curve of the objective."""
FINITE = int(Kind.FINITE)


class Reading(NamedTuple):
    """One value of one metric at one step; `source` counts the metric sources of the job from 0.

    `at`: when the trial says that it measured this; None is now.
    """

    metric: str
    step: int
    value: float
    source: int = 0
    at: datetime | None = None

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
    surplus: frozenset[str] = frozenset()
    """Metrics that were left out because the trial has as many as it may."""
    is_full: bool = False
    """Whether something was left out because the trial has as many points as it may."""

    @property
    def count(self) -> int:
        return self.verdicts.count("stored")


def store(trial: Trial, attempt: int, objective: Objective, readings: Sequence[Reading]) -> Stored:
    """Insert the readings not yet known and carry the trial's curve columns on (the caller saves the trial).

    What is beyond MAX_POINTS is rejected.

    Call with the trial's row locked. One query to look, when a step is not newer than all known; one to insert; one
    more where several metrics make the objective.
    """
    result, made = plan(trial, attempt, objective, readings)
    insert(made)
    return result


def plan(trial: Trial, attempt: int, objective: Objective, readings: Sequence[Reading]) -> tuple[Stored, list[Row]]:
    """`store` without its last query: what is to be inserted, so that many trials' measurements are inserted at once."""
    known = _known(trial, attempt, readings)
    fresh: dict[Place, float] = {}
    times: dict[Place, datetime] = {}
    wanted = {metric.name for metric in objective.metrics}  # without which the trial would fail
    result = Stored(surplus=surplus(trial, (one.metric for one in readings if one.metric not in wanted)))
    room = MAX_POINTS - trial.point_count
    for reading in readings:
        if reading.metric in result.surplus:
            result.verdicts.append("rejected")
            continue
        place = reading.place
        before = known.get(place) if known else None
        before = fresh.get(place) if before is None else before
        if before is None and len(fresh) >= room:
            result.is_full = True
            result.verdicts.append("rejected")
        elif before is None:
            fresh[place] = reading.value
            if reading.at is not None:
                times[place] = reading.at
            result.verdicts.append("stored")
        else:
            result.verdicts.append("duplicate" if same(before, reading.value) else "conflict")
    if not fresh:
        return result, []
    trial.point_count += len(fresh)
    values = fresh | _combined(trial, attempt, objective, fresh)
    _carry_on(trial, attempt, objective, values, result)
    return result, _rows(trial, attempt, values, times)


def said_again(trial: Trial, attempt: int, readings: Sequence[Reading]) -> list[Reading]:
    """The readings with each whose step is taken moved behind the last step of its metric, for wires that allow that.

    A script that never names a step so draws a curve all the same. The same value at the same time is the same reading,
    sent twice. Costs nothing while steps grow; else one query, and one for each metric that has a step twice.
    """
    taken: dict[tuple[str, int], tuple[float, datetime | None]] = {}
    tails: dict[str, dict[int, tuple[float, datetime | None]]] = {}
    if trial.last_step is not None and readings and min(reading.step for reading in readings) <= trial.last_step:
        rows = _near(trial, attempt, readings).values_list("name", "step", "value", "kind", "at")
        taken = {(name, step): (number_of(value, kind), at) for name, step, value, kind, at in rows}
    settled = []
    for reading in readings:
        before = taken.get((reading.metric, reading.step))
        if before is not None and not _is_one(before, reading):
            if reading.metric not in tails:
                tails[reading.metric] = _tail(trial, attempt, reading.metric, len(readings), taken)
            tail = tails[reading.metric]
            twin = next((step for step, known in tail.items() if _is_one(known, reading)), None)
            reading = reading._replace(step=max(tail) + 1 if twin is None else twin)
        taken[reading.metric, reading.step] = (reading.value, reading.at)
        if reading.metric in tails:
            tails[reading.metric][reading.step] = (reading.value, reading.at)
        settled.append(reading)
    return settled


def _is_one(known: tuple[float, datetime | None], reading: Reading) -> bool:
    value, at = known
    return same(value, reading.value) and (reading.at is None or at == reading.at)


def _tail(
    trial: Trial, attempt: int, metric: str, count: int, taken: Mapping[tuple[str, int], tuple[float, datetime | None]]
) -> dict[int, tuple[float, datetime | None]]:
    """The last values of a metric by step, also those of this batch; enough of them to find a batch that comes twice."""
    rows = Measurement.objects.filter(trial=trial, attempt=attempt, name=metric).order_by("-step")
    stored = rows.values_list("step", "value", "kind", "at")[: count + RETRIED]
    tail = {step: (number_of(value, kind), at) for step, value, kind, at in stored}
    return tail | {step: known for (name, step), known in taken.items() if name == metric}


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _known(trial: Trial, attempt: int, readings: Sequence[Reading]) -> dict[Place, float]:
    if not readings or trial.last_step is None:
        return {}
    steps = [reading.step for reading in readings]
    if min(steps) > trial.last_step:
        return {}
    return _by_place(_near(trial, attempt, readings))


def _near(trial: Trial, attempt: int, readings: Sequence[Reading]) -> QuerySet[Measurement]:
    """What is known of the same metrics between the first and the last of these steps."""
    steps = [reading.step for reading in readings]
    return Measurement.objects.filter(
        trial=trial,
        attempt=attempt,
        name__in={reading.metric for reading in readings},
        step__range=(min(steps), max(steps)),
    )


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


def _rows(trial: Trial, attempt: int, values: Mapping[Place, float], times: Mapping[Place, datetime]) -> list[Row]:
    now, key = timezone.now(), trial.pk
    made: list[Row] = []
    for place, value in values.items():
        source, name, step = place
        at = times.get(place, now)
        if math.isfinite(value):
            made.append((key, attempt, source, name, step, value, FINITE, at))
        else:
            made.append((key, attempt, source, name, step, None, kind_of(value), at))
    return made


def insert(made: Sequence[Row]) -> None:
    """Store new measurements. One query on PostgreSQL; one statement for each on SQLite, where that costs little."""
    if not made:
        return
    if connection.vendor != "postgresql":
        adapt = connection.ops.adapt_datetimefield_value
        with connection.cursor() as cursor:
            cursor.executemany(INSERT_ONE, [(*row[:-1], adapt(row[-1])) for row in made])
    elif len(made) <= FEW:
        with rows.prepared() as cursor:
            cursor.execute(INSERT_ALL, [list(column) for column in zip(*made, strict=True)])
    else:
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(list(_COPIED))
            for row in made:
                copy.write_row(row)


_COLUMNS = {
    "trial_id": "bigint",
    "attempt": "integer",
    "source": "smallint",
    "name": "text",
    "step": "bigint",
    "value": "double precision",
    "kind": "smallint",
    "at": "timestamptz",
}
_INTO = f"INSERT INTO {Measurement._meta.db_table} ({', '.join(_COLUMNS)})"
INSERT_ONE = f"{_INTO} VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
COPY = f"COPY {Measurement._meta.db_table} ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_COPIED = ("int8", "int4", "int2", "text", "int8", "float8", "int2", "timestamptz")
FEW = 16
"""Up to so many measurements go by a statement that the server keeps; more are copied in, which has a price of its own."""
INSERT_ALL = f"{_INTO} SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _COLUMNS.values())})"


AT_ONCE = f"""
measured AS ({INSERT_ALL}),
curved AS (UPDATE {Trial._meta.db_table} SET {", ".join(f"{name} = %s" for name in CURVE)}, modified = %s WHERE id = %s)"""


def at_once(trial: Trial, made: Sequence[Row]) -> Along | None:
    """`insert` and `save_curve` as statements that go along with a feed event; None where they have to go alone."""
    if connection.vendor != "postgresql" or len(made) > FEW:
        return None
    curve = [getattr(trial, name) for name in CURVE]
    columns = [list(column) for column in zip(*made, strict=True)]
    return Along(AT_ONCE, [*columns, *curve, timezone.now(), trial.pk])


def save_curve(trial: Trial, **before: int | None) -> bool:
    """Write the columns that follow the curve; False where `before`, of what they were, does not hold. One query."""
    curve = {name: getattr(trial, name) for name in CURVE}
    return rows.update(Trial, {**curve, "modified": timezone.now()}, id=trial.pk, **before) == 1


def _carry_on(trial: Trial, attempt: int, objective: Objective, values: dict[Place, float], result: Stored) -> None:
    """Follow the objective's curve in the trial's columns, in order of step."""
    series = series_name(objective)
    for (_, name, step), value in sorted(values.items(), key=_step_of):
        if name != COMBINED:
            result.last[name] = value
            result.last_step = step
        if name == series:
            result.points.append((step, value))
    if result.points and not _is_behind(trial, attempt, series, result.points[-1][0]):
        last = result.points[-1][1]
        trial.last_value = last if math.isfinite(last) else None
    if result.last_step is not None:
        before = result.last_step if trial.last_step is None else trial.last_step
        trial.last_step = max(result.last_step, before)
    numbers = [value for _, value in result.points if math.isfinite(value)]
    if not numbers:
        return
    known = [] if trial.best_value is None else [trial.best_value]
    trial.best_value = objective.best([*known, *numbers])
    trial.value_sum += sum(numbers)
    trial.value_count += len(numbers)


def _step_of(item: tuple[Place, float]) -> int:
    return item[0][2]


def _is_behind(trial: Trial, attempt: int, series: str, step: int) -> bool:
    """Whether the objective is known at a later step. One query, only when some metric is.

    Metrics may count their steps differently: a final score without a step comes after a loss at step 99.
    """
    if trial.last_step is None or step >= trial.last_step:
        return False
    later = Measurement.objects.filter(trial=trial, attempt=attempt, name=series, step__gt=step)
    return later.exists()


def final_value(trial: Trial, attempt: int, objective: Objective, readings: Readings) -> float | None:
    """The objective of an ended trial by the objective's mode; None when no finite number is that.

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
