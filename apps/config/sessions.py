"""How long a signed-in browser stays signed in, and that reading needs no database that can be written."""

import time

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

BEGUN, SEEN = "begun", "seen"
RENEW_AFTER = 600  # seconds; one write to the session table per ten minutes of use is enough


class Sessions(SessionMiddleware):
    """Django's own, but an answer is not lost because a disk that is full or read-only does not take the session."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except SessionInterrupted as error:
            if error.__context__ is None or not isinstance(error.__context__.__context__, OperationalError):
                raise
            return response


class SessionAge(MiddlewareMixin):
    """End a session twelve idle hours after its last use, and fourteen days after it began in any case.

    Reads the session only of requests that carry its cookie.
    """

    def process_request(self, request: HttpRequest) -> None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return
        now = int(time.time())
        begun = request.session.setdefault(BEGUN, now)
        if now - begun > settings.SESSION_ABSOLUTE_AGE:
            logout(request)
        elif now - request.session.get(SEEN, 0) > RENEW_AFTER:
            request.session[SEEN] = now
