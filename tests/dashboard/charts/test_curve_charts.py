"""The numbers of learning curves."""

from __future__ import annotations

import math

import pytest

from apps.experiments.models import Experiment
from apps.insights import charts
from apps.insights.charts.curves import Row, choose, draw
from apps.insights.charts.numbers import thin_line
from apps.insights.charts.trial_curve import median_curve
from apps.trials.models import Measurement, Trial, kind_of
from tunebook.objective import Metric, Objective
from tunebook.status import TrialStatus

DOWN = Objective("minimize", (Metric("loss"),))


def row(number: int, value: float | None = None, status: str = "FINISHED", points: int = 10) -> Row:
    return Row(number, number, status, value, points, 1)


def a_trial(experiment: Experiment, number: int, values: list[float], status: str = TrialStatus.FINISHED) -> Trial:
    trial = Trial.objects.create(
        experiment=experiment, number=number, params={}, status=status, value=values[-1], value_count=len(values)
    )
    Measurement.objects.bulk_create(
        Measurement(
            trial=trial,
            name="loss",
            step=step,
            value=value if math.isfinite(value) else None,
            kind=kind_of(value),
        )
        for step, value in enumerate(values, start=1)
    )
    return trial


def test_the_running_the_best_and_the_newest_are_drawn():
    rows = [row(number, float(number)) for number in range(100)]
    rows[50] = row(50, None, "RUNNING")

    numbers = [chosen.number for chosen in choose(rows, DOWN, most=10)]

    assert numbers == [0, 1, 2, 3, 4, 50, 96, 97, 98, 99]


def test_long_curves_make_fewer_of_them_but_at_least_one():
    rows = [row(number, float(number), points=1000) for number in range(10)]

    assert len(choose(rows, DOWN, read=3500)) == 3
    assert len(choose(rows, DOWN, read=10)) == 1


def test_a_line_is_thinned_to_its_ends_and_its_peaks():
    points = [(float(step), math.sin(step / 50)) for step in range(10_000)]
    points[5000] = (5000.0, 9.0)

    thinned = thin_line(points, 100)

    assert len(thinned) <= 100
    assert thinned[0] == points[0] and thinned[-1] == points[-1]
    assert (5000.0, 9.0) in thinned
    assert list(thinned) == sorted(thinned)


def test_a_short_line_and_a_line_of_gaps_stay_what_they_are():
    assert thin_line([(1.0, 2.0)], 100) == [(1.0, 2.0)]
    assert len(thin_line([(float(step), math.nan) for step in range(1000)], 10)) <= 10


def test_the_best_is_named_with_its_value():
    payload = draw([row(0, 2.0), row(1, 1.0)], {0: ((1, 3.0), (2, 2.0)), 1: ((1, 1.0),)}, DOWN)

    assert (payload["best"], payload["best_value"]) == (1, 1.0)
    assert payload["trials"][0] == {"number": 0, "status": "FINISHED", "step": [1, 2], "value": [3.0, 2.0]}


def test_the_median_stands_where_three_have_come_so_far_and_skips_what_is_not_finite():
    curves = [((1, 1.0), (2, 1.0)), ((1, 2.0), (2, math.nan)), ((1, 9.0), (2, 3.0))]

    assert median_curve(curves) == [(1, 2.0)]


@pytest.mark.django_db
def test_curves_cost_two_queries_whatever_the_number_of_trials(make_experiment, django_assert_num_queries):
    experiment = make_experiment()
    for number in range(8):
        a_trial(experiment, number, [3.0, 2.0, 1.0 + number])

    with django_assert_num_queries(2):
        payload = charts.build("curves", experiment)

    assert payload["best"] == 0
    assert [trial["number"] for trial in payload["trials"]] == list(range(8))
    assert payload["trials"][7]["value"] == [3.0, 2.0, 8.0]


@pytest.mark.django_db
def test_a_trial_is_compared_with_the_best_and_the_median_of_the_others(make_experiment, django_assert_num_queries):
    experiment = make_experiment()
    for number, end in enumerate([0.1, 0.2, 0.3]):
        a_trial(experiment, number, [1.0, end])
    trial = a_trial(experiment, 3, [2.0, math.inf], TrialStatus.RUNNING)

    with django_assert_num_queries(2):
        payload = charts.trial_curve(trial)

    assert payload["this"] == {"step": [1, 2], "value": [2.0, "Infinity"]}
    assert payload["best"] == {"number": 0, "step": [1, 2], "value": [1.0, 0.1]}
    assert payload["median"] == {"step": [1, 2], "value": [1.0, 0.2]}


@pytest.mark.django_db
def test_the_best_trial_is_not_compared_with_itself(make_experiment):
    trial = a_trial(make_experiment(), 0, [1.0])

    assert "best" not in charts.trial_curve(trial)
    assert charts.table(charts.trial_curve(trial)) == (["Step", "loss"], [[1, 1.0]])


@pytest.mark.django_db
def test_a_trial_that_reported_nothing_has_an_empty_curve(make_experiment):
    trial = Trial.objects.create(experiment=make_experiment(), number=0, params={})

    assert charts.trial_curve(trial)["this"] == {"step": [], "value": []}
