"""The Settings tab: what an experiment is called, who sees it, its limits; a conflict shows both versions."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.dashboard.forms import LimitsForm, SettingsForm
from apps.dashboard.views.frame import REFUSALS, Place, back, in_workspace, render, said
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.tuning import experiments
from apps.tuning.errors import Conflict
from apps.workspaces.access import require


def settings(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any] | HttpResponse:
    """What the tab shows, or where to go after it was saved."""
    sent = request.POST.get("form", "settings") if request.method == "POST" else ""
    forms: dict[str, Any] = {
        "settings_form": SettingsForm(experiment, place.actor, request.POST if sent and sent != "limits" else None),
        "limits_form": LimitsForm(experiment, request.POST if sent == "limits" else None),
    }
    shown = {
        **forms,
        "declared": json.dumps(experiment.job, indent=2, ensure_ascii=False),
        "next": request.POST.get("next", ""),
    }
    if not sent:
        return shown
    require(place.actor, experiment.workspace_id, "edit")
    form = forms["limits_form" if sent == "limits" else "settings_form"]
    return _saved(request, place, experiment, form) or shown


def _saved(request: HttpRequest, place: Place, experiment: Experiment, form: Any) -> HttpResponse | None:
    if not form.is_valid():
        return None
    page = reverse("dashboard:experiment-tab", args=[place.workspace.slug, experiment.key, "settings"])
    done = _done(request, page, form) if isinstance(form, LimitsForm) else "Saved."
    try:
        form.save(place.actor)
    except Conflict as error:
        theirs = experiments.find(place.actor, experiment.key)
        if theirs.version == form.cleaned_data["version"]:
            form.add_error(None, str(error))
        else:
            form.meet(form.current(theirs), theirs.version)
            form.add_error(
                None, "Somebody has changed it meanwhile. Look at both versions, then save again or take theirs."
            )
        return None
    except REFUSALS as error:
        form.add_error(form.place_of(error), getattr(error, "message", said(error)))
        return None
    messages.success(request, done)
    return back(request, page)


def _done(request: HttpRequest, page: str, form: LimitsForm) -> str:
    """What changed, with a button that changes it back."""
    changed = form.changed_words()
    if not changed:
        return "Nothing to change: these limits are in force."
    before = form.current(form.experiment)
    if form.cleaned_data["version"]:
        # what it will be then: undoing must not undo what others did since
        before["version"] = form.cleaned_data["version"] + 1
    context = {"changed": changed, "before": before, "action": page, "next": request.POST.get("next", "")}
    return render_to_string("components/undo.html", context, request)


@require_GET
@in_workspace
def limits(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    """The limits as a small form for the header's menu, for htmx."""
    experiment, _ = load(place, key)
    context = {"experiment": experiment, "limits_form": LimitsForm(experiment), "next": request.GET.get("next", "")}
    return render(request, place, "experiments/parts/limits.html", context)
