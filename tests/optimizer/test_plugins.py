"""Plugin algorithms in the worker's loop: good ones drive experiments, bad ones fail alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.experiments.models import Experiment
from apps.feed.models import Event
from apps.optimizer import trouble
from apps.optimizer import worker as worker_module
from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording, ReplayExecutor, World
from apps.optimizer.worker import OptimizerWorker, Options
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.workspaces.access import Actor
from tests.optimizer.conftest import Theatre
from tests.optimizer.waiting import until
from tests.people import a_job
from tests.tunebook.samplers import plugins
from tunebook.limits import Limits
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db


def plugin(kind: str, **options: object) -> Sampling:
    return Sampling("plugin", {"path": str(Path(plugins.__file__)), "class": kind, **options}, seed=1)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OptimizerWorker]:
    """A worker that leaves when all is done, and gives an experiment in trouble its next try at once."""
    monkeypatch.setattr(trouble, "LONGEST_REST", 0.0)
    monkeypatch.setattr(worker_module, "POLL", 0.05)

    def play(spec: LaunchSpec) -> Recording:
        return Recording(points=[{"loss": spec.params["x"]}])

    made = OptimizerWorker(ReplayExecutor(tmp_path, play, World()), tmp_path, slots=4, options=Options(until_idle=True))
    yield made
    made.receiver.close()


@pytest.fixture
def sweep(make_experiment: Callable[..., Experiment]) -> Callable[..., Experiment]:
    def make(sampling: Sampling) -> Experiment:
        return make_experiment(job=a_job(sampling=sampling, limits=Limits(max_trials=6, max_concurrent=2)))

    return make


def test_a_plugin_drives_an_experiment_to_its_end(worker: OptimizerWorker, sweep: Callable[..., Experiment]) -> None:
    experiment = sweep(plugin("Learning"))

    worker.run()

    experiment.refresh_from_db()
    trials = Trial.objects.filter(experiment=experiment).order_by("number")
    assert (experiment.status, experiment.trial_count) == ("FINISHED", 6)
    assert {trial.source for trial in trials} == {"plugin"}
    assert trials[5].params["x"] < trials[0].params["x"]


def test_a_plugin_that_has_no_more_ends_its_experiment(
    worker: OptimizerWorker, sweep: Callable[..., Experiment]
) -> None:
    experiment = sweep(plugin("Ending"))

    worker.run()

    experiment.refresh_from_db()
    assert (experiment.status, experiment.trial_count) == ("FINISHED", 3)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Raising", "about to divide"),
        ("Crashing", "status 7"),
        ("Hanging", "thinking hard"),
        ("Flooding", "printed more than"),
        ("Outside", "outside the space"),
        ("Hungry", "MemoryError"),
        ("OddlyNamed", r"'\udcff.txt'; its last lines:"),
    ],
)
def test_a_bad_plugin_fails_its_experiment_with_its_last_lines_and_no_other(
    kind: str, words: str, worker: OptimizerWorker, sweep: Callable[..., Experiment]
) -> None:
    limits = {"call_seconds": 0.8} if kind == "Hanging" else {}
    bad, good = sweep(plugin(kind, memory_mb=512, **limits)), sweep(Sampling("random", seed=1))

    worker.run()

    bad.refresh_from_db(), good.refresh_from_db()
    assert (bad.status, good.status) == ("FAILED", "FINISHED")
    assert words in bad.reason
    assert bad.reason.startswith("the sampler failed: the plugin ")
    assert (good.troubles, good.trial_count) == (0, 6)
    notes = [event.payload["text"] for event in Event.objects.filter(kind="note") if "the plugin" in str(event.payload)]
    assert len([text for text in notes if "sampler failed" in text and "failed:" in text]) >= 3


def test_others_go_on_while_a_plugin_thinks(theatre: Callable[..., Theatre]) -> None:
    stage = theatre(sampling=plugin("Hanging", call_seconds=60))

    for _ in range(20):
        stage.turn()

    assert stage.driver is not None
    assert stage.driver.work.is_thinking
    assert stage.driver.wants() <= 0.02
    assert stage.experiment.status == "WAITING"


def test_an_answer_that_there_is_no_room_for_is_left_alone(
    theatre: Callable[..., Theatre], actor_ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = theatre(sampling=plugin("Slow"))
    stage.turn()
    driver = stage.driver
    assert driver is not None and driver.work.is_thinking
    experiments.pause(actor_ada, stage.experiment)
    stage.turn()
    until(driver.has_answer, what="the plugin answers")
    ticks: list[str] = []
    monkeypatch.setattr(driver, "tick", ticks.append)

    for _ in range(10):
        stage.clock[0] += 0.02
        driver.turn(announced=False, changed=False)
    wait, paused = driver.wants(), len(ticks)
    monkeypatch.undo()
    experiments.resume(actor_ada, stage.experiment)
    stage.clock[0] += 1.0
    driver.turn(announced=False, changed=True)

    assert paused == 0
    assert wait > 1.0
    assert stage.trials()


def test_a_plugin_that_fails_twice_gets_a_third_try(
    worker: OptimizerWorker, sweep: Callable[..., Experiment], tmp_path: Path
) -> None:
    experiment = sweep(plugin("FailingTwice", arguments={"path": str(tmp_path / "starts")}))

    worker.run()

    experiment.refresh_from_db()
    assert (experiment.status, experiment.trial_count, experiment.troubles) == ("FINISHED", 6, 0)
