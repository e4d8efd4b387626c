"""Trials that report over HTTP are judged and counted as those that write to their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from apps.experiments.models import Experiment
from apps.optimizer.driver import Driver, overhear
from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording
from apps.trials.models import Attempt, Measurement, Trial
from apps.tuning import driving, leases, trials
from apps.tuning.errors import Overtaken
from apps.tuning.measuring import Reading
from apps.workspaces.models import hash_token
from tests.optimizer.conftest import Theatre
from tests.optimizer.processes import optimizer
from tests.optimizer.waiting import until
from tests.people import a_job
from tunebook.command import Command
from tunebook.limits import Limits
from tunebook.policies import MedianStoppingPolicy
from tunebook.samplers.base import Suggestion
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db


def say(trial: Trial, step: int, loss: float) -> None:
    """What a remote trial does: it reports with its attempt's token."""
    token = f"token of {trial.key}"
    Attempt.objects.filter(trial=trial).update(token_hash=hash_token(token))
    report = trials.report(token, [{"metric": "loss", "step": step, "value": loss}])
    assert report.verdicts == ["stored"]


def listen(driver: Driver) -> set[int]:
    return overhear({driver.lease.experiment_id: driver})


@pytest.mark.parametrize(("loss", "status"), [(9.0, "EARLY_STOPPED"), (0.5, "RUNNING")])
def test_a_policy_judges_what_was_reported_over_http(theatre: Callable[..., Theatre], loss: float, status: str) -> None:
    def recording(spec: LaunchSpec) -> Recording:
        number = spec.place[1]
        return Recording(holds=True) if number == 2 else Recording(points=[{"loss": 1.0}, {"loss": 1.0}])

    policy = MedianStoppingPolicy()
    limits = Limits(max_trials=3, max_concurrent=3)
    stage = theatre(recording=recording, policy=policy, limits=limits)
    for _ in range(6):
        stage.turn()
    assert stage.statuses() == ["FINISHED", "FINISHED", "RUNNING"]
    driver = stage.driver
    assert driver is not None

    say(stage.trials()[2], 1, loss)
    heard = listen(driver)
    for _ in range(3):
        stage.turn()

    assert heard == {stage.experiment.pk}
    assert listen(driver) == set()
    assert stage.statuses()[2] == status


def test_the_value_of_a_trial_counts_what_came_either_way(theatre: Callable[..., Theatre]) -> None:
    stage = theatre(
        recording=lambda spec: Recording(points=[{"loss": 3.0}], holds=True),
        limits=Limits(max_trials=1, max_concurrent=1),
    )
    for _ in range(3):
        stage.turn()
    say(stage.trials()[0], 5, 0.25)
    assert stage.driver is not None
    listen(stage.driver)

    (playing,) = stage.world.playing.values()
    playing.recording = Recording(points=[{"loss": 3.0}])
    stage.play()

    (trial,) = stage.trials()
    assert (trial.status, trial.value, trial.value_count, trial.last_step) == ("FINISHED", 0.25, 2, 5)
    assert stage.experiment.best_value == 0.25


@pytest.mark.parametrize(("step", "value"), [(0, 9.0), (7, 9.0), (0, 1.0)])
def test_a_driver_that_does_not_know_yet_writes_nothing_over_it(
    make_experiment: Callable[..., Experiment], step: int, value: float
) -> None:
    experiment = make_experiment()
    (lease,) = leases.claim("one", most=1)
    job = driving.Job.from_dict(experiment.job)
    with driving.tick(lease, job) as tick:
        place = {"instance": "t", "executor": "replay", "host": "here", "slots": 4}
        (attempt,) = tick.begin([Suggestion({"x": 0.5}, "random")], **place)
    say(attempt.trial, step, value)

    with pytest.raises(Overtaken), driving.tick(lease, job) as tick:
        tick.measured(attempt, [Reading("loss", 0, 1.0)], {"spool": 10})

    attempt.refresh_from_db()
    assert attempt.offsets == {}
    assert Measurement.objects.get().value == value
    assert Trial.objects.get().value_count == 1


WRITES_EVEN_STEPS = """for step in $(seq 0 2 78); do
printf '{{"step": %s, "metrics": {{"loss": 1}}}}\\n' $step >> $TUNEBOOK_SPOOL; sleep 0.02
done
until [ -e {gate} ]; do sleep 0.02; done"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_trial_that_reports_both_ways_loses_no_point(
    make_experiment: Callable[..., Experiment], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job = a_job(
        command=Command(steps=(WRITES_EVEN_STEPS.format(gate=gate),)),
        limits=Limits(max_trials=1, max_concurrent=1),
        sampling=Sampling("random", seed=3),
        policy=MedianStoppingPolicy(),
    )
    experiment = make_experiment(job=job)

    with optimizer(tmp_path / "data", "--exit-when-idle") as process:
        trial = until(lambda: Trial.objects.filter(experiment=experiment, value_count__gt=0).first())
        for step in range(1, 80, 2):
            say(trial, step, 0.5)
        gate.touch()
        assert process.wait(60) == 0

    experiment.refresh_from_db()
    trial.refresh_from_db()
    assert (trial.status, trial.value_count, trial.best_value) == ("FINISHED", 80, 0.5), trial.reason
    assert sorted(Measurement.objects.filter(trial=trial).values_list("step", flat=True)) == list(range(80))
    assert experiment.troubles == 0
