"""The envelope of HyperDrive: `{code, message}` for everything that went wrong, the code being the HTTP status."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.dialects.base import DialectView, Problem
from apps.dialects.refusal import Refusal
from apps.workspaces.signatures import Refused
from tunebook.wire import hyperdrive

BAD_REQUEST, BAD_SPEC = 400, 422


class HyperDriveView(DialectView):
    """One operation of HyperDrive REST."""

    schema = None  # its own description is public, and its paths are no templates of ours

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        return hyperdrive.problem(self.problem_status(problem), problem.text)

    def problem_status(self, problem: Problem) -> int:
        return BAD_REQUEST if problem.status == BAD_SPEC else problem.status

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Refused):
            exc = Refusal("unauthenticated", exc.message, status=401)
        response = super().handle_exception(exc)
        if response.status_code == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response


class Nowhere(HyperDriveView):
    """Every path that is no operation."""

    authentication_classes = []

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = {}
        return self.handle_exception(Refusal("not_found", "there is nothing at this address", status=404))
