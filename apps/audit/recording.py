"""Adding to the audit log, and reading it."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.audit.models import MAX_DETAIL, Entry
from apps.workspaces.access import Actor, require
from apps.workspaces.models import Workspace


def record(actor: Actor, workspace_id: int | None, action: str, subject: str = "", detail: str = "") -> None:
    """Note what an actor does, inside the transaction of the doing. One query."""
    Entry.objects.create(
        workspace_id=workspace_id,
        user_id=actor.user_id,
        username=actor.username,
        with_key=actor.key_id is not None,
        action=action,
        subject=subject[:255],
        detail=detail[:MAX_DETAIL],
    )


def entries(
    actor: Actor, workspace: Workspace, *, subject: str = "", username: str = "", action: str = ""
) -> QuerySet[Entry]:
    """The log of a workspace, newest first, for its administrators; of one thing, one person or one kind of action."""
    require(actor, workspace.pk, "manage")
    rows = Entry.objects.filter(workspace=workspace)
    if subject:
        rows = rows.filter(subject=subject)
    if username:
        rows = rows.filter(username=username)
    if action:
        rows = rows.filter(action=action) if "." in action else rows.filter(action__startswith=f"{action}.")
    return rows
