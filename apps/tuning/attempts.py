"""Attempts outside a tick: which are open, who may speak for one, and those of which nobody knew."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.db import transaction

from apps.experiments import rows
from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.feed.writing import append
from apps.trials.models import Attempt
from apps.tuning.announce import note
from apps.workspaces.models import hash_token


def open_attempts(experiment: Experiment) -> list[Attempt]:
    """Attempts that are not ended, for a driver that takes over. One query."""
    return list(Attempt.objects.filter(experiment=experiment, ended=None).select_related("trial").order_by("pk"))


def renew_token(attempt: Attempt) -> None:
    """Give an attempt a token that this process knows, for one that another process made and did not launch. One query."""
    attempt.token = secrets.token_urlsafe(24)
    attempt.token_hash = hash_token(attempt.token)
    rows.update(Attempt, {"token_hash": attempt.token_hash}, id=attempt.pk)


def open_ones(keys: Collection[str]) -> set[str]:
    """Those of the launch keys whose attempt has not ended, whatever its machine was called then. One query."""
    return set(Attempt.objects.filter(launch_key__in=keys, ended=None).values_list("launch_key", flat=True))


def orphan_stopped(experiment: str, number: int, key: str) -> None:
    """Note in an experiment's event log, if it is still there, that an attempt without a row was stopped. Two queries."""
    with transaction.atomic():
        if Experiment.objects.filter(key=experiment).exists():
            words = f"orphan stopped: attempt {key} of trial {number} ran and nobody knew of it"
            append(experiment_stream(experiment), [note(words, level="warning")])
