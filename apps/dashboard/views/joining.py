"""Following an invitation: joining as who is signed in, or with a new account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.tuning import sharing
from apps.workspaces import throttle
from apps.workspaces.access import OutOfReach
from tunebook.errors import SpecError

BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation. Too many tries with nonsense have to wait."""
    place = f"invitation from {request.META.get('REMOTE_ADDR', '')}"
    wait = throttle.seconds_left(place)
    try:
        if wait:
            raise OutOfReach("invitation")
        invitation = sharing.invitation_of(token)
        if request.method == "POST":
            return _post(request, token, invitation)
    except OutOfReach:
        if not wait:
            throttle.failed(place)
        return render(request, "shared/no_invitation.html", {"wait": wait}, status=429 if wait else 404)
    return render(request, "shared/join.html", {"invitation": invitation, "errors": {}})


def _post(request: HttpRequest, token: str, invitation: Any) -> HttpResponse:
    if request.user.is_authenticated:
        workspace = sharing.follow(token, request.user)
    else:
        username, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
        try:
            if password != request.POST.get("again", ""):
                raise SpecError("again", "is not the same password")
            workspace, user = sharing.follow_as_new(token, username=username.replace("\x00", ""), password=password)
        except SpecError as error:
            context = {"invitation": invitation, "errors": {error.path: error.message}, "username": username}
            return render(request, "shared/join.html", context, status=400)
        login(request, user, backend=BACKEND)
    messages.success(request, f"Welcome to {workspace.name}.")
    return redirect("dashboard:catalog", workspace.slug)
