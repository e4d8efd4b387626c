"""The envelope of the native API: a RequestId on every answer, and its own words for what went wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from apps.dialects.base import DialectView, Elsewhere, Problem
from apps.dialects.documentation import error_schema
from apps.dialects.refusal import Refusal

VERSION = "2022-08-28"

INPUT, UNKNOWN = "INVALID_INPUT_PARAMS", "INVALID_USER_OR_EXP"
CODES: dict[str, tuple[int, str]] = {
    "not_found": (404, UNKNOWN),
    "no_route": (404, "InvalidAction.NotFound"),
    "version": (404, "InvalidVersion"),
    "not_allowed": (403, "NoPermission"),
    "permission_denied": (403, "NoPermission"),
    "method_not_allowed": (405, "UnsupportedHTTPMethod"),
    "too_large": (413, INPUT),
    "bad_type": (415, INPUT),
    "limit": (429, "Throttling.User"),
    "quota": (429, "Throttling.User"),
    "throttled": (429, "Throttling.User"),
    "idempotency_mismatch": (400, "IdempotentParameterMismatch"),
    "in_progress": (409, "IdempotentProcessing"),
    "internal": (500, "InternalError"),
    "busy": (503, "ServiceUnavailable"),
}
"""Our word for a problem -> HTTP status and Code here. A signing gateway's words pass; all others are bad input."""


TEXT = {"type": "string"}
ENVELOPE = {"RequestId": TEXT, "Code": TEXT, "Message": TEXT}
ERRORS = {
    400: error_schema("A parameter is wrong, or the signature does not hold.", **ENVELOPE),
    403: error_schema("The role is too small.", **ENVELOPE, AccessDeniedDetail={"type": "object"}),
    404: error_schema("There is no such thing, or none within reach.", **ENVELOPE),
}


class PaiView(DialectView):
    """One operation of the native API."""

    tag = "Native API"
    errors = ERRORS

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        version = request._request.headers.get("x-acs-version", VERSION)
        if version != VERSION:
            raise Refusal("version", f"this server speaks version {VERSION}", field="x-acs-version")
        super().initial(request, *args, **kwargs)

    def done(self, **members: Any) -> HttpResponse:
        """The answer of an operation that went well."""
        return self.answer({"RequestId": self.request_id, **members})

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        document: dict[str, Any] = {
            "RequestId": self.request_id,
            "Code": _code(problem)[1],
            "Message": problem.text,
        }
        if document["Code"] == "NoPermission":
            document["AccessDeniedDetail"] = self._denied(problem)
        return document

    def problem_status(self, problem: Problem) -> int:
        return _code(problem)[0]

    def _denied(self, problem: Problem) -> dict[str, str]:
        actor = getattr(self.request, "auth", None)
        return {
            "AuthAction": f"paiautoml:{type(self).__name__}",
            "AuthPrincipalType": "sub",
            "AuthPrincipalOwnerId": str(actor.user_id) if actor else "",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
            "NoPermissionType": "ImplicitDeny",
            **{name.capitalize(): text for name, text in (problem.denied or {}).items()},
        }


class Nowhere(Elsewhere, PaiView):
    """Every path that is no operation."""

    def refusal(self, request: HttpRequest) -> Refusal:
        return Refusal("no_route", f"there is no operation {request.method} {request.path[:200]}")


def _code(problem: Problem) -> tuple[int, str]:
    if problem.code in CODES:
        return CODES[problem.code]
    if problem.code[0].isupper():  # a signing gateway's word
        return problem.status, problem.code
    return 400, INPUT
