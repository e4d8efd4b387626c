"""The envelope of ARM: `{"error": {"code", "message", "target"}}`, and the version that every request must name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import get_script_prefix
from rest_framework.request import Request

from apps.dialects.base import ArmWireView, Elsewhere, Problem
from apps.dialects.scopes import workspace_named, workspace_path
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError
from tunebook.wire import azureml

API_VERSION = "api-version"
# Our own word for a problem, else its status -> the code that ARM and its clients know.
CODES: dict[str | int, str] = {
    "bad_spec": "UserError",
    "bad_json": "InvalidRequestContent",
    "bad_number": "InvalidRequestContent",
    "bad_text": "InvalidRequestContent",
    "no_such_kind": "InvalidResourceType",
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    503: "ServerBusy",
}
# What our verbs call a member -> where it stands in a job's document.
PLACES = {"name": "properties.displayName", "description": "properties.description", "tags": "properties.tags"}
_GROUP = re.compile(r"[-\w._()]{1,90}")


@dataclass(frozen=True)
class Scope:
    """The workspace of a request as its address spells it; answers spell it the same way."""

    subscription: str
    group: str
    workspace: Workspace
    site: str
    """The address of this server, up to the path prefix: what links in answers begin with."""

    @property
    def path(self) -> str:
        return workspace_path(self.subscription, self.group, self.workspace.slug)

    def page(self, rest: str) -> str:
        """The address of a page of this workspace."""
        return f"{self.site}w/{self.workspace.slug}/{rest}"


class ArmView(ArmWireView):
    """One operation of ARM on a workspace; unknown parameters of the query are ignored, as ARM does."""

    query_pattern = re.compile(r".*", re.DOTALL)
    asks_version = True
    in_workspace = True
    places: ClassVar[Mapping[str, str]] = PLACES
    shape: str
    scope: Scope

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.asks_version:
            self.shape = azureml.shape_of(request._request.GET.get(API_VERSION))
        if self.in_workspace:
            self.scope = self._scope(request, kwargs)

    def _scope(self, request: Request, named: dict[str, str]) -> Scope:
        if not _GROUP.fullmatch(named["group"]):
            raise SpecError("resourceGroup", "must be 1 to 90 letters, digits and - _ . ( )")
        workspace = workspace_named(self.actor, named["workspace"])
        return Scope(named["subscription"], named["group"], workspace, site_of(request._request))

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        code = CODES.get(problem.code) or CODES.get(self.problem_status(problem), "InternalServerError")
        if problem.field == API_VERSION:
            code = "InvalidApiVersionParameter"
        target = self.places.get(problem.field.partition("[")[0], problem.field)
        return azureml.problem(code, f"{target}: {problem.message}" if target else problem.message, target)


class Nowhere(Elsewhere, ArmView):
    """Every path that is no operation."""


def site_of(request: HttpRequest) -> str:
    """The address of this server as the client reaches it, with a slash at its end."""
    return request.build_absolute_uri(get_script_prefix())
