"""A stage for the loop: an experiment, its driver, and recordings instead of processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.optimizer import work as work_module
from apps.optimizer.driver import Driver
from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording, ReplayExecutor, World
from apps.optimizer.work import Place
from apps.trials.models import Trial
from apps.tuning import leases
from tests.people import a_job
from tunebook.sampling import Sampling


@dataclass
class Theatre:
    """One experiment and who drives it. `recording` says what the trials do; by default one good value, then the end."""

    experiment: Experiment
    data: Path
    clock: list[float]
    slots: int = 8
    world: World = field(default_factory=World)
    recording: Callable[[LaunchSpec], Recording] = lambda spec: Recording(points=[{"loss": spec.params["x"]}])
    driver: Driver | None = None

    def take_over(self) -> Driver:
        """A new optimizer that knows nothing claims the experiment."""
        executor = ReplayExecutor(self.data, lambda spec: self.recording(spec), self.world)
        leases.release_all("here")
        (lease,) = leases.claim("here", most=1)
        place = Place(executor, self.data, "stage", self.slots, "stage")
        self.driver = Driver(lease, lambda platform: place)
        return self.driver

    def turn(self, **given: Any) -> None:
        """One turn with news from everywhere; time enough has passed since the last one."""
        self.clock[0] += 1.0
        driver = self.driver or self.take_over()
        driver.turn(**{"announced": True, "changed": True, **given})
        self.experiment.refresh_from_db()

    def play(self, turns: int = 200) -> None:
        """Turn until the experiment has ended."""
        for _ in range(turns):
            self.turn()
            if self.experiment.has_ended:
                return
        raise AssertionError(f"still {self.experiment.status} after {turns} turns")

    def trials(self) -> list[Trial]:
        return list(Trial.objects.filter(experiment=self.experiment).order_by("number"))

    def statuses(self) -> list[str]:
        return [trial.status for trial in self.trials()]

    def launched(self) -> list[str]:
        """The launch keys of everything that was ever started."""
        return list(self.world.playing)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the loop, moved by hand."""
    moment = [1000.0]
    for module in ("work", "driver", "steps.look", "steps.reap", "steps.launch"):
        monkeypatch.setattr(f"apps.optimizer.{module}.now", lambda: moment[0])
    assert work_module.now() == 1000.0
    return moment


@pytest.fixture
def theatre(make_experiment: Callable[..., Experiment], tmp_path: Path, clock: list[float]) -> Callable[..., Theatre]:
    """Put an experiment on stage; members of the job can be given."""

    def make(*, slots: int = 8, recording: Callable[[LaunchSpec], Recording] | None = None, **job: Any) -> Theatre:
        declared = a_job(**{"sampling": Sampling("random", seed=1), **job})
        stage = Theatre(make_experiment(job=declared), tmp_path, clock, slots=slots)
        if recording is not None:
            stage.recording = recording
        return stage

    return make
