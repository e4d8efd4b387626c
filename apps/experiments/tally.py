"""Kept totals of a workspace's experiments, so that no list counts its rows.

A tally row counts the experiments of one workspace, creator, accessibility, status and trash flag; whatever an actor may
see is a sum over a few of them. The verbs shift it in the transaction that changes one of the five.
"""

from __future__ import annotations

from django.db.models import Count, F, Sum

from apps.experiments.models import Experiment, Tally
from apps.workspaces.access import Actor, visible

Place = tuple[int, int, str, str, bool]


def place(experiment: Experiment) -> Place:
    """Where an experiment is counted; take it before a change, and shift after it."""
    return (
        experiment.workspace_id,
        experiment.creator_id,
        experiment.accessibility,
        str(experiment.status),
        experiment.trashed,
    )


def shift(before: Place | None, after: Place | None) -> None:
    """Count one experiment less here and one more there. Nothing when it stayed. Up to three queries each."""
    if before == after:
        return
    changes = [(where, number) for where, number in ((before, -1), (after, 1)) if where is not None]
    # in one order, so that two who move experiments there and back do not wait for each other's rows
    for where, number in sorted(changes):
        _add(where, number)


def totals(actor: Actor, *, trashed: bool = False, workspace_id: int | None = None) -> dict[str, int]:
    """Visible experiments per status. One query."""
    rows = Tally.objects.filter(visible(actor), trashed=trashed)
    if workspace_id is not None:
        rows = rows.filter(workspace_id=workspace_id)
    counted = rows.values_list("status").annotate(total=Sum("number")).order_by()
    return {status: total for status, total in counted if total}


def rebuild() -> None:
    """Count everything anew; for imports and repairs."""
    counted = (
        Experiment.objects.values_list("workspace_id", "creator_id", "accessibility", "status", "trashed")
        .annotate(number=Count("pk"))
        .order_by()
    )
    rows = [
        Tally(workspace_id=w, creator_id=c, accessibility=a, status=s, trashed=t, number=n)
        for w, c, a, s, t, n in counted
    ]
    Tally.objects.all().delete()
    Tally.objects.bulk_create(rows)


def _add(where: Place, number: int) -> None:
    workspace, creator, accessibility, status, trashed = where
    key = {
        "workspace_id": workspace,
        "creator_id": creator,
        "accessibility": accessibility,
        "status": status,
        "trashed": trashed,
    }
    if Tally.objects.filter(**key).update(number=F("number") + number) == 0:
        Tally.objects.bulk_create([Tally(**key, number=0)], ignore_conflicts=True)
        Tally.objects.filter(**key).update(number=F("number") + number)
