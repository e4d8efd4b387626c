"""A trial has so many metrics and no more, whichever way they come, and never misses the one that counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Measurement, Trial
from apps.tuning import names, reporting, trials
from apps.tuning.errors import LimitReached
from apps.tuning.measuring import Reading
from apps.tuning.reporting import Batch
from apps.workspaces.models import hash_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(make_experiment: Callable[..., Experiment]) -> Trial:
    """A trial that reports with the token `t`."""
    experiment = make_experiment()
    trial = Trial.objects.create(experiment=experiment, number=0, params={}, status="RUNNING", attempt_count=1)
    Attempt.objects.create(trial=trial, experiment=experiment, number=1, launch_key="k", token_hash=hash_token("t"))
    return trial


def items(first: int, count: int, step: int = 0) -> list[dict[str, object]]:
    return [{"metric": f"m{number:03}", "step": step, "value": 1.0} for number in range(first, first + count)]


def test_what_is_beyond_the_limit_is_rejected_by_name_and_the_rest_is_kept(running: Trial) -> None:
    trials.report("t", items(0, 500))

    report = trials.report("t", [*items(400, 200, step=1), {"metric": "loss", "step": 1, "value": 0.5}])

    assert report.verdicts == ["stored"] * 112 + ["rejected"] * 88 + ["stored"]
    assert report.problems == dict.fromkeys(range(112, 200), names.TOO_MANY)
    assert names.stored(running) == {f"m{number:03}" for number in range(512)} | {"loss"}
    running.refresh_from_db()
    assert running.last_value == 0.5


def test_a_process_that_knows_nothing_of_the_trial_looks_once(running: Trial) -> None:
    trials.report("t", items(0, 512))
    names._known.clear()

    with CaptureQueriesContext(connection) as queries:
        first = trials.report("t", items(511, 2, step=1)).verdicts
        again = trials.report("t", items(0, 100, step=2)).verdicts

    assert (first, again) == (["stored", "rejected"], ["stored"] * 100)
    assert sum("RECURSIVE" in one["sql"] for one in queries) == 1


def test_a_wire_without_a_word_for_each_refuses_the_batch_and_names_the_limit(running: Trial) -> None:
    batch = Batch("t", [Reading(f"m{number}", 0, 1.0) for number in range(600)], again=True)

    (answer,) = reporting.report([batch])

    assert isinstance(answer, LimitReached) and "512 metrics" in str(answer)
    assert not Measurement.objects.filter(trial=running).exists()
