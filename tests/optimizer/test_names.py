"""More metrics than a trial may have, in the files that the loop reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.feed.models import Event
from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording
from apps.tuning import names
from tests.optimizer.conftest import Theatre
from tunebook.limits import Limits

pytestmark = pytest.mark.django_db


def test_a_trial_that_writes_too_many_to_its_files_is_told_once_and_succeeds(theatre: Callable[..., Theatre]) -> None:
    def recording(spec: LaunchSpec) -> Recording:
        return Recording(points=[{f"m{number}": 1.0 for number in range(600)} | {"loss": 0.25}] * 3)

    stage = theatre(recording=recording, limits=Limits(max_trials=1, max_concurrent=1))

    stage.play()

    (trial,) = stage.trials()
    assert (trial.status, trial.value) == ("FINISHED", 0.25)
    assert len(names.stored(trial)) == 513
    said = [event.payload["text"] for event in Event.objects.filter(kind="note") if "metrics" in str(event.payload)]
    assert len(said) == 1 and said[0].startswith(f"trial 0: {names.TOO_MANY}; left out: m")
