"""Asking for access: to a workspace that one is not in, or for a greater role in one's own."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.dashboard.views.frame import ANYWHERE, REFUSALS, given
from apps.tuning import asking
from apps.workspaces import throttle
from apps.workspaces.access import Actor, actor_of_user
from apps.workspaces.models import Role

ADDRESS = re.compile(r"(?:^|/)w/([\w-]+)")


@require_POST
@login_required
def ask(request: HttpRequest) -> HttpResponse:
    """Send the wish. To whoever is not in the workspace the answer is the same whether or not there is one."""
    actor, typed = actor_of_user(request.user), given(request, "workspace")
    found = ADDRESS.search(typed)
    slug = found[1] if found else typed
    back_to = redirect("dashboard:catalog", slug) if slug in actor.slugs else redirect("dashboard:home")
    place = f"asking {actor.user_id}"
    wait = throttle.seconds_left(place)
    if wait:
        messages.error(request, f"Not sent: many requests in a short time. Try again in {wait} seconds.")
        return back_to
    throttle.failed(place)
    try:
        asking.ask(actor, slug, role=request.POST.get("role", Role.VIEWER), note=given(request, "note"))
    except REFUSALS as error:
        messages.error(request, f"Not sent: {error}.")
        return back_to
    known = "The admins" if slug in actor.slugs else f"If there is a workspace {slug}, its admins"
    messages.success(request, f"Your request is sent. {known} see it with your name.")
    return back_to


def offered(actor: Actor, path: str) -> dict[str, Any] | None:
    """What the form on the page of an address in somebody else's workspace expects; None elsewhere. No query."""
    found = ADDRESS.search(path)
    if found is None or found[1] in actor.slugs:
        return None
    return {**ANYWHERE, "slug": found[1]}
