"""Rows to what samplers and policies see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from django.db.models import F, QuerySet

from apps.experiments.models import Experiment
from apps.trials.models import COMBINED, Measurement, Trial, number_of
from tunebook.history import History, TrialView
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.status import TrialStatus


class HasAttempts(Protocol):
    """A trial's row, or the columns of it that say which attempt counts."""

    @property
    def pk(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def attempt_count(self) -> int: ...


Curve = tuple[tuple[int, float], ...]


def series_name(objective: Objective) -> str:
    """The measurement name that holds the objective's curve: the metric itself, or COMBINED where weights mix."""
    if len(objective.metrics) == 1 and objective.metrics[0].weight == 1:
        return objective.metrics[0].name
    return COMBINED


def history(experiment: Experiment, job: Job, *, with_curves: bool = True) -> History:
    """All trials of an experiment in order of number; with their curves where a policy needs them. 1 or 2 queries."""
    rows = Trial.objects.filter(experiment=experiment).order_by("number")
    columns = rows.values_list("pk", "number", "params", "status", "value", "space_version", "parent", "excluded")
    found = list(columns)
    known = all_curves(experiment, job.objective) if with_curves else {}
    trials = [
        TrialView(
            number=number,
            params=params,
            status=TrialStatus(status),
            value=value,
            curve=known.get(pk, ()),
            space_version=version,
            parent=parent,
            weight=0.0 if excluded else 1.0,
        )
        for pk, number, params, status, value, version, parent, excluded in found
    ]
    return History(space=job.space, objective=job.objective, trials=tuple(trials), seed=experiment.seed)


def view(trial: Trial, curve: Curve = ()) -> TrialView:
    """One row as samplers and policies see it."""
    return TrialView(
        number=trial.number,
        params=trial.params,
        status=TrialStatus(trial.status),
        value=trial.value,
        curve=curve,
        space_version=trial.space_version,
        parent=trial.parent,
        weight=0.0 if trial.excluded else 1.0,
    )


def all_curves(experiment: Experiment, objective: Objective) -> dict[int, Curve]:
    """The objective's curve of each trial of an experiment, as `curves` gives them. One query."""
    rows = Measurement.objects.filter(trial__experiment=experiment, attempt__gte=F("trial__attempt_count"))
    return _lines(rows.exclude(trial__status=TrialStatus.CREATED), objective, {})


def curves(objective: Objective, attempts: Mapping[int, int]) -> dict[int, Curve]:
    """The objective's curve of each trial in its latest attempt: row id -> attempt, see `latest`. One query.

    What an earlier attempt measured says nothing about the one that runs, and is no part of what the trial comes to.
    The attempts are given, not joined: right after many rows have come, PostgreSQL knows the tables as empty, and would
    go through all trials for each measurement.
    """
    return _lines(Measurement.objects.filter(trial__in=list(attempts)), objective, attempts)


def latest(trials: Iterable[HasAttempts]) -> dict[int, int]:
    """Row id -> latest attempt of the trials that have one, without those that wait for another."""
    return {trial.pk: trial.attempt_count for trial in trials if trial.status != TrialStatus.CREATED}


def _lines(rows: QuerySet[Measurement], objective: Objective, attempts: Mapping[int, int]) -> dict[int, Curve]:
    points: dict[int, dict[int, float]] = defaultdict(dict)
    columns = ("trial_id", "attempt", "step", "value", "kind")
    rows = rows.filter(name=series_name(objective)).order_by("trial_id", "step")
    for trial, attempt, step, value, kind in rows.values_list(*columns):
        if attempt >= attempts.get(trial, 0):
            points[trial][step] = number_of(value, kind)
    return {trial: tuple(series.items()) for trial, series in points.items()}
