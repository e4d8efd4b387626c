"""What samplers and policies see of the rows."""

from __future__ import annotations

import pytest

from apps.trials.history import all_curves, curves, history, latest
from apps.trials.models import Measurement, Trial
from tests.people import a_job
from tunebook.objective import Metric, Objective

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(make_experiment):
    return Trial.objects.create(
        experiment=make_experiment(), number=0, params={"x": 0.5}, source="random", status="FINISHED", value=0.25
    )


def test_a_history_holds_trials_in_order_with_their_curves(trial, django_assert_num_queries):
    Trial.objects.create(experiment=trial.experiment, number=1, params={"x": 0.1}, source="random", status="RUNNING")
    Measurement.objects.create(trial=trial, name="loss", step=1, value=0.25)
    Measurement.objects.create(trial=trial, name="loss", step=0, value=0.5)
    Measurement.objects.create(trial=trial, name="other", step=0, value=9.0)

    with django_assert_num_queries(2):
        seen = history(trial.experiment, a_job())

    assert [(view.number, view.params["x"], view.value) for view in seen.trials] == [(0, 0.5, 0.25), (1, 0.1, None)]
    assert seen.trials[0].curve == ((0, 0.5), (1, 0.25))


def test_only_the_latest_attempt_is_seen(trial):
    trial.attempt_count = 2
    trial.save()
    Measurement.objects.create(trial=trial, name="loss", attempt=1, step=0, value=0.9)
    Measurement.objects.create(trial=trial, name="loss", attempt=1, step=1, value=0.8)
    Measurement.objects.create(trial=trial, name="loss", attempt=2, step=0, value=0.7)

    assert all_curves(trial.experiment, a_job().objective) == {trial.pk: ((0, 0.7),)}
    assert curves(a_job().objective, latest([trial])) == {trial.pk: ((0, 0.7),)}


def test_a_trial_that_waits_for_another_attempt_has_no_curve(trial):
    trial.status, trial.attempt_count = "CREATED", 1
    trial.save()
    Measurement.objects.create(trial=trial, name="loss", attempt=1, step=0, value=0.9)

    assert all_curves(trial.experiment, a_job().objective) == {}
    assert curves(a_job().objective, latest([trial])) == {}


def test_the_curves_of_some_trials_are_read_from_one_table(trial, django_assert_num_queries):
    Measurement.objects.create(trial=trial, name="loss", step=0, value=0.25)

    with django_assert_num_queries(1) as asked:
        curves(a_job().objective, latest([trial]))

    assert " JOIN " not in asked[0]["sql"]  # planned on stale statistics, it took a minute


def test_weighted_metrics_have_their_combined_curve(trial):
    objective = Objective("maximize", (Metric("acc"), Metric("cost", -1.0)))
    Measurement.objects.create(trial=trial, name="", step=0, value=0.6)
    Measurement.objects.create(trial=trial, name="acc", step=0, value=0.8)

    found = curves(objective, latest([trial]))

    assert found[trial.pk] == ((0, 0.6),)
