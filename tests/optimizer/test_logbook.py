"""The log of an experiment: what its optimizers note about it, and what they do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from apps.experiments.models import Experiment
from apps.optimizer import leftovers, logbook
from apps.optimizer.executors.base import Busy, ExecutorError, LaunchSpec
from apps.optimizer.executors.replay import Recording
from apps.trials import logs
from tests.optimizer.conftest import Theatre

pytestmark = pytest.mark.django_db


def said(data: Path, experiment: Experiment) -> str:
    path = logs.optimizer_log(data, experiment.key)
    return path.read_text() if path.exists() else ""


def test_retries_and_launches_that_fail_are_noted_once_each(
    theatre: Callable[..., Theatre], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = theatre()
    driver = one.take_over()
    executor = driver.work.place.executor
    launch, refusals = executor.launch, iter([Busy("no room"), Busy("no room"), ExecutorError("no such file: sh")])

    def refuse(spec: LaunchSpec) -> object:
        for error in refusals:
            raise error
        return launch(spec)

    monkeypatch.setattr(executor, "launch", refuse)
    one.play()

    log = said(one.data, one.experiment)
    assert log.count("has to wait: no room") == 1
    assert log.count("could not be launched: no such file: sh") == 1
    assert log.count("is tried again") == 1


def test_why_nothing_can_be_started_is_noted_when_it_changes(theatre: Callable[..., Theatre]) -> None:
    one = theatre()
    one.recording = lambda _spec: Recording(points=[{"loss": 1.0}], holds=True)
    for obstacle in ("", "disk_full: the disk is full", "disk_full: the disk is full", ""):
        one.turn(obstacle=obstacle)

    log = said(one.data, one.experiment)
    assert log.count("the disk is full") == 1
    assert log.count("trials can be started again") == 1


def test_a_long_log_keeps_its_newest_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "MOST_BYTES", 1_000)
    for number in range(100):
        logbook.write(tmp_path, "abc", f"line {number}\x00")

    path = logs.optimizer_log(tmp_path, "abc")
    kept = [line.split()[-1] for line in logs.page([logs.older(path), path], None, 0).lines]
    assert kept[-1] == "99␀" and 20 < len(kept) < 60
    assert path.stat().st_size + logs.older(path).stat().st_size < 2_200


def test_a_log_that_cannot_be_written_fails_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "trials").write_text("in the way")

    logbook.write(tmp_path, "abc", "lost")

    assert "the log of experiment abc is not written" in caplog.text


def test_the_log_goes_with_the_trials(tmp_path: Path) -> None:
    logbook.write(tmp_path, "abc", "said")

    logs.discard(tmp_path, "abc")

    assert leftovers.remove(tmp_path)
    assert list((tmp_path / "gone").iterdir()) == []
