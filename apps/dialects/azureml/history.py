"""Run history: the part of it that a client needs to follow a job, list its trials and change what it is called."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import View
from rest_framework.request import Request

from apps.dialects.azureml import journal, keeping, labels, naming, signed, telling
from apps.dialects.azureml.base import ArmView, Scope
from apps.dialects.azureml.naming import Child
from apps.dialects.catalog import tags_of
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tunebook.fields import Fields
from tunebook.status import ExperimentStatus
from tunebook.wire.azureml import experiment_status, instant, trial_status

PAGE = 500
LOG = "user_logs/std_log.txt"


class HistoryView(ArmView):
    """One operation of run history; its versions are of another kind."""

    asks_version = False
    places = {"name": "displayName"}


class OneRun(HistoryView):
    """A run: a job or one of its trials."""

    def get(self, request: Request, run: str, **scope: str) -> HttpResponse:
        found = naming.find_any(self.actor, self.scope.workspace, run)
        return self.answer(told(found))

    def patch(self, request: Request, run: str, **scope: str) -> HttpResponse:
        """Change names, tags and properties; tags and properties are added to those there are."""
        given = Fields(self.body(), "")
        found = naming.get(self.actor, self.scope.workspace, run)
        keeping.amend(
            self.actor,
            found,
            name=given.optional_text("displayName"),
            description=given.optional_text("description"),
            tags=given.text_mapping("tags"),
            properties=given.text_mapping("properties"),
            archived=given.flag("hidden") if given.has("hidden") else None,
        )
        return self.answer(told(naming.get(self.actor, self.scope.workspace, run)))


class Details(HistoryView):
    """A run with its logs, which a client fetches again and again."""

    def get(self, request: Request, run: str, **scope: str) -> HttpResponse:
        found = naming.find_any(self.actor, self.scope.workspace, run)
        address = log_address(self.scope, signed.sign(self.actor, self.scope.workspace, run))
        return self.answer({**told(found), "logFiles": {LOG: address}})


class Children(HistoryView):
    """The trials of a job, in the order in which they were asked; a trial has none of its own."""

    def get(self, request: Request, run: str, **scope: str) -> HttpResponse:
        found = naming.find_any(self.actor, self.scope.workspace, run)
        if isinstance(found, Child):
            return self.answer({"value": [], "nextLink": None})
        after = request._request.GET.get("$continuationToken", "")
        first = int(after) if after.isdecimal() and len(after) < 10 else 0
        rows = list(Trial.objects.filter(experiment=found, number__gte=first).order_by("number")[: PAGE + 1])
        link = None
        if len(rows) > PAGE:
            link = request._request.build_absolute_uri(f"?$continuationToken={rows[PAGE].number}")
        return self.answer({"value": [trial_run(found, trial) for trial in rows[:PAGE]], "nextLink": link})


class ServiceInstances(HistoryView):
    """The services of a run's node: there are none."""

    def get(self, request: Request, run: str, **scope: str) -> HttpResponse:
        naming.find_any(self.actor, self.scope.workspace, run)
        return self.answer({"instances": {}})


class RunData(HistoryView):
    """A run with what it has put out, as a download begins with it."""

    def post(self, request: Request, **scope: str) -> HttpResponse:
        run = Fields(self.body(), "").require("runId").text("runId")
        found = naming.find_any(self.actor, self.scope.workspace, run)
        return self.answer({"runMetadata": {**told(found), "outputs": {}}, "runDefinition": {}, "jobSpecification": {}})


class Log(View):
    """What a run has written, for whoever has its signed address."""

    def get(self, request: HttpRequest, signature: str) -> HttpResponse:
        try:
            grant = signed.read(signature)
            found = naming.find_any(grant.actor, grant.workspace, grant.what)
        except (signed.Expired, naming.OutOfReach):
            return HttpResponse("This address does not open anything (any more).\n", status=403)
        return HttpResponse(journal.text_of(found), content_type="text/plain; charset=utf-8")


def told(found: Experiment | Child) -> dict[str, Any]:
    """A job or a trial as a run. One query for a job, two for a command that failed, none for a trial."""
    if isinstance(found, Child):
        return trial_run(found.experiment, found.trial)
    return run_of(found, tags_of([found.pk]).get(found.pk, []))


def run_of(experiment: Experiment, tags: list[tuple[str, str]]) -> dict[str, Any]:
    """An experiment as a run."""
    named = telling.named_in(experiment)
    name = telling.name_of(experiment)
    is_command = named is not None and named.job_type == "Command"
    best = (
        {} if experiment.best_trial is None else {"best_child_run_id": telling.child_name(name, experiment.best_trial)}
    )
    return _run(
        name,
        status=experiment_status(experiment.status, experiment.desired),
        row=experiment,
        reason=_reason(experiment) if is_command else experiment.reason,
        displayName=experiment.name or name,
        description=experiment.description,
        parentRunId=None,
        experimentId=dict(tags).get(labels.EXPERIMENT, labels.UNNAMED),
        tags=labels.joined(tags, named.tags if named else {}),
        properties={**(named.properties if named else {}), **best},
        hidden=named.archived if named else False,
        runType="azureml.scriptrun" if is_command else "hyperdrive",
    )


def trial_run(experiment: Experiment, trial: Trial) -> dict[str, Any]:
    """A trial as a child run."""
    parent = telling.name_of(experiment)
    name = telling.child_name(parent, trial.number)
    values = {} if trial.value is None else {experiment.metric: str(trial.value)}
    return _run(
        name,
        status=trial_status(trial.status, trial.desired),
        row=trial,
        reason=trial.reason,
        displayName=name,
        description=trial.note,
        parentRunId=parent,
        experimentId=labels.UNNAMED,
        tags={key: str(value) for key, value in trial.params.items()},
        properties=values,
        hidden=False,
        runType="azureml.scriptrun",
    )


def log_address(scope: Scope, signature: str) -> str:
    return f"{scope.site}azureml/logs/{signature}"


def _reason(command: Experiment) -> str:
    """Why a command job failed: what its one trial says tells more than that it failed."""
    if command.status != ExperimentStatus.FAILED:
        return command.reason
    said = Trial.objects.filter(experiment=command, number=0).values_list("reason", flat=True).first()
    return said or command.reason


def _run(name: str, *, status: str, row: Experiment | Trial, reason: str, **members: Any) -> dict[str, Any]:
    error = {"error": {"code": "UserError", "message": reason or "failed"}} if status == "Failed" else None
    return {
        "runId": name,
        "dataContainerId": f"dcid.{name}",
        "rootRunId": members["parentRunId"] or name,
        "status": status,
        "createdUtc": instant(row.created),
        "lastModifiedUtc": instant(row.modified),
        "startTimeUtc": instant(row.started) if row.started else None,
        "endTimeUtc": instant(row.ended) if row.ended else None,
        "error": error,
        "warnings": None,
        "target": "local",
        **members,
    }
