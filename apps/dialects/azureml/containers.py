"""Environments and data assets by their names alone: what their versions say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.azureml.assets import AssetView, EnvironmentView, told
from apps.dialects.azureml.models import Asset
from apps.dialects.scopes import PROVIDER
from apps.workspaces.access import OutOfReach, require
from tunebook.fields import Fields


class ContainerView(AssetView):
    """One operation on the assets of one kind; an asset is archived once all of its versions are."""

    def container(self, versions: Sequence[Asset]) -> dict[str, Any]:
        """An asset by its versions, newest first."""
        numbers = [int(row.version) for row in versions if row.version.isdecimal() and len(row.version) < 10]
        active = [row for row in versions if not row.is_archived]
        newest = (active or versions)[0]
        return {
            "id": f"{self.scope.path}/{self.kind}/{newest.name}",
            "name": newest.name,
            "type": f"{PROVIDER}/workspaces/{self.kind}",
            "properties": {
                **self.common(newest),
                "latestVersion": newest.version,
                "nextVersion": str(max(numbers, default=0) + 1),
                "isArchived": not active,
                "tags": {},
                "properties": {},
            },
            "systemData": told(self.kind, newest.name, newest.version, {}, self.scope, newest)["systemData"],
        }

    def common(self, newest: Asset) -> dict[str, Any]:
        """What all versions have in common."""
        return {}


class Containers(ContainerView):
    """All assets of one kind, by name."""

    def get(self, request: Request, **scope: str) -> HttpResponse:
        named: dict[str, list[Asset]] = {}
        for row in self.rows():
            named.setdefault(row.name, []).append(row)
        shown = [rows for rows in named.values() if all(row.is_archived for row in rows) in self.view]
        return self.answer({"value": [self.container(rows) for rows in shown], "nextLink": None})


class OneContainer(ContainerView):
    """One asset; putting it archives all of its versions, or brings them back."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        return self.answer(self.container(self.versions(name)))

    def put(self, request: Request, name: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")
        given = Fields(self.body(), "").require("properties").inside("properties")
        wanted, versions = given.flag("isArchived"), self.versions(name)
        if given.has("isArchived"):
            for row in versions:
                row.properties = {**row.properties, "isArchived": wanted}
            self.model._default_manager.bulk_update(versions, ["properties"])
        return self.answer(self.container(versions))

    def versions(self, name: str) -> list[Any]:
        """All versions of that name, newest first. Raises OutOfReach without one."""
        name, _ = self.names(name, "")
        found = self.rows(name=name)
        if not found:
            raise OutOfReach(self.kind, name)
        return found


class Environments(Containers, EnvironmentView):
    """All environments that were put here, by name."""


class OneEnvironment(OneContainer, EnvironmentView):
    """One environment."""
