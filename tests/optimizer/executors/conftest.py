"""The stage for the executor tests: a data folder, and both executors as the contract suite needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.optimizer.executors.base import Executor, Handle, LaunchSpec, Observation
from apps.optimizer.executors.local import LocalExecutor
from apps.optimizer.executors.replay import Recording, ReplayExecutor, World
from tests.optimizer.waiting import until

RECORDINGS = {
    "echo hello": Recording(output="hello\n"),
    "exit 3": Recording(code=3),
    "kill -9 $$": Recording(state="SIGNALED", code=None, signal=9),
    "sleep 60": Recording(holds=True),
    "echo häßlich": Recording(output="häßlich\n"),
}


@dataclass
class Stage:
    """An executor under test, and another one as a restarted optimizer would make it."""

    executor: Executor
    restarted: Executor

    def launch(self, step: str, trial: int = 0, **more: object) -> Handle:
        return self.executor.launch(a_spec(step, trial, **more))

    def observe(self, handle: Handle) -> Observation:
        return self.executor.poll([handle])[0]

    def end_of(self, handle: Handle) -> Observation:
        """The observation of an attempt's end."""
        until(lambda: self.observe(handle).has_ended, what="the attempt ends")
        return self.observe(handle)


def a_spec(step: str | list[str], trial: int = 0, attempt: int = 1, **more: object) -> LaunchSpec:
    """A launch of one step; any member can be given."""
    return LaunchSpec(
        key=f"tb-test-{trial}-{attempt}", place=("abc", trial, attempt), steps=more.pop("steps", (step,)), **more
    )


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalExecutor]:
    executor = LocalExecutor(tmp_path / "data")
    yield executor
    for handle in executor.list_owned():
        executor.stop(handle, 0.0)
    executor.keeper.retire()


@pytest.fixture
def restarted(local: LocalExecutor) -> Iterator[LocalExecutor]:
    """As a new optimizer process would have it: the same folder, nothing remembered."""
    executor = LocalExecutor(local.data)
    yield executor
    executor.close()


@pytest.fixture(params=["local", "replay"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    if request.param == "local":
        return Stage(request.getfixturevalue("local"), request.getfixturevalue("restarted"))
    world = World()

    def play(spec: LaunchSpec) -> Recording:
        return RECORDINGS[str(spec.steps[0])]

    return Stage(ReplayExecutor(tmp_path, play, world), ReplayExecutor(tmp_path, play, world))
