"""What an executor makes of a head that is slow, stuck, full, forgetful, or none at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.optimizer.executors import ray as ray_module
from apps.optimizer.executors import ray_watch
from apps.optimizer.executors.base import Handle, State
from apps.optimizer.executors.ray import Cluster, RayExecutor
from tests.optimizer.executors.ray_stand_in import StandIn, stand_in
from tests.optimizer.waiting import until
from tunebook import mirror

QUICK = 3.0
"""Seconds, of which a head that says nothing would take five for every question."""


@pytest.fixture
def head() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


@pytest.fixture
def executor(head: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RayExecutor]:
    monkeypatch.setattr(ray_module, "ON_ITS_WAY", 0.0)
    monkeypatch.setattr(ray_watch, "REST", 0.0)
    cluster = Cluster(address=head.address, token="t", url="http://here", allows_anyone=True)
    found = RayExecutor(tmp_path, cluster, instance="here")
    yield found
    found.close()


def submitted(executor: RayExecutor, head: StandIn, trial: int = 0, status: str = "PENDING", **more: Any) -> Handle:
    """An attempt whose order lies ready and whose job the head knows."""
    handle = executor.handle(f"tb-{trial}", ("abc", trial, 1))
    folder = Path(executor.folder(handle))
    folder.mkdir(parents=True)
    (folder / mirror.ORDER).write_text("{}")
    head.put(handle.key, status, metadata={"tunebook": "here", "tunebook_place": f"abc/{trial}/1"}, **more)
    until(lambda: handle.key in executor.watch.look().jobs, what="the job is seen")
    return handle


def test_a_stuck_head_keeps_nobody_waiting(executor: RayExecutor, head: StandIn) -> None:
    handles = [submitted(executor, head, trial) for trial in range(6)]
    began = [submitted(executor, head, trial, "RUNNING") for trial in range(6, 12)]
    for handle in began:
        mirror.hear(executor.folder(handle))
    executor.cluster = replace(executor.cluster, lost_after=0.0)
    head.is_stuck = True

    start = time.monotonic()
    found = [executor.find(handle.key, handle.place) for handle in handles]
    for handle in handles:
        executor.stop(handle, 5.0)
    executor.poll(began)

    assert time.monotonic() - start < QUICK
    assert found == handles


def test_what_waits_for_room_ends_when_it_is_stopped_though_ray_stops_it_later(
    executor: RayExecutor, head: StandIn
) -> None:
    handle = submitted(executor, head)
    waited = executor.adopt(handle).state

    executor.stop(handle, 5.0)
    end = executor.adopt(handle)

    assert (waited, end.state) == (State.QUEUED, State.STOPPED)
    assert executor.adopt(handle).state == State.STOPPED
    assert mirror.is_marked(executor.folder(handle), mirror.FENCED)  # nothing is taken from it if it ever begins
    assert list(executor.list_owned()) == []
    until(lambda: f"POST /api/jobs/{handle.key}/stop" in head.asked, what="Ray is told")


def test_what_may_run_behind_a_head_that_is_away_ends_when_it_would_have_ended_itself(
    executor: RayExecutor, head: StandIn
) -> None:
    handle = submitted(executor, head)
    head.answer = (502, b"bad gateway")
    until(lambda: executor.watch.look().trouble, what="the head is missed")
    away = executor.adopt(handle).state
    executor.stop(handle, 5.0)
    asked = executor.adopt(handle).state
    executor.cluster = replace(executor.cluster, lost_after=0.0)

    assert (away, asked) == (State.UNREACHABLE, State.UNREACHABLE)
    until(lambda: executor.adopt(handle).state == State.LOST, what="it is given up")


def test_a_job_that_ray_had_no_room_for_in_time_is_none_that_failed(executor: RayExecutor, head: StandIn) -> None:
    late = submitted(executor, head, 0, "FAILED", error_type="JOB_SUPERVISOR_ACTOR_START_TIMEOUT", message="900 s")
    wrong = submitted(executor, head, 1, "FAILED", error_type="RUNTIME_ENV_SETUP_FAILURE")
    executor.poll([late, wrong])

    ends = executor.poll([late, wrong])

    assert [(end.state, end.message) for end in ends] == [
        (State.NO_ROOM, "its job failed: 900 s"),
        (State.NOT_LAUNCHED, "its job failed: so it is"),
    ]


@pytest.mark.parametrize("answer", [b'{"detail": "not here"}', b'["one"]', b'[{"submission_id": "a"}]', b"3"])
def test_what_is_no_head_is_said_to_be_none(executor: RayExecutor, head: StandIn, answer: bytes) -> None:
    head.answer = (200, answer)

    health = executor.health()

    assert not health.ready and "is no Ray head" in health.reason


def test_a_head_that_fails_is_not_said_to_let_anyone_in(executor: RayExecutor, head: StandIn) -> None:
    executor.watch.is_checked = executor.watch.allows_anyone = False
    head.answer = (502, b"bad gateway")

    health = executor.health()

    assert "answered 502" in health.reason and "anyone" not in health.reason


def test_a_job_that_cannot_be_deleted_hides_no_other(executor: RayExecutor, head: StandIn) -> None:
    handle, runs = submitted(executor, head, 0, "SUCCEEDED"), submitted(executor, head, 1, "RUNNING")
    executor.jobs.timeout = 0.2
    stuck = head.reply

    def reply(method: str, path: str) -> tuple[int, bytes]:
        if method == "DELETE":
            head.asked.append("DELETE")
            time.sleep(0.5)
        return stuck(method, path)

    head.reply = reply  # type: ignore[method-assign]
    executor.watch.done[handle.key] = None

    until(lambda: "DELETE" in head.asked, what="it is deleted")
    until(lambda: executor.watch.look().at > time.monotonic() - 0.5)
    assert executor.watch.look().trouble == ""
    assert executor.adopt(runs).state == State.QUEUED


def test_the_job_of_an_end_that_an_earlier_optimizer_wrote_down_is_deleted(
    executor: RayExecutor, head: StandIn
) -> None:
    settled, open_one = submitted(executor, head, 0, "FAILED"), submitted(executor, head, 1, "FAILED")
    Path(executor.folder(settled), mirror.ORDER).unlink()

    owned = list(executor.list_owned())

    until(lambda: settled.key not in head.jobs, what="the job is deleted")
    assert owned == []
    assert open_one.key in head.jobs


def test_a_stop_that_cannot_be_written_down_goes_through_ray(executor: RayExecutor, head: StandIn) -> None:
    handle = executor.handle("tb-9", ("abc", 9, 1))
    head.put(handle.key, "RUNNING")
    Path(executor.folder(handle)).parent.parent.mkdir(parents=True)
    Path(executor.folder(handle)).parent.write_text("no folder can be made here")

    executor.stop(handle, 5.0)

    executor.watch.look()
    until(lambda: f"POST /api/jobs/{handle.key}/stop" in head.asked, what="Ray is told")
