"""What administrators can do with the webhooks of a workspace."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.audit.recording import record
from apps.feed import reading
from apps.feed.models import workspace_stream
from apps.sharing.models import Delivery, Webhook
from apps.tuning.errors import LimitReached
from apps.workspaces.access import Actor, OutOfReach, require
from apps.workspaces.models import Workspace
from apps.workspaces.secrets import seal
from tunebook.errors import SpecError

KINDS = {
    "experiment.finished": "an experiment has succeeded",
    "experiment.failed": "an experiment has failed",
    "experiment.stopped": "an experiment was stopped",
    "experiment.best": "an experiment has a new best value",
}
PING = "ping"
MOST_HOOKS = 20
LONGEST_URL = 2000


def webhooks_of(actor: Actor, workspace: Workspace) -> QuerySet[Webhook]:
    require(actor, workspace.pk, "manage")
    return Webhook.objects.filter(workspace=workspace)


def find_webhook(actor: Actor, workspace: Workspace, number: int) -> Webhook:
    found = webhooks_of(actor, workspace).filter(pk=number).first()
    if found is None:
        raise OutOfReach("webhook", str(number))
    return found


def add_webhook(actor: Actor, workspace: Workspace, *, url: str, kinds: Sequence[str]) -> tuple[Webhook, str]:
    """A webhook that hears what happens from now on, and the secret its messages are signed with, shown only now."""
    require(actor, workspace.pk, "manage")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        if Webhook.objects.filter(workspace=workspace).count() >= MOST_HOOKS:
            raise LimitReached(f"at most {MOST_HOOKS} webhooks in a workspace")
        stream = workspace_stream(workspace.slug)
        hook = Webhook.objects.create(
            workspace=workspace,
            url=_url(url),
            kinds=_kinds(kinds),
            sealed_secret=seal(secret),
            creator_id=actor.user_id,
            cursor=reading.heads([stream]).get(stream, 0),
        )
        record(actor, workspace.pk, "webhook.add", hook.url[:255], ", ".join(hook.kinds))
    return hook, secret


def pause_webhook(actor: Actor, hook: Webhook, *, paused: bool) -> Webhook:
    """Send it nothing more, or go on with what happens from now on."""
    require(actor, hook.workspace_id, "manage")
    with transaction.atomic():
        stream = workspace_stream(hook.workspace.slug)
        hook.paused = timezone.now() if paused else None
        hook.reason, hook.failures = (f"paused by {actor.username}" if paused else ""), 0
        hook.cursor = reading.heads([stream]).get(stream, 0)
        hook.save(update_fields=["paused", "reason", "failures", "cursor"])
        record(actor, hook.workspace_id, "webhook.pause" if paused else "webhook.resume", hook.url[:255])
    return hook


def remove_webhook(actor: Actor, hook: Webhook) -> None:
    """Forget it, with the log of its messages."""
    require(actor, hook.workspace_id, "manage")
    with transaction.atomic():
        record(actor, hook.workspace_id, "webhook.remove", hook.url[:255])
        hook.delete()


def ping(actor: Actor, hook: Webhook) -> Delivery:
    """Send it a message that says nothing, to try it out."""
    require(actor, hook.workspace_id, "manage")
    return Delivery.objects.create(webhook=hook, kind=PING, subject="", payload={"kind": PING, "by": actor.username})


def send_again(actor: Actor, hook: Webhook, number: int) -> Delivery:
    """Send one of its messages once more."""
    require(actor, hook.workspace_id, "manage")
    found = Delivery.objects.filter(webhook=hook, pk=number).first()
    if found is None:
        raise OutOfReach("message", str(number))
    found.tries, found.next_try, found.delivered, found.error = 0, timezone.now(), None, ""
    found.save(update_fields=["tries", "next_try", "delivered", "error"])
    return found


def _url(url: str) -> str:
    text = url.strip()
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.username or len(text) > LONGEST_URL or "\x00" in text:
        raise SpecError("url", f"must be an https address without a user name, of at most {LONGEST_URL} characters")
    return text


def _kinds(kinds: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(kinds))
    unknown = next((kind for kind in wanted if kind not in KINDS), None)
    if unknown is not None or not wanted:
        raise SpecError("kinds", f"must name some of {', '.join(KINDS)}, got {unknown!r:.60}")
    return wanted
