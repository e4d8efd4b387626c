"""Logs: of an experiment from its feed, of a trial from the files of its attempts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.documentation import answer_schema
from apps.dialects.pai import parameters
from apps.dialects.pai.base import PaiView
from apps.dialects.refusal import Refusal
from apps.experiments.models import Experiment
from apps.feed.models import Event, experiment_stream
from apps.trials import logs
from apps.trials.models import Trial
from apps.tuning import experiments, trials

FILES = {"stdout": ("out.log",), "stderr": ("err.log",), "trial.log": ("out.log", "err.log")}
LOG_KINDS = {"nnimanager.log": ("note", "trial", "experiment"), "dispatcher.log": ("note",)}
LINES = 40
MOST_OUTPUT = 64 * 1024


class LogView(PaiView):
    """What the operations on logs share: which page, and the trial's files."""

    def page(self) -> tuple[int | None, int]:
        """Number and size of the page; the number is None when the whole log is wanted."""
        number, size = self.parameters["PageNumber"], self.parameters["PageSize"]
        if number is None and size is None:
            return None, LINES
        return number or 1, size or LINES

    def lines(self, page: logs.Page) -> HttpResponse:
        return self.done(Code="SUCCESS", TotalCount=page.total, Logs=page.lines)

    def trial(self, experiment: str, trial: str) -> tuple[Experiment, Trial]:
        found = experiments.find(self.actor, experiment)
        return found, trials.find(self.actor, found, key=trial)


class ListHpoExperimentLogs(LogView):
    """The experiment's own log by lines: what happened to it and its trials, or only what the optimizer noted."""

    query = parameters.EXPERIMENT_LOGS
    answers = {"GET": answer_schema("Code", "TotalCount", "Logs")}

    def get(self, request: Request, experiment: str) -> HttpResponse:
        found = experiments.find(self.actor, experiment)
        kinds = LOG_KINDS[self.parameters["LogName"]]
        events = Event.objects.filter(stream=experiment_stream(found.key), kind__in=kinds).order_by("seq")
        number, size = self.page()
        shown = events if number is None else events[(number - 1) * size : number * size]
        page = logs.Page(events.count(), [_line(event) for event in shown])
        return self.lines(page)


class ListHpoTrialLogNames(LogView):
    """The names of a trial's logs, those of its newest attempt first."""

    answers = {"GET": answer_schema("LogNames")}

    def get(self, request: Request, experiment: str, trial: str) -> HttpResponse:
        return self.done(LogNames=list(_files(*self.trial(experiment, trial))))


class ListHpoTrialLogs(LogView):
    """A log of a trial by lines: stdout, stderr or trial.log of its newest attempt, or one of its log names."""

    query = parameters.TRIAL_LOGS
    answers = {"GET": answer_schema("Code", "TotalCount", "Logs")}

    def get(self, request: Request, experiment: str, trial: str) -> HttpResponse:
        found, one = self.trial(experiment, trial)
        name = self.parameters["LogName"]
        known = _files(found, one)
        if name in FILES:
            folder = logs.attempt_folder(found.key, one.number, max(one.attempt_count, 1))
            paths = [folder / file for file in FILES[name]]
        elif name in known:
            paths = known[name]
        else:
            raise Refusal("bad_parameter", f"must be one of {', '.join([*FILES, *known])}", field="LogName")
        try:
            return self.lines(logs.page(paths, *self.page()))
        except logs.TooLong as error:
            raise Refusal("bad_parameter", str(error), field="PageNumber") from None


class ListHpoTrialCommands(LogView):
    """The commands of a trial's newest attempt in their order, with their output."""

    answers = {"GET": answer_schema("Commands")}

    def get(self, request: Request, experiment: str, trial: str) -> HttpResponse:
        found, one = self.trial(experiment, trial)
        folder = logs.attempt_folder(found.key, one.number, max(one.attempt_count, 1))
        return self.done(Commands=[_command(folder, step) for step in logs.commands(folder)])


def _files(experiment: Experiment, trial: Trial) -> dict[str, list[Path]]:
    """Log name -> its files, for every attempt, the newest first. The names say nothing about this machine."""
    found = {}
    for attempt in range(trial.attempt_count, 0, -1):
        folder = logs.attempt_folder(experiment.key, trial.number, attempt)
        for name, files in FILES.items():
            found[f"trials/{experiment.key}/{trial.key}/{attempt}/{name}"] = [folder / file for file in files]
    return found


def _command(folder: Path, step: dict[str, Any]) -> dict[str, Any]:
    command = step.get("command", "")
    pieces = (("out", "out.log"), ("err", "err.log"))
    output = "".join(_output(folder / file, step.get(part)) for part, file in pieces)
    text = command if isinstance(command, str) else " ".join(str(word) for word in command)
    return {"Id": _number(step.get("id")), "Command": text, "Output": output}


def _number(step: Any) -> int | None:
    """A step's number from 1 on; the runner names its steps cmd1, cmd2 and so on."""
    digits = str(step).removeprefix("cmd")
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _output(path: Path, between: Any) -> str:
    if not (isinstance(between, list) and len(between) == 2 and all(isinstance(one, int) for one in between)):
        return ""
    return logs.piece(path, between[0], between[1], most=MOST_OUTPUT)


def _line(event: Event) -> str:
    at = event.at.strftime("%Y-%m-%d %H:%M:%S")
    payload = event.payload
    if event.kind == "note":
        return f"[{at}] {str(payload.get('level', 'info')).upper()} {payload.get('text', '')}"
    if event.kind == "trial":
        value = f" value {payload['value']}" if payload.get("value") is not None else ""
        reason = f": {payload['reason']}" if payload.get("reason") else ""
        return (
            f"[{at}] INFO trial {payload.get('number')} ({payload.get('key')}) {payload.get('status')}{value}{reason}"
        )
    counts = json.dumps(payload.get("counts", {}))
    return f"[{at}] INFO experiment {payload.get('status')} {counts}"
