"""The pages for what went wrong. Paths of the APIs never come here: they answer JSON."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from apps.dashboard.views.frame import Place, enter
from apps.experiments.models import Experiment

log = logging.getLogger(__name__)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: a search box filled with the words of the address, and the latest experiments."""
    place = _place(request)
    context: dict[str, Any] = {}
    if place is not None:
        rows = Experiment.objects.visible_to(place.actor).kept().lean().filter(workspace=place.workspace)
        context = {**place.context(), "words": _words(request.path), "latest": rows.order_by("-created")[:5]}
    return render(request, "404.html", context, status=404)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that did not come from one of our pages, or from one that is too old."""
    return render(request, "403.html", {}, status=403)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {}, status=403)


def broke(request: HttpRequest) -> HttpResponse:
    """500: an id to quote; the log says the same id. Asks nothing of the database, which may be what broke."""
    error_id = secrets.token_hex(4)
    log.error("error id %s at %s %s", error_id, request.method, request.path)
    return HttpResponse(render_to_string("500.html", {"error_id": error_id}), status=500)


def _place(request: HttpRequest) -> Place | None:
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    try:
        return getattr(request, "place", None) or enter(request, None)
    except Http404:
        return None


def _words(path: str) -> str:
    words = re.findall(r"[\w-]{3,}", path.partition("/w/")[2] or path)
    return " ".join(words[-2:])[:80]
