"""Optimizer, keeper and runner die in the middle of a sweep: nothing is lost, nothing runs twice."""

from __future__ import annotations

import collections
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.experiments.models import Experiment, Worker
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.optimizer import runner
from apps.optimizer.executors.base import Handle
from apps.optimizer.executors.local import LocalExecutor
from apps.trials.models import Attempt, Measurement, Trial
from tests.optimizer.held import start_keeper
from tests.optimizer.processes import kill, optimizer
from tests.optimizer.waiting import until
from tests.people import a_job
from tunebook.command import Command
from tunebook.limits import Limits
from tunebook.readings import Readings
from tunebook.sampling import Sampling

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LEAVING = 20
"""Seconds; it takes one on a quiet machine."""
SCRIPT = """echo "$TUNEBOOK_TRIAL $TUNEBOOK_ATTEMPT" >> {log}
printf '{{"step": 0, "metrics": {{"loss": %s}}}}\\n' ${{x}} >> $TUNEBOOK_SPOOL
{end}"""


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    """A look at what runs, and the end of it after the test."""
    executor = LocalExecutor(tmp_path / "data")
    yield executor
    for handle in executor.list_owned():
        executor.stop(handle, 0.0)
    executor.keeper.retire()


@pytest.fixture
def sweep(make_experiment: Callable[..., Experiment], tmp_path: Path) -> Callable[..., Experiment]:
    """An experiment whose trials write down that they ran, report one value, and take a moment or wait at a gate."""

    def make(*, trials: int, seconds: float | None = None) -> Experiment:
        gate = f"until [ -e {tmp_path}/gate ]; do sleep 0.02; done"
        end = gate if seconds is None else f"sleep {seconds}"
        script = SCRIPT.format(log=tmp_path / "ran", end=end)
        job = a_job(
            command=Command(steps=(script,), grace=0.2),
            limits=Limits(max_trials=trials, max_concurrent=2),
            sampling=Sampling("random", seed=3),
            readings=Readings("report"),
        )
        return make_experiment(job=job)

    return make


def runs(tmp_path: Path) -> collections.Counter[str]:
    """How often each trial's command was started."""
    path = tmp_path / "ran"
    return collections.Counter(line.split()[0] for line in path.read_text().splitlines()) if path.exists() else {}


def ended(experiment: Experiment) -> int:
    experiment.refresh_from_db()
    return experiment.ended_count


def has_finished(experiment: Experiment) -> bool:
    experiment.refresh_from_db()
    return experiment.has_ended


def assert_complete(experiment: Experiment, trials: int, tmp_path: Path) -> None:
    assert experiment.counts == {"FINISHED": trials}
    assert experiment.status == "FINISHED"
    assert sorted(runs(tmp_path).values()) == [1] * trials
    assert Attempt.objects.filter(experiment=experiment).count() == trials
    assert Measurement.objects.filter(trial__experiment=experiment).count() == trials
    events = reading.after(experiment_stream(experiment.key), 0, limit=10_000)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_a_killed_optimizer_is_followed_by_one_that_loses_nothing(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=24, seconds=0.05)

    for part in (4, 10, 16):
        with optimizer(executor.data) as process:
            until(lambda wanted=part: ended(experiment) >= wanted)
            kill(process)
    with optimizer(executor.data, "--exit-when-idle") as process:
        assert process.wait(60) == 0

    assert has_finished(experiment)
    assert_complete(experiment, 24, tmp_path)


def test_trials_go_on_while_no_optimizer_lives_and_are_adopted(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=2)
    with optimizer(executor.data) as process:
        until(lambda: sum(runs(tmp_path).values()) == 2)
        kill(process)

    alive = list(executor.list_owned())
    (tmp_path / "gate").touch()
    with optimizer(executor.data, "--exit-when-idle") as process:
        assert process.wait(60) == 0

    assert len(alive) == 2
    assert has_finished(experiment)
    assert_complete(experiment, 2, tmp_path)


