"""The optimizer's verbs: leases, fencing, and what a tick writes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import Event, experiment_stream
from apps.trials.models import Attempt, Trial
from apps.tuning import attempts, blame, driving, experiments, leases, trials
from apps.tuning.errors import Fenced, Overtaken
from apps.tuning.measuring import Reading
from apps.tuning.outcomes import Outcome
from tests.people import a_job
from tunebook.limits import Limits
from tunebook.samplers.base import Suggestion
from tunebook.status import ExperimentStatus, TrialStatus

pytestmark = pytest.mark.django_db

HERE = {"instance": "test", "executor": "replay", "host": "here", "slots": 8}
GOOD = Outcome("exited", code=0)


def suggestion(x: float = 0.5) -> Suggestion:
    return Suggestion(params={"x": x}, source="random")


@pytest.fixture
def driven(make_experiment):
    """An experiment with its lease and job."""

    def make(**given):
        experiment = make_experiment(**given)
        (lease,) = [lease for lease in leases.claim("one", most=5) if lease.experiment_id == experiment.pk]
        return experiment, lease, driving.Job.from_dict(experiment.job)

    return make


def start_one(lease, job, x: float = 0.5) -> Attempt:
    """Suggest, claim and launch one trial."""
    with driving.tick(lease, job) as tick:
        (attempt,) = tick.claim(tick.suggest([suggestion(x)]), **HERE)
    with driving.tick(lease, job) as tick:
        tick.launched(attempt, handle={"pid": 1})
        tick.move(ExperimentStatus.RUNNING)
    return attempt


def test_an_experiment_has_one_driver_until_its_lease_is_over(driven):
    experiment, lease, _ = driven()

    assert leases.claim("two", most=5) == []
    Experiment.objects.filter(pk=experiment.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    (taken,) = leases.claim("two", most=5)

    assert taken.epoch == lease.epoch + 1


def test_a_lease_and_a_rest_from_before_the_clock_was_set_back_hold_nobody_up(driven):
    experiment, lease, _ = driven()
    hour = timezone.now() + timedelta(hours=1)

    Experiment.objects.filter(pk=experiment.pk).update(lease_until=hour, retry_at=hour)
    (taken,) = leases.claim("two", most=5)

    assert taken.epoch == lease.epoch + 1


def test_what_began_before_the_clock_was_set_took_as_long_as_its_runner_says(driven):
    _, lease, job = driven()
    attempt, other = start_one(lease, job), start_one(lease, job, 0.25)
    back = timezone.now() - timedelta(hours=1)

    with driving.tick(lease, job) as tick:
        told = {"started": back - timedelta(seconds=20), "ended": back}
        tick.ended(attempt, Outcome("exited", code=0, **told))
        tick.ended(other, Outcome("lost", ended=back))

    trial = Trial.objects.get(pk=attempt.trial_id)
    assert (trial.started, trial.ended) == (told["started"], told["ended"])
    assert all(row.started <= row.ended for row in Attempt.objects.all())


def test_a_replaced_driver_writes_nothing(driven):
    experiment, lease, job = driven()
    Experiment.objects.filter(pk=experiment.pk).update(lease_until=None)
    leases.claim("two", most=5)

    with pytest.raises(Fenced), driving.tick(lease, job) as tick:
        tick.suggest([suggestion()])

    assert not Trial.objects.exists()


def test_a_tick_happens_whole_or_not_at_all(driven):
    experiment, lease, job = driven()

    def fall_over_half_way():
        with driving.tick(lease, job) as tick:
            tick.claim(tick.suggest([suggestion()]), **HERE)
            raise RuntimeError("the driver fell over")

    with pytest.raises(RuntimeError):
        fall_over_half_way()

    assert not Trial.objects.exists()
    assert Experiment.objects.get(pk=experiment.pk).trial_count == 0


def test_slots_never_exceed_the_experiment_nor_the_host(driven):
    _, lease, job = driven()

    with driving.tick(lease, job) as tick:
        asked = tick.suggest([suggestion(n / 10) for n in range(5)])
        got = tick.claim(asked, **HERE)
    with driving.tick(lease, job) as tick:
        more = tick.claim([t for t in asked if t.status == "CREATED"], **{**HERE, "slots": 1})

    assert [len(got), len(more)] == [2, 0]
    assert Experiment.objects.get().counts == {"CREATED": 3, "WAITING": 2}


def test_a_trial_goes_from_suggestion_to_best(driven):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 0, 0.4), Reading("loss", 1, 0.2)], {"spool": 99})
        to = tick.ended(attempt, GOOD)

    row, trial = Experiment.objects.get(), Trial.objects.get()
    assert to == TrialStatus.FINISHED
    assert (trial.status, trial.value, trial.last_step) == ("FINISHED", 0.2, 1)
    assert (row.best_value, row.best_trial, row.counts, row.spark) == (0.2, 0, {"FINISHED": 1}, [[1, 0.2]])
    assert Attempt.objects.get().offsets == {"spool": 99}
    kinds = [event.kind for event in reading.after(experiment_stream(experiment.key), 0)]
    assert kinds[-3:] == ["metrics", "trial", "experiment"]


def test_an_end_takes_what_was_measured_last_along(driven, django_assert_num_queries):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 0, 0.4)], {"spool": 9}, ending=True)
        with django_assert_num_queries(2):
            tick.ended(attempt, GOOD)

    trial, attempt = Trial.objects.get(), Attempt.objects.get()
    assert (trial.status, trial.value, trial.last_step, trial.value_count) == ("FINISHED", 0.4, 0, 1)
    assert (attempt.state, attempt.offsets) == ("ENDED", {"spool": 9})


@pytest.mark.parametrize(
    ("outcome", "limits", "statuses"),
    [
        (Outcome("exited", code=0, started=timezone.now()), {}, ["WAITING", "RUNNING", "FAILED"]),
        (Outcome("lost", started=timezone.now()), {"retries": 1}, ["WAITING", "RUNNING", "CREATED"]),
        (Outcome("launch_error", text="no such command"), {"retries": 0}, ["WAITING", "FAILED"]),
    ],
)
def test_who_ends_before_its_start_was_written_down_is_told_to_have_been_running(driven, outcome, limits, statuses):
    experiment, lease, job = driven(job=a_job(limits=Limits(**limits)))
    with driving.tick(lease, job) as tick:
        (attempt,) = tick.begin([suggestion()], **HERE)

    with driving.tick(lease, job) as tick:
        tick.ended(attempt, outcome)

    told = [event.payload for event in reading.after(experiment_stream(experiment.key), 0) if event.kind == "trial"]
    assert [one["status"] for one in told] == statuses
    assert all(one["ended"] is None and one["started"] for one in told if one["status"] == "RUNNING")
    assert Experiment.objects.get().counts == {statuses[-1]: 1}


def test_an_end_that_meets_a_report_over_http_is_not_written_over_it(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)
    Trial.objects.update(last_step=7, value_count=1, last_value=0.1)

    def end() -> None:
        with driving.tick(lease, job) as tick:
            tick.measured(attempt, [Reading("loss", 0, 0.4)], {"spool": 9}, ending=True)
            tick.ended(attempt, GOOD)

    with pytest.raises(Overtaken):
        end()

    assert (Trial.objects.get().status, Attempt.objects.get().state) == ("RUNNING", "RUNNING")


def test_an_end_counts_what_was_reported_over_http_meanwhile(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)
    Trial.objects.update(last_step=7, value_count=1, last_value=0.1, best_value=0.1)

    with driving.tick(lease, job) as tick:
        tick.ended(attempt, GOOD)

    assert (Trial.objects.get().status, Trial.objects.get().value) == ("FINISHED", 0.1)


def test_a_slot_that_becomes_free_is_given_away_in_the_same_tick(driven):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)
    row = Experiment.objects.get(pk=experiment.pk)

    with driving.tick(lease, job, known=row, host=HERE["host"]) as tick:
        assert tick.room(host=HERE["host"], slots=1) == 0
        tick.ended(attempt, Outcome("exited", code=1))
        assert tick.room(host=HERE["host"], slots=1) == 1
        tick.begin([suggestion(0.1)], **{**HERE, "slots": 1})
        assert tick.room(host=HERE["host"], slots=1) == 0


def test_the_best_follows_the_goal(driven):
    _, lease, job = driven()
    for value in (0.4, 0.6, 0.1):
        attempt = start_one(lease, job)
        with driving.tick(lease, job) as tick:
            tick.measured(attempt, [Reading("loss", 0, value)], {})
            tick.ended(attempt, GOOD)

    row = Experiment.objects.get()
    assert (row.best_value, row.best_trial) == (0.1, 2)


def test_success_without_a_value_is_a_failure(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.ended(attempt, GOOD)

    trial = Trial.objects.get()
    assert trial.status == "FAILED"
    assert "loss" in trial.reason


def test_success_with_nothing_but_nan_says_so(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 1, float("nan")), Reading("loss", 2, float("inf"))], {})
        tick.ended(attempt, GOOD)

    trial = Trial.objects.get()
    assert (trial.status, trial.value) == ("FAILED", None)
    assert trial.reason == "it ended without a number for 'loss', only NaN or infinite"


def test_success_that_ends_in_nan_is_a_failure_whatever_came_before(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 1, 0.5), Reading("loss", 3, float("nan"))], {})
        tick.measured(attempt, [Reading("loss", 2, 0.4)], {})
        tick.ended(attempt, GOOD)

    trial = Trial.objects.get()
    assert (trial.status, trial.value, trial.best_value) == ("FAILED", None, 0.4)
    assert trial.reason == "it ended with NaN or infinity as the last value of 'loss'"


def test_nan_on_the_way_is_no_failure(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 1, float("nan")), Reading("loss", 2, 0.4)], {})
        tick.ended(attempt, GOOD)

    trial = Trial.objects.get()
    assert (trial.status, trial.value) == ("FINISHED", 0.4)


def test_a_lost_attempt_is_tried_again_and_its_successor_starts_afresh(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 0, 0.9)], {})
        tick.ended(attempt, Outcome("lost"))
    with driving.tick(lease, job) as tick:
        (second,) = tick.claim([attempt.trial], **HERE)

    trial = Trial.objects.get()
    assert (trial.status, trial.attempt_count, trial.last_value) == ("WAITING", 2, None)
    assert second.launch_key.endswith("-2")
    assert Attempt.objects.get(number=1).fenced


def test_the_time_of_a_trial_is_added_up_with_its_end_and_that_of_an_attempt_tried_again_is_not(driven):
    experiment, lease, job = driven()
    began = timezone.now() - timedelta(minutes=5)
    first, second = start_one(lease, job), start_one(lease, job)
    Trial.objects.update(started=began)
    for attempt in (first, second):
        attempt.trial.refresh_from_db()

    with driving.tick(lease, job) as tick:
        tick.measured(first, [Reading("loss", 0, 0.5)], {})
        tick.ended(first, Outcome("exited", code=0, ended=began + timedelta(seconds=40)))
        tick.ended(second, Outcome("lost", ended=began + timedelta(seconds=50)))
    once = Experiment.objects.get(pk=experiment.pk).spent
    with driving.tick(lease, job) as tick:
        (again,) = tick.claim([second.trial], **HERE)
        tick.launched(again, handle={"pid": 2}, started=began + timedelta(seconds=60))
        tick.ended(again, Outcome("exited", code=3, ended=began + timedelta(seconds=67)))

    assert once == pytest.approx(40)
    assert Experiment.objects.get(pk=experiment.pk).spent == pytest.approx(47)
    assert sum(trial.took for trial in Trial.objects.all()) == pytest.approx(47)


def test_giving_an_experiment_up_adds_the_time_of_what_still_ran(driven):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)
    Trial.objects.filter(pk=attempt.trial_id).update(started=timezone.now() - timedelta(seconds=30))

    for _ in range(blame.MOST_DEATHS):
        blame.optimizer_died(experiment.key)

    experiment.refresh_from_db()
    assert experiment.status == "FAILED"
    assert experiment.spent == pytest.approx(Trial.objects.get().took)
    assert 30 <= experiment.spent < 60


def test_attempts_run_out(driven):
    _, lease, job = driven(job=a_job(limits=Limits(max_trials=5, max_concurrent=2, retries=1)))
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.ended(attempt, Outcome("lost"))
        (second,) = tick.claim([attempt.trial], **HERE)
        tick.ended(second, Outcome("lost"))

    assert Trial.objects.get().status == "FAILED"


def test_a_failing_command_is_not_tried_again_unless_asked(driven):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.ended(attempt, Outcome("exited", code=3))

    trial = Trial.objects.get()
    assert (trial.status, trial.reason) == ("FAILED", "its command exited with status 3")


@pytest.mark.parametrize(
    ("by", "status"), [("policy", "EARLY_STOPPED"), ("user", "USER_CANCELED"), ("system", "SYS_CANCELED")]
)
def test_who_asked_for_the_stop_decides_the_status(driven, by, status):
    _, lease, job = driven()
    attempt = start_one(lease, job)

    with driving.tick(lease, job) as tick:
        tick.ask_to_stop(attempt.trial, by=by, reason="enough")
    with driving.tick(lease, job) as tick:
        tick.ended(attempt, Outcome("stopped"))

    trial = Trial.objects.get()
    assert (trial.status, trial.reason) == (status, "enough")


def test_a_normal_end_wins_over_a_stop_that_came_too_late(driven, actor_ada):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)
    trials.stop(actor_ada, experiment, [attempt.trial.key])

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 0, 0.5)], {})
        tick.ended(attempt, GOOD)

    assert Trial.objects.get().status == "FINISHED"


def test_a_persons_stop_that_came_in_between_is_not_overwritten(driven, actor_ada):
    experiment, lease, job = driven()
    with driving.tick(lease, job) as tick:
        (trial,) = tick.suggest([suggestion()])
    trials.stop(actor_ada, experiment, [trial.key])

    with driving.tick(lease, job) as tick:
        got = tick.claim([trial], **HERE)

    assert got == []
    assert Trial.objects.get().status == "USER_CANCELED"
    assert Experiment.objects.get().counts == {"USER_CANCELED": 1}


def test_ending_an_experiment_cancels_what_never_started(driven):
    _, lease, job = driven()
    with driving.tick(lease, job) as tick:
        tick.suggest([suggestion()])

    with driving.tick(lease, job) as tick:
        tick.move(ExperimentStatus.FAILED, "the algorithm gave up")

    row = Experiment.objects.get()
    assert (row.status, row.reason, row.driver) == ("FAILED", "the algorithm gave up", "")
    assert row.counts == {"SYS_CANCELED": 1}


def test_the_log_tells_of_a_stop_in_the_words_of_the_badge(driven, actor_ada):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)
    experiments.stop(actor_ada, experiment)

    with driving.tick(lease, job) as tick:
        tick.ask_to_stop(attempt.trial, by="user", reason="stopped by ada")
        tick.ended(attempt, Outcome("stopped"))
        tick.move(ExperimentStatus.USER_CANCELED, "stopped by ada")

    said = Event.objects.filter(stream=experiment_stream(experiment.key), kind="note").order_by("seq")
    texts = [event.payload["text"] for event in said]
    assert texts == ["created by ada", "running", "asked to stop by ada", "stopped by ada"]


def test_the_log_gives_the_reason_behind_the_word(driven):
    experiment, lease, job = driven()

    with driving.tick(lease, job) as tick:
        tick.move(ExperimentStatus.NO_MORE_TRIAL)
        tick.move(ExperimentStatus.FINISHED, "drained")

    said = Event.objects.filter(stream=experiment_stream(experiment.key), kind="note").order_by("seq")
    assert [event.payload["text"] for event in said][1:] == ["no more trials", "succeeded: drained"]


def test_the_log_leaves_out_the_breath_between_two_trials_but_no_wait_with_a_reason(driven):
    experiment, lease, job = driven()

    for reason in ("", "", "waiting for a free slot", ""):
        with driving.tick(lease, job) as tick:
            tick.move(ExperimentStatus.RUNNING)
        with driving.tick(lease, job) as tick:
            tick.move(ExperimentStatus.WAITING, reason)
    with driving.tick(lease, job) as tick:
        tick.move(ExperimentStatus.RUNNING)

    said = Event.objects.filter(stream=experiment_stream(experiment.key), kind="note").order_by("seq")
    assert [event.payload["text"] for event in said][1:] == ["running", "waiting for a free slot", "running"]
    assert Experiment.objects.get().status == "RUNNING"


def test_an_ended_experiment_moves_nowhere(driven):
    _, lease, job = driven()
    with driving.tick(lease, job) as tick:
        tick.move(ExperimentStatus.FINISHED)
        again = tick.move(ExperimentStatus.RUNNING)

    assert not again


def test_an_experiment_without_a_living_driver_is_shown_as_unknown_and_comes_back(driven):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)
    Experiment.objects.filter(pk=experiment.pk).update(lease_until=timezone.now() - timedelta(minutes=1))

    assert leases.abandon() == 1
    assert Experiment.objects.get().counts == {"UNKNOWN": 1}
    (again,) = leases.claim("two", most=5)
    (found,) = attempts.open_attempts(experiment)
    with driving.tick(again, job) as tick:
        tick.confirmed(found)
        tick.move(ExperimentStatus.RUNNING)

    assert found.launch_key == attempt.launch_key
    row = Experiment.objects.get()
    assert (row.status, row.counts) == ("RUNNING", {"RUNNING": 1})


def test_a_driver_with_trouble_rests_and_says_why(driven):
    _, lease, _ = driven()

    leases.set_aside(lease, "the sampler broke", again_in=timedelta(minutes=1))

    row = Experiment.objects.get()
    assert (row.troubles, row.reason, row.lease_until) == (1, "the sampler broke", None)
    assert leases.claim("two", most=5) == []


def test_how_long_a_driver_rests_is_told_by_the_clock_of_the_database(driven, monkeypatch):
    _, lease, _ = driven()
    slow = timezone.now() - timedelta(hours=1)

    with monkeypatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: slow)
        leases.set_aside(lease, "the sampler broke", again_in=timedelta(minutes=1))

    assert leases.claim("two", most=5) == []
    Experiment.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert len(leases.claim("two", most=5)) == 1


def test_a_stop_of_an_unstarted_experiment_fences_its_driver(driven, actor_ada):
    experiment, lease, job = driven()
    experiments.stop(actor_ada, experiment)

    with pytest.raises(Fenced), driving.tick(lease, job):
        pass


def test_a_released_experiment_can_be_claimed_at_once(driven):
    experiment, lease, _ = driven()

    leases.release(lease)

    assert [again.experiment_id for again in leases.claim("two", most=5)] == [experiment.pk]
    assert (experiment.pk, lease.epoch) not in leases.renew("one")


def test_an_event_of_many_long_names_stays_small(driven):
    experiment, lease, job = driven()
    attempt = start_one(lease, job)
    readings = [
        Reading(f"{number:03}" + "ä" * 250, step, -0.1234567890123) for number in range(40) for step in range(80)
    ]

    with driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", step, -0.1234567890123) for step in range(80)] + readings, {})

    (event,) = [one for one in reading.after(experiment_stream(experiment.key), 0) if one.kind == "metrics"]
    assert len(json.dumps(event.payload)) <= 4096
    assert event.payload["metrics"]["loss"] == -0.1234567890123
