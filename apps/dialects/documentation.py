"""The OpenAPI description of a dialect's operations, read from the same tables that read the requests."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from apps.dialects.parameters import Parameter

FREE_OBJECT = {"type": "object", "additionalProperties": True}


class DialectSchema(AutoSchema):
    """Parameters, body and answers as the view's tables say them."""

    def get_operation_id(self) -> str:
        names = getattr(self.view, "operations", {})
        return (
            names.get(self.method) or f"{type(self.view).__name__}{'' if self.method == 'GET' else self.method.title()}"
        )

    def get_description(self, path: str = "", method: str = "") -> str:
        handler = getattr(self.view, self.method.lower(), None)
        return (getattr(handler, "__doc__", None) or type(self.view).__doc__ or "").strip()

    def get_override_parameters(self) -> list[Any]:
        table = getattr(self.view, "query", {}) if self.method == "GET" else {}
        return [_documented(name, parameter) for name, parameter in table.items()]

    def get_request_serializer(self) -> Any:
        table = getattr(self.view, "fields", {})
        if self.method == "GET" or not table:
            return None
        return {"application/json": _body_schema(table)}

    def get_response_serializers(self) -> Any:
        told = getattr(self.view, "answers", {}).get(self.method)
        made = 201 if self.method == "POST" and getattr(self.view, "creates", False) else 200
        return {**(told or {made: FREE_OBJECT}), **getattr(self.view, "errors", {})}

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "Tunebook")]

    def get_filter_backends(self) -> list[Any]:
        return []


class AuthenticationScheme(OpenApiAuthenticationExtension):
    """How a reader of the API explorer signs in: a token, or the session of the pages."""

    target_class = "apps.workspaces.authentication.Authentication"
    name = ["bearerToken", "browserSession"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        cookie = {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
        return [{"type": "http", "scheme": "bearer"}, cookie]


def _documented(name: str, parameter: Parameter) -> OpenApiParameter:
    return OpenApiParameter(
        name, parameter.schema(), OpenApiParameter.QUERY, required=parameter.required, description=parameter.about
    )


def _body_schema(table: dict[str, Parameter]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: parameter.schema() for name, parameter in table.items()},
        "additionalProperties": False,
    }
    required = [name for name, parameter in table.items() if parameter.required]
    return schema | ({"required": required} if required else {})


def error_schema(says: str, **members: Any) -> dict[str, Any]:
    """The schema of an error's body, with one sentence on when it comes."""
    return {"type": "object", "description": says, "properties": members, "required": sorted(members)}


def answer_schema(*names: str) -> dict[int, dict[str, Any]]:
    """The answer of a native operation: its RequestId and the members of these names."""
    known = {name: ANSWERED.get(name, {"type": "string"}) for name in ("RequestId", *names)}
    return {200: {"type": "object", "properties": known, "required": ["RequestId"], "additionalProperties": True}}


ANSWERED: dict[str, dict[str, Any]] = {
    "TotalCount": {"type": "integer"},
    "Experiments": {"type": "array", "items": FREE_OBJECT},
    "Trials": {"type": "array", "items": FREE_OBJECT},
    "Logs": {"type": "array", "items": {"type": "string"}},
    "LogNames": {"type": "array", "items": {"type": "string"}},
    "Commands": {"type": "array", "items": FREE_OBJECT},
    "Results": FREE_OBJECT,
    "HpoExperimentConfiguration": FREE_OBJECT,
}
