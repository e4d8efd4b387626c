"""The page of one trial: parameters, metrics, curve, log, events; restart and stop."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.views.decorators.http import require_GET, require_POST

from apps.dashboard import copying, log_tails, trial_facts
from apps.dashboard.log_tails import LOGS
from apps.dashboard.templatetags.figures import metric
from apps.dashboard.views import notes
from apps.dashboard.views.experiment_verbs import exclude_trials
from apps.dashboard.views.frame import REFUSALS, Place, in_workspace, render, said
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.insights import neighbours as near
from apps.search.trials import failed_like
from apps.trials import logs
from apps.trials.models import Trial
from apps.tuning import trials as verbs
from tunebook.job import Job
from tunebook.status import TrialStatus

TITLES = {"out": "Output", "err": "Errors"}
LAST_LINES = 20
FEW = 1_000
"""Trials up to which the nearest ones are looked for at once; of more when somebody scrolls there."""
ARTIFACTS = "trials/parts/artifacts.html"


@require_GET
@in_workspace
def trial(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    experiment, after = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    job = Job.from_dict(experiment.job)
    context: dict[str, Any] = {
        "after": after,
        "stream": experiment_stream(experiment.key),
        "previous": found.number - 1 if found.number > 0 else None,
        "next": found.number + 1 if found.number + 1 < experiment.trial_count else None,
        "params": trial_facts.params(experiment, found, job),
        "metrics": trial_facts.metrics(found),
        "copies": copying.copies(request, experiment, job, found),
        "twin_headings": ["Step", metric(experiment.metric)],
        "twin": trial_facts.twin(found, job),
        "raw": json.dumps(trial_facts.raw(found), indent=2, ensure_ascii=False),
        "neighbours": near.neighbours(experiment, job.space, found) if experiment.trial_count <= FEW else None,
        **_moving(place, experiment, found),
        **notes.written(request, place, experiment, found),
    }
    return render(request, place, "trials/trial.html", context)


@require_GET
@in_workspace
def part(request: HttpRequest, place: Place, key: str, number: int, part: str) -> HttpResponse:
    """A piece of the page anew, for one that stands: `metrics`, or all else that changes while the trial runs (`now`)."""
    if part not in ("now", "metrics"):
        raise Http404
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    shown = {"metrics": trial_facts.metrics(found)} if part == "metrics" else _moving(place, experiment, found)
    return render(request, place, f"trials/parts/{part}.html", shown)


def _moving(place: Place, experiment: Experiment, trial: Trial) -> dict[str, Any]:
    """What changes while a trial runs and as it ends."""
    attempts = list(trial.attempts.order_by("-number"))
    folder = logs.attempt_folder(experiment.key, trial.number, attempts[0].number) if attempts else None
    return {
        "experiment": experiment,
        "trial": trial,
        "is_best": trial.number == experiment.best_trial,
        "rank": trial_facts.rank(experiment, trial),
        "attempts": attempts,
        "commands": [trial_facts.command(step) for step in logs.commands(folder)] if folder else [],
        "tails": [log_tails.tail(folder / file, name, TITLES[name]) for name, file in LOGS.items()] if folder else [],
        "last_lines": log_tails.last_lines(folder, LAST_LINES) if folder and trial.status == TrialStatus.FAILED else "",
        "same_reason": trial_facts.same_reason(experiment, trial),
        "alike": failed_like(trial.reason),
        "events": trial_facts.events(experiment, trial),
        "why": trial_facts.why(experiment, trial),
        "artifacts_part": ARTIFACTS if _is_there(ARTIFACTS) else "",
        **_controls(place, experiment, trial),
    }


@require_GET
@in_workspace
def neighbours(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    """The trials nearest to one: a page, or for htmx its table alone."""
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    nearest = near.neighbours(experiment, Job.from_dict(experiment.job).space, found)
    context = {"experiment": experiment, "trial": found, "neighbours": nearest}
    template = "trials/parts/neighbours.html" if getattr(request, "htmx", False) else "trials/neighbours.html"
    return render(request, place, template, context)


@cache
def _is_there(template: str) -> bool:
    """Whether an installation has this piece of page."""
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True


def _controls(place: Place, experiment: Experiment, trial: Trial) -> dict[str, Any]:
    if not place.may("run"):
        return {"stop_why_not": None, "restart_why_not": None}
    stop = "It has ended." if trial.has_ended else "It is being stopped." if trial.desired == "stop" else ""
    restart = ""
    if not trial.has_ended:
        restart = "It has not ended."
    elif trial.status == TrialStatus.FINISHED:
        restart = "It succeeded; the same parameters are not run again."
    elif experiment.has_ended:
        restart = "The experiment has ended."
    return {"stop_why_not": stop, "restart_why_not": restart}


@require_GET
@in_workspace
def log(request: HttpRequest, place: Place, key: str, number: int, name: str) -> HttpResponse:
    """What a log of the trial's last attempt has gained, or the whole of it."""
    if name not in LOGS:
        raise Http404
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    path = logs.attempt_folder(experiment.key, found.number, max(found.attempt_count, 1)) / LOGS[name]
    if "download" in request.GET:
        return log_tails.download([path], f"{experiment.key}-{found.number}-{name}.log")
    return log_tails.gained(request, path, ended=found.has_ended)


@require_POST
@in_workspace
def act(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    page = ("dashboard:trial", place.workspace.slug, key)
    name = request.POST.get("act")
    if name == "stop":
        _stopped(request, place, experiment, found)
    elif name in ("exclude", "include"):
        exclude_trials(request, place, experiment, [found.key], excluded=name == "exclude")
    elif name == "restart":
        try:
            answer = verbs.restart(place.actor, experiment, [found.key])[found.key]
        except REFUSALS as error:
            answer = said(error)
        if isinstance(answer, Trial):
            messages.success(request, f"Started again as trial {answer.number}.")
            return redirect(*page, answer.number)
        messages.error(request, f"Not started again: {answer}")
    return redirect(*page, number)


def _stopped(request: HttpRequest, place: Place, experiment: Experiment, trial: Trial) -> None:
    """Ask it to stop, and say whether there was still something to stop."""
    if verbs.stop(place.actor, experiment, [trial.key])[trial.key]:
        messages.success(request, "It was asked to stop.")
    else:
        messages.info(request, "It had ended before it could be stopped.")
