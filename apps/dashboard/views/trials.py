"""The page of one trial: parameters, metrics, curve, log, events; restart and stop."""

from __future__ import annotations

import json
import shlex
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from apps.dashboard.templatetags.figures import metric, number, words
from apps.dashboard.views.experiments import load
from apps.dashboard.views.frame import REFUSALS, Place, attempt, in_workspace, render
from apps.experiments.models import Experiment
from apps.feed.models import Event, experiment_stream
from apps.trials import logs
from apps.trials.history import series_name
from apps.trials.models import Measurement, Trial, number_of
from apps.tuning import trials as verbs
from apps.tuning.announce import word
from tunebook.job import Job
from tunebook.space import Space
from tunebook.status import TrialStatus

LOGS = {"out": "out.log", "err": "err.log"}
TAIL = 64 * 1024
LAST_LINES = 20
MOST_METRICS = 200
MOST_EVENTS = 100
TWIN_ROWS = 50


@require_GET
@in_workspace
def trial(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    experiment, after = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    job = Job.from_dict(experiment.job)
    attempts = list(found.attempts.order_by("-number"))
    folder = logs.attempt_folder(experiment.key, found.number, attempts[0].number) if attempts else None
    context: dict[str, Any] = {
        "experiment": experiment,
        "trial": found,
        "after": after,
        "stream": experiment_stream(experiment.key),
        "is_best": found.number == experiment.best_trial,
        "rank": _rank(experiment, found),
        "previous": found.number - 1 if found.number > 0 else None,
        "next": found.number + 1 if found.number + 1 < experiment.trial_count else None,
        "params": _params(experiment, found, job.space),
        "metrics": _metrics(found),
        "attempts": attempts,
        "commands": [_command(step) for step in logs.commands(folder)] if folder else [],
        "tails": [_tail(folder, name) for name in LOGS] if folder else [],
        "last_lines": _last_lines(folder) if folder and found.status == TrialStatus.FAILED else "",
        "same_reason": _same_reason(experiment, found),
        "events": _events(experiment, found),
        "twin_headings": ["Step", metric(experiment.metric)],
        "twin": _twin(found, job),
        "raw": json.dumps(_raw(found), indent=2, ensure_ascii=False),
        **_controls(place, experiment, found),
    }
    return render(request, place, "trials/trial.html", context)


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


def _rank(experiment: Experiment, trial: Trial) -> tuple[int, int] | None:
    if trial.value is None or trial.status != TrialStatus.FINISHED:
        return None
    finished = Trial.objects.filter(experiment=experiment, status=TrialStatus.FINISHED, value__isnull=False)
    better = {"value__lt" if experiment.goal == "minimize" else "value__gt": trial.value}
    return finished.filter(**better).count() + 1, experiment.finished_count


def _params(experiment: Experiment, trial: Trial, space: Space) -> list[dict[str, Any]]:
    """Each parameter with its place in the range and the best trial's value. One query where another is the best."""
    best: dict[str, Any] = {}
    if experiment.best_trial not in (None, trial.number):
        row = Trial.objects.filter(experiment=experiment, number=experiment.best_trial).values_list("params").first()
        best = space.flatten(row[0]) if row else {}
    leaves = space.leaves()
    shown = []
    for name, value in space.flatten(trial.params).items():
        distribution = leaves[name][0] if name in leaves else None
        share = None
        if distribution is not None and distribution.is_numeric and distribution.contains(value):
            share = distribution.position(value)
        shown.append(
            {
                "name": name,
                "value": value,
                "text": words(value),
                "range": distribution.describe() if distribution else "not in the space any more",
                "share": share,
                "best": words(best[name]) if name in best else "",
                "difference": _difference(value, best.get(name)),
            }
        )
    return shown


def _difference(value: Any, best: Any) -> str:
    if value == best and best is not None:
        return "same"
    numeric = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, best))
    if not numeric:
        return ""
    gap = number(value - best)
    return gap if gap.startswith("-") else f"+{gap}"


def _metrics(trial: Trial) -> list[dict[str, Any]]:
    """The last value of each metric. Two queries."""
    rows = Measurement.objects.filter(trial=trial, attempt=max(trial.attempt_count, 1))
    names = rows.values("name").annotate(points=Count("pk"), last=Max("step")).order_by("name")[:MOST_METRICS]
    known = {row["name"]: row for row in names}
    steps = {row["last"] for row in known.values()}
    found: dict[str, Any] = {}
    for row in rows.filter(name__in=list(known), step__in=steps):
        if row.step == known[row.name]["last"]:
            found[row.name] = word(number_of(row.value, row.kind))
    return [
        {"name": name or "objective (weighted)", "value": found.get(name), "step": row["last"], "points": row["points"]}
        for name, row in known.items()
    ]


