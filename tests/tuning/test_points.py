"""A trial keeps so many points and no more, of all its metrics and attempts, whichever way they come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Measurement, Trial
from apps.tuning import measuring, reporting, trials
from apps.tuning.errors import LimitReached
from apps.tuning.measuring import Reading
from apps.tuning.reporting import Batch
from apps.workspaces.models import hash_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(make_experiment: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A trial that reports with the token `t` and may have ten points."""
    monkeypatch.setattr(measuring, "MAX_POINTS", 10)
    experiment = make_experiment()
    trial = Trial.objects.create(experiment=experiment, number=0, params={}, status="RUNNING", attempt_count=1)
    Attempt.objects.create(trial=trial, experiment=experiment, number=1, launch_key="k", token_hash=hash_token("t"))
    return trial


def items(metric: str, steps: range) -> list[dict[str, object]]:
    return [{"metric": metric, "step": step, "value": 1.0} for step in steps]


def test_points_of_every_metric_count_and_what_is_beyond_is_refused_whole(running: Trial) -> None:
    trials.report("t", items("loss", range(4)) + items("other", range(4)))

    with pytest.raises(LimitReached, match="at most 1,000,000 points"):
        trials.report("t", items("third", range(3)))

    running.refresh_from_db()
    assert running.point_count == Measurement.objects.count() == 8


def test_what_was_stored_before_may_be_sent_again_by_a_trial_that_is_full(running: Trial) -> None:
    trials.report("t", items("loss", range(10)))

    again = trials.report("t", items("loss", range(10)))

    assert again.verdicts == ["duplicate"] * 10


def test_a_batch_that_is_refused_leaves_nothing_for_the_next_one_of_the_same_commit(running: Trial) -> None:
    much = Batch("t", [Reading("loss", step, 0.1) for step in range(11)])
    little = Batch("t", [Reading("loss", 20, 0.5)])

    refused, taken = reporting.report([much, little])

    running.refresh_from_db()
    assert isinstance(refused, LimitReached) and not isinstance(taken, Exception)
    assert (running.point_count, running.value_count, running.best_value, running.last_step) == (1, 1, 0.5, 20)
