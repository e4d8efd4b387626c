"""Files of runs and models, by way of this server: listed, uploaded, downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import FileResponse, HttpResponse
from rest_framework.request import Request

from apps.artifacts import artifacts, paths, remarks
from apps.dialects.mlflow.base import MlflowView
from apps.dialects.mlflow.callers import Run
from apps.dialects.refusal import Refusal
from apps.trials.models import Trial
from apps.workspaces.access import OutOfReach
from tunebook.wire import mlflow

MODELS = "models"
"""The folder of a trial's files in which its logged models lie, each under its id."""


@dataclass(frozen=True)
class Place:
    """A path of the proxied store: whose file it is, and where the trial keeps it."""

    run: Run
    path: str


class ListArtifacts(MlflowView):
    """The files of a run, one folder at a time."""

    def get(self, request: Request) -> HttpResponse:
        run = self.run()
        root = mlflow.artifact_root(run.experiment.key, run.trial.key)
        return self.answer({"root_uri": root, "files": listing(run, self.text("path"), "")})


class ProxyList(MlflowView):
    """A folder of the proxied store, by paths relative to it."""

    def get(self, request: Request) -> HttpResponse:
        place = self.place(self.text("path"))
        return self.answer({"files": listing(place.run, place.path, place.path)})

    def place(self, path: str) -> Place:
        return place_of(self, path)


class ProxyFile(MlflowView):
    """One file of the proxied store."""

    reads_body = False

    def get(self, request: Request, path: str) -> Any:
        place = place_of(self, path)
        row = artifacts.find(place.run.experiment, place.run.trial, place.path)
        if row is None:
            raise OutOfReach("artifact", path[-80:])
        try:
            file = artifacts.open(row)
        except FileNotFoundError:
            raise OutOfReach("artifact", path[-80:]) from None
        response = FileResponse(file, as_attachment=True, filename=row.name, content_type="application/octet-stream")
        response["Content-Length"] = str(row.size)
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return response

    def put(self, request: Request, path: str) -> HttpResponse:
        place = place_of(self, path, changes=True)
        if not place.path:
            raise Refusal("bad_parameter", "must name a file", field="path")
        http = request._request
        length = http.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > artifacts.MOST_FILE_BYTES:
            raise Refusal("too_large", f"a file may have at most {artifacts.MOST_FILE_BYTES} bytes", status=413)
        artifacts.add(place.run.experiment, place.run.trial, place.path, http)
        return self.answer({})

    def delete(self, request: Request, path: str) -> HttpResponse:
        place = place_of(self, path, changes=True)
        if not place.path or not artifacts.remove(place.run.experiment, place.run.trial, place.path):
            raise OutOfReach("artifact", path[-80:])
        return self.answer({})


class NoMultipart(MlflowView):
    """Uploads in parts are for stores that clients reach themselves; told this, they send the file as one."""

    reads_body = False

    def post(self, request: Request, path: str = "") -> HttpResponse:
        raise Refusal("unsupported", "files are uploaded as one", status=501)


def listing(run: Run, folder: str, relative_to: str) -> list[dict[str, Any]]:
    """What lies in a folder, by paths relative to another one above it."""
    cut = len(relative_to) + 1 if relative_to else 0
    return [
        {"path": entry.path[cut:], "is_dir": True}
        if entry.is_folder
        else {"path": entry.path[cut:], "is_dir": False, "file_size": entry.size}
        for entry in artifacts.listing(run.experiment, run.trial, folder)
    ]


def place_of(view: MlflowView, path: str, *, changes: bool = False) -> Place:
    """Whose file `<experiment>/<run>/artifacts/...` or `<experiment>/models/<model>/artifacts/...` is."""
    given = paths.checked(path.strip("/"))
    experiment, _, rest = given.partition("/")
    owner, _, rest = rest.partition("/")
    find = view.caller.find_to_change if changes else view.caller.find
    if owner == MODELS:
        model, _, rest = rest.partition("/")
        run, folder = find(owner_of_model(model)), f"{MODELS}/{model}"
    else:
        run, folder = find(owner), ""
    word, _, below = rest.partition("/")
    if word != "artifacts" or run.experiment.key != experiment:
        raise OutOfReach("artifact", path[-80:])
    return Place(run, "/".join(part for part in (folder, below) if part))


def owner_of_model(model: str) -> str:
    """The run that a logged model belongs to; the caller's reach is looked at with the run. One query."""
    kept = Trial.objects.filter(remarks__kind=remarks.MODEL, remarks__name=model[:250])
    return kept.values_list("key", flat=True).first() or ""
