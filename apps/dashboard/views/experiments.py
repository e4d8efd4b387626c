"""The page of one experiment: header, tabs, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from apps.dashboard.panels import Broken, guarded
from apps.dashboard.views import notes, settings, sharing, spaces, submitted, trials_tab, understand
from apps.dashboard.views.filtering import carried
from apps.dashboard.views.frame import Place, in_workspace, render
from apps.dashboard.views.opening import header, load
from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.feed.models import Event, experiment_stream

EVENTS = 200
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
    notes = Event.objects.filter(stream=experiment_stream(experiment.key), kind="note").order_by("-seq")
    level = request.GET.get("level", "")
    if level in ("warning", "error"):
        notes = notes.filter(payload__level=level)
    return {"notes": list(notes[:EVENTS]), "level": level, "workers": list(Worker.objects.alive())}


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
