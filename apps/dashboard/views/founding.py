"""The page on which the first account of an installation is made."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.dashboard.views.joining import BACKEND
from apps.workspaces import founding, throttle
from apps.workspaces.access import OutOfReach
from tunebook.errors import SpecError


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first account, with the code that the server printed. Too many wrong codes have to wait."""
    if not founding.is_needed():
        return redirect("dashboard:home")
    place = f"setup from {request.META.get('REMOTE_ADDR', '')}"
    code = (request.POST if request.method == "POST" else request.GET).get("code", "")
    wait = throttle.seconds_left(place)
    try:
        if wait:
            raise OutOfReach("setup")
        founding.check(code)
        if request.method == "POST":
            return _post(request, code)
    except OutOfReach:
        if code and not wait:
            throttle.failed(place)
        return render(request, "shared/no_setup.html", {"wait": wait}, status=429 if wait else 403)
    return render(request, "shared/setup.html", {"code": code, "errors": {}})


def _post(request: HttpRequest, code: str) -> HttpResponse:
    asked = {name: request.POST.get(name, "").replace("\x00", "") for name in ("username", "workspace")}
    password = request.POST.get("password", "")
    try:
        if password != request.POST.get("again", ""):
            raise SpecError("again", "is not the same password")
        user, workspace = founding.found(code, password=password, **asked)
    except SpecError as error:
        # not "workspace": that is the one a page belongs to
        typed = {"username": asked["username"], "given_workspace": asked["workspace"]}
        context = {"code": code, "errors": {error.path: error.message}, **typed}
        return render(request, "shared/setup.html", context, status=400)
    login(request, user, backend=BACKEND)
    messages.success(request, f"Welcome. {workspace.name} is yours; invite others from its settings.")
    return redirect("dashboard:catalog", workspace.slug)
