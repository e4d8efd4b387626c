"""The trash: where experiments lie until they are restored or deleted for good, by hand or after some days."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from apps.audit.recording import record
from apps.experiments import tally
from apps.experiments.models import Experiment
from apps.tuning import remains
from apps.tuning.announce import announce_experiment, announce_listing, note
from apps.tuning.errors import Conflict, Stale
from apps.tuning.experiments import locked, save, stop_locked
from apps.workspaces.access import Actor, require
from apps.workspaces.models import DELETED, Workspace

AT_ONCE = 1.0
"""Seconds that somebody waits at most for what they delete for good to be gone from the database, too."""


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
    """As `discard`; what is small is gone at once from the database, too."""
    discard(actor, experiment)
    with suppress(OperationalError):  # it is deleted all the same: the optimizer's upkeep does what is left
        remains.remove(seconds=AT_ONCE, only=experiment)


def discard(actor: Actor, experiment: Experiment) -> None:
    """Delete for good, with all trials. Only from the trash, and only by the creator or an administrator.

    It is out of reach at once; its rows go bit by bit, with the optimizer's upkeep.
    """
    require(actor, experiment.workspace_id, "edit" if experiment.creator_id == actor.user_id else "manage")
    with transaction.atomic():
        row = locked(experiment)
        if not row.trashed:
            raise Conflict("only what lies in the trash can be deleted for good", status=row.status)
        if not row.has_ended:
            raise Conflict("its trials are still being stopped; try again in a moment", status=row.status)
        record(actor, row.workspace_id, "experiment.purge", row.key, row.name)
        remains.set_aside(row)


def days_left(experiment: Experiment) -> int | None:
    """Days until an experiment in the trash is deleted for good by itself; None where nothing ever is."""
    if not settings.TUNEBOOK_TRASH_DAYS or experiment.trashed_at is None:
        return None
    end = experiment.trashed_at + timedelta(days=settings.TUNEBOOK_TRASH_DAYS)
    return max(0, math.ceil((end - timezone.now()) / timedelta(days=1)))


def empty(*, most: int = 100) -> int:
    """Delete for good what has lain in the trash for TUNEBOOK_TRASH_DAYS, how many there were; for the upkeep, which
    removes the rows by and by."""
    if not settings.TUNEBOOK_TRASH_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.TUNEBOOK_TRASH_DAYS)
    places = list(Workspace.objects.exclude(slug=DELETED).values_list("pk", flat=True))
    lying = Experiment.objects.filter(workspace__in=places, trashed=True, ended__isnull=False)
    old = lying.filter(trashed_at__lt=before).order_by().lean()
    gone = 0
    for experiment in old[:most]:
        with transaction.atomic():
            row = locked(experiment)
            if row.trashed and row.has_ended:
                remains.set_aside(row)
                gone += 1
    return gone
