"""What an executor on Ray says where there is no head, or none that may be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.optimizer.executors.base import State, Unavailable
from apps.optimizer.executors.ray import Cluster, RayExecutor
from tests.optimizer.executors.conftest import a_spec
from tests.optimizer.executors.ray_head import free_ports


@pytest.fixture
def away(tmp_path: Path) -> Iterator[RayExecutor]:
    """An executor whose head is not there."""
    address = f"http://127.0.0.1:{free_ports(1)[0]}"
    executor = RayExecutor(tmp_path, Cluster(address=address, token="t", url="http://here"), instance="here")
    yield executor
    executor.close()


def test_nothing_is_launched_without_a_head(away: RayExecutor) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        away.launch(a_spec("true", token="t"))

    assert away.find("tb-test-0-1", ("abc", 0, 1)) is None
    assert not away.health().ready and "cannot be reached" in away.health().reason


def test_what_runs_is_neither_dead_nor_alive_without_a_head(away: RayExecutor) -> None:
    handle = away.handle("tb-test-0-1", ("abc", 0, 1))

    assert away.adopt(handle).state == State.UNREACHABLE


def test_nothing_is_launched_that_could_not_report(away: RayExecutor) -> None:
    away.cluster = replace(away.cluster, url="")

    assert "TUNEBOOK_URL" in away.health().reason
    with pytest.raises(Unavailable, match="TUNEBOOK_URL"):
        away.launch(a_spec("true", token="t"))


def test_what_whoever_talks_to_ray_can_read_holds_one_secret(away: RayExecutor) -> None:
    spec = a_spec("echo ${PASSWORD}", environment={"PASSWORD": "geheim"}, token="only for this attempt", gpus=0.5)

    job = away.job(spec)

    assert "geheim" not in str(job)
    assert job["runtime_env"]["env_vars"]["TUNEBOOK_TOKEN"] == "only for this attempt"
    assert (job["submission_id"], job["entrypoint_num_cpus"], job["entrypoint_num_gpus"]) == (spec.key, 1, 0.5)
