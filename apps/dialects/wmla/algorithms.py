"""Algorithms: the built-in ones, and those that people install."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.forms import Part, read_form
from apps.dialects.refusal import Refusal
from apps.dialects.wmla import finding, plugins, uploads
from apps.dialects.wmla.base import FormView, WmlaView
from apps.dialects.wmla.models import Algorithm
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach, require
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError
from tunebook.fields import Fields, listed
from tunebook.wire import wmla

TYPES = ("BUILD_IN", "USER_PLUGIN")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FLAGS = {"true": True, "false": False}
NOT_NAMES = {"install", *(name.lower() for name in wmla.BUILT_IN)}


class Algorithms(WmlaView):
    """All algorithms, or those of one type."""

    def get(self, request: Request) -> HttpResponse:
        wanted = self.asked("type").upper()
        if wanted and wanted not in TYPES:
            raise Refusal("bad_parameter", f"must be one of {listed(TYPES)}, got {wanted[:40]!r}", field="type")
        built_in = [wmla.algorithm(name, is_built_in=True) for name in wmla.BUILT_IN] if wanted != TYPES[1] else []
        own = [record(one) for one in finding.algorithms(self.actor)] if wanted != TYPES[0] else []
        return self.answer(built_in + own)


class OneAlgorithm(WmlaView):
    """One algorithm; installed ones can be removed while no task uses them."""

    def get(self, request: Request, name: str) -> HttpResponse:
        known = next((one for one in wmla.BUILT_IN if one.lower() == name.lower()), None)
        if known is not None:
            return self.answer(wmla.algorithm(known, is_built_in=True))
        return self.answer(record(self._installed(name)))

    def delete(self, request: Request, name: str) -> HttpResponse:
        if name.lower() in NOT_NAMES:
            raise Refusal("not_allowed", f"algorithm {name} is built in and cannot be removed.", status=403)
        found = self._installed(name)
        require(self.actor, found.workspace_id, "edit")
        with transaction.atomic():
            users = plugins.in_use(found)
            if users:
                raise Conflict(f"algorithm {name} is in use by {listed(users)}; stop these first.")
            found.delete()
        plugins.forget(found)
        return self.answer({"name": name})

    def _installed(self, name: str) -> Algorithm:
        found = finding.algorithms(self.actor).filter(name=name).first()
        if found is None:
            raise OutOfReach("algorithm", name)
        return found


class Install(FormView):
    """Install an algorithm: uploaded as a tar, or from a folder of the server that an administrator allowed."""

    def post(self, request: Request) -> HttpResponse:
        with read_form(request._request) as form:
            fields = Fields(wmla.read_data(form.text("data")), "")
            # one notebook sends `data` a second time, as a file of that name
            files = [part for part in form.files(without="data") if part.name != "data" and part.size]
            made = self._install(fields, files)
        return self.answer(record(made), 201)

    def _install(self, fields: Fields, files: list[Part]) -> Algorithm:
        given = _read(fields)
        place = self.workspace(fields.text("sigName"))
        require(self.actor, place.pk, "create")
        if Algorithm.objects.filter(workspace=place, name=given["name"]).exists():
            raise _taken(given["name"])
        if not files:
            if not given["path"]:
                raise Refusal("missing_parameter", "is required without an uploaded file", field="path")
            return self._store(place, {**given, "path": plugins.allowed_path(given["path"])})
        if len(files) > 1:
            raise Refusal("bad_form", "must be sent once: one tar with optimizer.py at its top", field="file")
        with uploads.laid_out(files, plugins.MAIN) as found:
            folder = plugins.folder_of_main(list(found))
            snapshot = uploads.keep(place, found)
        made = self._store(place, {**given, "path": "", "folder": folder, "snapshot": snapshot})
        plugins.ready(made)
        return made

    def _store(self, place: Workspace, given: dict[str, Any]) -> Algorithm:
        try:
            with transaction.atomic():
                return Algorithm.objects.create(workspace=place, creator_id=self.actor.user_id, **given)
        except IntegrityError:
            raise _taken(given["name"]) from None


def record(one: Algorithm) -> dict[str, Any]:
    """The description of an installed algorithm. Where uploaded files lie is nobody's business."""
    return wmla.algorithm(
        one.name,
        is_built_in=False,
        remoteExec=one.remote_exec,
        path=one.path,
        condaHome=one.conda_home,
        condaEnv=one.conda_env,
        creator=one.creator.get_username(),
        createtime=wmla.moment(one.created),
        logLevel=one.log_level,
    )


def _read(fields: Fields) -> dict[str, Any]:
    """What `data` says, checked."""
    name = fields.require("name").text("name", empty=False)
    if len(name) > 255 or not name.isprintable() or "/" in name:
        raise SpecError(
            fields.at("name"), f"must be a printable text of up to 255 characters without /, got {name!r:.60}"
        )
    if name.lower() in NOT_NAMES:
        raise SpecError(fields.at("name"), f"{name!r:.60} is the name of a built-in algorithm")
    remote = fields.document.get("remoteExec")
    if isinstance(remote, str) and remote.lower() in FLAGS:
        remote = FLAGS[remote.lower()]
    return {
        "name": name,
        "path": _path(fields, "path"),
        "conda_home": _path(fields, "condaHome"),
        "conda_env": _path(fields, "condaEnv"),
        "remote_exec": Fields({"remoteExec": remote}, fields.path).flag("remoteExec"),
        "log_level": fields.word("logLevel", LEVELS, "INFO"),
    }


def _path(fields: Fields, name: str) -> str:
    text = fields.text(name)
    if len(text) > 255:
        raise SpecError(fields.at(name), f"must be at most 255 characters, got {len(text)}")
    return text


def _taken(name: str) -> Refusal:
    return Refusal("conflict", f"there is an algorithm {name!r:.60} already; choose another name", field="name")
