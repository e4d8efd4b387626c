"""Reporting, stopping, restarting and queueing trials."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Measurement, Trial
from apps.tuning import experiments, trials
from apps.tuning.errors import Conflict, Fenced
from apps.workspaces.access import NotAllowed, OutOfReach
from apps.workspaces.models import hash_token
from tests.people import a_job
from tunebook.errors import SpecError
from tunebook.objective import Metric, Objective

pytestmark = pytest.mark.django_db

TOKEN = "attempt-token"


@pytest.fixture
def running(make_experiment):
    """A trial in its first attempt."""

    def make(**given):
        experiment = make_experiment(**given)
        Experiment.objects.filter(pk=experiment.pk).update(trial_count=1, running_count=1, status="RUNNING")
        trial = Trial.objects.create(
            experiment=experiment, number=0, params={"x": 0.5}, source="random", status="RUNNING", attempt_count=1
        )
        Attempt.objects.create(
            trial=trial, experiment=experiment, number=1, launch_key="k", state="RUNNING", token_hash=hash_token(TOKEN)
        )
        return trial

    return make


def ended(trial: Trial, status: str = "FAILED") -> Trial:
    Trial.objects.filter(pk=trial.pk).update(status=status)
    Experiment.objects.filter(pk=trial.experiment_id).update(running_count=0)
    return Trial.objects.get(pk=trial.pk)


def test_a_report_is_stored_once_however_often_it_is_sent(running):
    trial = running()
    items = [{"metric": "loss", "step": step, "value": 1.0 / (step + 1)} for step in range(3)]

    first, second = trials.report(TOKEN, items), trials.report(TOKEN, items)

    assert first.verdicts == ["stored"] * 3
    assert second.verdicts == ["duplicate"] * 3
    assert Measurement.objects.filter(trial=trial).count() == 3


def test_another_value_at_the_same_step_is_a_conflict_and_the_first_stays(running):
    trial = running()
    trials.report(TOKEN, [{"metric": "loss", "step": 1, "value": 0.5}])

    answer = trials.report(TOKEN, [{"metric": "loss", "step": 1, "value": 0.4}])

    assert answer.verdicts == ["conflict"]
    assert Measurement.objects.get(trial=trial).value == 0.5


def test_the_curve_columns_follow_the_objective(running):
    trial = running()

    trials.report(TOKEN, [{"metric": "loss", "step": s, "value": v} for s, v in enumerate([0.9, 0.3, 0.6])])

    trial.refresh_from_db()
    assert (trial.last_value, trial.best_value, trial.last_step) == (0.6, 0.3, 2)
    assert trial.value_sum / trial.value_count == pytest.approx(0.6)


def test_a_late_step_does_not_become_the_last_value(running):
    trial = running()
    trials.report(TOKEN, [{"metric": "loss", "step": 5, "value": 0.2}])

    trials.report(TOKEN, [{"metric": "loss", "step": 2, "value": 0.7}])

    trial.refresh_from_db()
    assert (trial.last_value, trial.last_step) == (0.2, 5)


def test_what_is_not_finite_is_kept_as_such_and_never_best(running):
    trial = running()

    trials.report(TOKEN, [{"metric": "loss", "step": 0, "value": "NaN"}, {"metric": "loss", "step": 1, "value": 0.4}])
    trials.report(TOKEN, [{"metric": "loss", "step": 2, "value": "-Infinity"}])

    trial.refresh_from_db()
    numbers = [row.number for row in Measurement.objects.filter(trial=trial).order_by("step")]
    assert math.isnan(numbers[0]) and numbers[1:] == [0.4, -math.inf]
    assert trial.best_value == 0.4


@pytest.mark.parametrize(
    "item",
    [
        "text",
        {},
        {"metric": "", "step": 0, "value": 1.0},
        {"metric": "a\x00", "step": 0, "value": 1.0},
        {"metric": "loss", "step": -1, "value": 1.0},
        {"metric": "loss", "step": True, "value": 1.0},
        {"metric": "loss", "step": 1.5, "value": 1.0},
        {"metric": "loss", "step": 2**53, "value": 1.0},
        {"metric": "loss", "step": 0, "value": "high"},
        {"metric": "loss", "step": 0, "value": True},
        {"metric": "loss", "step": 0, "value": None},
        {"metric": "loss", "step": 0, "value": 10**400},
    ],
)
def test_a_bad_item_is_rejected_alone(running, item):
    running()

    answer = trials.report(TOKEN, [item, {"metric": "loss", "step": 0, "value": 1.0}])

    assert answer.verdicts == ["rejected", "stored"]
    assert list(answer.problems) == [0]


def test_a_superseded_attempt_may_not_report(running):
    trial = running()
    Trial.objects.filter(pk=trial.pk).update(attempt_count=2)

    with pytest.raises(Fenced):
        trials.report(TOKEN, [{"metric": "loss", "step": 0, "value": 1.0}])

    assert not Measurement.objects.exists()


def test_an_unknown_token_finds_nothing(running):
    running()

    with pytest.raises(OutOfReach):
        trials.report("other", [])


def test_too_many_items_are_refused_whole(running):
    running()

    with pytest.raises(SpecError):
        trials.report(TOKEN, [{"metric": "loss", "step": s, "value": 1.0} for s in range(1001)])


def test_weighted_metrics_are_combined_when_a_step_is_complete(running):
    objective = Objective("maximize", (Metric("acc", 1.0), Metric("cost", -0.5)))
    trial = running(job=a_job(objective=objective))

    trials.report(TOKEN, [{"metric": "acc", "step": 0, "value": 0.8}])
    trial.refresh_from_db()
    assert trial.last_value is None
    trials.report(TOKEN, [{"metric": "cost", "step": 0, "value": 0.4}])

    trial.refresh_from_db()
    assert trial.last_value == pytest.approx(0.6)


def test_stopping_a_running_trial_asks_and_stopping_an_unstarted_one_ends_it(running, actor_ada):
    trial = running()
    Experiment.objects.filter(pk=trial.experiment_id).update(created_count=1, trial_count=2)
    unstarted = Trial.objects.create(experiment=trial.experiment, number=1, params={"x": 0.1}, source="random")

    answer = trials.stop(actor_ada, trial.experiment, [trial.key, unstarted.key, "nobody"])

    trial.refresh_from_db()
    unstarted.refresh_from_db()
    assert answer == {trial.key: True, unstarted.key: True, "nobody": False}
    assert (trial.status, trial.desired, trial.stopped_by) == ("RUNNING", "stop", "user")
    assert unstarted.status == "USER_CANCELED"
    assert Experiment.objects.get().counts == {"RUNNING": 1, "USER_CANCELED": 1}


def test_a_failed_trial_restarts_as_a_new_one_beyond_the_limit(running, actor_ada):
    trial = ended(running())

    answer = trials.restart(actor_ada, trial.experiment, [trial.key])

    again = answer[trial.key]
    assert isinstance(again, Trial)
    assert (again.number, again.params, again.restart_of, again.extra) == (1, {"x": 0.5}, trial, True)
    assert Experiment.objects.get().extra_trials == 1


def test_what_has_succeeded_is_not_restarted(running, actor_ada):
    trial = ended(running())
    Trial.objects.create(experiment=trial.experiment, number=1, params={"x": 0.5}, source="random", status="FINISHED")

    answer = trials.restart(actor_ada, trial.experiment, [trial.key])

    assert answer == {trial.key: "a trial with the same parameters has succeeded"}


@pytest.mark.django_db(transaction=True)
def test_failed_trials_are_restarted_once_though_several_ask_at_the_same_moment(running, actor_ada):
    trial = ended(running())
    together = Barrier(4)

    def ask(_):
        together.wait()
        try:
            return trials.restart_failed(actor_ada, trial.experiment)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(ask, range(4)))

    assert sorted(len(answer) for answer in answers) == [0, 0, 0, 1]
    assert Trial.objects.filter(restart_of=trial).count() == 1


def test_what_is_being_stopped_takes_no_more_trials_and_says_why(running, actor_ada):
    trial = running()
    experiments.stop(actor_ada, trial.experiment)

    with pytest.raises(Conflict, match="is being stopped"):
        trials.queue(actor_ada, trial.experiment, {"x": 0.25})


def test_queued_parameters_must_lie_in_the_space(running, actor_ada):
    trial = running()

    with pytest.raises(SpecError):
        trials.queue(actor_ada, trial.experiment, {"x": 7.0})
    queued = trials.queue(actor_ada, trial.experiment, {"x": 0.25})

    assert (queued.number, queued.source, queued.extra) == (1, "queued", True)


def test_nothing_is_added_to_an_ended_experiment(running, actor_ada):
    trial = ended(running())
    Experiment.objects.update(status="FINISHED")

    with pytest.raises(Conflict):
        trials.queue(actor_ada, trial.experiment, {"x": 0.25})


def test_a_viewer_neither_stops_nor_restarts(running, actor_ben):
    trial = running()

    with pytest.raises(NotAllowed):
        trials.stop(actor_ben, trial.experiment, [trial.key])
    with pytest.raises(NotAllowed):
        trials.restart(actor_ben, trial.experiment, [trial.key])
