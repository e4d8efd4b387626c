"""The data that jobs read: what their client uploaded to the default datastore, and data assets by their names.

Both are laid out once, as a folder of this installation that trials read in place.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from apps.artifacts import snapshots, store
from apps.artifacts.models import Snapshot
from apps.artifacts.paths import BadPath
from apps.dialects.azureml.models import DataVersion, Upload
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError
from tunebook.wire.azureml import PATH

FOLDER = "LocalUpload"
"""Where clients put the local files that a job or a data asset names: below it, a folder by their hash."""
LATEST = "latest"
_UPLOAD = re.compile(rf"(?P<folder>{FOLDER}/[^/]+)/(?P<path>.+)", re.DOTALL)
_STORED = re.compile(
    r"azureml://(?:subscriptions/.*/workspaces/(?P<workspace>[^/]+)/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ASSET = re.compile(
    r"(?:azureml:)?/subscriptions/.*/workspaces/(?P<workspace>[^/]+)/data/(?P<name>[^/]+)/versions/(?P<version>[^/]+)/?",
    re.IGNORECASE,
)
_SHORT = re.compile(r"azureml:(?P<name>[^:/@]+)[:@](?P<version>[^:/@]+)")
# Where the shapes of a job name data: the member, and in it the member with the address.
_PLACES = (("inputs", "uri"), ("inputDataBindings", "dataId"))


@dataclass(frozen=True)
class Files:
    """Files of a snapshot: all of them, or the one that is named."""

    snapshot: Snapshot
    file: str = ""

    def path(self) -> Path:
        """Where trials read them. Raises FileNotFoundError when the store has lost one."""
        return snapshots.shared(self.snapshot) / self.file


@dataclass
class Reader:
    """Finds the data of one job; `used` are the snapshots that the job must keep."""

    workspace: Workspace
    used: list[Snapshot] = field(default_factory=list)

    def located(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The job with paths of this machine in the place of what lies here. Raises SpecError for what should and does not."""
        found = copy.deepcopy(dict(properties))
        for holder, where in ((found, PATH), (found.get("trial"), f"{PATH}.trial")):
            for member, address in _PLACES:
                bound = holder.get(member) if isinstance(holder, dict) else None
                for name, one in bound.items() if isinstance(bound, dict) else ():
                    if isinstance(one, dict) and isinstance(one.get(address), str):
                        one[address] = self.path(one[address], f"{where}.{member}.{name}.{address}")
        return found

    def path(self, uri: str, where: str) -> str:
        """Where trials find what an address names; addresses of other places are handed on as they are."""
        files = self._files(uri, where)
        if not isinstance(files, Files):
            return files
        try:
            path = str(files.path())
        except FileNotFoundError:
            raise SpecError(where, "was uploaded too long ago; upload it again") from None
        self.used.append(files.snapshot)
        return path

    def _files(self, uri: str, where: str) -> Files | str:
        if stored := _STORED.fullmatch(uri):
            self._check(stored["workspace"], where)
            return uploaded(self.workspace, uri, where)
        if asset := _ASSET.fullmatch(uri) or _SHORT.fullmatch(uri):
            self._check(asset.groupdict().get("workspace"), where)
            return self._asset(asset["name"], asset["version"], where)
        if uri.startswith("azureml:"):
            raise SpecError(where, f"only data of this workspace can be read, got {uri[:120]!r}")
        return uri

    def _asset(self, name: str, version: str, where: str) -> Files | str:
        name = name.removeprefix("azureml:")  # clients leave it there when they looked the latest version up
        rows = DataVersion.objects.filter(workspace=self.workspace, name=name).select_related("snapshot")
        rows = rows.order_by("-created", "-pk") if version == LATEST else rows.filter(version=version)
        found = rows.first()
        if found is None:
            raise SpecError(where, f"there is no data asset {name}:{version} here; create it, or name a local path")
        if found.snapshot is not None:
            return Files(found.snapshot, found.file)
        return str(found.properties.get("dataUri") or "")

    def _check(self, named: str | None, where: str) -> None:
        if named is not None and named.lower() != self.workspace.slug.lower():
            raise SpecError(where, f"lies in the workspace {named[:80]!r}; only data of this one can be read")


def uploaded(workspace: Workspace, uri: str, where: str) -> Files:
    """What was uploaded under an address of the default datastore: a file, or all files of a folder."""
    stored = _STORED.fullmatch(uri)
    parted = _UPLOAD.fullmatch(unquote(stored["path"]).strip("/")) if stored else None
    if parted is None:
        raise SpecError(where, f"of the datastores only what clients upload below {FOLDER}/ can be read")
    kept = DataVersion.objects.filter(workspace=workspace, properties__dataUri=uri, snapshot__isnull=False)
    found = kept.select_related("snapshot").first()
    if found is not None and found.snapshot is not None:
        return Files(found.snapshot, found.file)
    upload = Upload.objects.filter(container=container_of(workspace, parted["folder"])).first()
    rows = list(upload.files.filter(block="")) if upload else []
    path = parted["path"]
    whole = [row for row in rows if row.path == path]
    base = path.rpartition("/")[0] if whole else path
    below = whole or [row for row in rows if row.path.startswith(f"{path}/")]
    if not below:
        raise SpecError(where, f"nothing was uploaded to {path[:120]!r} lately; upload it again")
    skip = len(base) + 1 if base else 0
    try:
        made = snapshots.store(workspace, {row.path[skip:]: store.local(row.sha256) for row in below})
    except BadPath as error:
        raise SpecError(where, str(error)) from None
    except FileNotFoundError:
        raise SpecError(where, "was uploaded too long ago; upload it again") from None
    return Files(made, path[skip:] if whole else "")


def is_upload(path: str) -> bool:
    """Whether a path of the default datastore belongs to an upload."""
    return _UPLOAD.fullmatch(path) is not None


def is_ours(uri: str) -> bool:
    """Whether an address lies in a datastore."""
    return _STORED.fullmatch(uri) is not None


def upload_of(workspace: Workspace, path: str) -> tuple[Upload, str] | None:
    """The upload of a path of the default datastore, not saved if it is new, and the path in it; None for other paths."""
    parted = _UPLOAD.fullmatch(path)
    if parted is None:
        return None
    container = container_of(workspace, parted["folder"])
    found = Upload.objects.filter(container=container).first()
    return found or Upload(workspace=workspace, name=parted["folder"], container=container), parted["path"]


def container_of(workspace: Workspace, folder: str) -> str:
    """The one container of a folder: a client puts many files into a new folder at once."""
    return hashlib.sha256(f"{workspace.pk}/{folder}".encode()).hexdigest()[:32]
