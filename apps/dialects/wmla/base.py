"""How this dialect answers: JSON, and for everything that went wrong one line of text."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from apps.dialects import pace
from apps.dialects.base import BAD_REQUEST, BAD_SPEC, SAFE, DialectView, Elsewhere, problem_of
from apps.dialects.forms import Form
from apps.dialects.refusal import Refusal
from apps.dialects.repeating import HEADER
from apps.dialects.wmla import signing
from apps.dialects.wmla.signing import Signed
from apps.workspaces.access import Actor, workspace_of
from apps.workspaces.models import Workspace

logger = logging.getLogger(__name__)


class WmlaView(DialectView):
    """One address of WMLA. Unknown query parameters are ignored: its clients send several that no description names."""

    schema = None  # its own description is public, and its paths are no templates of ours
    authentication_classes = []
    challenge = 'Basic realm="Tunebook"'
    signed: Signed

    @property
    def actor(self) -> Actor:
        return self.signed.actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self._take_body(request._request)
        self.signed = signing.identify(request._request)
        pace.keep(f"user {self.actor.user_id}", "reads" if request.method in SAFE else self.changes)
        for value in kwargs.values():
            self._check_name(value)

    def workspace(self, group: str) -> Workspace:
        """The workspace that an instance group stands for; who is in one only means that one, whatever it is called."""
        slugs = self.actor.slugs
        if len(slugs) <= 1 or not group:
            return workspace_of(self.actor, None)
        found = next((slug for slug in slugs if slug.lower() == group.lower()), None)
        if found is None:
            yours = ", ".join(sorted(slugs))
            message = f"instance group name {group[:80]!r} not found; yours are {yours}"
            raise Refusal("bad_parameter", message, field="sigName")
        return workspace_of(self.actor, found)

    def asked(self, name: str) -> str:
        """A query parameter as text, empty when it is missing."""
        return str(self.request._request.GET.get(name, ""))[:4096].replace("\0", "")

    def text(self, text: str, status: int = 200) -> HttpResponse:
        """An answer in plain text."""
        response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
        response["X-Request-Id"] = self.request_id
        response["Cache-Control"] = "no-store"
        return response

    def handle_exception(self, exc: Exception) -> Any:
        problem = problem_of(exc)
        if problem.status >= 500 and problem.code == "internal":
            logger.error("request %s failed", self.request_id, exc_info=exc)
        status = BAD_REQUEST if problem.status == BAD_SPEC else problem.status
        return self.with_headers(self.text(f"Error {status}: {' '.join(problem.text.split())}\n", status), problem)


class FormView(WmlaView):
    """An operation whose body may be a large form: its view reads it after everything else was looked at."""

    def _take_body(self, http: HttpRequest) -> None:
        if http.method != "POST":
            super()._take_body(http)

    def content(self, form: Form) -> bytes:
        """What makes a second request the same; looked at only where its client will send it again."""
        return form.digest() if HEADER in self.request._request.headers else b""


class Nowhere(Elsewhere, WmlaView):
    """Every path that is no operation."""


class ModelTuning(Elsewhere, WmlaView):
    """The tuning of stored models, for which there is no store yet."""

    def refusal(self, request: HttpRequest) -> Refusal:
        words = "tuning of stored models is not served here; submit the model with POST /hypersearch"
        return Refusal("not_implemented", words, status=501)
