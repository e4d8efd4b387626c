"""Attempts on a real Ray head, and what becomes of them when it forgets them."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.optimizer.executors.base import Handle, LaunchSpec, State, Unavailable
from apps.optimizer.executors.ray import Cluster, RayExecutor
from apps.trials.models import Attempt, Trial
from apps.workspaces.models import hash_token
from tests.optimizer.executors.conftest import Stage, a_spec
from tests.optimizer.executors.ray_head import TOKEN, Head, running_head
from tests.optimizer.executors.test_contract import *  # noqa: F403 - the contract, on the stage below
from tests.optimizer.waiting import until
from tunebook import mirror

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database, pytest.mark.slow]
LOST_AFTER = 15.0


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with running_head() as found:
        yield found


class RayStage(Stage):
    """Executors on Ray; what it launches has a row with its token, as the loop makes it."""

    def launch(self, step: str, trial: int = 0, **more: object) -> Handle:
        spec = self.spec(a_spec(step, trial, **more))
        return until(lambda: self.try_to_launch(spec), what="the head takes the job")

    def try_to_launch(self, spec: LaunchSpec) -> Handle | None:
        """As the loop does: a head that is slow to answer is asked again."""
        try:
            return self.executor.launch(spec)
        except Unavailable:
            return None

    def spec(self, spec: LaunchSpec) -> LaunchSpec:
        key, number, attempt = spec.place
        row = Trial.objects.get_or_create(
            experiment=Experiment.objects.get(key=key), number=number, defaults={"params": {}, "attempt_count": attempt}
        )[0]
        spec = replace(spec, key=f"{spec.key}-{self.executor.instance}")
        token = f"token of {spec.key}"
        Attempt.objects.get_or_create(
            trial=row,
            number=attempt,
            defaults={"experiment": row.experiment, "launch_key": spec.key, "token_hash": hash_token(token)},
        )
        return replace(spec, token=token, cpus=0.25)


@pytest.fixture
def cluster(head: Head, live_server: Any) -> Cluster:
    return Cluster(address=head.address, token=TOKEN, url=live_server.url, lost_after=LOST_AFTER)


@pytest.fixture
def stage(cluster: Cluster, make_experiment: Any, tmp_path: Path, settings: Any) -> Iterator[Stage]:
    settings.TUNEBOOK_DATA = tmp_path
    Experiment.objects.filter(pk=make_experiment().pk).update(key="abc")
    instance = secrets.token_hex(4)  # a head does not know two jobs of one name
    found = [RayExecutor(tmp_path, cluster, instance=instance) for _ in range(2)]
    yield RayStage(*found)
    for handle in found[0].list_owned():
        if not found[0].poll([handle])[0].has_ended:  # else Ray might wait for what has gone meanwhile, twenty seconds
            found[0].jobs.stop(handle.key)
    until(lambda: not any(found[0].list_owned()), what="nothing runs any more")
    for one in found:
        one.close()


def folder_of(stage: Stage, handle: Handle) -> str:
    return stage.executor.folder(handle)


def commands_like(words: str) -> list[int]:
    """Processes whose command line says so."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and words.encode() in (entry / "cmdline").read_bytes().replace(b"\0", b" "):
                found.append(int(entry.name))
    return found


def test_a_head_that_does_not_take_the_token_is_not_ready(cluster: Cluster, tmp_path: Path) -> None:
    executor = RayExecutor(tmp_path, replace(cluster, token="another"), instance="x")

    health = executor.health()

    assert not health.ready and "TUNEBOOK_RAY_TOKEN" in health.reason
    executor.close()


def test_what_a_trial_writes_comes_home(stage: Stage) -> None:
    write = "mkdir -p outputs/a && echo kept > outputs/a/b.txt && echo '{\"loss\": 1}' > now.json"
    report = "from tunebook import run; run.log(loss=run.params()['x'], step=3)"
    root = f"{folder_of(stage, Handle('ray', '', '', ('abc', 0, 1)))}/work"

    handle = stage.launch(
        "", steps=(write, ["python3", "-c", report]), params={"x": 0.5}, follows=[f"{root}/now.json"],
        outputs=[f"{root}/outputs"],
    )  # fmt: skip
    end = stage.end_of(handle)

    folder = Path(folder_of(stage, handle))
    assert end.reason == "exit:0", stage.executor.logs(handle, "err", 0, 5000).text
    assert (folder / "work/outputs/a/b.txt").read_text() == "kept\n"
    assert (folder / "work/now.json").read_text() == '{"loss": 1}\n'
    assert '"loss"' in (folder / "metrics.jsonl").read_text()
    assert not (folder / mirror.ORDER).exists()


def test_a_trial_begins_with_the_files_that_were_laid_out_for_it(stage: Stage) -> None:
    folder = Path(folder_of(stage, Handle("ray", "", "", ("abc", 0, 1))))
    (folder / "work").mkdir(parents=True)
    (folder / "work/train.py").write_text("print('trained')")

    handle = stage.launch("python3 train.py")

    assert stage.end_of(handle).code == 0
    assert stage.executor.logs(handle, "out", 0, 100).text == "trained\n"


def test_the_end_of_a_fenced_attempt_is_confirmed(stage: Stage) -> None:
    handle = stage.launch("sleep 6789012")
    until(lambda: commands_like("sleep 6789012"), what="its command runs")

    mirror.mark(folder_of(stage, handle), mirror.FENCED, "nobody knows it")
    end = stage.end_of(handle)

    assert end.state == State.LOST
    assert not commands_like("sleep 6789012")


def test_what_a_head_has_forgotten_is_lost_when_nothing_of_it_is_left(
    stage: Stage, cluster: Cluster, head: Head, tmp_path: Path
) -> None:
    executor = RayExecutor(tmp_path, replace(cluster, lost_after=8.0), instance=stage.executor.instance)
    handle = RayStage(executor, executor).launch("sleep 6789013")
    until(lambda: executor.poll([handle])[0].state == State.RUNNING, what="it runs")

    head.kill()  # what it ran ends then, or runs on and is still heard of
    until(lambda: not executor.health().ready, what="the head is missed")
    waits = executor.health()
    head.start()
    until(lambda: executor.poll([handle])[0].has_ended, what="it is given up")

    assert not waits.ready and "cannot be reached" in waits.reason
    assert executor.poll([handle])[0].state == State.LOST
    assert not commands_like("sleep 6789013")
    executor.close()


def test_what_waits_for_room_can_be_stopped(stage: Stage) -> None:
    spec = replace(RayStage.spec(stage, a_spec("true")), gpus=7)  # type: ignore[arg-type]
    handle = until(lambda: stage.try_to_launch(spec), what="the head takes the job")  # type: ignore[attr-defined]
    until(lambda: "waiting for resources" in stage.observe(handle).message, what="Ray has no room for it")

    stage.executor.stop(handle, 1.0)

    assert stage.observe(handle).state == State.STOPPED
    assert not any(stage.executor.list_owned())
