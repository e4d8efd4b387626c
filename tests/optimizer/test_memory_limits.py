"""A trial that wants more memory than its job lets it have: with a real optimizer, and what becomes of the trial."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.experiments.models import Experiment
from apps.trials.models import Attempt
from apps.tuning.outcomes import Outcome
from tests.optimizer.processes import optimizer
from tests.people import a_job
from tunebook.command import Command
from tunebook.limits import Limits

WANTS_600_MIB = (sys.executable, "-c", "held = b'x' * (600 * 2**20)")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_it_fails_once_and_says_why(make_experiment: Callable[..., Experiment], tmp_path: Path) -> None:
    limits = Limits(max_trials=1, max_concurrent=1, trial_memory=400)
    experiment = make_experiment(job=a_job(command=Command(steps=(WANTS_600_MIB,)), limits=limits))

    with optimizer(tmp_path / "data", "--exit-when-idle") as process:
        assert process.wait(60) == 0

    trial = experiment.trials.get()
    assert (trial.status, trial.attempt_count) == ("FAILED", 1)
    assert trial.reason == "it ran out of memory: a trial may use 400 MiB"
    assert Attempt.objects.get().reason == "oom"


def test_only_a_machine_without_memory_is_worth_another_attempt() -> None:
    assert Outcome(how="oom").is_infrastructure
    assert not Outcome(how="oom", by_limit=True).is_infrastructure
