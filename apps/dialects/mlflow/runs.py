"""Runs: read, joined by their scripts, searched, left out and taken back."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.artifacts import remarks
from apps.dialects.mlflow import columns, facts, search
from apps.dialects.mlflow.base import MlflowView
from apps.dialects.mlflow.callers import ONLY_TRIALS, TrialCaller
from apps.dialects.refusal import Refusal
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import trials
from tunebook.wire import mlflow

PARENT = "mlflow.parentRunId"
MOST_RESULTS = 50_000
MOST_EXPERIMENTS = 1_000
VIEWS = {"ACTIVE_ONLY": [False], "DELETED_ONLY": [True], "ALL": [False, True]}


class GetRun(MlflowView):
    """A run with its metrics, parameters and tags."""

    def get(self, request: Request) -> HttpResponse:
        return self.answer({"run": facts.run_document(self.run().trial)})


class UpdateRun(MlflowView):
    """What a script says of its run: that it runs or has ended, and its name. How the trial ends, its process decides."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_change()
        status = self.arguments.get("status")
        said = {facts.NAME: self.text("run_name", most=facts.MOST_NAME)}
        if status not in (None, ""):
            if status not in mlflow.RUN_STATUSES:
                raise Refusal("bad_parameter", f"must be one of {', '.join(mlflow.RUN_STATUSES)}", field="status")
            said[facts.STATUS] = status
            said[facts.END_TIME] = str(self._end_time()) if status in facts.ENDED else "0"
        remarks.write(run.trial, run.attempt, remarks.RUN, {name: text for name, text in said.items() if text})
        return self.answer({"run_info": facts.run_document(run.trial)["info"]})

    def _end_time(self) -> int:
        given = self.arguments.get("end_time")
        return int(time.time() * 1000) if given is None else mlflow.whole("end_time", given, 0, 2**53)


class CreateRun(MlflowView):
    """In a trial every run is the trial's own, so that a second or nested run logs to it too; a nested one names it not."""

    def post(self, request: Request) -> HttpResponse:
        if not isinstance(self.caller, TrialCaller):
            raise Refusal("not_allowed", ONLY_TRIALS, status=403)
        run = self.caller.run
        tags = mlflow.pairs_of(self.arguments, "tags", 100, mlflow.MOST_TAG)
        about = {facts.STATUS: "RUNNING", facts.OTHERS: "yes"}
        name = self.text("run_name", most=facts.MOST_NAME)
        if PARENT in tags:
            tags = {key: value for key, value in tags.items() if key not in (PARENT, facts.RUN_NAME)}
        elif name:
            about[facts.NAME] = name
        remarks.write_all(run.trial, run.attempt, {remarks.TAG: tags, remarks.RUN: about})
        return self.answer({"run": facts.run_document(run.trial)})


class LeaveOut(MlflowView):
    """What MLflow calls deleting a run: its trial is left out of what models, policies and the best count."""

    excluded = True

    def post(self, request: Request) -> HttpResponse:
        actor = self.actor
        trial = self.run().trial
        if not trial.has_ended:
            raise Refusal("bad_parameter", "a run can be deleted or restored only when it has ended")
        trials.exclude(actor, trial.experiment, [trial.key], excluded=self.excluded)
        return self.answer({})


class TakeBack(LeaveOut):
    """What MLflow calls restoring a run."""

    excluded = False


class SearchRuns(MlflowView):
    """The runs of some experiments by a filter, in an order, by the page."""

    def post(self, request: Request) -> HttpResponse:
        wanted = search.parse(self.text("filter", most=8_000), columns.ATTRIBUTES)
        order = search.order(self.texts("order_by"), columns.ATTRIBUTES)
        most, offset = self.number("max_results", 1_000, MOST_RESULTS), self.offset()
        rows = self._trials(self.texts("experiment_ids"))
        if wanted or order:
            keys = columns.page(rows, wanted, order, offset, most + 1)
            by_key = {trial.pk: trial for trial in rows.filter(pk__in=keys[:most])}
            page = [by_key[key] for key in keys[:most] if key in by_key]
            goes_on = len(keys) > most
        else:
            found = list(rows[offset : offset + most + 1])
            page, goes_on = found[:most], len(found) > most
        answer: dict[str, Any] = {"runs": [mlflow.run(one) for one in facts.facts(page)]}
        if goes_on:
            answer["next_page_token"] = str(offset + most)
        return self.answer(answer)

    def _trials(self, keys: list[str]) -> Any:
        if len(keys) > MOST_EXPERIMENTS:
            raise Refusal("bad_parameter", f"at most {MOST_EXPERIMENTS}", field="experiment_ids")
        view = self.text("run_view_type") or "ACTIVE_ONLY"
        if view not in VIEWS:
            raise Refusal("bad_parameter", f"must be one of {', '.join(VIEWS)}", field="run_view_type")
        if isinstance(self.caller, TrialCaller):
            rows = Trial.objects.filter(pk=self.caller.run.trial.pk)
        else:
            visible = Experiment.objects.visible_to(self.caller.actor).kept()
            rows = Trial.objects.filter(experiment__in=visible.filter(key__in=keys))
        rows = rows.filter(excluded__in=VIEWS[view])
        lean = rows.select_related("experiment__creator").defer("experiment__job", "experiment__submitted")
        return lean.order_by("-created", "-number")
