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

HERE = "tunebook"


class OneWorkspace(ArmView):
    """The workspace of the address."""

    def get(self, request: Request, **scope: str) -> Any:
        place = workspace_of(self.actor, self.scope.workspace.slug)
        return self.answer(told(replace(self.scope, workspace=place)))


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
