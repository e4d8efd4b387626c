"""Experiments with a known answer: results, failures and times that tests can reckon with."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.experiments.models import COUNT_COLUMNS, Experiment
from apps.trials.models import Trial
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Randint, Uniform
from tunebook.limits import Limits

SPACE = Space(
    {
        "lr": LogUniform.between(0.0001, 1.0),
        "depth": Randint(9, 1),
        "kind": Choice([{"_name": "svm", "C": Uniform(0.0, 1.0)}, "bayes"]),
    }
)


def study(make: Callable[..., Experiment], count: int, *, slots: int = 4, **given: Any) -> Experiment:
    """An experiment with trials: the loss is lr's distance from 0.01, depth above 6 fails every second time."""
    experiment = make(job=a_job(space=SPACE, limits=Limits(max_trials=count or 1, max_concurrent=slots)), **given)
    draw, began = random.Random(count), timezone.now() - timedelta(hours=5)
    made = []
    for number in range(count):
        params = SPACE.sample(draw)
        fails = params["depth"] > 6 and number % 2 == 0
        value = abs(SPACE["lr"].position(params["lr"]) - 0.5) + 0.01
        started = began + timedelta(seconds=10 * (number // slots))
        made.append(
            Trial(
                experiment=experiment,
                number=number,
                params=params,
                source="model",
                status="FAILED" if fails else "FINISHED",
                reason=f"exit code 1: out of memory at {number} MiB" if fails else "",
                value=None if fails else value,
                last_value=None if fails else value,
                started=started,
                ended=started + timedelta(seconds=8),
            )
        )
    Trial.objects.bulk_create(made, batch_size=2_000)
    for trial in made:
        column = COUNT_COLUMNS[trial.status]
        setattr(experiment, column, getattr(experiment, column) + 1)
    experiment.trial_count, experiment.started = count, began
    experiment.spent = sum(trial.took for trial in made)
    finished = [trial for trial in made if trial.value is not None]
    if finished:
        best = min(finished, key=lambda trial: trial.value or 0.0)
        experiment.best_value, experiment.best_trial = best.value, best.number
        experiment.spark = [[1, 9.0], [best.number + 1, best.value]]
    experiment.save()
    return experiment
