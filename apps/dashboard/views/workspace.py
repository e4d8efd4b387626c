"""A workspace's settings: its name, members with invitations, keys, optimizers, what is used, the audit log."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.audit import recording
from apps.dashboard.paging import Pages
from apps.dashboard.views import confirming, connecting, webhooks
from apps.dashboard.views.frame import Place, given, in_workspace, render
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import asking, people, sharing, usage
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach, require
from apps.workspaces.models import Key, Role
from tunebook.errors import SpecError

SECTIONS = (
    ("general", "General"),
    ("members", "Members"),
    ("keys", "API keys"),
    ("connect", "Connect"),
    ("webhooks", "Webhooks"),
    ("workers", "Optimizers"),
    ("usage", "Usage"),
    ("audit", "Audit log"),
)
FOR_ADMINS = frozenset({"general", "audit", "webhooks"})
SENSITIVE = frozenset({"members", "keys", "connect", "webhooks"})
"""What is changed only shortly after the password was given."""
USAGE_DAYS = ("7", "30", "90", "365")
INVITATION_DAYS = ("1", "7", "30")
VISIBILITIES = (("", "It depends on how they come in"), *Accessibility.choices)
EXPIRIES = (("90", "90 days"), ("365", "a year"), ("", "never"))


@require_http_methods(["GET", "POST"])
@in_workspace
def section(request: HttpRequest, place: Place, section: str) -> HttpResponse:
    if section not in PAGES:
        raise Http404
    if request.method == "POST":
        if section not in ACTIONS:
            raise Http404
        if section in SENSITIVE and (question := confirming.asks_again(request, place)) is not None:
            return question
        answer = ACTIONS[section](request, place)
        if answer is not None:
            return answer
        return redirect("dashboard:settings", place.workspace.slug, section)
    return _page(request, place, section, {})


def _page(request: HttpRequest, place: Place, section: str, more: dict[str, Any]) -> HttpResponse:
    sections = [one for one in SECTIONS if one[0] not in FOR_ADMINS or place.may("manage")]
    context = {
        "section": section,
        "sections": sections,
        "roles": Role.choices,
        **PAGES[section](request, place),
        **more,
    }
    response = render(request, place, f"workspaces/{section}.html", context)
    if more:
        response["Cache-Control"] = "no-store"
    return response


def _members(request: HttpRequest, place: Place) -> dict[str, Any]:
    members = place.workspace.members.select_related("user").order_by("user__username")
    invitations = list(sharing.invitations_of(place.actor, place.workspace)) if place.may("manage") else []
    requests = list(asking.requests_of(place.actor, place.workspace)) if place.may("manage") else []
    return {"members": members, "invitations": invitations, "requests": requests}


def _audit(request: HttpRequest, place: Place) -> dict[str, Any]:
    """The log, newest first. Three queries."""
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:255] for name in ("username", "action", "subject")}
    found = recording.entries(place.actor, place.workspace, **asked)
    total = found.count()
    pages = Pages.of(request.GET, total)
    entries = list(found[pages.start : pages.stop])
    named = {entry.subject for entry in entries if entry.action.startswith(("experiment.", "link."))}
    there = set(Experiment.objects.filter(key__in=named).values_list("key", flat=True))
    for entry in entries:
        entry.leads = entry.subject in there  # type: ignore[attr-defined]  # for the template alone
    return {"entries": entries, "total": total, "pages": pages, "asked": asked, "kinds": AUDITED, "what": "entries"}


def _keys(request: HttpRequest, place: Place) -> dict[str, Any]:
    keys = Key.objects.filter(workspace=place.workspace, revoked=None).select_related("user")
    own = keys if place.may("manage") else keys.filter(user_id=place.actor.user_id)
    role = place.actor.roles[place.workspace.pk]
    return {
        "keys": own,
        "now": timezone.now(),
        "grantable": [(one.value, one.label) for one in Role if one.rank <= role.rank],
        "expiries": EXPIRIES,
    }


def _general(request: HttpRequest, place: Place) -> dict[str, Any]:
    require(place.actor, place.workspace.pk, "manage")
    address = request.build_absolute_uri(reverse("dashboard:catalog", args=[place.workspace.slug]))
    return {"address": address, "trash_days": settings.TUNEBOOK_TRASH_DAYS, "visibilities": VISIBILITIES}


def _usage(request: HttpRequest, place: Place) -> dict[str, Any]:
    days = request.GET.get("days", "")
    days = days if days in USAGE_DAYS else "30"
    return {"usage": usage.usage(place.actor, place.workspace, days=int(days)), "days": days, "choices": USAGE_DAYS}


def _workers(request: HttpRequest, place: Place) -> dict[str, Any]:
    return {"workers": usage.workers(place.actor, place.workspace)}


def _change_general(request: HttpRequest, place: Place) -> HttpResponse | None:
    try:
        named = people.change_workspace(
            place.actor,
            place.workspace,
            name=request.POST.get("name"),
            default_accessibility=request.POST.get("default_accessibility"),
        )
    except SpecError as error:
        messages.error(request, f"Not done: the {error.path.replace('_', ' ')} {error.message}.")
        return None
    messages.success(request, f"The settings of {named.name} are saved.")
    return None


def _change_members(request: HttpRequest, place: Place) -> HttpResponse | None:
    act, name = request.POST.get("act", ""), given(request, "username")
    try:
        if act == "invite":
            return _invite(request, place)
        if act == "withdraw":
            sharing.withdraw(place.actor, place.workspace, _number(request))
            messages.success(request, "The invitation is closed.")
        elif act == "accept":
            member = asking.accept(place.actor, place.workspace, _number(request), role=request.POST.get("role", ""))
            messages.success(request, f"{member.user.username} is now {Role(member.role).label.lower()}.")
        elif act == "decline":
            declined = asking.decline(place.actor, place.workspace, _number(request))
            messages.success(request, f"The request of {declined.user.username} is declined; nobody tells them.")
        elif act == "remove":
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


def _number(request: HttpRequest) -> int:
    """The row that a form is about; 0 for nonsense, which is nobody's number."""
    number = request.POST.get("invitation", "") or request.POST.get("request", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0


def _invite(request: HttpRequest, place: Place) -> HttpResponse:
    """Make an invitation and show its link, once."""
    days, uses = request.POST.get("days", "7"), request.POST.get("uses", "1")
    _, token = sharing.invite(
        place.actor,
        place.workspace,
        role=request.POST.get("role", ""),
        days=int(days) if days in INVITATION_DAYS else 7,
        name=given(request, "name"),
        most_uses=int(uses) if uses in ("1", "10", "100") else 1,
    )
    link = request.build_absolute_uri(reverse("dashboard:join", args=[token]))
    return _page(request, place, "members", {"made_invitation": link})


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


def _change_webhooks(request: HttpRequest, place: Place) -> HttpResponse | None:
    more = webhooks.change(request, place)
    return _page(request, place, "webhooks", more) if more else None


def _connect(request: HttpRequest, place: Place) -> HttpResponse | None:
    issued = connecting.issue(request, place)
    return _page(request, place, "connect", connecting.connect(request, place, issued)) if issued else None


AUDITED = (
    ("experiment", "experiments"),
    ("link", "share links"),
    ("member", "members and invitations"),
    ("key", "keys"),
    ("account", "signing in"),
    ("workspace", "the workspace"),
)
PAGES = {
    "general": _general,
    "members": _members,
    "keys": _keys,
    "connect": connecting.connect,
    "webhooks": webhooks.shown,
    "workers": _workers,
    "usage": _usage,
    "audit": _audit,
}
ACTIONS = {
    "general": _change_general,
    "members": _change_members,
    "keys": _change_keys,
    "connect": _connect,
    "webhooks": _change_webhooks,
}
