"""Learning curves of many trials: the running ones, the best and the newest, each thinned to a line of pixels."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.insights.charts.numbers import Payload, digits, short, thin_line
from apps.insights.wording import metric
from apps.trials.history import Curve, latest, series_name
from apps.trials.history import curves as curves_of
from apps.trials.models import Measurement, Trial, number_of
from tunebook.history import History, TrialView
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.policies.line import line
from tunebook.status import LIVE_TRIAL, TrialStatus

MOST_CURVES = 200
MOST_READ = 100_000
"""Measurements read for one chart; longer curves make fewer of them."""
POINTS = 80
MOST_POINTS = 4_000
"""Points of all curves together: sixty kilobytes."""
MOST_TIMED = 3_000
"""The same where their places are seconds, which take more digits than steps."""
MOST_JUDGED = 20_000
"""Measurements that the stop line is worked out from."""

Line = Sequence[tuple[float, float]]


class Row(NamedTuple):
    """What decides whether a trial's curve is drawn."""

    pk: int
    number: int
    status: str
    value: float | None
    value_count: int
    attempt_count: int


def curves(experiment: Experiment, trials: QuerySet[Trial], asked: Mapping[str, str]) -> Payload:
    """The curves worth drawing, and where the policy would stop a trial. Two queries, three over time.

    `by=time` puts seconds since the trial's start in the place of the steps; then there is no stop line.
    """
    job = Job.from_dict(experiment.job)
    rows = [Row(*row) for row in trials.filter(value_count__gt=0).order_by("number").values_list(*Row._fields)]
    chosen = choose(rows, job.objective)
    known = curves_of(job.objective, latest(chosen))
    payload = {"by": "step", "stop": stop_line(job, chosen, known)}
    shown: Mapping[int, Line] = known
    if asked.get("by") == "time":
        payload, shown = {"by": "time", "stop": None}, over_time(job, chosen)
    most = MOST_POINTS if shown is known else MOST_TIMED
    return draw(chosen, shown, job.objective, most) | {"total": len(rows), **payload}


def over_time(job: Job, chosen: Sequence[Row]) -> dict[int, Line]:
    """Row id -> (seconds since the attempt's first start, value) of its newest attempt. Two queries."""
    pks = [row.pk for row in chosen]
    started = dict(Trial.objects.filter(pk__in=pks, started__isnull=False).values_list("pk", "started"))
    rows = Measurement.objects.filter(name=series_name(job.objective), trial__in=list(started))
    lines: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    columns = ("trial_id", "step", "value", "kind", "at")
    for trial, step, value, kind, at in rows.order_by("trial_id", "attempt", "step").values_list(*columns):
        lines[trial][step] = (max((at - started[trial]).total_seconds(), 0.0), number_of(value, kind))
    return {trial: tuple(sorted(points.values())) for trial, points in lines.items()}


def stop_line(job: Job, chosen: Sequence[Row], known: Mapping[int, Curve]) -> Payload | None:
    """The worst value with which a new trial would go on at some steps; None where no policy compares trials."""
    if job.policy is None:
        return None
    views, read = [], 0
    for row in reversed(chosen):
        curve = known.get(row.pk, ())
        if not curve or read + len(curve) > MOST_JUDGED:
            continue
        read += len(curve)
        views.append(TrialView(row.number, {}, TrialStatus(row.status), row.value, curve))
    points = line(job.policy, History(job.space, job.objective, tuple(views)))
    if not points:
        return None
    return {
        "policy": job.policy.name,
        "peers": len(views),
        "step": [step for step, _ in points],
        "value": [digits(value, 5) for _, value in points],
    }


def choose(rows: Sequence[Row], objective: Objective, most: int = MOST_CURVES, read: int = MOST_READ) -> list[Row]:
    """The live ones, the better half of what remains to choose, and the newest; in order of number."""
    wanted = [*_live(rows), *ranked(rows, objective)[: most // 2], *reversed(rows)]
    chosen: dict[int, Row] = {}
    for row in wanted:
        if len(chosen) >= most or (chosen and read < row.value_count):
            break
        if row.pk not in chosen:
            read -= row.value_count
            chosen[row.pk] = row
    return sorted(chosen.values(), key=lambda row: row.number)


def _live(rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if row.status in LIVE_TRIAL)


def ranked(rows: Iterable[Row], objective: Objective) -> list[Row]:
    """The succeeded ones, best first."""
    finished = [row for row in rows if row.status == TrialStatus.FINISHED and row.value is not None]
    sign = -1 if objective.is_better(1.0, 0.0) else 1
    return sorted(finished, key=lambda row: (sign * (row.value or 0.0), row.number))


def draw(rows: Sequence[Row], known: Mapping[int, Line], objective: Objective, points: int = MOST_POINTS) -> Payload:
    best = next(iter(ranked(rows, objective)), None)
    most = max(12, min(POINTS, points // max(1, len(rows))))
    return {
        "chart": "curves",
        "goal": objective.goal,
        "metric": metric(objective.name),
        "best": best.number if best else None,
        "best_value": short(best.value) if best else None,
        "trials": [_line(row, known[row.pk], most) for row in rows if row.pk in known],
    }


def _line(row: Row, curve: Line, most: int = POINTS) -> Payload:
    points = thin_line(curve, most)
    return {
        "number": row.number,
        "status": row.status,
        "step": [digits(step, 5) if isinstance(step, float) else step for step, _ in points],
        "value": [
            digits(value, 5) if isinstance(value, float) and math.isfinite(value) else short(value)
            for _, value in points
        ],
    }
