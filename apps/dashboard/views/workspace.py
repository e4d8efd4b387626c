"""A workspace's settings: members and keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.dashboard.views.frame import Place, given, in_workspace, render
from apps.workspaces.access import NotAllowed, require
from apps.workspaces.models import Key, Member, Role

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
    require(place.actor, place.workspace.pk, "manage")
    act, name = request.POST.get("act", ""), given(request, "username")
    role = request.POST.get("role", "")
    members = Member.objects.filter(workspace=place.workspace)
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None or (act in ("add", "change") and role not in Role.values):
        words = "there is no user of that name" if user is None else "choose a role"
        messages.error(request, f"Not done: {words}.")
        return None
    if act == "add":
        _, made = members.get_or_create(user=user, defaults={"workspace": place.workspace, "role": role})
        messages.success(request, f"{name} is now a member." if made else f"{name} is a member already.")
        return None
    last_admin = members.filter(role=Role.ADMIN).exclude(user=user).count() == 0
    if last_admin and (act == "remove" or role != Role.ADMIN):
        messages.error(request, "Not done: a workspace needs at least one admin.")
        return None
    if act == "remove":
        members.filter(user=user).delete()
        messages.success(request, f"{name} is no longer a member.")
    elif act == "change":
        members.filter(user=user).update(role=role)
        messages.success(request, f"{name} is now {Role(role).label.lower()}.")
    return None


def _change_keys(request: HttpRequest, place: Place) -> HttpResponse | None:
    act = request.POST.get("act")
    if act == "revoke":
        keys = Key.objects.filter(workspace=place.workspace, revoked=None, access_key_id=given(request, "key"))
        key = keys.first()
        if key is None:
            raise Http404
        if key.user_id != place.actor.user_id:
            require(place.actor, place.workspace.pk, "manage")
        keys.filter(pk=key.pk).update(revoked=timezone.now())
        messages.success(request, f"{key.name or key.access_key_id} is revoked.")
        return None
    role = request.POST.get("role", "")
    has = place.actor.roles[place.workspace.pk]
    if role not in Role.values:
        messages.error(request, "Not done: choose a role.")
        return None
    if Role(role).rank > has.rank:
        raise NotAllowed("make such a key", Role(role), has)
    days = request.POST.get("days", "90")
    expires = timezone.now() + timedelta(days=int(days)) if days in ("90", "365") else None
    issued = Key.objects.issue(
        user=request.user,
        workspace=place.workspace,
        role=role,
        name=given(request, "name")[:128],
        expires=expires,
    )
    return _page(request, place, "keys", {"issued": issued})


PAGES = {"members": _members, "keys": _keys}
ACTIONS = {"members": _change_members, "keys": _change_keys}
