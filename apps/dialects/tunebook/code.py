"""Folders of code that a client sends along, for jobs that name them by their key."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from apps.artifacts import archives, snapshots
from apps.artifacts.archives import BadArchive
from apps.artifacts.paths import BadPath
from apps.dialects.refusal import Refusal
from apps.dialects.tunebook.base import TunebookView
from apps.workspaces.access import require, workspace_of

MOST_BYTES = 512 * 1024 * 1024
IN_MEMORY = 1024 * 1024


class Code(TunebookView):
    """Code for the trials of jobs."""

    creates = True
    query_pattern = re.compile("workspace")
    operations = {"POST": "UploadCode"}

    def post(self, request: Request) -> HttpResponse:
        """Keep a folder of code, sent as a tar (plain, gzip, bzip2, xz) or a zip; `code` of a job's command takes its key.

        `?workspace=` names the workspace, else it is yours. The same content again is the same key.
        """
        workspace = workspace_of(self.actor, request._request.GET.get("workspace") or None)
        require(self.actor, workspace.pk, "create")
        with _held(request._request) as archive, tempfile.TemporaryDirectory(dir=_drafts()) as draft:
            folder = Path(draft) / "code"
            try:
                archives.unpack(archive, folder)
                found = snapshots.store(workspace, folder)
            except (BadArchive, BadPath) as error:
                raise Refusal("bad_archive", str(error), status=422) from None
        return self.answer({"key": found.key, "files": len(found.files), "size": found.size}, 201)

    def _take_body(self, http: HttpRequest) -> None:
        """The body stays where it is: it is an archive, and larger than a document may be."""


def _held(http: HttpRequest) -> IO[bytes]:
    """The body as a file that can be read twice. Raises Refusal beyond the limit."""
    held: Any = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by the caller
    size = 0
    while chunk := http.read(IN_MEMORY):
        size += len(chunk)
        if size > MOST_BYTES:
            held.close()
            raise Refusal("too_large", f"the archive must have at most {MOST_BYTES} bytes", status=413)
        held.write(chunk)
    held.seek(0)
    return held


def _drafts() -> Path:
    """Where archives are unpacked: on the disk that the store is on."""
    found = Path(settings.TUNEBOOK_DATA) / "tmp"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found
