from __future__ import annotations

import math
from collections.abc import Callable

from django.db.models import F
from django.test import Client
from pytest_django.asserts import assertContains

from apps.dashboard.running import MOST_READ, POINTS, running
from apps.experiments.models import Experiment
from apps.trials.models import Kind, Measurement, Trial
from tests.dashboard.conftest import queries_of
from tests.dashboard.trials import with_trials
from tunebook.job import Job

Make = Callable[..., Experiment]


def report(trial: Trial, values: list[float], *, attempt: int = 1) -> None:
    """What the objective was at each step."""
    job = Job.from_dict(trial.experiment.job)
    name = job.objective.metrics[0].name
    Measurement.objects.bulk_create(
        Measurement(
            trial=trial,
            attempt=attempt,
            name=name,
            step=step,
            value=value if math.isfinite(value) else None,
            kind=Kind.FINITE if math.isfinite(value) else Kind.NAN,
        )
        for step, value in enumerate(values)
    )
    Trial.objects.filter(pk=trial.pk).update(value_count=len(values), last_step=len(values) - 1, last_value=values[-1])


def test_running_trials_come_with_their_curves(make_experiment: Make) -> None:
    one = make_experiment()
    ended, first, second = with_trials(one, "FINISHED", "RUNNING", "RUNNING")
    report(ended, [9.0, 8.0])
    report(first, [3.0, math.nan, 1.0])

    found = running(one, Job.from_dict(one.job).objective)

    assert [(row.trial.number, list(row.curve)) for row in found] == [
        (first.number, [(0, 3.0), (2, 1.0)]),
        (second.number, []),
    ]


def test_a_later_attempt_overrules_an_earlier_one(make_experiment: Make) -> None:
    one = make_experiment()
    (trial,) = with_trials(one, "RUNNING")
    report(trial, [5.0, 4.0])
    report(trial, [3.0], attempt=2)
    Trial.objects.filter(pk=trial.pk).update(value_count=2, last_step=1)

    (row,) = running(one, Job.from_dict(one.job).objective)

    assert list(row.curve) == [(0, 3.0), (1, 4.0)]


def test_of_a_long_curve_the_newest_part_is_read_and_thinned(make_experiment: Make) -> None:
    one = make_experiment()
    (trial,) = with_trials(one, "RUNNING")
    report(trial, [float(step) for step in range(3 * MOST_READ)])

    (row,) = running(one, Job.from_dict(one.job).objective)

    assert len(row.curve) <= POINTS
    assert row.curve[-1][0] == 3 * MOST_READ - 1
    assert abs(row.curve[0][0] - 2 * MOST_READ) < 5


def test_of_a_long_curve_below_0_the_newest_part_is_read_too(make_experiment: Make) -> None:
    one = make_experiment()
    (trial,) = with_trials(one, "RUNNING")
    report(trial, [float(step) for step in range(3 * MOST_READ)])
    Measurement.objects.filter(trial=trial).update(step=F("step") - 3 * MOST_READ)
    Trial.objects.filter(pk=trial.pk).update(last_step=-1)

    (row,) = running(one, Job.from_dict(one.job).objective)

    assert row.curve[-1][0] == -1
    assert abs(row.curve[0][0] + MOST_READ) < 5


def test_the_overview_draws_them_and_costs_the_same_for_few_as_for_many(as_ada: Client, make_experiment: Make) -> None:
    one = make_experiment()
    address = f"/w/lab/e/{one.key}/part/now"
    for trial in with_trials(one, "RUNNING"):
        report(trial, [2.0, 1.0])
    few = queries_of(as_ada, address)

    for trial in with_trials(one, *["RUNNING"] * 8):
        report(trial, [2.0, 1.0])

    assertContains(as_ada.get(address), 'data-curve="[[0,2.0],[1,1.0]]"', count=9)
    assert queries_of(as_ada, address) <= few
