"""The page of one experiment: header, tabs, and what can be done with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from apps.dashboard.forms import LimitsForm, SettingsForm
from apps.dashboard.paging import Pages
from apps.dashboard.views import spaces, understand
from apps.dashboard.views.filtering import carried, filtered
from apps.dashboard.views.frame import REFUSALS, Place, in_workspace, render
from apps.dashboard.views.opening import header, load
from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.feed.models import Event, experiment_stream
from apps.workspaces.access import require
from tunebook.status import ExperimentStatus

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
    experiment, after = load(place, key)
    filled = FILLERS[tab](request, place, experiment)
    if isinstance(filled, HttpResponse):
        return filled
    context = {**header(place, experiment, tab), "after": after, "carried": carried(request), **filled}
    status = 400 if any(getattr(form, "errors", None) for form in filled.values()) else 200
    return render(request, place, f"experiments/{tab}.html", context, status=status)


def _trials(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    asked = filtered(request, experiment)
    listing, box = asked.listing, asked.box
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
    "overview": understand.overview,
    "trials": _trials,
    "analyse": understand.analyse,
    "curves": understand.curves,
    "space": spaces.space,
    "replay": understand.replay,
    "logs": _logs,
    "settings": _settings,
}
