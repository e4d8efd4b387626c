"""What a user settles for themselves: appearance, password, where they are signed in."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.dashboard.views.frame import Place, back, in_workspace, render

YEAR = 365 * 86400
CHOICES = {"theme": ("light", "dark", "system"), "density": ("comfortable", "compact"), "keys": ("on", "off")}
USUAL = {"theme": "system", "density": "comfortable", "keys": "on"}


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
    context = {"form": form, "choices": CHOICES, "chosen": chosen, "roles": roles}
    return render(request, place, "workspaces/me.html", context, status=400 if form.errors else 200)
