"""Experiments: read and searched. In a trial, every name and id means the trial's own."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.mlflow import catalog, search
from apps.dialects.mlflow.base import MlflowView
from apps.dialects.mlflow.callers import ONLY_TRIALS, TrialCaller
from apps.dialects.mlflow.facts import milliseconds
from apps.dialects.refusal import Refusal
from apps.experiments.models import Experiment
from apps.workspaces.access import OutOfReach
from tunebook.wire import mlflow

MOST_RESULTS = 1_000
VIEWS = {"ACTIVE_ONLY": [False], "DELETED_ONLY": [True], "ALL": [False, True]}
TAGS = {name.key: column for name, column in catalog.COLUMNS.items() if name.kind == search.TAG}


class GetExperiment(MlflowView):
    """An experiment by its id."""

    def get(self, request: Request) -> HttpResponse:
        return self.answer({"experiment": document(self.caller.experiment(self.text("experiment_id", required=True)))})


class GetExperimentByName(MlflowView):
    """The newest experiment of that name; under a trial's token its own, by whatever name it is asked for."""

    def get(self, request: Request) -> HttpResponse:
        name = self.text("experiment_name", required=True)
        if isinstance(self.caller, TrialCaller):
            return self.answer({"experiment": document(self.caller.run.experiment, name)})
        rows = Experiment.objects.visible_to(self.caller.actor).kept().lean().filter(name=name)
        found = rows.order_by("-created", "-pk").first()
        if found is None:
            raise OutOfReach("experiment", name[:80])
        return self.answer({"experiment": document(found)})


class CreateExperiment(MlflowView):
    """A trial has its experiment already. By hand, experiments are made where their space is declared."""

    def post(self, request: Request) -> HttpResponse:
        self.text("name", required=True)
        if isinstance(self.caller, TrialCaller):
            return self.answer({"experiment_id": self.caller.run.experiment.key})
        raise Refusal("not_allowed", ONLY_TRIALS, status=403)


class ChangeExperiment(MlflowView):
    """Renaming, deleting, tagging: under a trial's token said and done nothing; by key refused with where to do it."""

    def post(self, request: Request) -> HttpResponse:
        if isinstance(self.caller, TrialCaller):
            return self.answer({})
        raise Refusal("not_allowed", "change experiments on their page or by the native API", status=403)


class SearchExperiments(MlflowView):
    """The experiments within reach, newest first."""

    def post(self, request: Request) -> HttpResponse:
        wanted = search.parse(self.text("filter", most=8_000), catalog.ATTRIBUTES, (search.TAG,))
        order = search.order(self.texts("order_by"), catalog.ATTRIBUTES, ())
        most, offset = self.number("max_results", MOST_RESULTS, MOST_RESULTS), self.offset()
        view = self.text("view_type") or "ACTIVE_ONLY"
        if view not in VIEWS:
            raise Refusal("bad_parameter", f"must be one of {', '.join(VIEWS)}", field="view_type")
        page = catalog.page(self._rows().filter(trashed__in=VIEWS[view]), wanted, order, offset, most + 1)
        answer: dict[str, Any] = {"experiments": [document(row) for row in page[:most]]}
        if len(page) > most:
            answer["next_page_token"] = str(offset + most)
        return self.answer(answer)

    get = post

    def _rows(self) -> Any:
        if isinstance(self.caller, TrialCaller):
            return Experiment.objects.filter(pk=self.caller.run.experiment.pk)
        return Experiment.objects.visible_to(self.caller.actor)


def document(row: Experiment, name: str = "") -> dict[str, Any]:
    """An experiment as MLflow shows it. Makes no query."""
    tags = {key: getattr(row, column) for key, column in TAGS.items()}
    return mlflow.experiment(
        row.key,
        name or row.name or row.key,
        created=milliseconds(row.created) or 0,
        modified=milliseconds(row.modified) or 0,
        is_deleted=row.trashed,
        tags=tags,
    )
