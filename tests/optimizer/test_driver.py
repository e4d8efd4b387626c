"""The loop with recordings instead of processes: what becomes of trials and of their experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.feed.models import Event
from apps.optimizer.executors.base import LaunchSpec, State
from apps.optimizer.executors.replay import Recording
from apps.optimizer.steps import close as closing
from apps.optimizer.steps.ask import SamplerFailed
from apps.trials.models import Attempt, Measurement
from apps.tuning import experiments, leases, trials
from apps.tuning.errors import Fenced
from apps.tuning.experiments import Changes
from apps.workspaces.access import Actor
from tests.optimizer.conftest import Theatre
from tunebook import Space
from tunebook.command import Command
from tunebook.distributions import Choice, Uniform
from tunebook.history import History
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.policies import MedianStoppingPolicy
from tunebook.readings import Readings
from tunebook.samplers import Sampler, Suggestion
from tunebook.sampling import Sampling
from tunebook.schedule import Schedule
from tunebook.space import Params

pytestmark = pytest.mark.django_db
Stage = Callable[..., Theatre]


def holding(spec: LaunchSpec) -> Recording:
    return Recording(points=[{"loss": spec.params["x"]}], holds=True)


def test_a_sweep_runs_to_its_end(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=5, max_concurrent=2))

    stage.play()

    assert stage.experiment.status == "FINISHED"
    assert stage.experiment.counts == {"FINISHED": 5}
    best = min(stage.trials(), key=lambda trial: trial.params["x"])
    assert (stage.experiment.best_value, stage.experiment.best_trial) == (best.params["x"], best.number)
    assert Measurement.objects.count() == 5


def test_never_more_than_the_concurrency_limit_is_live(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=9, max_concurrent=3), recording=holding)

    stage.turn()
    stage.turn()

    assert stage.experiment.live_count == 3
    assert len(stage.launched()) == 3


def test_never_more_than_the_slots_of_the_machine_are_taken(theatre: Stage) -> None:
    stage = theatre(slots=2, limits=Limits(max_trials=9, max_concurrent=5), recording=holding)

    stage.turn()
    stage.turn()

    assert stage.experiment.live_count == 2
    assert stage.experiment.trial_count == 2


def test_an_experiment_without_a_slot_waits_and_says_why(theatre: Stage) -> None:
    stage = theatre(slots=0)

    stage.turn()

    assert (stage.experiment.status, stage.experiment.reason) == ("WAITING", "waiting for a free slot on this machine")


class Silent(Sampler):
    """Has nothing to suggest for the time being."""

    name = "silent"
    voice: str = ""

    @property
    def is_thinking(self) -> bool:
        return self.voice == "hums"

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return Suggestion({"x": 0.5}, "model") if self.voice == "speaks" else None


def test_a_sampler_that_suggests_nothing_is_why_an_experiment_waits(theatre: Stage) -> None:
    stage = theatre(slots=0, recording=holding)
    work = stage.take_over().work
    work._sampler = sampler = Silent(work.job.space, work.job.objective)
    reasons = []

    for work.place.slots, sampler.voice in ((0, ""), (1, ""), (1, "hums"), (1, "speaks")):
        stage.turn()
        stage.turn()
        reasons.append((stage.experiment.status, stage.experiment.reason))

    assert reasons == [
        ("WAITING", "waiting for a free slot on this machine"),
        ("WAITING", "the sampler suggests nothing, although no trial runs"),
        ("WAITING", "the sampler suggests nothing, although no trial runs"),
        ("RUNNING", ""),
    ]


def test_a_launched_trial_is_running_at_the_next_turn(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1), recording=holding)

    stage.turn()
    first = stage.statuses()
    stage.turn()

    assert (first, stage.statuses()) == (["WAITING"], ["RUNNING"])
    assert Attempt.objects.get().handle["key"] == stage.launched()[0]


def test_the_last_trials_run_while_no_more_are_asked(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=2, max_concurrent=2), recording=holding)

    stage.turn()
    stage.turn()

    assert stage.experiment.status == "NO_MORE_TRIAL"


def test_a_space_that_is_tried_out_ends_the_experiment(theatre: Stage) -> None:
    stage = theatre(
        space=Space({"x": Choice((1, 2, 3))}), sampling=Sampling("grid"), limits=Limits(max_trials=50, max_concurrent=2)
    )

    stage.play()

    assert stage.experiment.status == "FINISHED"
    assert sorted(trial.params["x"] for trial in stage.trials()) == [1, 2, 3]


def test_a_command_that_fails_fails_its_trial_without_another_attempt(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1), recording=lambda spec: Recording(code=3))

    stage.play()

    (trial,) = stage.trials()
    assert (trial.status, trial.attempt_count) == ("FAILED", 1)
    assert "status 3" in trial.reason


def test_an_experiment_whose_trials_all_failed_has_failed(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=3), recording=lambda spec: Recording(code=3))

    stage.play()

    assert (stage.experiment.status, stage.experiment.reason) == ("FAILED", "all 3 trials failed")


def test_a_command_that_fails_is_tried_again_as_often_as_the_job_says(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1, command_retries=2), recording=lambda spec: Recording(code=3))

    stage.play()

    assert stage.trials()[0].attempt_count == 3


def test_a_lost_attempt_is_tried_again_and_may_succeed(theatre: Stage) -> None:
    def first_lost(spec: LaunchSpec) -> Recording:
        good = Recording(points=[{"loss": 1.0}])
        return replace(good, state=State.LOST) if spec.place[2] == 1 else good

    stage = theatre(limits=Limits(max_trials=1), recording=first_lost)

    stage.play()

    (trial,) = stage.trials()
    assert (trial.status, trial.attempt_count, trial.value) == ("FINISHED", 2, 1.0)
    assert [attempt.reason for attempt in Attempt.objects.order_by("number")] == ["lost", "exited"]


def test_a_refused_launch_ends_as_a_failed_trial(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1, retries=0), recording=lambda spec: Recording(refused="too large"))

    stage.play()

    (trial,) = stage.trials()
    assert trial.status == "FAILED"
    assert "too large" in trial.reason


def test_a_busy_executor_is_asked_again_with_the_same_key(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1))
    stage.world.is_busy = True
    stage.turn()
    stage.turn()
    waiting = (stage.statuses(), stage.launched())

    stage.world.is_busy = False
    stage.play()

    assert waiting == (["WAITING"], [])
    assert stage.experiment.counts == {"FINISHED": 1}
    assert Attempt.objects.count() == 1


def test_what_cannot_be_launched_can_be_stopped(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=3, max_concurrent=2))
    stage.world.is_busy = True
    stage.turn()

    experiments.stop(actor_ada, stage.experiment)
    for _ in range(3):
        stage.turn()

    assert stage.experiment.status == "USER_CANCELED"
    assert set(stage.statuses()) == {"USER_CANCELED"}
    assert stage.launched() == []


def test_a_machine_that_was_busy_is_tried_again_when_nothing_waits_for_it_any_more(
    theatre: Stage, actor_ada: Actor
) -> None:
    stage = theatre(limits=Limits(max_trials=2, max_concurrent=1))
    stage.world.is_busy = True
    stage.turn()
    stage.turn()
    stage.world.is_busy = False

    trials.stop(actor_ada, stage.experiment, [stage.trials()[0].key])
    stage.play()

    assert stage.statuses() == ["USER_CANCELED", "FINISHED"]


def test_a_trial_that_finds_no_room_waits_on_and_keeps_its_retries(theatre: Stage) -> None:
    def crowded(spec: LaunchSpec) -> Recording:
        states = [State.NO_ROOM, State.NO_ROOM, State.NO_ROOM, State.LOST, State.NO_ROOM]
        state = states[spec.place[2] - 1] if spec.place[2] <= len(states) else State.EXITED
        return Recording(points=[{"loss": 1.0}] if state == State.EXITED else [], state=state, code=0)

    stage = theatre(limits=Limits(max_trials=1, retries=1), recording=crowded)
    stage.play()

    assert stage.experiment.counts == {"FINISHED": 1}
    assert list(Attempt.objects.order_by("number").values_list("reason", flat=True)) == [
        "no_room", "no_room", "no_room", "lost", "no_room", "exited"
    ]  # fmt: skip


def test_a_trial_without_a_value_fails(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1), recording=lambda spec: Recording(points=[{"other": 1.0}]))

    stage.play()

    assert stage.statuses() == ["FAILED"]
    assert "loss" in stage.trials()[0].reason


def test_the_last_line_counts_behind_much_that_says_nothing(theatre: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.optimizer.readings.base.MOST_BYTES", 64)
    output = "loss=3\n" + "nothing to see here\n" * 40 + "loss=1\n"
    stage = theatre(
        limits=Limits(max_trials=1),
        readings=Readings("stdout"),
        objective=Objective("minimize", (Metric("loss=([0-9.]+)"),)),
        recording=lambda spec: Recording(output=output),
    )

    stage.play()

    assert [trial.value for trial in stage.trials()] == [1.0]


def test_too_many_failures_end_the_experiment(theatre: Stage) -> None:
    stage = theatre(
        limits=Limits(max_trials=50, max_concurrent=2, max_failed=3), recording=lambda spec: Recording(code=1)
    )

    stage.play()

    assert stage.experiment.status == "FAILED"
    assert "max_failed" in stage.experiment.reason
    assert stage.experiment.failed_count <= 5


def test_a_reached_target_ends_the_experiment_and_cancels_what_runs(theatre: Stage) -> None:
    def one_good(spec: LaunchSpec) -> Recording:
        return Recording(points=[{"loss": 0.0}]) if spec.place[1] == 0 else Recording(holds=True)

    stage = theatre(
        objective=Objective("minimize", (Metric("loss"),), target=0.1),
        limits=Limits(max_trials=50, max_concurrent=3),
        recording=one_good,
    )

    stage.play()

    assert stage.experiment.status == "EARLY_STOPPED"
    assert stage.experiment.counts == {"FINISHED": 1, "SYS_CANCELED": 2}


def test_the_time_limit_of_the_experiment_cancels_what_runs(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=5, max_concurrent=2, max_seconds=60), recording=holding)
    stage.turn()
    Experiment.objects.update(started=timezone.now() - timedelta(seconds=61), modified=timezone.now())

    stage.play()

    assert stage.experiment.status == "SYS_CANCELED"
    assert "60 seconds" in stage.experiment.reason
    assert set(stage.statuses()) == {"SYS_CANCELED"}


def test_a_clock_that_is_set_forward_does_not_use_up_the_time_limit(
    theatre: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = theatre(limits=Limits(max_trials=5, max_concurrent=2, max_seconds=600), recording=holding)
    stage.turn()
    stage.turn()

    later = SimpleNamespace(now=lambda: timezone.now() + timedelta(hours=1))
    monkeypatch.setattr(closing, "timezone", later)
    for _ in range(3):
        Experiment.objects.update(modified=timezone.now())
        stage.turn()

    assert stage.experiment.status == "RUNNING"
    assert set(stage.statuses()) == {"RUNNING"}


def test_a_trials_time_limit_and_grace_are_handed_to_the_executor(theatre: Stage) -> None:
    stage = theatre(
        limits=Limits(max_trials=1, trial_seconds=7), command=Command(steps=("true",), grace=2.0), recording=holding
    )

    stage.turn()

    (playing,) = stage.world.playing.values()
    assert (playing.spec.time_limit, playing.spec.grace) == (7, 2.0)


def test_a_policy_stops_a_hopeless_trial(theatre: Stage) -> None:
    def curve(spec: LaunchSpec) -> Recording:
        good = spec.place[1] < 3
        return Recording(points=[{"loss": 0.1 if good else 9.0}] * 4, holds=not good)

    stage = theatre(policy=MedianStoppingPolicy(), limits=Limits(max_trials=4, max_concurrent=1), recording=curve)

    stage.play()

    assert stage.statuses() == ["FINISHED"] * 3 + ["EARLY_STOPPED"]
    assert "median" in stage.trials()[3].reason


def test_a_policy_judges_only_the_running_attempt_also_after_a_restart(theatre: Stage) -> None:
    def lost_when_good(spec: LaunchSpec) -> Recording:
        _, trial, attempt = spec.place
        if trial == 0:
            return Recording(points=[{"loss": 1.0}] * 5)
        if attempt == 1:
            return Recording(points=[{"loss": 0.1}] * 5, state=State.LOST)
        return Recording(points=[{"loss": 9.0}] * 4, holds=True)

    policy = MedianStoppingPolicy(delay_evaluation=3)
    stage = theatre(policy=policy, limits=Limits(max_trials=2, max_concurrent=1), recording=lost_when_good)
    while len(stage.launched()) < 3:
        stage.turn()

    stage.take_over()
    stage.play()

    assert stage.statuses() == ["FINISHED", "EARLY_STOPPED"]
    assert "9" in stage.trials()[1].reason


def test_pausing_starts_nothing_more_and_resuming_goes_on(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=4, max_concurrent=2))
    stage.turn()
    experiments.pause(actor_ada, stage.experiment)

    for _ in range(5):
        stage.turn()
    paused = (stage.experiment.status, stage.experiment.reason, stage.experiment.counts)
    experiments.resume(actor_ada, stage.experiment)
    stage.play()

    assert paused == ("WAITING", "paused", {"FINISHED": 2})
    assert stage.experiment.counts == {"FINISHED": 4}


def test_draining_finishes_with_what_runs(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=40, max_concurrent=2))
    stage.turn()

    experiments.drain(actor_ada, stage.experiment)
    stage.play()

    assert (stage.experiment.status, stage.experiment.counts) == ("FINISHED", {"FINISHED": 2})


def test_stopping_the_experiment_kills_what_runs_first(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=5, max_concurrent=2), recording=holding)
    stage.turn()
    stage.turn()
    experiments.stop(actor_ada, stage.experiment)

    stage.turn()
    between = stage.experiment.status
    stage.play()

    assert between != "USER_CANCELED"
    assert stage.experiment.status == "USER_CANCELED"
    assert set(stage.statuses()) == {"USER_CANCELED"}
    assert sorted(stage.world.stops) == sorted(stage.launched())


def test_stopping_one_trial_leaves_the_others(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=2, max_concurrent=2), recording=holding)
    stage.turn()
    stage.turn()

    trials.stop(actor_ada, stage.experiment, [stage.trials()[0].key])
    stage.turn()
    stage.turn()

    assert stage.statuses() == ["USER_CANCELED", "RUNNING"]


def test_a_normal_end_wins_over_a_stop_that_came_too_late(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=1))
    stage.turn()
    stage.turn()
    trials.stop(actor_ada, stage.experiment, [stage.trials()[0].key])

    stage.turn()

    assert stage.statuses() == ["FINISHED"]


def test_leaving_out_the_only_value_disturbs_nothing(theatre: Stage, actor_ada: Actor) -> None:
    plays = iter([Recording(points=[{"loss": 1.0}])])
    stage = theatre(
        limits=Limits(max_trials=2),
        recording=lambda spec: next(plays, Recording(holds=True)),
    )
    for _ in range(4):
        stage.turn()
    trials.exclude(actor_ada, stage.experiment, [stage.trials()[0].key])

    stage.turn()

    assert stage.statuses() == ["FINISHED", "RUNNING"]
    assert stage.experiment.best_value is None


def test_queued_trials_run_beyond_the_limit(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=1), recording=holding)
    stage.turn()

    trials.queue(actor_ada, stage.experiment, {"x": 0.25})
    stage.recording = lambda spec: Recording(points=[{"loss": spec.params["x"]}])
    for playing in stage.world.playing.values():
        playing.recording = replace(playing.recording, holds=False)
    stage.play()

    assert [trial.params["x"] for trial in stage.trials()][1] == 0.25
    assert stage.experiment.counts == {"FINISHED": 2}


def test_a_raised_concurrency_takes_effect_at_the_next_turn(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=9, max_concurrent=1), recording=holding)
    stage.turn()

    stage.experiment.refresh_from_db()
    experiments.limit(actor_ada, stage.experiment, max_concurrent=4)
    stage.turn()

    assert stage.experiment.live_count == 4


def test_a_changed_space_is_searched_from_the_next_turn_on(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=30, max_concurrent=1))
    stage.turn()
    job = Job.from_dict(stage.experiment.job)
    narrowed = replace(job, space=Space({"x": Uniform(5.0, 6.0)}))

    experiments.update(actor_ada, stage.experiment, Changes(job=narrowed))
    for _ in range(4):
        stage.turn()

    later = [trial for trial in stage.trials() if trial.space_version == 2]
    assert later and all(5.0 <= trial.params["x"] < 6.0 for trial in later)


def test_a_closed_schedule_starts_nothing(theatre: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = theatre(schedule=Schedule("everyday", "22:00", "06:00"))
    noon = datetime(2024, 5, 1, 12, 0, tzinfo=timezone.get_default_timezone())
    monkeypatch.setattr("apps.optimizer.steps.launch.timezone.localtime", lambda: noon)

    stage.turn()

    assert stage.experiment.trial_count == 0
    assert "2024-05-01 22:00" in stage.experiment.reason


def test_a_new_driver_adopts_what_runs(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=4, max_concurrent=2), recording=holding)
    stage.turn()
    stage.turn()

    stage.take_over()
    stage.turn()

    assert stage.statuses() == ["RUNNING", "RUNNING"]
    assert [playing.launches for playing in stage.world.playing.values()] == [1, 1]


def test_a_new_driver_launches_what_was_claimed_but_never_launched(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1))
    stage.world.is_busy = True
    stage.turn()
    stage.world.is_busy = False

    stage.take_over()
    stage.play()

    assert stage.experiment.counts == {"FINISHED": 1}
    assert Attempt.objects.count() == 1


def test_a_new_driver_imports_what_was_measured_meanwhile_once(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1), recording=lambda spec: Recording(points=[{"loss": 1.0}] * 6))
    for _ in range(4):
        stage.turn()

    stage.take_over()
    stage.play()

    assert list(Measurement.objects.order_by("step").values_list("step", flat=True)) == list(range(6))


def test_a_restart_asks_the_same(theatre: Stage) -> None:
    one = theatre(limits=Limits(max_trials=8, max_concurrent=2), sampling=Sampling("tpe", seed=5))
    one.play()
    other = theatre(limits=Limits(max_trials=8, max_concurrent=2), sampling=Sampling("tpe", seed=5))

    for _ in range(100):
        other.driver = None
        other.turn()
        if other.experiment.has_ended:
            break

    assert [trial.params for trial in one.trials()] == [trial.params for trial in other.trials()]


def test_a_replaced_driver_writes_nothing_and_touches_no_process(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=4, max_concurrent=2), recording=holding)
    stage.turn()
    old = stage.driver
    assert old is not None
    stage.take_over()
    before = list(stage.world.stops)

    with pytest.raises(Fenced):
        old.turn(announced=True, changed=True)

    assert stage.world.stops == before


def test_an_executor_that_cannot_tell_makes_trials_unknown_but_frees_nothing(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=4, max_concurrent=2), recording=holding)
    stage.turn()
    stage.turn()
    stage.world.is_unreachable = True
    stage.turn()
    stage.clock[0] += 61

    stage.turn()
    unknown = (stage.statuses(), len(stage.launched()), {trial.reason for trial in stage.trials()})
    stage.world.is_unreachable = False
    stage.turn()

    assert unknown == (["UNKNOWN", "UNKNOWN"], 2, {"nobody answers"})
    assert stage.statuses() == ["RUNNING", "RUNNING"]
    assert {trial.reason for trial in stage.trials()} == {""}


def test_what_is_stopped_while_nothing_is_known_of_it_ends_for_that_reason(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=4, max_concurrent=2), recording=holding)
    stage.turn()
    stage.turn()
    stage.world.is_unreachable = True
    trials.stop(actor_ada, stage.experiment, [stage.trials()[0].key])
    stage.turn()
    stage.clock[0] += 61
    stage.turn()
    unknown = stage.statuses()[0]

    stage.world.is_unreachable = False
    stage.turn()
    stage.turn()

    assert unknown == "UNKNOWN"
    assert (stage.trials()[0].status, stage.trials()[0].reason) == ("USER_CANCELED", "stopped by ada")


def test_a_sampler_that_raises_says_so(theatre: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = theatre()
    driver = stage.take_over()

    def broken(*_given: object) -> object:
        raise ZeroDivisionError("no trials")

    monkeypatch.setattr(driver.work.sampler, "ask", broken)

    with pytest.raises(SamplerFailed, match="ZeroDivisionError: no trials"):
        stage.turn()


def test_three_failures_of_the_sampler_end_the_experiment(theatre: Stage) -> None:
    stage = theatre()
    Experiment.objects.update(troubles=3, reason="the sampler failed: ZeroDivisionError: no trials")

    stage.play()

    assert stage.experiment.status == "FAILED"
    assert "ZeroDivisionError" in stage.experiment.reason


def test_an_unknown_experiment_goes_on_with_its_next_driver(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(limits=Limits(max_trials=2, max_concurrent=2), recording=holding)
    stage.turn()
    stage.turn()
    trials.stop(actor_ada, stage.experiment, [stage.trials()[0].key])
    Experiment.objects.update(lease_until=timezone.now() - timedelta(minutes=5))
    leases.abandon()
    abandoned = [trial.reason for trial in stage.trials()]

    stage.take_over()
    stage.turn()

    assert abandoned == ["stopped by ada", "no optimizer is driving it"]
    assert [trial.reason for trial in stage.trials()] == ["stopped by ada", ""]

    assert stage.experiment.status == "RUNNING" or stage.experiment.status == "NO_MORE_TRIAL"
    assert stage.statuses() == ["RUNNING", "RUNNING"]


def test_nothing_to_do_writes_nothing(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=4, max_concurrent=2), recording=lambda spec: Recording(holds=True))
    stage.turn()
    stage.turn()
    stage.turn()
    before = Event.objects.count()

    stage.turn(announced=False, changed=False)

    assert Event.objects.count() == before


def test_placeholders_environment_and_files_are_filled(theatre: Stage, tmp_path: Path) -> None:
    template = tmp_path / "template.ini"
    template.write_text("x=${x}\n")
    stage = theatre(
        command=Command(
            steps=("run --x ${x} --trial ${trial_id}", ("run", "${x}")),
            environment={"RATE": "${x}"},
            params_files=((str(template), "conf/${exp_id}.ini"),),
        ),
        limits=Limits(max_trials=1),
        recording=holding,
    )

    stage.turn()

    (playing,) = stage.world.playing.values()
    (trial,) = stage.trials()
    x, spec = str(trial.params["x"]), playing.spec
    assert list(spec.steps) == [f"run --x {x} --trial {trial.key.lower()}", ["run", x]]
    assert spec.environment["RATE"] == spec.environment["TUNEBOOK_PARAM_x"] == x
    assert spec.environment["TUNEBOOK_TRIAL"] == trial.key
    assert list(spec.files) == [(f"conf/{stage.experiment.key.lower()}.ini", f"x={x}\n")]
