"""The two operations: create a run from a multipart `config`, and cancel one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import get_script_prefix
from django.utils.datastructures import MultiValueDictKeyError
from rest_framework.request import Request

from apps.dialects.body import read_object
from apps.dialects.hyperdrive.base import HyperDriveView
from apps.dialects.refusal import Refusal
from apps.dialects.scopes import workspace_named
from apps.dialects.sources import folder_of
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments
from apps.workspaces.access import OutOfReach
from tunebook.wire import hyperdrive

MULTIPART = "multipart/form-data"
PART = "config"
# The name in the address under which runs are gathered; here it is a tag.
EXPERIMENT_TAG = "experiment"


class CreateExperiment(HyperDriveView):
    """Create a run from the JSON in the part `config`, and let it start."""

    def post(self, request: Request, workspace: str, experiment: str, **scope: str) -> HttpResponse:
        place = workspace_named(self.actor, workspace)
        text = _config(request._request)
        document = read_object(text)
        details = hyperdrive.details(document)
        made = experiments.create(
            self.actor,
            hyperdrive.load(document, source=folder_of(experiment)),
            workspace=place,
            name=details.name,
            description=details.description,
            accessibility=Accessibility.PUBLIC,  # this wire knows nothing that only its maker sees
            tags=((EXPERIMENT_TAG, experiment),),
            submitted=json.dumps(document, ensure_ascii=False),
            dialect="hyperdrive",
        )
        page = request._request.build_absolute_uri(f"{get_script_prefix()}w/{place.slug}/e/{made.key}/")
        return self.answer(hyperdrive.created(document, _facts(made, page)), 201)


class CancelExperiment(HyperDriveView):
    """Ask a run to stop. One that has ended stays as it is, and the answer is the same."""

    def post(self, request: Request, workspace: str, run: str, **scope: str) -> HttpResponse:
        place = workspace_named(self.actor, workspace)
        found = experiments.find(self.actor, run)
        if found.workspace_id != place.pk:
            raise OutOfReach("run", run)
        experiments.stop(self.actor, found)
        return self.answer(hyperdrive.cancelled(run))


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


def _facts(made: Experiment, page: str) -> hyperdrive.Facts:
    moment: datetime = made.created
    return hyperdrive.Facts(
        run_id=made.key,
        created=moment,
        modified=made.modified or moment,
        status=made.status,
        desired=made.desired,
        user_id=made.creator_id or 0,
        url=page,
    )
