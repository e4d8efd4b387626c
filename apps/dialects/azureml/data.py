"""Data assets of a workspace: names and versions of what jobs read."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.azureml import inputs
from apps.dialects.azureml.assets import AssetView, told
from apps.dialects.azureml.models import DataVersion
from apps.dialects.scopes import PROVIDER
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach, require
from tunebook.fields import Fields

PATH = "properties"
TYPES = {word.lower(): word for word in ("uri_file", "uri_folder", "mltable")}
VIEWS = {"all": (True, False), "archivedonly": (True,)}


class DataView(AssetView):
    kind, model = "data", DataVersion

    def rows(self, **which: str) -> list[DataVersion]:
        """The versions that the client asked to see, newest first."""
        view = VIEWS.get(self.request._request.GET.get("listViewType", "").lower(), (False,))
        rows = DataVersion.objects.filter(workspace=self.scope.workspace, **which).select_related("author")
        return [row for row in rows.order_by("-created", "-pk") if bool(row.properties.get("isArchived")) in view]

    def container(self, name: str, versions: list[DataVersion]) -> dict[str, Any]:
        """An asset with what its versions say."""
        numbers = [int(row.version) for row in versions if row.version.isdecimal() and len(row.version) < 10]
        return {
            "id": f"{self.scope.path}/data/{name}",
            "name": name,
            "type": f"{PROVIDER}/workspaces/data",
            "properties": {
                "dataType": versions[0].properties.get("dataType", "uri_folder"),
                "latestVersion": versions[0].version,
                "nextVersion": str(max(numbers, default=0) + 1),
                "isArchived": False,
                "tags": {},
                "properties": {},
            },
            "systemData": told(self.kind, name, versions[0].version, {}, self.scope, versions[0])["systemData"],
        }


class DataContainers(DataView):
    """All data assets, by name."""

    def get(self, request: Request, **scope: str) -> HttpResponse:
        versions: dict[str, list[DataVersion]] = {}
        for row in self.rows():
            versions.setdefault(row.name, []).append(row)
        return self.answer({"value": [self.container(name, rows) for name, rows in versions.items()], "nextLink": None})


class OneDataContainer(DataView):
    """One data asset."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        name, _ = self.names(name, "")
        rows = self.rows(name=name)
        if not rows:
            raise OutOfReach("data", name)
        return self.answer(self.container(name, rows))


class DataVersions(DataView):
    """The versions of a data asset, newest first."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        name, _ = self.names(name, "")
        top = request._request.GET.get("$top", "")
        shown = [self.told(row) for row in self.rows(name=name)]
        return self.answer({"value": shown[: int(top) if top.isdecimal() and len(top) < 6 else None], "nextLink": None})


class OneDataVersion(DataView):
    """One version of a data asset. Where it lies never changes; its description, tags and being archived do."""

    def get(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        found = self.find(*self.names(name, version)).first()
        if found is None:
            raise OutOfReach("data", f"{name}:{version}")
        return self.answer(self.told(found))

    def put(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")
        name, version = self.names(name, version)
        given = Fields(self.body(), "").require(PATH).inside(PATH).require("dataUri")
        uri = given.text("dataUri", empty=False)
        given.word("dataType", TYPES, "uri_folder")
        properties = dict(given.document)
        found = self.find(name, version).first()
        if found is not None:
            if found.properties.get("dataUri") != uri:
                raise Conflict(f"{PATH}.dataUri: cannot change once the version exists; make a new version")
            found.properties = {**found.properties, **properties}
            found.save(update_fields=["properties"])
            return self.answer(self.told(found))
        files = inputs.uploaded(self.scope.workspace, uri, given.at("dataUri")) if inputs.is_ours(uri) else None
        made, is_new = DataVersion.objects.get_or_create(
            workspace=self.scope.workspace,
            name=name,
            version=version,
            defaults={
                "properties": properties,
                "author_id": self.actor.user_id,
                "snapshot": files.snapshot if files else None,
                "file": files.file if files else "",
            },
        )
        return self.answer(self.told(made), 201 if is_new else 200)
