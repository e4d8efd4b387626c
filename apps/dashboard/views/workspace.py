"""A workspace's settings: members and keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.dashboard.views.frame import Place, given, in_workspace, render
from apps.tuning import people
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach
from apps.workspaces.models import Key, Role
from tunebook.errors import SpecError

SECTIONS = (("members", "Members"), ("keys", "API keys"))
EXPIRIES = (("90", "90 days"), ("365", "a year"), ("", "never"))


@require_http_methods(["GET", "POST"])
@in_workspace
def section(request: HttpRequest, place: Place, section: str) -> HttpResponse:
    if section not in PAGES:
        raise Http404
    if request.method == "POST":
        answer = ACTIONS[section](request, place)
        if answer is not None:
            return answer
        return redirect("dashboard:settings", place.workspace.slug, section)
    return _page(request, place, section, {})


def _page(request: HttpRequest, place: Place, section: str, more: dict[str, Any]) -> HttpResponse:
    context = {"section": section, "sections": SECTIONS, "roles": Role.choices, **PAGES[section](place), **more}
    response = render(request, place, f"workspaces/{section}.html", context)
    if more:
        response["Cache-Control"] = "no-store"
    return response


def _members(place: Place) -> dict[str, Any]:
    return {"members": place.workspace.members.select_related("user").order_by("user__username")}


def _keys(place: Place) -> dict[str, Any]:
    keys = Key.objects.filter(workspace=place.workspace, revoked=None).select_related("user")
    own = keys if place.may("manage") else keys.filter(user_id=place.actor.user_id)
    role = place.actor.roles[place.workspace.pk]
    return {
        "keys": own,
        "now": timezone.now(),
        "grantable": [(one.value, one.label) for one in Role if one.rank <= role.rank],
        "expiries": EXPIRIES,
    }


def _change_members(request: HttpRequest, place: Place) -> HttpResponse | None:
    act, name = request.POST.get("act", ""), given(request, "username")
    try:
        if act == "remove":
            people.dismiss(place.actor, place.workspace, name)
            messages.success(request, f"{name} is no longer a member.")
        else:
            member = people.admit(place.actor, place.workspace, name, request.POST.get("role", ""))
            messages.success(request, f"{name} is now {Role(member.role).label.lower()}.")
    except SpecError as error:
        messages.error(request, f"Not done: {error.message}.")
    except (Conflict, OutOfReach) as error:
        messages.error(request, f"Not done: {error}.")
    return None


def _change_keys(request: HttpRequest, place: Place) -> HttpResponse | None:
    if request.POST.get("act") == "revoke":
        key = people.revoke_key(place.actor, place.workspace, given(request, "key"))
        messages.success(request, f"{key.name or key.access_key_id} is revoked.")
        return None
    days = request.POST.get("days", "90")
    try:
        issued = people.issue_key(
            place.actor,
            place.workspace,
            role=request.POST.get("role", ""),
            name=given(request, "name"),
            days=int(days) if days in ("90", "365") else None,
        )
    except SpecError as error:
        messages.error(request, f"Not done: {error.path} {error.message}.")
        return None
    return _page(request, place, "keys", {"issued": issued})


PAGES = {"members": _members, "keys": _keys}
ACTIONS = {"members": _change_members, "keys": _change_keys}
