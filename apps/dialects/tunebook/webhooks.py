"""The webhooks of a workspace. For administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.parameters import INT32, Series, Text, Truth, Word
from apps.dialects.tunebook.base import TunebookView
from apps.dialects.tunebook.parameters import PAGE
from apps.sharing.models import Delivery, Webhook
from apps.tuning import hooks
from apps.workspaces.access import OutOfReach

ADD = {
    "url": Text("an https address", longest=hooks.LONGEST_URL, required=True),
    "kinds": Series(Word(tuple(hooks.KINDS)), "what it hears; everything by default", longest=len(hooks.KINDS)),
}
PAUSE = {"paused": Truth("whether it is told nothing", required=True)}


class WebhookView(TunebookView):
    """What is asked of one webhook."""

    def found(self, slug: str, webhook_id: int) -> Webhook:
        workspace = self.workspace(slug)
        if webhook_id > INT32:
            raise OutOfReach("webhook", str(webhook_id))
        return hooks.find_webhook(self.actor, workspace, webhook_id)


class Webhooks(TunebookView):
    """The addresses that hear what happens in a workspace."""

    creates = True
    fields = ADD
    operations = {"GET": "ListWebhooks", "POST": "AddWebhook"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List the webhooks."""
        found = hooks.webhooks_of(self.actor, self.workspace(slug))
        return self.answer({"items": [webhook(one) for one in found]})

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Add a webhook; `secret`, which its messages are signed with, is shown only now."""
        workspace, given = self.workspace(slug), self.document()
        kinds = given.get("kinds", list(hooks.KINDS))

        def create() -> dict[str, Any]:
            made, secret = hooks.add_webhook(self.actor, workspace, url=given["url"], kinds=kinds)
            return {**webhook(made), "secret": secret}

        return self.created(create)


class OneWebhook(WebhookView):
    """One webhook."""

    fields = PAUSE
    operations = {"PATCH": "PauseWebhook", "DELETE": "RemoveWebhook"}

    def patch(self, request: Request, slug: str, webhook_id: int) -> HttpResponse:
        """Pause a webhook, or let it hear again."""
        found = self.found(slug, webhook_id)
        return self.answer(webhook(hooks.pause_webhook(self.actor, found, paused=self.document()["paused"])))

    def delete(self, request: Request, slug: str, webhook_id: int) -> HttpResponse:
        """Remove a webhook with the log of its messages."""
        self.body()
        hooks.remove_webhook(self.actor, self.found(slug, webhook_id))
        return self.answer({"id": webhook_id, "removed": True})


class Deliveries(WebhookView):
    """The messages of a webhook."""

    query = PAGE
    operations = {"GET": "ListDeliveries", "POST": "PingWebhook"}

    def get(self, request: Request, slug: str, webhook_id: int) -> HttpResponse:
        """List the messages and what became of them, newest first; kept for 30 days."""
        asked, rows = self.parameters, Delivery.objects.filter(webhook=self.found(slug, webhook_id))
        start = (asked["page"] - 1) * asked["page_size"]
        return self.listed([delivery(one) for one in rows[start : start + asked["page_size"]]], rows.count())

    def post(self, request: Request, slug: str, webhook_id: int) -> HttpResponse:
        """Send a message that says nothing, to try the address out."""
        self.body()
        found = self.found(slug, webhook_id)
        return self.created(lambda: delivery(hooks.ping(self.actor, found)))


def webhook(row: Webhook) -> dict[str, Any]:
    return {
        "id": row.pk,
        "url": row.url,
        "kinds": row.kinds,
        "created": row.created,
        "paused": row.paused is not None,
        "reason": row.reason,
    }


def delivery(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "subject": row.subject,
        "created": row.created,
        "tries": row.tries,
        "delivered": row.delivered,
        "status": row.status,
        "error": row.error,
        "next_try": row.next_try,
    }
