"""The operations: create a run from a multipart `config`, look at one, cancel one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import get_script_prefix
from django.utils.datastructures import MultiValueDictKeyError
from rest_framework.request import Request

from apps.dialects import sources
from apps.dialects.body import read_object
from apps.dialects.hyperdrive.base import HyperDriveView
from apps.dialects.hyperdrive.models import NamedRun
from apps.dialects.refusal import Refusal
from apps.dialects.scopes import workspace_named
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, OutOfReach, require
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.wire import hyperdrive
from tunebook.wire.text import parse

MULTIPART = "multipart/form-data"
PART = "config"
# The name in the address under which runs are gathered; here it is a tag. So is the run that a child was started by.
EXPERIMENT_TAG, PARENT_TAG = "experiment", "parent_run"
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,254}", re.ASCII)


class Runs(HyperDriveView):
    """Create a run from the JSON in the part `config`, and let it start."""

    def post(self, request: Request, workspace: str, experiment: str, **scope: str) -> HttpResponse:
        return self.create(workspace, experiment)

    def create(self, workspace: str, experiment: str, *, run_id: str = "", parent: str = "") -> HttpResponse:
        place = workspace_named(self.actor, workspace)
        require(self.actor, place.pk, "create")  # before its scripts are copied
        text = _config(self.request._request)
        document = read_object(text)
        details = hyperdrive.details(document)
        tags = ((EXPERIMENT_TAG, experiment), *([(PARENT_TAG, parent)] if parent else []))

        def prepare() -> Callable[[], dict[str, Any]]:
            job = sources.bring(hyperdrive.load(document), place, experiment)
            return lambda: self._store(document, details, job, place, tags, run_id)

        return self.created_from(prepare, 201, text)

    def _store(
        self,
        document: dict[str, Any],
        details: hyperdrive.Details,
        job: Job,
        place: Workspace,
        tags: Sequence[tuple[str, str]],
        run_id: str,
    ) -> dict[str, Any]:
        try:
            with transaction.atomic():
                made = experiments.create(
                    self.actor,
                    job,
                    workspace=place,
                    name=details.name,
                    description=details.description,
                    usual=Accessibility.PUBLIC,  # this wire has no word for what only its maker sees
                    tags=tags,
                    submitted=json.dumps(document, ensure_ascii=False),
                    dialect="hyperdrive",
                )
                if run_id:
                    NamedRun.objects.create(workspace=place, run_id=run_id, experiment=made)
        except IntegrityError:
            raise Conflict(f"there is a run {run_id!r} already") from None
        return hyperdrive.created(document, self.facts(made, place, run_id))

    def facts(self, found: Experiment, place: Workspace, run_id: str = "") -> hyperdrive.Facts:
        """What of an experiment stands beside its document."""
        moment: datetime = found.created
        return hyperdrive.Facts(
            run_id=run_id or found.key,
            created=moment,
            modified=found.modified or moment,
            status=found.status,
            desired=found.desired,
            user_id=found.creator_id or 0,
            url=self.request._request.build_absolute_uri(f"{get_script_prefix()}w/{place.slug}/e/{found.key}/"),
        )


class OneRun(Runs):
    """A run by its id. Posting here creates a child of it, as clients do inside of pipelines."""

    def get(self, request: Request, workspace: str, run: str, **scope: str) -> HttpResponse:
        place = workspace_named(self.actor, workspace)
        found = find(self.actor, place, run)
        document = parse(found.submitted) if found.dialect == "hyperdrive" else {"name": found.name}
        return self.answer({"code": 200, "result": hyperdrive.experiment(document, self.facts(found, place, run))})

    def post(self, request: Request, workspace: str, experiment: str, run: str = "", **scope: str) -> HttpResponse:
        return self.create(workspace, experiment, parent=_checked(run))


class OneNamedRun(OneRun):
    """A run whose id its client chooses."""

    def post(self, request: Request, workspace: str, experiment: str, run: str = "", **scope: str) -> HttpResponse:
        return self.create(workspace, experiment, run_id=_checked(run))


class CancelRun(HyperDriveView):
    """Ask a run to stop. One that has ended stays as it is, and the answer is the same."""

    def post(self, request: Request, workspace: str, run: str, **scope: str) -> HttpResponse:
        place = workspace_named(self.actor, workspace)
        experiments.stop(self.actor, find(self.actor, place, run))
        return self.answer(hyperdrive.cancelled(run))


def find(actor: Actor, place: Workspace, run: str) -> Experiment:
    """The experiment of that run: by the id it was given, else by its key. Two queries at most."""
    rows = Experiment.objects.visible_to(actor).kept().filter(workspace=place).select_related("workspace", "creator")
    found = rows.filter(hyperdrive_run__run_id=run, hyperdrive_run__workspace=place).first()
    found = found or rows.filter(key=run[:16]).first()
    if found is None:
        raise OutOfReach("run", run)
    return found


def _checked(run: str) -> str:
    if not _RUN_ID.fullmatch(run):
        raise SpecError("run_id", "must start with a letter or digit and have at most 255 letters, digits, - and _")
    return run


def _config(http: HttpRequest) -> bytes:
    """The text of the part `config`: a file as its clients send it, or a plain field."""
    if not http.META.get("CONTENT_TYPE", "").lower().startswith(MULTIPART):
        raise Refusal("bad_type", f"must be {MULTIPART}", field="content-type", status=415)
    try:
        part: Any = http.FILES[PART] if PART in http.FILES else http.POST[PART].encode()
    except MultiValueDictKeyError:
        raise Refusal("missing_parameter", "the form needs a part of this name", field=PART) from None
    except (MultiPartParserError, UnicodeError) as error:
        raise Refusal("bad_form", f"the form cannot be read: {error}") from None
    text = part if isinstance(part, bytes) else part.read()
    if not text.strip():
        raise Refusal("bad_json", "must not be empty", field=PART)
    return bytes(text)
