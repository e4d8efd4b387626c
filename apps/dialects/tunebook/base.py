"""The envelope of our own API: `{"error": {code, message, field, request_id}}`, and lists as `{items, total, page}`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.base import SAFE, BearerView, Elsewhere, Problem
from apps.dialects.documentation import error_schema
from apps.dialects.tunebook.versions import expected
from apps.workspaces.access import workspace_of
from apps.workspaces.models import Workspace
from apps.workspaces.signatures import Refused

UNAUTHENTICATED = {"SignatureNonceUsed": "replayed", "InvalidTimeStamp.Expired": "expired"}
SPEC_CODES = {"space": "bad_space", "limits": "bad_limit", "command": "bad_command"}


TEXT = {"type": "string"}
ERROR = {"type": "object", "properties": {"code": TEXT, "message": TEXT, "field": TEXT, "request_id": TEXT}}
ERRORS = {
    status: error_schema(says, error=ERROR)
    for status, says in (
        (400, "A parameter or the body cannot be read."),
        (401, "The credential is missing or does not hold."),
        (403, "The role is too small."),
        (404, "There is no such thing, or none within reach."),
        (409, "The thing is in a state that does not allow this."),
        (422, "A declaration that cannot be used; `field` says where."),
    )
}


class TunebookView(BearerView):
    """One address of our own API."""

    tag = "Tunebook"
    errors = ERRORS
    has_versions: ClassVar[bool] = False
    """Whether what is changed here has versions, which `If-Match` may name; `expected` has to be asked for them."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE and not self.has_versions:
            expected(request._request, None)

    def expected(self, version: int) -> int | None:
        """The version that `If-Match` asks for, which has to be this one; None for any."""
        return expected(self.request._request, version)

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        return {
            "error": {
                "code": _code(problem),
                "message": problem.message,
                "field": problem.field,
                "request_id": self.request_id,
            }
        }

    def unauthenticated(self, refused: Refused) -> str:
        return UNAUTHENTICATED.get(refused.code, "unauthenticated")

    def listed(self, items: list[Any], total: int, **more: Any) -> HttpResponse:
        """The answer of a list."""
        asked = self.parameters
        return self.answer(
            {"items": items, "total": total, "page": asked["page"], "page_size": asked["page_size"], **more}
        )

    def created(self, create: Callable[[], dict[str, Any]], status: int = 201) -> HttpResponse:
        return super().created(create, status)

    def workspace(self, slug: str) -> Workspace:
        return workspace_of(self.actor, slug)


class Nowhere(Elsewhere, TunebookView):
    """Every path that is no address of this API."""


def _code(problem: Problem) -> str:
    if problem.code == "bad_spec":
        part = problem.field.removeprefix("job.").partition(".")[0]
        return SPEC_CODES.get(part, "bad_spec")
    if problem.field in ("page", "page_size") and problem.code == "bad_parameter":
        return "bad_page"
    return problem.code
