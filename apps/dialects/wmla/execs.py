"""Trainings: those of tasks, and those submitted alone."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import FileResponse, HttpResponse
from rest_framework.request import Request

from apps.dialects.forms import Part, read_form
from apps.dialects.refusal import Refusal
from apps.dialects.wmla import finding, tasks, uploads
from apps.dialects.wmla.base import FormView, WmlaView
from apps.dialects.wmla.finding import Training
from apps.dialects.wmla.models import Submission
from apps.experiments.models import Accessibility
from apps.trials import logs
from apps.tuning import experiments, trials
from apps.tuning.errors import Conflict
from apps.workspaces.access import require
from apps.workspaces.models import Workspace
from tunebook.fields import listed
from tunebook.job import Job
from tunebook.wire import wmla

MOST_LISTED = 1000
LARGEST_RESULT = 2 << 30
STREAMS = {"outlog": ("out.log",), "errlog": ("err.log",), "outerrlog": ("out.log", "err.log")}
ENDED = frozenset({"FINISHED", "FAILED", "KILLED", "ERROR"})


class Execs(FormView):
    """All trainings, and a new one of its own."""

    def get(self, request: Request) -> HttpResponse:
        return self.answer([one.record() for one in finding.trainings(self.actor, MOST_LISTED)])

    def post(self, request: Request) -> HttpResponse:
        args, group = self.asked("args"), self.asked("sigName")
        if not args.strip():
            raise Refusal("missing_parameter", "is required", field="args")
        if not group and not settings.TUNEBOOK_WMLA_SIGNAME_OPTIONAL and len(self.actor.slugs) > 1:
            raise Refusal("missing_parameter", "is required", field="sigName")
        with read_form(request._request) as form:
            files = form.files(without="")
            return self.created_from(lambda: self._start(args, group, files), 201, self.content(form))

    def delete(self, request: Request) -> HttpResponse:
        """Delete the caller's own trainings that have ended; those that run stay, and are named."""
        mine = finding.submissions(self.actor, Submission.Kind.EXEC).filter(experiment__creator=self.actor.user_id)
        running = []
        for one in mine:
            if one.experiment.has_ended:
                tasks.remove(self, one)
            else:
                running.append(wmla.app_id(one.experiment.key))
        return self.answer({"running": running})

    def _start(self, args: str, group: str, parts: list[Part]) -> Callable[[], Any]:
        """Everything is checked before anything is stored, which what this returns does."""
        launch = wmla.read_args(args)
        place = self.workspace(group)
        require(self.actor, place.pk, "create")
        shared = settings.TUNEBOOK_WMLA_DATA
        if launch.main and not parts:
            raise Refusal("missing_parameter", "is required: the model as a tar, or one script", field=uploads.FIELD)
        model = wmla.Model()
        if parts:
            with uploads.laid_out(parts, launch.main) as found:
                files = tuple(found)
                checked = wmla.Model(tasks.PLACEHOLDER, files)
                wmla.single(args, around=wmla.Surroundings(model=checked, shared=shared))
                model = wmla.Model(uploads.keep(place, found).key, files)
        job = wmla.single(args, around=wmla.Surroundings(model=model, shared=shared))
        return lambda: self._store(args, group, job, place, launch)

    def _store(self, args: str, group: str, job: Job, place: Workspace, launch: wmla.Launch) -> Any:
        with transaction.atomic():
            made = experiments.create(
                self.actor,
                job,
                workspace=place,
                name=(launch.name or tasks.new_name(self.actor.username, "exec"))[:255],
                usual=Accessibility.PUBLIC,
                submitted=json.dumps({"args": args, "sigName": group}, ensure_ascii=False),
                dialect=finding.DIALECT,
            )
            submission = Submission.objects.create(
                experiment=made,
                workspace=place,
                kind=Submission.Kind.EXEC,
                name=wmla.app_id(made.key),
                group=group[:255],
                framework=launch.framework,
                args=args,
            )
        return Training(made, None, submission).record()


class OneExec(WmlaView):
    """One training."""

    def get(self, request: Request, exec_id: str) -> HttpResponse:
        return self.answer(finding.training(self.actor, exec_id).record())

    def delete(self, request: Request, exec_id: str) -> HttpResponse:
        found = finding.training(self.actor, exec_id)
        require(self.actor, found.experiment.workspace_id, "edit")
        if not found.is_single or found.submission is None:
            task = found.submission.name if found.submission is not None else found.experiment.name
            raise Conflict(f"exec {exec_id} belongs to the hypersearch task {task}; delete that.")
        if not found.experiment.has_ended:
            raise Conflict(f"exec {exec_id} is still running; stop it first.")
        tasks.remove(self, found.submission)
        return self.answer({"id": exec_id})