def test_a_trial_whose_runner_has_not_written_anything_yet_is_adopted_not_lost(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    start_keeper(executor.data, before="its first note", gate=tmp_path / "runners", only="/0/1")
    experiment = sweep(trials=2)
    journal = str(executor.data / "trials" / experiment.key / "0" / "1" / runner.JOURNAL)
    with optimizer(executor.data) as process:
        until(lambda: sum(runs(tmp_path).values()) == 1)
        until(lambda: Attempt.objects.filter(state="RUNNING").count() == 2)
        until(lambda: runner.is_locked(journal))
        kill(process)

    with optimizer(executor.data, "--exit-when-idle") as process:
        (tmp_path / "gate").touch()
        until(lambda: ended(experiment) == 1)  # so that the new optimizer has looked at both
        (tmp_path / "runners").touch()
        assert process.wait(60) == 0

    assert has_finished(experiment)
    assert_complete(experiment, 2, tmp_path)


def test_a_killed_keeper_disturbs_nothing(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=12, seconds=0.05)

    with optimizer(executor.data, "--exit-when-idle") as process:
        until(lambda: ended(experiment) >= 3)
        os.kill(executor.keeper.hello()["pid"], signal.SIGKILL)
        assert process.wait(60) == 0

    assert has_finished(experiment)
    assert_complete(experiment, 12, tmp_path)


def test_optimizer_and_keeper_killed_together_lose_nothing(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=12, seconds=0.1)

    with optimizer(executor.data) as process:
        until(lambda: ended(experiment) >= 3)
        os.kill(executor.keeper.hello()["pid"], signal.SIGKILL)
        kill(process)
    with optimizer(executor.data, "--exit-when-idle") as process:
        assert process.wait(60) == 0

    assert has_finished(experiment)
    assert_complete(experiment, 12, tmp_path)


def test_a_killed_runner_costs_one_more_attempt(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=2)

    with optimizer(executor.data, "--exit-when-idle") as process:
        first = until(lambda: Attempt.objects.filter(experiment=experiment, state="RUNNING").first())
        identity = executor.journal(Handle.from_dict(first.handle)).runner
        assert identity is not None
        until(lambda: runs(tmp_path)[first.trial.key])  # its shell has come that far
        os.kill(identity["runner"], signal.SIGKILL)
        (tmp_path / "gate").touch()
        assert process.wait(60) == 0

    assert has_finished(experiment)
    assert experiment.counts == {"FINISHED": 2}
    lost = Attempt.objects.get(pk=first.pk)
    assert (lost.state, lost.reason, lost.fenced) == ("LOST", "lost", True)
    assert Trial.objects.get(pk=first.trial_id).attempt_count == 2
    assert runs(tmp_path)[first.trial.key] == 2


def test_the_first_term_releases_and_leaves_the_trials_running(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=2)
    with optimizer(executor.data) as process:
        until(lambda: sum(runs(tmp_path).values()) == 2)
        process.send_signal(signal.SIGTERM)
        code = process.wait(LEAVING)

    experiment.refresh_from_db()
    alive = list(executor.list_owned())
    (tmp_path / "gate").touch()
    with optimizer(executor.data, "--exit-when-idle") as process:
        assert process.wait(60) == 0

    assert code == 0
    assert (experiment.driver, experiment.lease_until) == ("", None)
    assert len(alive) == 2
    assert has_finished(experiment)
    assert_complete(experiment, 2, tmp_path)


def test_draining_waits_for_the_running_trials(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=20)
    with optimizer(executor.data, "--drain") as process:
        until(lambda: sum(runs(tmp_path).values()) == 2)
        process.send_signal(signal.SIGTERM)
        until(lambda: Worker.objects.filter(draining=True).exists())
        (tmp_path / "gate").touch()
        code = process.wait(LEAVING)

    experiment.refresh_from_db()
    assert code == 0
    assert experiment.counts == {"FINISHED": 2}
    assert not list(executor.list_owned())


def test_stopping_trials_on_the_way_out_cancels_them(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    experiment = sweep(trials=20, seconds=30)
    with optimizer(executor.data, "--stop-trials") as process:
        until(lambda: sum(runs(tmp_path).values()) == 2)
        process.send_signal(signal.SIGTERM)
        code = process.wait(LEAVING)

    experiment.refresh_from_db()
    assert code == 0
    assert experiment.counts == {"SYS_CANCELED": 2}
    assert experiment.status == "WAITING"
    assert not list(executor.list_owned())


def test_two_optimizers_share_the_work_and_the_slots(
    sweep: Callable[..., Experiment], executor: LocalExecutor, tmp_path: Path
) -> None:
    one, other = sweep(trials=8, seconds=0.05), sweep(trials=8, seconds=0.05)

    def leave(process: subprocess.Popen[bytes]) -> int:
        return process.wait(60)

    with optimizer(executor.data, "--exit-when-idle") as first, optimizer(executor.data, "--exit-when-idle") as second:
        codes = [leave(first), leave(second)]

    assert codes == [0, 0]
    assert has_finished(one) and has_finished(other)
    assert sorted(runs(tmp_path).values()) == [1] * 16
