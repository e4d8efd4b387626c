"""Tells the webhooks of workspaces what happened: the feed is read behind each one's cursor, every message is a row that
is sent until somebody takes it or it is given up.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import F
from django.utils import timezone

from apps.feed import reading
from apps.feed.models import Event, workspace_stream
from apps.optimizer.webhooks import Undeliverable, post
from apps.sharing.models import Delivery, Webhook
from apps.workspaces.secrets import Unreadable
from tunebook.status import ExperimentStatus

log = logging.getLogger(__name__)

Send = Callable[[str, bytes, Mapping[str, str]], int]
BATCH = 500
AGAIN = tuple(timedelta(seconds=wait) for wait in (10, 60, 600, 3600, 6 * 3600))
"""How long to wait after each failed try; after the last one a message is given up."""
HELD = timedelta(minutes=2)
"""How long a message belongs to the process that sends it."""
KEPT = timedelta(days=30)
MOST_FAILURES = 20
BEST_EVERY = timedelta(seconds=10)
BEST = "experiment.best"
ENDS = {
    ExperimentStatus.FINISHED: "experiment.finished",
    ExperimentStatus.EARLY_STOPPED: "experiment.finished",
    ExperimentStatus.FAILED: "experiment.failed",
    ExperimentStatus.USER_CANCELED: "experiment.stopped",
    ExperimentStatus.SYS_CANCELED: "experiment.stopped",
}


def collect() -> int:
    """Make messages of what happened since the last look; how many. Two queries and a few per webhook with news."""
    hooks = list(Webhook.objects.filter(paused=None).select_related("workspace"))
    heads = reading.heads([workspace_stream(hook.workspace.slug) for hook in hooks])
    made = 0
    for hook in hooks:
        stream = workspace_stream(hook.workspace.slug)
        if heads.get(stream, 0) > hook.cursor:
            made += _follow(hook, reading.after(stream, hook.cursor, BATCH), heads[stream])
    return made


def _follow(hook: Webhook, events: Any, head: int) -> int:
    """Take a webhook's cursor on and store its messages, both or neither."""
    behind = events[-1].seq if events else head
    with transaction.atomic():
        if not Webhook.objects.filter(pk=hook.pk, cursor=hook.cursor).update(cursor=behind):
            return 0  # another process was quicker
        messages = [one for event in events if event.kind == "experiment" for one in _messages(hook, event)]
        return len(messages)


def _messages(hook: Webhook, event: Event) -> list[Delivery]:
    """What one change of an experiment is worth saying: its end, once; a new best, at most every ten seconds."""
    summary, key = event.payload, str(event.payload.get("key", ""))
    last = Delivery.objects.filter(webhook=hook, subject=key).order_by("-id")
    end = next((kind for status, kind in ENDS.items() if status == summary.get("status")), None)
    if end is not None:
        before = last.exclude(kind=BEST).first()
        # a reopened experiment ends once more, with more trials
        if end not in hook.kinds or (before is not None and _same(before, end, summary, "counts")):
            return []
        return [_made(hook, end, key, summary, event)]
    if not summary.get("best") or BEST not in hook.kinds:
        return []
    before = last.filter(kind=BEST).first()
    if before is not None and (_same(before, BEST, summary, "best") or event.at - before.created < BEST_EVERY):
        return []
    return [_made(hook, BEST, key, summary, event)]


def _same(before: Delivery, kind: str, summary: Mapping[str, Any], member: str) -> bool:
    """Whether a message said the same already."""
    return before.kind == kind and before.payload["experiment"].get(member) == summary.get(member)


def _made(hook: Webhook, kind: str, key: str, summary: Mapping[str, Any], event: Event) -> Delivery:
    told = ("key", "name", "status", "reason", "counts", "total", "best", "goal")
    payload = {
        "kind": kind,
        "workspace": hook.workspace.slug,
        "at": event.at.isoformat(),
        "experiment": {name: summary.get(name) for name in told},
    }
    return Delivery.objects.create(webhook=hook, kind=kind, subject=key, payload=payload)


def send_due(send: Send = post, *, most: int = 20) -> int:
    """Send what is due; how many messages were taken. One at a time, each claimed first, so that none is sent twice."""
    now = timezone.now()
    sent = 0
    for delivery in Delivery.objects.filter(next_try__lte=now, webhook__paused=None).order_by("next_try")[:most]:
        held = Delivery.objects.filter(pk=delivery.pk, next_try=delivery.next_try)
        if held.update(next_try=now + HELD, tries=F("tries") + 1):
            delivery.tries += 1
            sent += _send(delivery, send)
    return sent


def _send(delivery: Delivery, send: Send) -> bool:
    hook = delivery.webhook
    data = json.dumps({"id": delivery.pk, **delivery.payload}, ensure_ascii=False).encode()
    try:
        status = send(hook.url, data, headers(hook.secret, str(delivery.pk), data))
        error = "" if status < 300 else f"it answered {status}"
    except (Undeliverable, Unreadable, OSError, http.client.HTTPException, ValueError) as problem:
        status, error = None, str(problem)[:255] or type(problem).__name__
    delivery.status, delivery.error = status, error
    if not error:
        delivery.delivered, delivery.next_try = timezone.now(), None
        Webhook.objects.filter(pk=hook.pk).update(failures=0)
    elif delivery.tries > len(AGAIN):
        delivery.next_try = None
        _gave_up(hook)
    else:
        delivery.next_try = timezone.now() + AGAIN[delivery.tries - 1]
    delivery.save(update_fields=["status", "error", "delivered", "next_try"])
    return not error


def _gave_up(hook: Webhook) -> None:
    """Count a message that was given up; after many in a row the webhook is paused."""
    Webhook.objects.filter(pk=hook.pk).update(failures=F("failures") + 1)
    paused = Webhook.objects.filter(pk=hook.pk, failures__gte=MOST_FAILURES, paused=None)
    paused.update(paused=timezone.now(), reason=f"{MOST_FAILURES} messages in a row were not taken")


def headers(secret: str, identity: str, data: bytes) -> dict[str, str]:
    """What tells the receiver when, which and from whom: HMAC-SHA256 over `<time>.<id>.<body>`."""
    moment = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{moment}.{identity}.".encode() + data, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "X-Tunebook-Time": moment,
        "X-Tunebook-Id": identity,
        "X-Tunebook-Signature": signature,
    }


def forget() -> int:
    """Remove old messages from the log; how many."""
    gone, _ = Delivery.objects.filter(created__lt=timezone.now() - KEPT, next_try=None).delete()
    return gone


class Postman:
    """Collects and sends in a thread of its own, so that a slow receiver keeps nobody waiting."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None

    def go(self) -> None:
        """Make one round, unless webhooks are off or the last round is still under way."""
        if not settings.TUNEBOOK_ALLOW_WEBHOOKS or (self.thread is not None and self.thread.is_alive()):
            return
        self.thread = threading.Thread(target=self.round, name="postman", daemon=True)
        self.thread.start()

    def round(self) -> None:
        try:
            collect()
            send_due()
        except Exception:
            log.exception("the webhooks could not be told")
        finally:
            close_old_connections()
