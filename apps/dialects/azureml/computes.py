"""Computes: trials run on this machine, whatever name a job gives to what it wants to run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.azureml.base import ArmView, Scope
from apps.dialects.azureml.workspaces import HERE
from apps.dialects.scopes import PROVIDER
from apps.workspaces.access import require
from tunebook.fields import Fields

PATH = "properties"
KIND = "AmlCompute"
SCALE = {"minNodeCount": 1, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT0S"}
MACHINE = {"vmSize": HERE, "vmPriority": "Dedicated", "osType": "Linux", "scaleSettings": SCALE}


class Computes(ArmView):
    """The one compute there is."""

    def get(self, request: Request, **scope: str) -> HttpResponse:
        return self.answer({"value": [told(HERE, self.scope)], "nextLink": None})


class OneCompute(ArmView):
    """The same compute under any name: there is nothing to make before a job names it, and nothing to delete after."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        return self.answer(told(name, self.scope))

    def put(self, request: Request, name: str, **scope: str) -> HttpResponse:
        """What was asked for, as if it had been made; nothing of it is kept."""
        require(self.actor, self.scope.workspace.pk, "create")
        body = Fields(self.body(), "").require(PATH)
        given = body.inside(PATH).require("computeType")
        wanted = {"computeType": given.text("computeType"), "description": given.text("description")}
        tags = body.text_mapping("tags")
        return self.answer({**told(name, self.scope, {**wanted, PATH: given.mapping(PATH)}), "tags": tags})

    def delete(self, request: Request, name: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")
        return HttpResponse(status=200)


def told(name: str, scope: Scope, wanted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """This machine as a compute of that name, or the compute that was wanted."""
    known = wanted or {"computeType": KIND, "description": "This machine, whatever a job calls it.", PATH: MACHINE}
    return {
        "id": f"{scope.path}/computes/{name}",
        "name": name,
        "type": f"{PROVIDER}/workspaces/computes",
        "location": HERE,
        "tags": {},
        PATH: {
            "computeLocation": HERE,
            "provisioningState": "Succeeded",
            "provisioningErrors": None,
            "isAttachedCompute": False,
            **known,
        },
    }
