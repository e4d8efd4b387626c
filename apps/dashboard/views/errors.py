"""What the pages for refusals and failures show beside the sentence. Which answer is given, apps/config/errors decides."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest

from apps.dashboard.views import asking
from apps.dashboard.views.frame import Place, enter
from apps.experiments.models import Experiment
from apps.workspaces.access import actor_of_user

LATEST = 5


def context(request: HttpRequest, status: int) -> dict[str, Any]:
    """For members the frame of their workspace; on a 404 a search for the address's words, and the latest experiments."""
    place = _place(request)
    ask = _ask(request, place) if status == 404 else None
    if place is None:
        return {"ask": ask}
    found = place.context() | {"ask": ask}
    if status == 404:
        found["trashed"] = _trashed(request, place)
        rows = Experiment.objects.visible_to(place.actor).kept().lean().filter(workspace=place.workspace)
        found |= {"words": _words(request.path), "latest": rows.order_by("-created", "-id")[:LATEST]}
    return found


def _ask(request: HttpRequest, place: Place | None) -> dict[str, Any] | None:
    """The form that asks for access; the same for a workspace of others and for none. One query where there is no place."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return asking.offered(place.actor if place else actor_of_user(user), request.path_info)


def _trashed(request: HttpRequest, place: Place) -> Experiment | None:
    """The experiment of the address, if it is only in the trash and the user may take it out."""
    match = re.search(r"/e/(\w+)", request.path)
    if match is None or not place.may("edit"):
        return None
    rows = Experiment.objects.visible_to(place.actor).lean().filter(workspace=place.workspace, trashed=True)
    return rows.filter(key=match[1]).first()


def _place(request: HttpRequest) -> Place | None:
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    try:
        return getattr(request, "place", None) or enter(request, None)
    except Http404:
        return None


def _words(path: str) -> str:
    """What to search for: the experiment that is asked for, not the tab of it, or else the last word of the address."""
    asked = re.search(r"/e/([\w-]+)", path)
    words = re.findall(r"[\w-]{3,}", path.partition("/w/")[2] or path)
    return (asked[1] if asked else " ".join(words[-1:]))[:80]
