"""What a client asks before it does anything: the workspace, where the other services are, which clouds there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views import View
from rest_framework.request import Request

from apps.dialects.azureml.base import ArmView, Scope, site_of
from apps.dialects.scopes import PROVIDER
from apps.workspaces.access import workspace_of
from apps.workspaces.models import Workspace

HERE = "tunebook"
ANY_GROUP = "any"
"""A list of a whole subscription has to name some resource group; here each will do."""


class OneWorkspace(ArmView):
    """The workspace of the address."""

    def get(self, request: Request, **scope: str) -> Any:
        place = workspace_of(self.actor, self.scope.workspace.slug)
        return self.answer(told(replace(self.scope, workspace=place)))


class Workspaces(ArmView):
    """The workspaces that the client may see: the same ones in every subscription and resource group."""

    in_workspace = False

    def get(self, request: Request, subscription: str, group: str = ANY_GROUP) -> Any:
        found = Workspace.objects.filter(pk__in=self.actor.roles)
        site = site_of(request._request)
        shown = [told(Scope(subscription, group, place, site)) for place in found]
        return self.answer({"value": shown, "nextLink": None})


def told(scope: Scope) -> dict[str, Any]:
    """A workspace with the addresses that clients look for; the storage and the vault that Azure has are not there."""
    place = scope.workspace
    return {
        "id": scope.path,
        "name": place.slug,
        "type": f"{PROVIDER}/workspaces",
        "location": HERE,
        "tags": {},
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "friendlyName": place.name or place.slug,
            "description": "",
            "workspaceId": place.slug,
            "provisioningState": "Succeeded",
            "creationTime": place.created,
            "discoveryUrl": f"{scope.site}azureml/discovery",
            "mlFlowTrackingUri": scope.site.rstrip("/"),
            "publicNetworkAccess": "Enabled",
            "storageAccount": f"{scope.path}/storageAccounts/{HERE}",
            "keyVault": f"{scope.path}/vaults/{HERE}",
            "applicationInsights": f"{scope.path}/components/{HERE}",
        },
        "systemData": {"createdAt": place.created, "createdByType": "User", "lastModifiedAt": place.created},
    }


class Discovery(View):
    """Where the services are that Azure runs beside ARM; here all of them are this server."""

    def get(self, request: HttpRequest) -> JsonResponse:
        site = site_of(request)
        here = f"{site}azureml"
        names = ("api", "history", "experimentation", "modelmanagement", "hyperdrive", "pipelines", "studio")
        return JsonResponse(dict.fromkeys(names, here) | {"studio": site, "hyperdrive": site.rstrip("/")})


class Clouds(View):
    """The one cloud there is, as a client asks for it that was given ARM_CLOUD_METADATA_URL."""

    def get(self, request: HttpRequest) -> JsonResponse:
        site = site_of(request)
        cloud = {
            "name": "Tunebook",
            "portal": site,
            "resourceManager": site,
            "authentication": {"loginEndpoint": site, "audiences": [site]},
            "suffixes": {"storage": HERE},
        }
        return JsonResponse([cloud], safe=False)
