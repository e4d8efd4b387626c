"""Experiments: list, create, read, change, and everything that can be asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects import catalog
from apps.dialects.tunebook import parameters, rows
from apps.dialects.tunebook.base import TunebookView
from apps.dialects.tunebook.finding import understood
from apps.dialects.tunebook.versions import etag
from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.search.experiments import meaning
from apps.trials import logs
from apps.tuning import experiments, trash
from apps.workspaces.access import workspace_of
from tunebook.errors import SpecError
from tunebook.fields import below, listed
from tunebook.job import Job
from tunebook.wire.recognise import KINDS, recognise_kind

FILES = ("sweep", "azureml", "hyperdrive", "nni", "wmla")
"""The kinds of files that jobs are made from, which are also the names of their dialects."""
IN_THE_JOB = frozenset(field.name for field in fields(Job))
NOT_FILTERS = {"page", "page_size", "sort", "order", "trashed", "query"}


@contextmanager
def placed_in_the_job() -> Iterator[None]:
    """Tell of a part of the job that does not fit by its place in the request, where the job is a member."""
    try:
        yield
    except SpecError as error:
        raise (error.under("job") if error.path.partition(".")[0] in IN_THE_JOB else error) from None


class Experiments(TunebookView):
    """The catalog."""

    creates = True
    query = parameters.LIST_EXPERIMENTS
    fields = parameters.CREATE_EXPERIMENT
    operations = {"GET": "ListExperiments", "POST": "CreateExperiment"}

    def get(self, request: Request) -> HttpResponse:
        """List the experiments that you may see."""
        asked = self.parameters
        filters = {name: value for name, value in asked.items() if name not in NOT_FILTERS and value not in (None, [])}
        if "workspace" in filters and filters["workspace"] not in self.actor.slugs:
            workspace_of(self.actor, filters["workspace"])
        meant = meaning(understood(asked["query"]), self.actor) if asked["query"] else Q()
        wanted = catalog.Wanted(filters=filters, trashed=asked["trashed"], meant=meant)
        page = catalog.Page(
            number=asked["page"], size=asked["page_size"], order=asked["sort"], down=asked["order"] == "desc"
        )
        found = catalog.Search(self.actor, wanted)
        slugs = {pk: slug for slug, pk in self.actor.slugs.items()}
        shown = [rows.listed(values, slugs) for values in found.page(page, rows.EXPERIMENTS)]
        return self.listed(shown, found.total())

    def post(self, request: Request) -> HttpResponse:
        """Create an experiment from a job document. With `Idempotency-Key` it may be sent again."""
        given = self.document()
        job = Job.from_dict(given["job"], "job")
        workspace = workspace_of(self.actor, given.get("workspace"))
        dialect, submitted = _source(self.body().get("document"), given["job"])

        def create() -> rows.Row:
            with placed_in_the_job():
                experiment = experiments.create(
                    self.actor,
                    job,
                    workspace=workspace,
                    name=given.get("name", ""),
                    description=given.get("description", ""),
                    accessibility=given.get("accessibility", ""),
                    tags=given.get("tags", ()),
                    submitted=submitted,
                    dialect=dialect,
                    start=given.get("start", True),
                )
            return rows.experiment(experiment)

        return self.created(create)


class Versioned(TunebookView):
    """Edits of an experiment, which may be made conditional."""

    has_versions = True

    def versioned(self, found: Experiment, **more: Any) -> HttpResponse:
        """The answer about an experiment with the ETag that its next edit may name."""
        response = self.answer({**rows.experiment(found), **more})
        response["ETag"] = etag(found.version)
        return response


class OneExperiment(Versioned):
    """One experiment."""

    fields = parameters.EXPERIMENT
    operations = {"GET": "GetExperiment", "PATCH": "UpdateExperiment", "DELETE": "DeleteExperiment"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """Read an experiment; `cursor` is where its feed stood before the rest was read."""
        cursor = str(reading.cursor(experiment_stream(key)))
        found = experiments.find(self.actor, key)
        return self.versioned(found, cursor=cursor)

    def patch(self, request: Request, key: str) -> HttpResponse:
        """Change what is sent; the job only while the experiment is active. `If-Match` with its ETag refuses to change a newer version."""
        found = experiments.find(self.actor, key)
        given = self.document()
        changes = experiments.Changes(
            name=given.get("name"),
            description=given.get("description"),
            accessibility=given.get("accessibility"),
            tags=given.get("tags"),
            workspace=workspace_of(self.actor, given["workspace"]) if "workspace" in given else None,
            job=Job.from_dict(given["job"], "job") if "job" in given else None,
            submitted=_verbatim(given["job"]) if "job" in given and found.dialect == "tunebook" else None,
        )
        with placed_in_the_job():
            changed = experiments.update(self.actor, found, changes, version=self.expected(found.version))
        return self.versioned(changed)

    def delete(self, request: Request, key: str) -> HttpResponse:
        """Move an experiment to the trash; what still runs is stopped."""
        self.body()
        found = experiments.find(self.actor, key)
        return self.answer(rows.experiment(trash.delete(self.actor, found, version=self.expected(found.version))))


class Asked(TunebookView):
    """One thing asked of an experiment by POST, without parameters."""

    verb: ClassVar[Any]
    trashed = False

    def post(self, request: Request, key: str) -> HttpResponse:
        self.document()
        found = experiments.find(self.actor, key, trashed=self.trashed)
        return self.answer(rows.experiment(self.verb(self.actor, found)))


class StopExperiment(Asked):
    """Stop an experiment, its trials and their processes. An ended one stays as it is."""

    verb = staticmethod(experiments.stop)


class PauseExperiment(Asked):
    """Start no more trials; those that run go on."""

    verb = staticmethod(experiments.pause)


class ResumeExperiment(Asked):
    """Go on after a pause, or begin."""

    verb = staticmethod(experiments.resume)


class DrainExperiment(Asked):
    """Start no more trials and finish when the running ones have."""

    verb = staticmethod(experiments.drain)


class RestoreExperiment(Asked):
    """Take an experiment out of the trash."""

    verb = staticmethod(trash.restore)
    trashed = True


class ChangeLimits(Versioned):
    """The limits of an experiment, while it is active."""

    fields = parameters.LIMITS
    operations = {"PATCH": "ChangeLimits"}

    def patch(self, request: Request, key: str) -> HttpResponse:
        """Change the limits that are sent and leave the rest; the optimizer follows at its next step."""
        taken_away = {name: None for name, value in self.body().items() if name in self.fields and value is None}
        limits = {**self.document(), **taken_away}
        found = experiments.find(self.actor, key)
        return self.versioned(experiments.limit(self.actor, found, version=self.expected(found.version), **limits))


class ReopenExperiment(TunebookView):
    """Let a finished experiment go on up to a higher number of trials."""

    fields = parameters.REOPEN

    def post(self, request: Request, key: str) -> HttpResponse:
        found = experiments.find(self.actor, key)
        changed = experiments.reopen(self.actor, found, max_trials=self.document()["max_trials"])
        return self.answer(rows.experiment(changed))


class PurgeExperiment(TunebookView):
    """Delete an experiment for good, with its trials; only from the trash."""

    def post(self, request: Request, key: str) -> HttpResponse:
        self.document()
        trash.purge(self.actor, experiments.find(self.actor, key, trashed=True))
        return self.answer({"key": key, "purged": True})


class OptimizerLog(TunebookView):
    """What optimizers noted about an experiment beside its events."""

    query = parameters.LINES
    operations = {"GET": "ListOptimizerLog"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """Read the log by lines: who drove it, what could not be launched, errors with their traceback."""
        asked, found = self.parameters, experiments.find(self.actor, key)
        path = logs.optimizer_log(Path(settings.TUNEBOOK_DATA), found.key)
        page = logs.page([logs.older(path), path], asked["page"], asked["page_size"])
        return self.listed(page.lines, page.total)


def _verbatim(job: dict[str, Any]) -> str:
    return json.dumps(job, ensure_ascii=False)


def _source(document: str | None, job: dict[str, Any]) -> tuple[str, str]:
    """(dialect, text) of what was submitted: the file that a client read, when it sent it along, else the job itself."""
    if document is None:
        return "tunebook", _verbatim(job)
    with below("document"):
        kind = recognise_kind(document)
    if kind not in FILES:
        raise SpecError("document", f"must be one of {listed(FILES)}, got a {KINDS[kind]}")
    return kind, document
