"""What runs a trial on another machine: takes its order here, and sends home what its folder gains.

Each request is signed with the attempt's own token. 409 `fenced` tells an attempt that it counts no more and has to end.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from rest_framework.request import Request

from apps.dialects.refusal import Refusal
from apps.dialects.tunebook.base import TunebookView
from apps.trials import logs
from apps.tuning import remote
from apps.tuning.errors import Fenced
from apps.workspaces.access import OutOfReach
from apps.workspaces.authentication import bearer_token
from tunebook import mirror

MOST_PIECE = 4 << 20


class AttemptView(TunebookView):
    """One address for the machine that runs an attempt."""

    schema = None  # only the program that the server itself hands out calls these
    authentication_classes = []
    changes = "reports"

    def folder(self, *, even_if_fenced: bool = False) -> Path:
        """The attempt's folder here. One query."""
        token = bearer_token(self.request._request)
        if not token or len(token) > 512:
            raise Refusal("unauthenticated", "send the attempt's token: 'Authorization: Bearer <token>'", status=401)
        try:
            place = remote.place_of(token, whatever_became_of_it=even_if_fenced)
        except OutOfReach:
            raise Refusal("unauthenticated", "this is no attempt's token", status=401) from None
        folder = logs.attempt_folder(*place)
        if not (folder / mirror.ORDER).is_file():
            raise OutOfReach("order", "")
        if mirror.is_marked(str(folder), mirror.FENCED) and not even_if_fenced:
            raise Fenced(f"attempt {place[2]} of trial {place[1]} is taken for lost")
        return folder

    def file(self, path: Path, content_type: str) -> Any:
        try:
            return FileResponse(open(path, "rb"), content_type=content_type)  # closed with the answer
        except FileNotFoundError:
            raise OutOfReach("file", path.name) from None


class GetOrder(AttemptView):
    """What an attempt is to run."""

    def get(self, request: Request) -> Any:
        """Get the attempt's commands, parameters, environment and limits, as its runner takes them."""
        return self.file(self.folder() / mirror.ORDER, "application/json")


class GetRunner(AttemptView):
    """The program that runs an attempt."""

    def get(self, request: Request) -> Any:
        """Get the program that runs an attempt elsewhere, as a Python zip application."""
        self.folder()
        return self.file(Path(settings.TUNEBOOK_DATA) / "run" / mirror.BUNDLE, "application/zip")


class GetWork(AttemptView):
    """The files that an attempt starts with."""

    def get(self, request: Request) -> Any:
        """Get the folder in which the attempt begins, with the job's code, as a tar."""
        folder = self.folder()
        first = folder / "work"
        if not first.is_dir():
            first = folder.parent / "1" / "work"  # where it goes on from the first attempt
        packed = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the answer
        with tarfile.open(fileobj=packed, mode="w") as archive:
            if first.is_dir():
                archive.add(first, arcname="work")
        packed.seek(0)
        return FileResponse(packed, content_type="application/x-tar")


class PutFile(AttemptView):
    """A piece of a file that an attempt has written."""

    def put(self, request: Request, path: str) -> HttpResponse:
        """Send bytes of a file from the header `Upload-Offset` on. The answer says how long the file is here, and whether to stop.

        A file that is shorter than the offset keeps its length: go on from there.
        """
        offset = self._offset()
        folder = str(self.folder())
        data = request._request.read(MOST_PIECE + 1)
        if len(data) > MOST_PIECE:
            raise Refusal("too_large", f"a piece must have at most {MOST_PIECE} bytes", status=413)
        mirror.hear(folder)
        try:
            size = mirror.take(worked_in(folder) if path.startswith("work/") else folder, path, offset, data)
        except mirror.BadFile as error:
            raise Refusal("bad_parameter", str(error), field="path") from None
        except mirror.Full as error:
            raise Refusal("too_large", str(error.strerror), status=413) from None
        return self.answer({"size": size, **mirror.wish(folder)})

    def _offset(self) -> int:
        text = self.request.headers.get("Upload-Offset", "0")
        if not text.isascii() or not text.isdigit() or len(text) > 15:
            raise Refusal("bad_parameter", f"must be a number of bytes, got {text!r:.40}", field="Upload-Offset")
        return int(text)

    def _take_body(self, http: HttpRequest) -> None:
        """The body stays where it is: it is a file's bytes, and larger than a document may be."""


class TellAlive(AttemptView):
    """A sign of life of an attempt."""

    def post(self, request: Request) -> HttpResponse:
        """Say that the attempt lives. The answer says whether it is to stop, and how many seconds it has for that."""
        folder = str(self.folder())
        mirror.hear(folder)
        return self.answer(mirror.wish(folder))


class TellGone(AttemptView):
    """The last word of an attempt."""

    def post(self, request: Request) -> HttpResponse:
        """Confirm that nothing of the attempt runs any more, whatever became of it here."""
        mirror.mark(str(self.folder(even_if_fenced=True)), mirror.GONE)
        return self.answer({})


def worked_in(folder: str) -> str:
    """The folder of the attempt whose `work` this one works in: the first one's where it goes on from there."""
    first = os.path.join(os.path.dirname(folder), "1")
    with open(os.path.join(folder, mirror.ORDER), encoding="utf-8") as file:
        chosen = json.load(file).get("cwd") or ""
    return first if chosen.startswith(f"{first}/") else folder
