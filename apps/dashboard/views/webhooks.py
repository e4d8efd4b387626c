"""The webhooks of a workspace among its settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest

from apps.dashboard.views.frame import Place, attempt, given
from apps.sharing.models import Delivery
from apps.tuning import hooks

SHOWN = 20


def shown(request: HttpRequest, place: Place) -> dict[str, Any]:
    """What the page shows: each webhook with its last messages. One query, and one for each of them (20 at most)."""
    found = hooks.webhooks_of(place.actor, place.workspace).select_related("creator")
    logs = [(hook, list(Delivery.objects.filter(webhook=hook)[:SHOWN])) for hook in found]
    return {"hooks": logs, "kinds": hooks.KINDS.items(), "allowed": settings.TUNEBOOK_ALLOW_WEBHOOKS}


def change(request: HttpRequest, place: Place) -> dict[str, Any] | None:
    """Add a webhook, or do something with one. What to show once, if there is something."""
    act = request.POST.get("act", "")
    if act == "add":
        return _add(request, place)
    hook = hooks.find_webhook(place.actor, place.workspace, _number(request, "webhook"))
    if act == "remove":
        attempt(request, lambda: hooks.remove_webhook(place.actor, hook), "The webhook is removed.")
    elif act == "ping":
        attempt(request, lambda: hooks.ping(place.actor, hook), "A message is on its way; look at the log in a moment.")
    elif act == "again":
        number = _number(request, "message")
        attempt(request, lambda: hooks.send_again(place.actor, hook, number), "It is sent once more.")
    elif act in ("pause", "resume"):
        word = "paused" if act == "pause" else "told from now on"
        attempt(
            request, lambda: hooks.pause_webhook(place.actor, hook, paused=act == "pause"), f"The webhook is {word}."
        )
    return None


def _add(request: HttpRequest, place: Place) -> dict[str, Any] | None:
    made: list[str] = []

    def add() -> None:
        kinds = request.POST.getlist("kinds")
        made.append(hooks.add_webhook(place.actor, place.workspace, url=given(request, "url"), kinds=kinds)[1])

    if attempt(request, add, "The webhook is added."):
        return {"made_secret": made[0]}
    messages.info(request, f"The address was {given(request, 'url')[:200]}.")
    return None


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
