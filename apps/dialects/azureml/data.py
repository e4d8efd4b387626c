"""Data assets of a workspace: names and versions of what jobs read."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.azureml import inputs
from apps.dialects.azureml.assets import AssetView
from apps.dialects.azureml.containers import Containers, ContainerView, OneContainer
from apps.dialects.azureml.models import Asset, DataVersion
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach, require
from tunebook.fields import Fields

PATH = "properties"
TYPES = {word.lower(): word for word in ("uri_file", "uri_folder", "mltable")}


class DataView(AssetView):
    kind, model = "data", DataVersion


class DataContainerView(ContainerView, DataView):
    def common(self, newest: Asset) -> dict[str, Any]:
        return {"dataType": newest.properties.get("dataType", "uri_folder")}


class DataContainers(DataContainerView, Containers):
    """All data assets, by name."""


class OneDataContainer(DataContainerView, OneContainer):
    """One data asset."""


class DataVersions(DataView):
    """The versions of a data asset, newest first."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        name, _ = self.names(name, "")
        return self.page([self.told(row) for row in self.rows(name=name) if row.is_archived in self.view])


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