def _command(step: dict[str, Any]) -> dict[str, Any]:
    """A step as it would be typed into a shell, and how it ended."""
    typed = step.get("command", "")
    text = shlex.join(map(str, typed)) if isinstance(typed, list) else str(typed)
    return {"text": text, "code": step.get("code")}


def _twin(trial: Trial, job: Job) -> list[tuple[int, Any]]:
    """The newest points of the curve. One query."""
    rows = Measurement.objects.filter(trial=trial, attempt=max(trial.attempt_count, 1), name=series_name(job.objective))
    newest = rows.order_by("-step").values_list("step", "value", "kind")[:TWIN_ROWS]
    return [(step, word(number_of(value, kind))) for step, value, kind in newest]


def _tail(folder: Any, name: str) -> dict[str, Any]:
    path = folder / LOGS[name]
    size = path.stat().st_size if path.is_file() else 0
    return {"name": name, "text": logs.piece(path, 0, size, most=TAIL), "offset": size, "cut": size > TAIL}


def _last_lines(folder: Any) -> str:
    for name in ("err", "out"):
        text = _tail(folder, name)["text"].rstrip()
        if text:
            return "\n".join(text.splitlines()[-LAST_LINES:])
    return ""


def _same_reason(experiment: Experiment, trial: Trial) -> int:
    if trial.status != TrialStatus.FAILED or not trial.reason:
        return 0
    same = Trial.objects.filter(experiment=experiment, status=TrialStatus.FAILED, reason=trial.reason)
    return same.exclude(pk=trial.pk).count()


def _events(experiment: Experiment, trial: Trial) -> list[Event]:
    """The trial's changes of state, newest first. One query."""
    rows = Event.objects.filter(stream=experiment_stream(experiment.key), kind="trial", payload__number=trial.number)
    return list(rows.order_by("-seq")[:MOST_EVENTS])


def _raw(trial: Trial) -> dict[str, Any]:
    return {
        "key": trial.key,
        "number": trial.number,
        "status": str(trial.status),
        "reason": trial.reason,
        "params": trial.params,
        "value": word(trial.value),
        "last_value": word(trial.last_value),
        "last_step": trial.last_step,
        "source": trial.source,
        "expected": word(trial.expected),
        "spread": word(trial.spread),
        "space_version": trial.space_version,
        "attempts": trial.attempt_count,
        "created": trial.created.isoformat(),
        "started": trial.started.isoformat() if trial.started else None,
        "ended": trial.ended.isoformat() if trial.ended else None,
    }


@require_GET
@in_workspace
def log(request: HttpRequest, place: Place, key: str, number: int, name: str) -> HttpResponse:
    """What a log has gained behind `offset`: text, the new offset, and whether more can come."""
    if name not in LOGS:
        raise Http404
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    path = logs.attempt_folder(experiment.key, found.number, max(found.attempt_count, 1)) / LOGS[name]
    size = path.stat().st_size if path.is_file() else 0
    if "download" in request.GET:
        return _download(experiment, found, path, name)
    asked = request.GET.get("offset", "0")
    start = int(asked) if asked.isdecimal() and len(asked) < 16 else 0
    start = 0 if start > size else start
    answer = {"text": logs.piece(path, start, size, most=TAIL), "offset": size, "ended": found.has_ended}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _download(experiment: Experiment, trial: Trial, path: Any, name: str) -> HttpResponse:
    try:
        text = "\n".join(logs.page([path], None, 0).lines)
    except logs.TooLong:
        end = path.stat().st_size
        text = f"[the last {logs.LARGEST_ANSWER >> 20} MiB]\n{logs.piece(path, 0, end, most=logs.LARGEST_ANSWER)}"
    shown = f"{experiment.key}-{trial.number}-{name}.log"
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{shown}"'},
    )


@require_POST
@in_workspace
def act(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    page = ("dashboard:trial", place.workspace.slug, key)
    name = request.POST.get("act")
    if name == "stop":
        attempt(request, partial(verbs.stop, place.actor, experiment, [found.key]), "It was asked to stop.")
    elif name == "restart":
        try:
            answer = verbs.restart(place.actor, experiment, [found.key])[found.key]
        except REFUSALS as error:
            answer = str(error)
        if isinstance(answer, Trial):
            messages.success(request, f"Started again as trial {answer.number}.")
            return redirect(*page, answer.number)
        messages.error(request, f"Not started again: {answer}")
    return redirect(*page, number)
