"""Trials to look at, without an optimizer that makes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.experiments.models import COUNT_COLUMNS, Experiment
from apps.trials.models import Trial


def with_trials(experiment: Experiment, *statuses: str, **given: Any) -> list[Trial]:
    """Give an experiment trials in these statuses, numbered on, and count them on its row."""
    first, now = experiment.trial_count, timezone.now()
    made = []
    for place, status in enumerate(statuses):
        number = first + place
        started = now - timedelta(minutes=len(statuses) - place)
        values: dict[str, Any] = {"params": {"x": number / 100}, "source": "start-up", "started": started}
        if status == "FINISHED":
            values |= {"value": 1.0 - number / 100, "ended": now, "last_value": 1.0 - number / 100}
        made.append(Trial.objects.create(experiment=experiment, number=number, status=status, **{**values, **given}))
        column = COUNT_COLUMNS[status]
        setattr(experiment, column, getattr(experiment, column) + 1)
    experiment.trial_count += len(made)
    experiment.spent += sum(trial.took for trial in made)
    finished = [trial for trial in made if trial.value is not None]
    if finished:
        best = min(finished, key=lambda trial: trial.value or 0)
        experiment.best_value, experiment.best_trial = best.value, best.number
    experiment.save()
    return made
