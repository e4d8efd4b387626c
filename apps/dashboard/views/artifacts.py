"""The files of a trial: folders, previews, downloads."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from apps.artifacts import artifacts
from apps.artifacts.models import Artifact
from apps.artifacts.paths import BadPath
from apps.dashboard import previews
from apps.dashboard.views.frame import Place, in_workspace, render
from apps.dashboard.views.opening import load
from apps.tuning import trials as verbs

INERT = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""The policy of an answer that is a stranger's file: whatever it is, it runs nothing."""


@require_GET
@in_workspace
def files(request: HttpRequest, place: Place, key: str, number: int, path: str = "") -> Any:
    """A folder's page, or a file's with its preview; `?download` is the file itself, `?picture` as a picture."""
    experiment, _ = load(place, key)
    trial = verbs.find(place.actor, experiment, number=number)
    row = artifacts.find(experiment, trial, path) if path else None
    if row is not None and ("download" in request.GET or "picture" in request.GET):
        return raw(row, as_picture="picture" in request.GET)
    context: dict[str, Any] = {"experiment": experiment, "trial": trial, "path": path, "steps": _steps(path)}
    if row is not None:
        return render(request, place, "trials/file.html", {**context, "file": row, "preview": _preview(row)})
    try:
        entries = artifacts.listing(experiment, trial, path)
    except BadPath as error:
        raise Http404 from error
    if path and not entries:
        raise Http404
    return render(request, place, "trials/files.html", {**context, "entries": entries})


def raw(row: Artifact, *, as_picture: bool) -> HttpResponseBase:
    """The bytes of a file: to be saved, or a picture to be shown in a page. Nothing in it is ever run."""
    try:
        file = artifacts.open(row)
    except FileNotFoundError:
        raise Http404 from None
    kind = ""
    if as_picture:
        kind = previews.picture_type(file.read(16))
        file.seek(0)
        if not kind:
            file.close()
            raise Http404
    response = FileResponse(
        file, as_attachment=not kind, filename=row.name, content_type=kind or "application/octet-stream"
    )
    response["Content-Length"] = str(row.size)
    response["Content-Security-Policy"] = INERT
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=0, must-revalidate"
    return response


def _preview(row: Artifact) -> previews.Preview:
    try:
        with artifacts.open(row) as file:
            return previews.preview(row, file)
    except FileNotFoundError:
        return previews.Preview("none", words="The store has lost this file.")


def _steps(path: str) -> list[tuple[str, str]]:
    """The folders on the way to a path, each with its own path."""
    parts = path.split("/")[:-1] if path else []
    return [(part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts)]
