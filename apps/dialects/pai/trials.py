"""Operations on trials: list, get, stop, restart."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects import catalog
from apps.dialects.documentation import answer_schema
from apps.dialects.pai import hyperparameters, parameters, rows
from apps.dialects.pai.base import UNKNOWN, PaiView
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import experiments, trials
from apps.workspaces.access import require
from tunebook.errors import SpecError
from tunebook.job import Job

STOPPED, NOT_STOPPED = "successfully stopped trial", "failed to stop trial"


class ListHpoTrials(PaiView):
    """List the trials of an experiment with their parameters and measurements."""

    query = parameters.LIST_TRIALS
    answers = {"GET": answer_schema("TotalCount", "Trials")}

    def get(self, request: Request, experiment: str) -> HttpResponse:
        asked = self.parameters
        found = catalog.sweep(self.actor, experiment)
        page = catalog.Page(
            number=asked["PageNumber"], size=asked["PageSize"], order=asked["SortBy"], down=asked["Order"] == "DESC"
        )
        listed = catalog.trial_page(found.id, found.trial_count, page, rows.TRIALS)
        shown = rows.trial_rows(found.key, rows.job_of(found.job), listed)
        return self.done(TotalCount=found.trial_count, Trials=shown)


class GetHpoTrial(PaiView):
    """One trial."""

    answers = {"GET": answer_schema("TrialId", "Status")}

    def get(self, request: Request, experiment: str, trial: str) -> HttpResponse:
        found = experiments.find(self.actor, experiment)
        one = trials.find(self.actor, found, key=trial)
        return self.done(**rows.trial_rows(found.key, Job.from_dict(found.job), rows.TRIALS.rows([one.pk]))[0])


class StopHpoTrials(PaiView):
    """Stop trials and their processes; the experiment goes on. Without TrialIds nothing is stopped."""

    fields = parameters.STOP_TRIALS
    answers = {"PUT": answer_schema("Results")}

    def put(self, request: Request, experiment: str) -> HttpResponse:
        found = experiments.find(self.actor, experiment)
        keys = self.document().get("TrialIds", [])
        results = trials.stop(self.actor, found, keys)
        outcome = {key: STOPPED if stopped else NOT_STOPPED for key, stopped in results.items()}
        if keys and not any(results.values()):
            document = {"RequestId": self.request_id, "Code": UNKNOWN, "Message": "failed to stop any trial"}
            return self.answer({**document, "Results": outcome}, 404)
        return self.done(Results=outcome)


class RestartHpoTrials(PaiView):
    """Start new trials with the parameters of given ones, or one with parameters of its own.

    Not where a trial with the same parameters has succeeded. With both, only TrialIds count; with neither nothing happens.
    """

    fields = parameters.RESTART_TRIALS
    answers = {"PUT": answer_schema("Results")}

    def put(self, request: Request, experiment: str) -> HttpResponse:
        found = experiments.find(self.actor, experiment)
        given = self.document()
        if given.get("TrialIds"):
            made = trials.restart(self.actor, found, given["TrialIds"])
            return self.done(Results={key: _restarted(outcome) for key, outcome in made.items()})
        if "TrialHyperParameters" in given:
            return self.done(Results=self._queued(found, given["TrialHyperParameters"]))
        require(self.actor, found.workspace_id, "run")
        return self.done(Results={})

    def _queued(self, found: Experiment, wire: dict[str, Any]) -> dict[str, str]:
        params = hyperparameters.read(wire, Job.from_dict(found.job))
        try:
            trial = trials.queue(self.actor, found, params, source="restarted")
        except SpecError as error:
            raise SpecError("TrialHyperParameters", error.message) from None
        return {trial.key: _restarted(trial)}


def _restarted(outcome: Trial | str) -> str:
    if isinstance(outcome, str):
        return f"failed to restart trial: {outcome}"
    return f"successfully restarted trial as {outcome.key}"
