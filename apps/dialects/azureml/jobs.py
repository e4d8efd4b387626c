"""ARM jobs: put, get, list, cancel, delete."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.azureml import children, code, inputs, keeping, labels, naming, telling
from apps.dialects.azureml.base import ArmView
from apps.dialects.azureml.keeping import Put
from apps.dialects.azureml.models import ArmJob
from apps.dialects.catalog import tags_of
from apps.dialects.refusal import Refusal
from apps.experiments.filters import ExperimentFilter
from apps.experiments.models import Experiment
from apps.tuning import experiments, trash, trials
from apps.tuning.errors import Conflict
from apps.workspaces.access import require
from tunebook.fields import Fields
from tunebook.wire import azureml
from tunebook.wire.azureml import PATH

PAGE = 50
VIEWS = ("ActiveOnly", "ArchivedOnly", "All")
# Filters that no job passes: none was started by a schedule, and none registers what it puts out as an asset.
NEVER = ("scheduleId", "assetName")


class OneJob(ArmView):
    """One job by its name."""

    def get(self, request: Request, job: str, **scope: str) -> HttpResponse:
        found = naming.find_any(self.actor, self.scope.workspace, job)
        if isinstance(found, naming.Child):
            return self.answer(children.told(found, self.scope, self.shape))
        return self.told(found)

    def put(self, request: Request, job: str, **scope: str) -> HttpResponse:
        require(self.actor, self.scope.workspace.pk, "create")  # before files are laid out for it
        put = self.read(azureml.check_name(job))
        found = naming.find(self.actor, self.scope.workspace, put.name)
        if found is None:
            naming.refuse_child(self.actor, self.scope.workspace, put.name)
            try:
                return self.told(keeping.create(self.actor, self.scope.workspace, put), 201)
            except Conflict:  # the same job was put twice at once: this is the second one
                found = naming.find(self.actor, self.scope.workspace, put.name)
                if found is None:
                    raise
        return self.told(keeping.update(self.actor, found, put))

    def delete(self, request: Request, job: str, **scope: str) -> HttpResponse:
        found = naming.find(self.actor, self.scope.workspace, job)
        if found is None:
            naming.refuse_child(self.actor, self.scope.workspace, job)
            return HttpResponse(status=204)
        trash.delete(self.actor, found)
        return HttpResponse(status=200)

    def read(self, name: str) -> Put:
        """The job that was sent, checked whole before anything is stored."""
        document = self.body()
        properties = Fields(document, "").require(PATH).inside(PATH).document
        details = azureml.details(properties)
        job = azureml.load(properties, self.shape)
        data = inputs.Reader(self.scope.workspace)
        located = data.located(properties)
        if located != properties:
            job = azureml.load(located, self.shape)
        return Put(
            name=name,
            properties=properties,
            shape=self.shape,
            details=details,
            job=code.bring(job, properties, details, self.scope.workspace),
            inputs=tuple(data.used),
            text=self.request._request.body.decode(),
        )

    def told(self, experiment: Experiment, status: int = 200) -> HttpResponse:
        tags = tags_of([experiment.pk]).get(experiment.pk, [])
        return self.answer(telling.told(experiment, tags, self.scope, self.shape), status)


class CancelJob(ArmView):
    """Ask a job, or one trial of a sweep, to stop. One that has ended stays as it is, and the answer is the same."""

    def post(self, request: Request, job: str, **scope: str) -> HttpResponse:
        found = naming.find_any(self.actor, self.scope.workspace, job)
        if isinstance(found, naming.Child):
            trials.stop(self.actor, found.experiment, [found.trial.key])
        else:
            experiments.stop(self.actor, found)
        return HttpResponse(status=200)


class Jobs(ArmView):
    """The jobs of a workspace, newest first, page by page."""

    def get(self, request: Request, **scope: str) -> HttpResponse:
        query = request._request.GET
        wanted = self._narrowed(query).order_by("-created", "-pk")
        after = _read_mark(query.get("$skip", ""))
        if after is not None:
            # the first part says nothing that the second does not, but an index can begin there
            wanted = wanted.filter(created__lte=after[0])
            wanted = wanted.filter(Q(created__lt=after[0]) | Q(created=after[0], pk__lt=after[1]))
        # first the ids, from an index in order: with their rows SQLite would sort all there are
        ids = list(wanted.values_list("pk", flat=True)[: PAGE + 1])
        known = Experiment.objects.select_related("workspace", "creator", "arm_job").in_bulk(ids[:PAGE])
        rows, more = [known[pk] for pk in ids[:PAGE] if pk in known], len(ids) > PAGE
        tags = tags_of([row.pk for row in rows])
        told = [telling.told(row, tags.get(row.pk, ()), self.scope, self.shape) for row in rows]
        return self.answer(azureml.page(told, self._next(rows[-1]) if more and rows else None))

    def _narrowed(self, query: Any) -> QuerySet[Experiment]:
        rows = Experiment.objects.visible_to(self.actor).kept().filter(workspace=self.scope.workspace)
        view = Fields(query.dict(), "").word("listViewType", VIEWS, VIEWS[0])
        if view != "All":
            archived = Q(arm_job__archived=True)
            rows = rows.filter(archived) if view == "ArchivedOnly" else rows.exclude(archived)
        kind = query.get("jobType", "").lower()
        if kind:
            is_command = Q(arm_job__job_type="Command")
            rows = {"command": rows.filter(is_command), "sweep": rows.exclude(is_command)}.get(kind, rows.none())
        is_scheduled = Fields(query.dict(), "").word("scheduled", ("true", "false"), "false") == "true"
        if is_scheduled or any(query.get(name) for name in NEVER):
            return rows.none()
        for one in _listed(query.get("tag"), query.get("tags")):
            told = _says("tags", one)
            if one.partition("=")[0] != labels.EXPERIMENT:  # that one of ours is told as experimentName
                told |= Q(pk__in=ExperimentFilter({"tag": [one]}, queryset=rows).qs.values("pk"))
            rows = rows.filter(told)
        for one in _listed(query.get("properties")):
            rows = rows.filter(_says("properties", one))
        named = query.get("experimentName")
        if named == labels.UNNAMED:
            rows = rows.exclude(pk__in=ExperimentFilter({"tag": [labels.EXPERIMENT]}, queryset=rows).qs.values("pk"))
        elif named:
            rows = ExperimentFilter({"tag": [f"{labels.EXPERIMENT}={named}"]}, queryset=rows).qs
        return rows

    def _next(self, last: Experiment) -> str:
        asked = self.request._request.GET.dict() | {"$skip": _mark(last)}
        return self.request._request.build_absolute_uri(f"{self.request._request.path}?{urlencode(asked)}")


def _listed(*texts: str | None) -> list[str]:
    """What stands between the commas of these texts."""
    return [one for text in texts for one in re.split(r"\s*,\s*", (text or "").strip()) if one]


def _says(column: str, one: str) -> Q:
    """The jobs of which this column says so: a name, or `name=value`."""
    name, separator, value = one.partition("=")
    found = Q(**{f"arm_job__{column}__has_key": one})
    if not separator:
        return found
    said = Cast(KeyTextTransform(name, column), TextField())  # as text, or the value would be read as JSON
    valued = ArmJob.objects.alias(said=said).filter(said=value)
    return found | Q(arm_job__in=valued)


def _mark(last: Experiment) -> str:
    """Where a page ended, as an opaque word."""
    return base64.urlsafe_b64encode(f"{last.created.isoformat()} {last.pk}".encode()).decode().rstrip("=")


def _read_mark(text: str) -> tuple[datetime, int] | None:
    if not text:
        return None
    try:
        moment, pk = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        return datetime.fromisoformat(moment), int(pk[:18])
    except (ValueError, binascii.Error):
        raise Refusal("bad_parameter", "is no continuation of this list; follow nextLink", field="$skip") from None
