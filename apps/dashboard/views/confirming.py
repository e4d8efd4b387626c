"""The password once more before keys, members and secrets are touched: a browser that was left open opens no doors."""

from __future__ import annotations

import time
from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from apps.dashboard.views.frame import Place, render
from apps.workspaces import throttle

RECENT = 15 * 60
"""Seconds after which a sign-in, or the last password, is too long ago."""
BEGUN, CONFIRMED = "begun", "confirmed"
"""When the session began, as it is noted where its age is watched, and when the password was given again."""
FIELD = "password_again"
LEFT_OUT = frozenset({FIELD, "csrfmiddlewaretoken"})


def asks_again(request: HttpRequest, place: Place) -> HttpResponse | None:
    """The page that asks for the password, with what was sent kept in it; None where all may go on.

    A wrong password counts as a failed sign-in.
    """
    now = int(time.time())
    if now - max(request.session.get(BEGUN, 0), request.session.get(CONFIRMED, 0)) <= RECENT:
        return None
    user = cast(User, request.user)
    places = (f"name {user.get_username()}", f"address {request.META.get('REMOTE_ADDR', '')}")
    given, wait = request.POST.get(FIELD), throttle.seconds_left(*places)
    if given is not None and not wait:
        if user.check_password(given):
            request.session[CONFIRMED] = now
            return None
        throttle.failed(*places)
    kept = [(name, value) for name, values in request.POST.lists() if name not in LEFT_OUT for value in values]
    context = {"kept": kept, "is_wrong": given is not None, "locked": wait, "field": FIELD}
    response = render(request, place, "workspaces/confirm.html", context, status=429 if wait else 403)
    if wait:
        response["Retry-After"] = str(wait)
    response["Cache-Control"] = "no-store"
    return response
