"""The two datastores that clients look for: where the files of jobs are, and what to read them with."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.azureml import signed
from apps.dialects.azureml.base import ArmView, Scope
from apps.dialects.scopes import PROVIDER
from apps.workspaces.access import OutOfReach

DEFAULT = "workspaceblobstore"
FILES = "files"
"""What a signature of `Secrets` opens."""
NAMES = (DEFAULT, "workspaceartifactstore")


class Datastores(ArmView):
    """All datastores of a workspace, or its default one."""

    def get(self, request: Request, **scope: str) -> HttpResponse:
        wanted = [DEFAULT] if request._request.GET.get("isDefault", "").lower() == "true" else NAMES
        return self.answer({"value": [told(name, self.scope) for name in wanted], "nextLink": None})


class OneDatastore(ArmView):
    """One datastore by its name."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        return self.answer(told(_known(name), self.scope))


class Secrets(ArmView):
    """A signature that opens a datastore for reading, for a day."""

    def post(self, request: Request, name: str, **scope: str) -> HttpResponse:
        _known(name)
        return self.answer({"secretsType": "Sas", "sasToken": f"sig={self.signature()}"})

    def signature(self) -> str:
        return signed.sign(self.actor, self.scope.workspace, FILES)


def told(name: str, scope: Scope) -> dict[str, Any]:
    """A datastore. Its client writes `https://<account>.blob.<suffix>`: the account brings the address along."""
    return {
        "id": f"{scope.path}/datastores/{name}",
        "name": name,
        "type": f"{PROVIDER}/workspaces/datastores",
        "properties": {
            "datastoreType": "AzureBlob",
            "accountName": f"{scope.site.partition('://')[2]}azureml/storage",
            "containerName": scope.workspace.slug,
            "endpoint": "tunebook",
            "protocol": scope.site.partition("://")[0],
            "serviceDataAccessAuthIdentity": "None",
            "isDefault": name == DEFAULT,
            "credentials": {"credentialsType": "Sas"},
            "description": None,
            "properties": {},
            "tags": {},
        },
        "systemData": {},
    }


def _known(name: str) -> str:
    if name not in NAMES:
        raise OutOfReach("datastore", name)
    return name
