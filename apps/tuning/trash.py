"""The trash: where experiments lie until they are restored or deleted for good, by hand or after some days."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.recording import record
from apps.experiments import tally
from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.feed.upkeep import forget
from apps.trials import logs
from apps.tuning.announce import announce_experiment, announce_listing, note
from apps.tuning.errors import Conflict, Stale
from apps.tuning.experiments import locked, save, stop_locked
from apps.workspaces.access import Actor, require
from apps.workspaces.models import Workspace


def delete(actor: Actor, experiment: Experiment, *, version: int | None = None) -> Experiment:
    """Move to the trash; what runs is stopped first. Twice is once. Raises Stale for another `version` than is given."""
    require(actor, experiment.workspace_id, "edit")
    with transaction.atomic():
        row = locked(experiment)
        if version is not None and version != row.version:
            raise Stale(f"it was changed meanwhile: version {row.version}, yours is {version}")
        if row.trashed:
            return row
        if not row.has_ended:
            stop_locked(row, actor.username)
        before = tally.place(row)
        row.trashed, row.trashed_at, row.trashed_by_id = True, timezone.now(), actor.user_id
        save(row)
        tally.shift(before, tally.place(row))
        announce_experiment(
            row, listed=False, also=(note(f"moved to the trash by {actor.username}", by=actor.username),)
        )
        announce_listing(row, "removed")
        record(actor, row.workspace_id, "experiment.delete", row.key, row.name)
    return row


def restore(actor: Actor, experiment: Experiment) -> Experiment:
    """Take out of the trash."""
    require(actor, experiment.workspace_id, "edit")
    with transaction.atomic():
        row = locked(experiment)
        if not row.trashed:
            return row
        before = tally.place(row)
        row.trashed, row.trashed_at, row.trashed_by = False, None, None
        save(row)
        tally.shift(before, tally.place(row))
        announce_experiment(row, also=(note(f"restored by {actor.username}", by=actor.username),))
        announce_listing(row, "restored")
        record(actor, row.workspace_id, "experiment.restore", row.key, row.name)
    return row


def purge(actor: Actor, experiment: Experiment) -> None:
    """Delete for good, with all trials. Only from the trash, and only by the creator or an administrator."""
    require(actor, experiment.workspace_id, "edit" if experiment.creator_id == actor.user_id else "manage")
    with transaction.atomic():
        row = locked(experiment)
        if not row.trashed:
            raise Conflict("only what lies in the trash can be deleted for good", status=row.status)
        if not row.has_ended:
            raise Conflict("its trials are still being stopped; try again in a moment", status=row.status)
        record(actor, row.workspace_id, "experiment.purge", row.key, row.name)
        _delete(row)


def days_left(experiment: Experiment) -> int | None:
    """Days until an experiment in the trash is deleted for good by itself; None where nothing ever is."""
    if not settings.TUNEBOOK_TRASH_DAYS or experiment.trashed_at is None:
        return None
    end = experiment.trashed_at + timedelta(days=settings.TUNEBOOK_TRASH_DAYS)
    return max(0, math.ceil((end - timezone.now()) / timedelta(days=1)))


def empty(*, most: int = 100) -> int:
    """Delete for good what has lain in the trash for TUNEBOOK_TRASH_DAYS; how many there were. For the upkeep."""
    if not settings.TUNEBOOK_TRASH_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.TUNEBOOK_TRASH_DAYS)
    places = Experiment.objects.filter(workspace__in=list(Workspace.objects.values_list("pk", flat=True)), trashed=True)
    old = places.filter(trashed_at__lt=before, ended__isnull=False).order_by().lean()
    gone = 0
    for experiment in old[:most]:
        with transaction.atomic():
            row = locked(experiment)
            if row.trashed and row.has_ended:
                _delete(row)
                gone += 1
    return gone


def _delete(row: Experiment) -> None:
    """Delete a locked row with all that hangs on it; its folders are set aside after the commit."""
    tally.shift(tally.place(row), None)
    forget(experiment_stream(row.key))
    row.delete()
    transaction.on_commit(partial(logs.discard, Path(settings.TUNEBOOK_DATA), row.key))
