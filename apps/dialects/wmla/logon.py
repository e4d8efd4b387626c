"""Logging on and off, and what clients ask before everything else."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.wmla import signing
from apps.dialects.wmla.base import WmlaView

PLACE = "/platform/rest"


class LogOn(WmlaView):
    """A token for a name and a password."""

    def get(self, request: Request) -> HttpResponse:
        token, _ = signing.log_on(signing.by_basic(request._request))
        return self.answer({"accessToken": token, "expires_in": int(signing.VALID.total_seconds())})


class LogOff(WmlaView):
    """The end of a token or a session."""

    def post(self, request: Request) -> HttpResponse:
        signing.log_off(request._request)
        response = self.answer({})
        response.delete_cookie(signing.COOKIE, path=_path())
        return response

    get = post


class SessionLogOn(WmlaView):
    """A session for a name and a password: a cookie, and the csrftoken that every change must carry."""

    def get(self, request: Request) -> HttpResponse:
        token, csrf = signing.log_on(signing.by_basic(request._request))
        response = self.answer({"csrftoken": csrf})
        response.set_cookie(
            signing.COOKIE,
            token,
            max_age=int(signing.VALID.total_seconds()),
            path=_path(),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response


class Configuration(WmlaView):
    """What clients ask first: a flat object of texts."""

    def get(self, request: Request) -> HttpResponse:
        return self.answer({"MSD_ENABLED": "false", "DLI_VERSION": "1.2.5", "SERVICE": "Tunebook"})


def _path() -> str:
    return f"{settings.TUNEBOOK_PATH_PREFIX}{PLACE}"
