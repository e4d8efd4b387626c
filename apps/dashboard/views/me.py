"""What a user settles for themselves: appearance, password, where they are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.dashboard.views.frame import Place, back, in_workspace, render

MOST_SESSIONS = 5_000
YEAR = 365 * 86400
CHOICES = {
    "theme": ("light", "dark", "system"),
    "density": ("comfortable", "compact"),
    "keys": ("on", "off"),
    "spoken": ("everything", "bests and ends", "nothing"),
}
USUAL = {"theme": "system", "density": "comfortable", "keys": "on", "spoken": "everything"}


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Keep theme, density and shortcuts in cookies, so that the page comes right at once, signed in or not."""
    response = back(request, reverse("dashboard:home"))
    for name, choices in CHOICES.items():
        chosen = request.POST.get(name)
        if chosen == USUAL[name]:
            response.delete_cookie(name, samesite="Lax")
        elif chosen in choices:
            response.set_cookie(name, chosen, max_age=YEAR, samesite="Lax")
    return response


@dataclass(frozen=True)
class SignedIn:
    """One browser somewhere that is signed in."""

    key: str
    begun: datetime | None
    here: bool


def signed_in(request: HttpRequest) -> list[SignedIn]:
    """Where this user is signed in, the newest first. One query over the live sessions."""
    found = []
    live = Session.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date")
    for session in live[:MOST_SESSIONS]:
        data = session.get_decoded()
        if data.get(SESSION_KEY) != str(request.user.pk):
            continue
        begun = data.get("begun")
        at = datetime.fromtimestamp(begun, UTC) if isinstance(begun, int) else None
        found.append(SignedIn(session.session_key, at, session.session_key == request.session.session_key))
    return found


@require_POST
@in_workspace
def sign_out_others(request: HttpRequest, place: Place) -> HttpResponse:
    """End all sessions of this user but the one that asks."""
    others = [one.key for one in signed_in(request) if not one.here]
    Session.objects.filter(session_key__in=others).delete()
    messages.success(request, f"{len(others)} other {'browser' if len(others) == 1 else 'browsers'} signed out.")
    return redirect("dashboard:me")


@require_http_methods(["GET", "POST"])
@in_workspace
def me(request: HttpRequest, place: Place) -> HttpResponse:
    form = PasswordChangeForm(cast(User, request.user), request.POST if request.method == "POST" else None)
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, form.user)
        messages.success(request, "The password is changed; other browsers are signed out.")
        return redirect("dashboard:me")
    chosen = {name: request.COOKIES.get(name, USUAL[name]) for name in CHOICES}
    roles = [(one, place.actor.roles[one.pk].label) for one in place.workspaces]
    context = {"form": form, "choices": CHOICES, "chosen": chosen, "roles": roles, "signed_in": signed_in(request)}
    return render(request, place, "workspaces/me.html", context, status=400 if form.errors else 200)
