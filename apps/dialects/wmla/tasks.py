"""Hypersearch tasks: submit, list, look at, stop, go on, delete."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.forms import read_form
from apps.dialects.refusal import Refusal
from apps.dialects.wmla import finding, plugins, rows, uploads
from apps.dialects.wmla.base import FormView, WmlaView
from apps.dialects.wmla.models import Algorithm, Submission
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments, revival, trash
from apps.tuning.errors import Conflict
from apps.workspaces.access import require
from apps.workspaces.models import Workspace
from tunebook.job import Job
from tunebook.wire import wmla

MOST_LISTED, USUALLY_LISTED = 1000, 200
PLACEHOLDER = "0" * 32  # for the key of a snapshot that is stored only when everything else is known to be right


class Tasks(FormView):
    """All tasks, and a new one."""

    def get(self, request: Request) -> HttpResponse:
        wanted = finding.submissions(self.actor, Submission.Kind.TASK)
        if self.asked("sort_by").lower().endswith(":asc"):
            wanted = wanted.order_by("pk")
        found = rows.in_state(wanted[:MOST_LISTED], self.asked("state"))[: self._most()]
        return self.answer(rows.records(list(wanted.filter(pk__in=found))))

    def post(self, request: Request) -> HttpResponse:
        with read_form(request._request) as form:
            document = wmla.read_data(form.text("data"))
            files = form.files(without="data")
            return self.created_from(lambda: self._submit(document, files), 201, self.content(form))

    def delete(self, request: Request) -> HttpResponse:
        """Delete the caller's tasks that have ended; those that run stay, and are named."""
        mine = finding.submissions(self.actor, Submission.Kind.TASK).filter(experiment__creator=self.actor.user_id)
        running = []
        for one in mine:
            if one.experiment.has_ended:
                remove(self, one)
            else:
                running.append(one.name)
        return self.answer({"running": running})

    def _most(self) -> int:
        limit = self.asked("limit")
        is_number = limit.isascii() and limit.isdigit() and len(limit) < 9
        return min(int(limit), MOST_LISTED) if is_number else USUALLY_LISTED

    def _wants_object(self) -> bool:
        """Those who come with a token read an object, the others the bare name, unless the installation says."""
        chosen = settings.TUNEBOOK_WMLA_SUBMIT_ANSWER
        return self.signed.by_token if chosen == "auto" else chosen == "object"

    def _submit(self, document: dict[str, Any], parts: list[Any]) -> Callable[[], Any]:
        """Everything is checked before anything is stored, which what this returns does."""
        needs_group = not settings.TUNEBOOK_WMLA_SIGNAME_OPTIONAL
        said = wmla.details(document, needs_group=needs_group)
        place = self.workspace(said.group)
        require(self.actor, place.pk, "create")
        if said.name and finding.holds_name(place, said.name):
            raise _taken(said.name)
        plugin = plugins.installed(place, said.algorithm)
        around = wmla.Surroundings(
            plugin=plugins.ready(plugin) if plugin is not None else None,
            shared=settings.TUNEBOOK_WMLA_DATA,
            needs_group=needs_group,
        )
        job = wmla.load(document, around=around)
        launch = wmla.read_args(said.args, "modelSpec.args")
        if launch.main and not parts:
            raise Refusal("missing_parameter", "is required: the model as a tar, or one script", field=uploads.FIELD)
        if parts:
            with uploads.laid_out(parts, launch.main) as files:
                job = wmla.load(document, around=replace(around, model=wmla.Model(PLACEHOLDER, tuple(files))))
                code = uploads.keep(place, files).key
            job = replace(job, command=replace(job.command, code=code))
        return lambda: self._store(document, job, place, said, plugin, launch.framework)

    def _store(
        self,
        document: dict[str, Any],
        job: Job,
        place: Workspace,
        said: wmla.Details,
        plugin: Algorithm | None,
        framework: str,
    ) -> Any:
        name = said.name or new_name(self.actor.username, "hpo")
        try:
            with transaction.atomic():
                made = experiments.create(
                    self.actor,
                    job,
                    workspace=place,
                    name=name,
                    usual=Accessibility.PUBLIC,  # this wire has no word for what only its maker sees
                    submitted=json.dumps(document, ensure_ascii=False),
                    dialect=finding.DIALECT,
                )
                Submission.objects.create(
                    experiment=made,
                    workspace=place,
                    kind=Submission.Kind.TASK,
                    name=name,
                    group=said.group[:255],
                    framework=framework,
                    args=said.args,
                    algorithm=plugin,
                )
        except IntegrityError:
            raise _taken(name) from None
        return wmla.submitted(name, as_object=self._wants_object())


class OneTask(WmlaView):
    """One task: its record, a polite stop, its removal."""

    def get(self, request: Request, name: str) -> HttpResponse:
        return self.answer(rows.record(finding.task(self.actor, name)))

    def put(self, request: Request, name: str) -> HttpResponse:
        found = finding.task(self.actor, name)
        require(self.actor, found.workspace_id, "run")
        if found.experiment.has_ended:
            raise Refusal("conflict", f"model tuning {name} is already stopped.")
        experiments.stop(self.actor, found.experiment)
        return self.answer({"hpoName": name})

    def delete(self, request: Request, name: str) -> HttpResponse:
        found = finding.task(self.actor, name)
        require(self.actor, found.workspace_id, "edit")
        if not found.experiment.has_ended:
            raise Conflict(f"model tuning {name} is still running; stop it first.")
        remove(self, found)
        return self.answer({"hpoName": name})


class ForceStop(WmlaView):
    """Stop a task at once: what runs is killed without being asked first."""

    def put(self, request: Request, name: str) -> HttpResponse:
        found = finding.task(self.actor, name)
        require(self.actor, found.workspace_id, "run")
        stop_at_once(self, found.experiment)
        return self.answer({"hpoName": name})


class Restart(WmlaView):
    """Let a stopped task go on."""

    def put(self, request: Request, name: str) -> HttpResponse:
        found = finding.task(self.actor, name)
        try:
            revival.revive(self.actor, found.experiment)
        except Conflict as error:
            raise Refusal("conflict", f"model tuning {name} cannot be restarted: {error}") from None
        return self.answer({"hpoName": name})


def stop_at_once(view: WmlaView, experiment: Experiment) -> None:
    """Take the grace away, then stop. An ended one stays as it is."""
    if experiment.has_ended:
        return
    job = Job.from_dict(experiment.job)
    changed = experiments.Changes(job=replace(job, command=replace(job.command, grace=0.0)))
    try:
        experiments.update(view.actor, experiment, changes=changed)
        experiments.stop(view.actor, experiment)
    except Conflict:
        return  # it has ended meanwhile


def remove(view: WmlaView, found: Submission) -> None:
    """Move to the trash and give the name free; its trainings can still be read."""
    with transaction.atomic():
        trash.delete(view.actor, found.experiment)
        Submission.objects.filter(pk=found.pk).update(gone=True)


def new_name(username: str, kind: str) -> str:
    """A name that nobody has, as the service makes them: user, kind, digits."""
    return f"{username}-{kind}-{time.time_ns() // 1000}"


def _taken(name: str) -> Refusal:
    return Refusal("conflict", f"there is a task {name!r} already; choose another name", field="hpoName")
