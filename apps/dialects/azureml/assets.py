"""Environments and code of a workspace, as far as jobs refer to them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import unquote

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from apps.artifacts import snapshots, store
from apps.artifacts.models import Snapshot
from apps.artifacts.paths import BadPath
from apps.dialects.azureml import signed
from apps.dialects.azureml.base import ArmView, Scope
from apps.dialects.azureml.models import Asset, CodeVersion, EnvironmentVersion, Upload
from apps.dialects.refusal import Refusal
from apps.dialects.scopes import PROVIDER
from apps.workspaces.access import OutOfReach, require
from tunebook.fields import Fields
from tunebook.wire.azureml import instant

KEEP_UNFINISHED = timedelta(days=1)
PURGE_ONE_IN = 50
LONGEST_NAME = 255
VIEWS = {"ActiveOnly": (False,), "ArchivedOnly": (True,), "All": (True, False)}
FIRST = "1"
"""The one version of an environment that nobody put here."""


class AssetView(ArmView):
    """One operation on the versions of one kind of asset."""

    places: ClassVar[Mapping[str, str]] = {}
    kind: str
    model: type[Asset]

    def told(self, found: Asset) -> dict[str, Any]:
        return told(self.kind, found.name, found.version, found.properties, self.scope, found)

    def find(self, name: str, version: str) -> Any:
        return self.model._default_manager.select_related("author").filter(
            workspace=self.scope.workspace, name=name, version=version
        )

    def names(self, name: str, version: str) -> tuple[str, str]:
        """Name and version as they are kept; clients leave their own prefix in front."""
        name = name.removeprefix("azureml:")
        if max(len(name), len(version)) > LONGEST_NAME:
            raise Refusal("bad_parameter", f"must be at most {LONGEST_NAME} characters", field="name")
        return name, version

    def rows(self, **which: str) -> list[Any]:
        """The versions, archived ones too, newest first."""
        found = self.model._default_manager.select_related("author").filter(workspace=self.scope.workspace, **which)
        return list(found.order_by("-created", "-pk"))

    @property
    def view(self) -> tuple[bool, ...]:
        """Whether the client wants to see archived ones, others, or both."""
        return VIEWS[Fields(self.request._request.GET.dict(), "").word("listViewType", VIEWS, "ActiveOnly")]

    def page(self, shown: list[dict[str, Any]]) -> HttpResponse:
        """As many of them as the client asks for."""
        top = self.request._request.GET.get("$top", "")
        return self.answer({"value": shown[: int(top) if top.isdecimal() and len(top) < 6 else None], "nextLink": None})


class EnvironmentView(AssetView):
    kind, model = "environments", EnvironmentVersion


class CodeView(AssetView):
    kind, model = "codes", CodeVersion


class EnvironmentVersions(EnvironmentView):
    """The versions of an environment, newest first.

    One that nobody put here has one all the same: trials run in the server's own environment, whatever the name.
    """

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        name, _ = self.names(name, "")
        rows = self.rows(name=name)
        if not rows:
            return self.page([told(self.kind, name, FIRST, {}, self.scope)])
        return self.page([self.told(row) for row in rows if row.is_archived in self.view])


class OneEnvironmentVersion(EnvironmentView):
    """One version of an environment; putting it again replaces it."""

    def get(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        name, version = self.names(name, version)
        found = self.find(name, version).first()
        if found is None and version == FIRST and not self.rows(name=name):
            return self.answer(told(self.kind, name, FIRST, {}, self.scope))
        if found is None:
            raise OutOfReach("environment", f"{name}:{version}")
        return self.answer(self.told(found))

    def put(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")
        name, version = self.names(name, version)
        properties = Fields(self.body(), "").require("properties").mapping("properties")
        row, made = EnvironmentVersion.objects.update_or_create(
            workspace=self.scope.workspace,
            name=name,
            version=version,
            defaults={"properties": properties},
            create_defaults={"properties": properties, "author_id": self.actor.user_id},
        )
        return self.answer(self.told(row), 201 if made else 200)


class CodeVersions(CodeView):
    """The versions of a folder of code. Asked with a hash, whatever version has this content: it need not be sent again."""

    def get(self, request: Request, name: str, **scope: str) -> HttpResponse:
        uploaded = CodeVersion.objects.filter(workspace=self.scope.workspace, snapshot__isnull=False)
        wanted = request._request.GET.get("hash", "")
        rows = uploaded.filter(hash=wanted) if wanted else uploaded.filter(name=name)
        shown = [self.told(row) for row in rows.select_related("author").order_by("-created", "-pk")[:100]]
        return self.answer({"value": shown, "nextLink": None})


class OneCodeVersion(CodeView):
    """One version of a folder of code: putting it makes a snapshot of what was uploaded."""

    def get(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        found = self.find(*self.names(name, version)).first()
        if found is None:
            raise OutOfReach("code", f"{name}:{version}")
        return self.answer(self.told(found))

    def put(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")
        name, version = self.names(name, version)
        given = Fields(self.body(), "").require("properties").inside("properties")
        snapshot = self.snapshot(name, version, given.text("codeUri"))
        properties = dict(given.document)
        content = {"properties": properties} | ({"snapshot": snapshot, "hash": hash_of(given)} if snapshot else {})
        row, made = CodeVersion.objects.update_or_create(
            workspace=self.scope.workspace,
            name=name,
            version=version,
            defaults=content,
            create_defaults={**content, "author_id": self.actor.user_id},
        )
        return self.answer(self.told(row), 201 if made else 200)

    def snapshot(self, name: str, version: str, uri: str) -> Snapshot | None:
        """A snapshot of what was uploaded for this version, below the folder that the uri names; None without one."""
        container, _, folder = uri.partition("/uploads/")[2].partition("/")
        uploads = Upload.objects.filter(workspace=self.scope.workspace, name=name, version=version)
        found = uploads.filter(container=container[:32]).first()
        if found is None:
            return None
        prefix = f"{unquote(folder).strip('/')}/" if folder.strip("/") else ""
        rows = found.files.filter(block="", path__startswith=prefix)
        try:
            made = snapshots.store(
                self.scope.workspace, {one.path[len(prefix) :]: store.local(one.sha256) for one in rows}
            )
        except BadPath as error:
            raise Refusal("bad_parameter", str(error), field="properties.codeUri") from None
        except FileNotFoundError:
            raise Refusal(
                "bad_parameter", "was uploaded too long ago; upload it again", field="properties.codeUri"
            ) from None
        uploads.delete()
        return made


class StartUpload(CodeView):
    """Tell where the files of a version may be uploaded to, for a day."""

    def post(self, request: Request, name: str, version: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")
        name, version = self.names(name, version)
        if random.randrange(PURGE_ONE_IN) == 0:
            Upload.objects.filter(created__lt=timezone.now() - KEEP_UNFINISHED).delete()
        upload = Upload.objects.create(workspace=self.scope.workspace, name=name, version=version)
        uri = f"{self.scope.site}azureml/uploads/{upload.container}"
        signature = signed.sign(self.actor, self.scope.workspace, upload.container)
        return self.answer(
            {
                "pendingUploadId": upload.container,
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": {
                    "blobUri": uri,
                    "storageAccountArmId": f"{self.scope.path}/storageAccounts/tunebook",
                    "credential": {"credentialType": "SAS", "sasUri": f"{uri}?sig={signature}"},
                },
            }
        )


def hash_of(properties: Fields) -> str:
    """The hash that a client computed of a folder, when it told one."""
    found = properties.inside("properties").document.get("hash_sha256")
    return found if isinstance(found, str) and len(found) <= 128 else ""


def told(
    kind: str, name: str, version: str, properties: Mapping[str, Any], scope: Scope, row: Asset | None = None
) -> dict[str, Any]:
    """One version of an asset."""
    answer: dict[str, Any] = {
        "id": f"{scope.path}/{kind}/{name}/versions/{version}",
        "name": version,
        "type": f"{PROVIDER}/workspaces/{kind}/versions",
        "properties": {"isAnonymous": False, "isArchived": False, "tags": {}, "properties": {}, **properties},
        "systemData": {"createdBy": "tunebook", "createdByType": "User"},
    }
    if row is not None:
        moment = instant(row.created)
        by = row.author.username
        answer["systemData"] = {
            "createdAt": moment,
            "createdBy": by,
            "createdByType": "User",
            "lastModifiedAt": moment,
            "lastModifiedBy": by,
            "lastModifiedByType": "User",
        }
    return answer
