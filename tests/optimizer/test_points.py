"""More points than a trial may have, in the files that the loop reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.feed.models import Event
from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording
from apps.optimizer.readings import base
from apps.optimizer.steps import look
from apps.trials.models import Attempt, Measurement
from apps.tuning import measuring
from tests.optimizer.conftest import Theatre
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.readings import Readings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (measuring, look):
        monkeypatch.setattr(module, "MAX_POINTS", 10)


def curve(count: int) -> Callable[[LaunchSpec], Recording]:
    return lambda spec: Recording(points=[{"loss": float(100 - step), "other": 1.0} for step in range(count)])


def notes(word: str = "points") -> list[str]:
    texts = Event.objects.filter(kind="note").order_by("seq").values_list("payload", flat=True)
    return [one["text"] for one in texts if word in one["text"]]


def test_what_a_trial_writes_beyond_them_is_left_out_and_told_once(theatre: Callable[..., Theatre]) -> None:
    stage = theatre(recording=curve(20), limits=Limits(max_trials=1, max_concurrent=1))

    stage.play()

    (trial,) = stage.trials()
    assert (trial.status, trial.value, trial.point_count) == ("FINISHED", 96.0, 10)
    assert Measurement.objects.count() == 10
    assert notes() == [f"trial 0: {measuring.TOO_MANY_POINTS}"]


def test_a_trial_with_just_so_many_is_told_nothing(theatre: Callable[..., Theatre]) -> None:
    stage = theatre(recording=curve(5), limits=Limits(max_trials=1, max_concurrent=1))

    stage.play()

    assert stage.trials()[0].point_count == 10
    assert notes() == []


def test_the_rest_of_a_large_file_is_not_read(theatre: Callable[..., Theatre], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_BYTES", 20)
    stage = theatre(
        recording=lambda spec: Recording(output="".join(f"loss={line:04}\n" for line in range(1000))),
        objective=Objective("minimize", (Metric("loss=(.*)"),)),
        readings=Readings("stdout"),
        limits=Limits(max_trials=1, max_concurrent=1),
    )

    stage.play()

    (trial,) = stage.trials()
    assert (trial.status, trial.value, trial.point_count) == ("FINISHED", 9.0, 10)
    assert Attempt.objects.get().offsets["stdout:0:out.log"]["at"] < 300
    assert notes() == [f"trial 0: {measuring.TOO_MANY_POINTS}"]


def test_points_of_an_attempt_that_was_lost_count_too(theatre: Callable[..., Theatre]) -> None:
    def recording(spec: LaunchSpec) -> Recording:
        points = [{"loss": float(step)} for step in range(6)]
        return Recording(points=points, state="LOST" if spec.key.endswith("-1") else "EXITED")

    stage = theatre(recording=recording, limits=Limits(max_trials=1, max_concurrent=1))

    stage.play()

    (trial,) = stage.trials()
    assert (trial.attempt_count, trial.status, trial.value) == (2, "FINISHED", 3.0)
    assert trial.point_count == Measurement.objects.count() == 10


def test_a_file_that_is_too_long_to_be_read_is_why_there_is_no_value(
    theatre: Callable[..., Theatre], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_AT_ONCE", 1000)
    file = tmp_path / "m.json"
    file.write_text(json.dumps([{"loss": 1.0}] * 100, indent=0))
    readings = Readings("json", (str(file),))
    stage = theatre(recording=lambda spec: Recording(), readings=readings, limits=Limits(max_trials=1))

    stage.play()

    (trial,) = stage.trials()
    told = f"m.json is not read: it is longer than 0 MiB ({file.stat().st_size:,} bytes)"
    assert (trial.status, trial.reason) == ("FAILED", f"it ended without a value of 'loss': {told}")
    assert notes("m.json") == [f"trial 0: {told}"]
