"""The files of a trial."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponse
from rest_framework.request import Request

from apps.artifacts import artifacts
from apps.artifacts.artifacts import Entry
from apps.artifacts.paths import BadPath
from apps.dialects.refusal import Refusal
from apps.dialects.tunebook import parameters
from apps.dialects.tunebook.trials import TrialView
from apps.workspaces.access import OutOfReach


class Artifacts(TrialView):
    """The files and folders of a trial."""

    query = parameters.LIST_ARTIFACTS
    operations = {"GET": "ListArtifacts"}

    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """List what lies in one folder: folders first, then files, each with its path from the top."""
        experiment, trial = self.found(key, number)
        try:
            entries = artifacts.listing(experiment, trial, self.parameters["folder"] or "")
        except BadPath as error:
            raise Refusal("bad_parameter", str(error), field="folder") from None
        return self.answer({"items": [_row(entry) for entry in entries], "total": len(entries)})


class OneArtifact(TrialView):
    """One file of a trial."""

    operations = {"GET": "GetArtifact"}

    def get(self, request: Request, key: str, number: int, path: str) -> Any:
        """Download a file."""
        row = artifacts.find(*self.found(key, number), path)
        if row is None:
            raise OutOfReach("artifact", path[-80:])
        try:
            file = artifacts.open(row)
        except FileNotFoundError:
            raise OutOfReach("artifact", path[-80:]) from None
        response = FileResponse(file, as_attachment=True, filename=row.name, content_type="application/octet-stream")
        response["Content-Length"] = str(row.size)
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response["X-Request-Id"] = self.request_id
        return response


def _row(entry: Entry) -> dict[str, Any]:
    row = entry.artifact
    if row is None:
        return {"path": entry.path, "folder": True, "size": entry.size}
    return {
        "path": row.path,
        "folder": False,
        "size": row.size,
        "sha256": row.sha256,
        "content_type": row.content_type,
        "created": row.created,
    }
