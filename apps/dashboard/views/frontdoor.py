"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.workspaces import founding, throttle


class SignIn(AuthenticationForm):
    """Calls a name what the page calls it where accounts are made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"


class Login(LoginView):
    """The sign-in page. A wrong name and a wrong password look alike; too many tries have to wait."""

    redirect_authenticated_user = True
    authentication_form = SignIn

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = throttle.seconds_left(*self._places())
        if not wait:
            return super().post(request, *args, **kwargs)
        form = self.get_form_class()(request)
        context = self.get_context_data(form=form, locked=wait, next=request.POST.get("next", ""))
        return self.render_to_response(context, status=429, headers={"Retry-After": str(wait)})

    def form_invalid(self, form: Any) -> HttpResponse:
        throttle.failed(*self._places())
        return super().form_invalid(form)

    def _places(self) -> tuple[str, str]:
        name = self.request.POST.get("username", "")[:150]
        return f"name {name}", f"address {self.request.META.get('REMOTE_ADDR', '')}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context.setdefault("next", self.request.GET.get("next", ""))
        context["nobody"] = founding.is_needed()
        return context


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGIN_URL)
