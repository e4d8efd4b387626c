"""The page of one experiment: header, tabs, and what can be done with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from apps.dashboard.forms import LimitsForm, SettingsForm
from apps.dashboard.paging import Pages
from apps.dashboard.query import parse, trials_grammar
from apps.dashboard.templatetags.figures import metric
from apps.dashboard.trial_listing import TrialListing
from apps.dashboard.views.frame import REFUSALS, Place, in_workspace, render
from apps.experiments.models import Desired, Experiment
from apps.experiments.workers import Worker
from apps.feed import reading
from apps.feed.models import Event, experiment_stream
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.tuning.announce import seconds_left
from apps.workspaces.access import require
from tunebook.job import Job
from tunebook.status import LIVE_TRIAL, ExperimentStatus, TrialStatus

TABS = (
    ("overview", "Overview"),
    ("trials", "Trials"),
    ("curves", "Curves"),
    ("logs", "Logs & events"),
    ("settings", "Settings"),
)
MOST_RUNNING = 20
TWIN_ROWS = 50
EVENTS = 200


def header(place: Place, experiment: Experiment, tab: str) -> dict[str, Any]:
    """What the strip above every tab shows. One query: is an optimizer alive."""
    alive = experiment.has_ended or Worker.objects.alive().exists()
    return {
        "experiment": experiment,
        "tags": list(experiment.tags.all()),
        "tab": tab,
        "tabs": TABS,
        "left": seconds_left(experiment),
        "buttons": buttons(place, experiment),
        "optimizer_missing": not alive,
        "stream": experiment_stream(experiment.key),
        "limit_total": (experiment.max_trials + experiment.extra_trials) if experiment.max_trials else None,
    }


def buttons(place: Place, experiment: Experiment) -> list[dict[str, str]]:
    """The controls: none for those who may not run; what the state forbids comes with the reason in words."""
    if not place.may("run"):
        return []
    ended = "It has ended." if experiment.has_ended else ""
    stopping = "It is being stopped." if experiment.desired == Desired.STOP else ""
    forbidden = ended or stopping
    waits = experiment.desired in (Desired.PAUSE, Desired.DRAIN) or experiment.status == ExperimentStatus.CREATED
    first = "Start" if experiment.status == ExperimentStatus.CREATED else "Resume"
    pause = {"act": "pause", "words": "Pause", "icon": "pause", "why_not": forbidden}
    resume = {"act": "resume", "words": first, "icon": "play", "why_not": forbidden}
    return [resume if waits and not forbidden else pause]


def load(place: Place, key: str) -> tuple[Experiment, int]:
    """The experiment and the number of its newest event, which is read first. Three queries."""
    after = reading.heads([experiment_stream(key)]).get(experiment_stream(key), 0)
    experiment = experiments.find(place.actor, key)
    if experiment.workspace_id != place.workspace.pk:
        raise Http404
    return experiment, after


@require_GET
@in_workspace
def overview(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    return _tab(request, place, key, "overview")


@require_http_methods(["GET", "POST"])
@in_workspace
def tab(request: HttpRequest, place: Place, key: str, tab: str) -> HttpResponse:
    if tab not in FILLERS or (request.method == "POST" and tab != "settings"):
        raise Http404
    return _tab(request, place, key, tab)


def _tab(request: HttpRequest, place: Place, key: str, tab: str) -> HttpResponse:
    experiment, after = load(place, key)
    filled = FILLERS[tab](request, place, experiment)
    if isinstance(filled, HttpResponse):
        return filled
    context = {**header(place, experiment, tab), "after": after, "carried": _carried(request), **filled}
    status = 400 if any(getattr(form, "errors", None) for form in filled.values()) else 200
    return render(request, place, f"experiments/{tab}.html", context, status=status)


def _carried(request: HttpRequest) -> str:
    """The filter of the trials, which the tabs and charts share, as the end of an address."""
    typed = request.GET.get("q", "").strip()
    return f"?{urlencode({'q': typed})}" if typed else ""


def _filtered(request: HttpRequest, experiment: Experiment) -> tuple[TrialListing, dict[str, Any]]:
    """The trials that meet `q`, and what the query box shows."""
    space = Job.from_dict(experiment.job).space
    query = parse(request.GET.get("q", ""), trials_grammar(space.leaves()))
    chips = [(term.text, query.without(term)) for term in query.terms]
    return TrialListing(experiment, space, query), {"query": query, "chips": chips}


def _overview(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    listing, box = _filtered(request, experiment)
    trials = listing.rows().filter(value__isnull=False).order_by("-number")
    newest = trials.values_list("number", "value", "source")[:TWIN_ROWS]
    return {
        **now(experiment),
        **box,
        "twin_headings": ["Trial", metric(experiment.metric), "Why it was tried"],
        "twin": list(newest),
    }


def now(experiment: Experiment) -> dict[str, Any]:
    """What goes on: the best trial, those that run, and why others failed. Three queries."""
    job = Job.from_dict(experiment.job)
    best = None
    if experiment.best_trial is not None:
        best = Trial.objects.filter(experiment=experiment, number=experiment.best_trial).first()
    running = Trial.objects.filter(experiment=experiment, status__in=LIVE_TRIAL).order_by("number")[:MOST_RUNNING]
    failed = Trial.objects.filter(experiment=experiment, status=TrialStatus.FAILED)
    failures = failed.values("reason").annotate(trials=Count("pk"), last=Max("number")).order_by("-trials")[:5]
    return {
        "experiment": experiment,
        "best": best,
        "best_params": job.space.flatten(best.params) if best else {},
        "best_json": json.dumps(best.params, ensure_ascii=False) if best else "",
        "running": list(running) if experiment.live_count else [],
        "failures": list(failures) if experiment.failed_count else [],
    }


@require_GET
@in_workspace
def part(request: HttpRequest, place: Place, key: str, part: str) -> HttpResponse:
    """A piece of the page, rendered anew for htmx."""
    if part != "now":
        raise Http404
    experiment, _ = load(place, key)
    return render(request, place, "experiments/parts/now.html", now(experiment))


def _trials(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    listing, box = _filtered(request, experiment)
    total = listing.total()
    pages = Pages.of(request.GET, total)
    columns = listing.columns(request.GET.getlist("col"))
    sort = request.GET.get("sort", "-number")
    return {
        **box,
        "columns": columns,
        "chosen_columns": request.GET.getlist("col"),
        "pages": pages,
        "total": total,
        "sort": sort,
        "rows": listing.page(sort, pages, columns) if total else [],
    }


def _curves(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    listing, box = _filtered(request, experiment)
    reported = listing.rows().filter(value_count__gt=0).order_by("-number")
    rows = reported.values_list("number", "last_step", "last_value", "best_value")[:TWIN_ROWS]
    return {
        **box,
        "twin_headings": ["Trial", "Last step", f"Last {metric(experiment.metric)}", "Best"],
        "twin": list(rows),
    }


def _logs(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    notes = Event.objects.filter(stream=experiment_stream(experiment.key), kind="note").order_by("-seq")
    level = request.GET.get("level", "")
    if level in ("warning", "error"):
        notes = notes.filter(payload__level=level)
    return {"notes": list(notes[:EVENTS]), "level": level, "workers": list(Worker.objects.alive())}


def _settings(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any] | HttpResponse:
    declared = json.dumps(experiment.job, indent=2, ensure_ascii=False)
    own = "limits" if request.POST.get("form") == "limits" else "settings"
    forms: dict[str, Any] = {
        "settings_form": SettingsForm(
            experiment, request.POST if request.method == "POST" and own == "settings" else None
        ),
        "limits_form": LimitsForm(experiment, request.POST if request.method == "POST" and own == "limits" else None),
    }
    can_reopen = place.may("run") and experiment.status in (ExperimentStatus.FINISHED, ExperimentStatus.EARLY_STOPPED)
    shown = {**forms, "declared": declared, "can_reopen": can_reopen}
    if request.method == "GET":
        return shown
    require(place.actor, experiment.workspace_id, "edit")
    form = forms[f"{own}_form"]
    if form.is_valid():
        try:
            form.save(place.actor)
        except REFUSALS as error:
            form.add_error(form.place_of(error), getattr(error, "message", str(error)))
        else:
            messages.success(request, "Saved.")
            return redirect("dashboard:experiment-tab", place.workspace.slug, experiment.key, "settings")
    return shown


Filler = Callable[[HttpRequest, Place, Experiment], "dict[str, Any] | HttpResponse"]
FILLERS: Mapping[str, Filler] = {
    "overview": _overview,
    "trials": _trials,
    "curves": _curves,
    "logs": _logs,
    "settings": _settings,
}
