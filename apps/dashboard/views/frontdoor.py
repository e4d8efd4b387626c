"""Signing in and out."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

TRIES, WINDOW = 10, 60  # failures per minute, for one name and for one address


class Login(LoginView):
    """The sign-in page. A wrong name and a wrong password look alike; too many tries have to wait."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = max(_seconds_left(key) for key in self._places())
        if wait <= 0:
            return super().post(request, *args, **kwargs)
        form = self.get_form_class()(request)
        context = self.get_context_data(form=form, locked=wait, next=request.POST.get("next", ""))
        return self.render_to_response(context, status=429, headers={"Retry-After": str(wait)})

    def form_invalid(self, form: Any) -> HttpResponse:
        for key in self._places():
            since, failures = cache.get(key) or (time.time(), 0)
            cache.set(key, (since, failures + 1), WINDOW)
        return super().form_invalid(form)

    def _places(self) -> tuple[str, str]:
        name = self.request.POST.get("username", "")[:150]
        return f"sign-in:name:{hash(name)}", f"sign-in:address:{self.request.META.get('REMOTE_ADDR', '')}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context.setdefault("next", self.request.GET.get("next", ""))
        return context


def _seconds_left(key: str) -> int:
    since, failures = cache.get(key) or (0.0, 0)
    return round(since + WINDOW - time.time()) if failures >= TRIES else 0


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGIN_URL)
