"""Keeping what somebody types into the form of a new experiment."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.experiments.models import Draft
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, require
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError

LONGEST = 512 * 1024
KEPT = timedelta(days=30)
MOST = 20


def keep(
    actor: Actor, workspace: Workspace, typed: str, *, origin: str = "", over: Container[str] | None = None
) -> Draft:
    """Keep a form as it was typed, instead of an earlier one; of very many of one person the newest.

    over: the pages whose draft may be replaced, any by default. Another page's is left alone, with Conflict: the form is
    open twice.
    """
    require(actor, workspace.pk, "create")
    if len(typed) > LONGEST:
        raise SpecError("draft", f"at most {LONGEST >> 10} KiB are kept")
    mine = Draft.objects.filter(user_id=actor.user_id)
    with transaction.atomic():
        draft, is_new = Draft.objects.select_for_update().get_or_create(
            user_id=actor.user_id, workspace=workspace, origin=origin, defaults={"typed": typed}
        )
        if not is_new:
            if over is not None and draft.page not in over:
                raise Conflict("another page has kept a draft of this form")
            draft.typed, draft.at = typed, timezone.now()
            draft.save(update_fields=["typed", "at"])
        mine.filter(at__lt=timezone.now() - KEPT).delete()
        older = list(mine.order_by("-at").values_list("pk", flat=True)[MOST:])
        if older:
            mine.filter(pk__in=older).delete()
    return draft


def kept(actor: Actor, workspace: Workspace, *, origin: str = "") -> Draft | None:
    """What was typed and neither sent nor discarded. One query."""
    require(actor, workspace.pk, "create")
    mine = Draft.objects.filter(user_id=actor.user_id, workspace=workspace, origin=origin)
    return mine.filter(at__gte=timezone.now() - KEPT).first()


def discard(actor: Actor, workspace: Workspace, *, origin: str = "", over: Container[str] | None = None) -> None:
    """Forget it, where it is one of the pages `over`; any by default. Twice is once."""
    for draft in Draft.objects.filter(user_id=actor.user_id, workspace=workspace, origin=origin):
        if over is None or draft.page in over:
            draft.delete()