class StopExec(WmlaView):
    """Stop a training: the whole of one submitted alone, one trial of a task."""

    def post(self, request: Request, exec_id: str) -> HttpResponse:
        found = finding.training(self.actor, exec_id)
        require(self.actor, found.experiment.workspace_id, "run")
        if found.is_single:
            experiments.stop(self.actor, found.experiment)
        elif found.trial is not None:
            trials.stop(self.actor, found.experiment, [found.trial.key])
        return self.answer({"id": exec_id})


class ExecLog(WmlaView):
    """What a training has printed: as text, or as one JSON string where the client wants JSON."""

    def get(self, request: Request, exec_id: str) -> HttpResponse:
        kind = (self.asked("logType") or "outerrlog").lower()
        if kind not in STREAMS:
            raise Refusal("bad_parameter", f"must be one of {listed(STREAMS)}, got {kind[:40]!r}", field="logType")
        text = printed(finding.training(self.actor, exec_id), STREAMS[kind])
        wants_json = "application/json" in request._request.headers.get("accept", "").lower()
        return self.answer(text) if wants_json else self.text(text)


class ExecResult(WmlaView):
    """The results folder of a training as a zip."""

    def get(self, request: Request, exec_id: str) -> Any:
        found = finding.training(self.actor, exec_id)
        made = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the answer that streams it
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, handle in result_files(found):
                with os.fdopen(handle, "rb") as source, archive.open(path, "w", force_zip64=True) as target:
                    while chunk := source.read(1 << 20):
                        target.write(chunk)
        size = made.tell()
        made.seek(0)
        response = FileResponse(made, content_type="application/zip")
        # clients cut this header by hand: no blanks, and the size last
        response["Content-Disposition"] = f"attachment;filename={wmla.app_id(found.key)}.zip;size={size}"
        response["Content-Length"] = str(size)
        response["Content-Encoding"] = "identity"
        response["Cache-Control"] = "no-store"
        return response


class Frameworks(WmlaView):
    """What `--exec-start` may name."""

    def get(self, request: Request) -> HttpResponse:
        said = "One process of Python per training; give the script with --model-main."
        return self.answer(
            [
                {"name": name, "description": "", "desc": [said], "frameworkVersion": ""}
                for name in wmla.FRAMEWORKS.values()
            ]
        )


class FrameworkNames(WmlaView):
    """The same as bare names."""

    def get(self, request: Request) -> HttpResponse:
        return self.answer(list(wmla.FRAMEWORKS.values()))


def printed(found: Training, files: tuple[str, ...], last: int | None = None) -> str:
    """The text of a training's logs; the last so many lines of it."""
    folder = _folder(found)
    if folder is None:
        return ""
    try:
        lines = logs.page([folder / name for name in files], None, 0).lines
    except logs.TooLong as error:
        raise Refusal("too_large", str(error), field="log", status=413) from None
    kept = lines if last is None else lines[len(lines) - last :] if last else []
    return "\n".join(kept) + "\n" if kept else ""


def result_files(found: Training) -> Iterator[tuple[str, int]]:
    """Path and open descriptor of every regular file below a training's results; links lead nowhere here."""
    folder = _folder(found)
    if folder is None:
        return
    place = found.experiment.job["command"].get("working_dir") or ""
    root = folder / "work" / place / wmla.RESULTS
    if not root.is_dir():
        return  # it has not begun, or keeps no results
    left = LARGEST_RESULT
    for above, _, names, descriptor in os.fwalk(root, follow_symlinks=False):
        for name in sorted(names):
            try:
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
            except OSError:
                continue
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode):
                os.close(handle)
                continue
            left -= state.st_size
            if left < 0:
                os.close(handle)
                raise Refusal("too_large", f"the results are larger than {LARGEST_RESULT} bytes", status=413)
            path = str((Path(above) / name).relative_to(root))
            yield os.fsencode(path).decode("utf-8", "replace"), handle


def _folder(found: Training) -> Path | None:
    """The folder of a training's newest attempt; None when it was never started."""
    if found.trial is None or not found.trial.attempt_count:
        return None
    return logs.attempt_folder(found.experiment.key, found.trial.number, found.trial.attempt_count)
