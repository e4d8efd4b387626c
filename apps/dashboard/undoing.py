"""A notice that something was done, with a button that takes it back."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string

MOST_KEYS = 200
"""Of more rows the notice would not fit into what carries it to the next page."""


def done(
    request: HttpRequest, words: str, *, action: str, verb: str, keys: Iterable[str] = (), field: str = "key"
) -> None:
    """Say what was done on the next page. `verb`, posted to `action` for the keys, takes it back; then the page that
    the request names comes again."""
    listed = list(keys)
    if len(listed) > MOST_KEYS:
        messages.success(request, words)
        return
    context = {"words": words, "action": action, "verb": verb, "keys": listed, "field": field}
    context["next"] = request.POST.get("next", "")
    messages.success(request, render_to_string("components/undo_act.html", context, request))


def offer(
    request: HttpRequest, level: int, words: str, *, action: str, button: str, fields: Iterable[tuple[str, str]]
) -> None:
    """Say something on the next page, with a button that posts the fields to `action`."""
    context = {"words": words, "action": action, "button": button, "fields": list(fields)}
    messages.add_message(request, level, render_to_string("components/offer.html", context, request))
