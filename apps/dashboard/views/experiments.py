"""The page of one experiment: header, tabs, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from apps.dashboard import log_tails
from apps.dashboard.panels import Broken, guarded
from apps.dashboard.views import notes, settings, sharing, spaces, submitted, trials_tab, understand
from apps.dashboard.views.filtering import carried
from apps.dashboard.views.frame import Place, in_workspace, render
from apps.dashboard.views.opening import header, load
from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.feed.models import Event, experiment_stream
from apps.trials import logs

EVENTS = 200
LONGEST_SEARCH = 100
HAPPENINGS = (
    ("", "All of the experiment"),
    ("people", "By people"),
    ("trials", "Of trials"),
    ("warning", "Warnings"),
    ("error", "Errors"),
)
"""What the events can be narrowed to, and the words for it."""
ABOUT_LOG = "what it could not do, with the reasons; of a turn in which all is well it says nothing; times in UTC"
POSTED = ("settings", "space")
"""Tabs with a form of their own."""


@require_GET
@in_workspace
def overview(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    return _tab(request, place, key, "overview")


@require_http_methods(["GET", "POST"])
@in_workspace
def tab(request: HttpRequest, place: Place, key: str, tab: str) -> HttpResponse:
    if tab not in FILLERS or (request.method == "POST" and tab not in POSTED):
        raise Http404
    return _tab(request, place, key, tab)


def _tab(request: HttpRequest, place: Place, key: str, tab: str) -> HttpResponse:
    """The tab; one that breaks breaks alone, below the header and beside the other tabs."""
    experiment, after = load(place, key)
    frame = {**header(place, experiment, tab), "after": after, "carried": carried(request)}
    shown = guarded(lambda: _filled(request, place, experiment, frame))
    if isinstance(shown, Broken):
        what = f"This part of {experiment}"
        return render(request, place, "experiments/broken.html", {**frame, "broken": shown, "what": what}, status=500)
    return shown


def _filled(request: HttpRequest, place: Place, experiment: Experiment, frame: Mapping[str, Any]) -> HttpResponse:
    tab = frame["tab"]
    filled = FILLERS[tab](request, place, experiment)
    if isinstance(filled, HttpResponse):
        return filled
    context = {**frame, **filled}
    status = 400 if any(getattr(form, "errors", None) for form in filled.values()) else 200
    response = render(request, place, f"experiments/{tab}.html", context, status=status)
    if tab == "trials":
        trials_tab.keep_columns(request, response)
    return response


def _logs(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    what = request.GET.get("what") or request.GET.get("level", "")
    find = request.GET.get("find", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    kind = "trial" if what == "trials" else "note"
    happened = Event.objects.filter(stream=experiment_stream(experiment.key), kind=kind).order_by("-seq")
    if what in ("warning", "error"):
        happened = happened.filter(payload__level=what)
    if what == "people":
        happened = happened.exclude(payload__by="")
    if find:
        text = Q(payload__text__icontains=find) if kind == "note" else Q(payload__reason__icontains=find)
        happened = happened.filter(text | Q(payload__status__iexact=find) | _of_trial(find))
    events = list(happened[: EVENTS + 1])
    path = logs.optimizer_log(Path(django_settings.TUNEBOOK_DATA), experiment.key)
    return {
        "events": events[:EVENTS],
        "more": len(events) > EVENTS,
        "what": what if what in dict(HAPPENINGS) else "",
        "find": find,
        "happenings": HAPPENINGS,
        "workers": list(Worker.objects.alive()),
        "tail": log_tails.tail(path, "optimizer", "Optimizer's log", older=logs.older(path), about=ABOUT_LOG),
    }


@require_GET
@in_workspace
def optimizer_log(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    """What the optimizer's log of an experiment has gained, or the whole of it."""
    experiment, _ = load(place, key)
    path = logs.optimizer_log(Path(django_settings.TUNEBOOK_DATA), experiment.key)
    if "download" in request.GET:
        return log_tails.download([logs.older(path), path], f"{experiment.key}-optimizer.log")
    return log_tails.gained(request, path, ended=experiment.has_ended)


def _of_trial(text: str) -> Q:
    return Q(payload__number=int(text)) if text.isascii() and text.isdecimal() and len(text) < 10 else Q()


def _notes(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    return {**notes.written(request, place, experiment), **sharing.links(request, place, experiment)}


Filler = Callable[[HttpRequest, Place, Experiment], "dict[str, Any] | HttpResponse"]
FILLERS: dict[str, Filler] = {
    "overview": understand.overview,
    "trials": trials_tab.trials,
    "analyse": understand.analyse,
    "curves": understand.curves,
    "space": spaces.space,
    "replay": understand.replay,
    "logs": _logs,
    "notes": _notes,
    "settings": settings.settings,
    "submitted": submitted.submitted,
}
