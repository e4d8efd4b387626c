"""What is left of experiments that were deleted for good: out of everybody's reach at once, gone a little at a time.

Millions of measurements take a minute to delete; in one transaction nobody else could write for so long.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from apps.experiments import tally
from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.feed.upkeep import forget
from apps.trials import logs
from apps.trials.models import Measurement, Trial
from apps.workspaces.models import DELETED, Workspace

ROWS = 5_000
TRIALS = 100


def set_aside(row: Experiment) -> None:
    """Take a locked row of the trash out of everybody's reach, and its folders after the commit."""
    tally.shift(tally.place(row), None)
    forget(experiment_stream(row.key))
    row.workspace, _ = Workspace.objects.get_or_create(slug=DELETED, defaults={"name": "Deleted for good"})
    row.save(update_fields=["workspace"])
    transaction.on_commit(partial(logs.discard, Path(settings.TUNEBOOK_DATA), row.key))


def remove(*, seconds: float, only: Experiment | None = None) -> bool:
    """Delete what was set aside, or one of it, piece by piece, until the time is over; whether nothing is left."""
    deadline = time.monotonic() + seconds
    rows = Experiment.objects.filter(workspace__slug=DELETED).order_by("pk")
    rows = rows if only is None else rows.filter(pk=only.pk)
    for pk in rows.values_list("pk", flat=True):
        while _remove_piece(pk):
            if time.monotonic() > deadline:
                return False
    return True


def _remove_piece(pk: int) -> bool:
    """Delete so much of an experiment that nobody waits for it; whether there may be more. A transaction."""
    with transaction.atomic():
        # one at a time, so that two who do this do not wait for each other's rows
        row = Experiment.objects.select_for_update().lean().filter(pk=pk).first()
        if row is None:
            return False
        trials = list(Trial.objects.filter(experiment=row).values_list("pk", flat=True)[:TRIALS])
        if not trials:
            row.delete()
            return False
        points = Measurement.objects.filter(trial__in=trials).values("pk")[:ROWS]
        gone, _ = Measurement.objects.filter(pk__in=points).delete()
        if gone < ROWS:
            Trial.objects.filter(pk__in=trials).delete()
        return True
