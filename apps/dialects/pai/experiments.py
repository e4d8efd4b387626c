"""Operations on experiments: create, list, get, update, stop, delete."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects import catalog
from apps.dialects.documentation import answer_schema
from apps.dialects.pai import parameters, rows
from apps.dialects.pai.base import PaiView
from apps.dialects.refusal import Refusal
from apps.tuning import experiments, platforms, trash
from apps.workspaces.access import workspace_of
from tunebook.status import ENDED_EXPERIMENT
from tunebook.wire import pai

CONFIGURATION = "HpoExperimentConfiguration"


class CreateHpoExperiment(PaiView):
    """Create an experiment and let it start."""

    fields = parameters.EXPERIMENT_FIELDS
    answers = {"POST": answer_schema("ExperimentId")}

    def post(self, request: Request) -> HttpResponse:
        given = self.document()
        if CONFIGURATION not in given:
            raise Refusal("missing_parameter", "is required", field=CONFIGURATION)
        document = given[CONFIGURATION]
        job = pai.load(document, CONFIGURATION, platforms=platforms.available())
        workspace = workspace_of(self.actor, given.get("WorkspaceId") or None)

        def create() -> dict[str, Any]:
            experiment = experiments.create(
                self.actor,
                job,
                workspace=workspace,
                name=given.get("Name", ""),
                description=given.get("Description", ""),
                accessibility=given.get("Accessibility", ""),
                tags=given.get("Tag", ()),
                submitted=json.dumps(document, ensure_ascii=False),
                dialect="native",
            )
            return {"RequestId": self.request_id, "ExperimentId": experiment.key}

        return self.created(create)


class ListHpoExperiments(PaiView):
    """List experiments, the newest first unless told otherwise."""

    query = parameters.LIST_EXPERIMENTS
    query_pattern = parameters.TAG_NAME
    answers = {"GET": answer_schema("TotalCount", "Experiments")}

    def get(self, request: Request) -> HttpResponse:
        asked = self.parameters
        wanted = self._wanted(asked)
        page = catalog.Page(
            number=asked["PageNumber"], size=asked["PageSize"], order=asked["SortBy"], down=asked["Order"] == "DESC"
        )
        found = catalog.Search(self.actor, wanted)
        slugs = {pk: slug for slug, pk in self.actor.slugs.items()}
        columns = rows.WITH_CONFIG if asked["IncludeConfigData"] else rows.WITHOUT_CONFIG
        shown = [rows.experiment_row(values, slugs) for values in found.page(page, columns)]
        return self.done(TotalCount=found.total(), Experiments=shown)

    def _wanted(self, asked: dict[str, Any]) -> catalog.Wanted:
        filters = {ours: asked[theirs] for theirs, ours in FILTERS.items() if asked[theirs]}
        for name in ("name", "creator", "status", "accessibility"):
            if name in filters:
                filters[name] = [filters[name]]
        if "workspace" in filters and filters["workspace"] not in self.actor.slugs:
            workspace_of(self.actor, filters["workspace"])
        terminating = None
        if filters.get("status") == [pai.TERMINATING]:
            terminating = bool(filters.pop("status"))
        elif "status" in filters and filters["status"][0] not in ENDED_EXPERIMENT:
            terminating = False  # those are shown, and so found, as TERMINATING
        numbered = parameters.numbered_tags(self.request._request.GET.dict())
        return catalog.Wanted(filters=filters, tags=(*asked["Tag"], *numbered), terminating=terminating)


FILTERS = {
    "Name": "name",
    "Creator": "creator",
    "Status": "status",
    "WorkspaceId": "workspace",
    "Accessibility": "accessibility",
    "MinCreateTime": "created_gte",
    "MaxCreateTime": "created_lte",
}
"""The native parameter -> the one of ExperimentFilter."""


class GetHpoExperiment(PaiView):
    """One experiment with its configuration, secrets masked."""

    answers = {"GET": answer_schema("ExperimentId", "Status", CONFIGURATION)}

    def get(self, request: Request, experiment: str) -> HttpResponse:
        found = experiments.find(self.actor, experiment)
        return self.done(**rows.experiment_detail(found))


class UpdateHpoExperiment(PaiView):
    """Change an experiment; its configuration only while it is active. What is not sent stays."""

    fields = parameters.EXPERIMENT_FIELDS
    answers = {"PUT": answer_schema("Code")}

    def put(self, request: Request, experiment: str) -> HttpResponse:
        found = experiments.find(self.actor, experiment)
        given = self.document()
        document = given.get(CONFIGURATION)
        if document is not None:
            document = self._unmasked(document, found)
        slug = given.get("WorkspaceId") or None
        changes = experiments.Changes(
            name=given.get("Name"),
            description=given.get("Description"),
            accessibility=given.get("Accessibility"),
            tags=tuple(given["Tag"]) if "Tag" in given else None,
            workspace=workspace_of(self.actor, slug) if slug else None,
            job=pai.load(document, CONFIGURATION, platforms=platforms.available()) if document is not None else None,
            submitted=json.dumps(document, ensure_ascii=False) if document and found.dialect == "native" else None,
        )
        experiments.update(self.actor, found, changes)
        return self.done(Code="SUCCESS")

    def _unmasked(self, document: dict[str, Any], found: Any) -> dict[str, Any]:
        """A configuration that was read, edited and sent back: the asterisks stand for the secrets that are kept."""
        kept = rows.configuration_of(found)
        shown = pai.mask(kept)
        return {name: _restored(section, shown.get(name), kept.get(name)) for name, section in document.items()}


def _restored(section: Any, shown: Any, kept: Any) -> Any:
    if not (isinstance(section, dict) and isinstance(shown, dict) and isinstance(kept, dict)):
        return section
    return {name: kept[name] if name in kept and value == shown.get(name) else value for name, value in section.items()}


class StopHpoExperiment(PaiView):
    """Stop an experiment, its trials and their processes. Stopping an ended one changes nothing."""

    answers = {"PUT": answer_schema("ExpId", "Status")}

    def put(self, request: Request, experiment: str) -> HttpResponse:
        self.document()
        row = experiments.stop(self.actor, experiments.find(self.actor, experiment))
        return self.done(ExpId=row.key, Status=pai.experiment_status(row.status, row.desired))


class DeleteHpoExperiment(PaiView):
    """Move an experiment to the trash; what still runs is stopped."""

    answers = {"PUT": answer_schema()}

    def put(self, request: Request, experiment: str) -> HttpResponse:
        self.document()
        trash.delete(self.actor, experiments.find(self.actor, experiment))
        return self.done()
