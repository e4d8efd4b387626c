"""The tab of the search space: what was tried where, the versions, and the editor of a new one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.dashboard.declaration import SpaceRows, row_set
from apps.dashboard.space_rows import FIELDS, SpaceRow, read_space, rows_of
from apps.dashboard.views.filtering import filtered
from apps.dashboard.views.frame import REFUSALS, Place, said
from apps.experiments.models import Experiment, SpaceVersion
from apps.insights import spaces as known
from apps.insights import summary as summaries
from apps.tuning import experiments
from apps.workspaces.access import require
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.space import Space


@dataclass
class Edit:
    """The editor as it is shown: its rows, the row's version it began from, what is wrong, what saving would mean."""

    rows: list[Any]
    total: int
    version: int
    is_open: bool = False
    errors: list[str] = field(default_factory=list)
    usable: known.Usable | None = None
    changes: list[known.Change] = field(default_factory=list)


def space(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any] | HttpResponse:
    asked = filtered(request, experiment)
    edit = None
    if request.method == "POST":
        require(place.actor, experiment.workspace_id, "edit")
        answer = edited(request, place, experiment, asked.job)
        if isinstance(answer, HttpResponse):
            return answer
        edit = answer
    elif place.may("edit"):
        edit = _begun(experiment, asked.job.space, is_open="edit" in request.GET)
    top = summaries.best_ten(experiment, asked.job.space, asked.upto)
    strips, looked_at = known.strips(experiment, asked.job.space, top, asked.upto)
    return {
        **asked.box,
        "strips": strips,
        "looked_at": looked_at,
        "top": len(top),
        "versions": known.versions(experiment),
        "edit": edit,
        "blank_row": SpaceRow(prefix="space-__prefix__", initial={"type": "uniform"}),
        "edit_why_not": "It has ended; clone it to search another space." if experiment.has_ended else "",
    }


def edited(request: HttpRequest, place: Place, experiment: Experiment, job: Job) -> Edit | HttpResponse:
    """Do what the editor's button says: show what saving would mean, save, go back to a version, or change its rows."""
    do = request.POST.get("do", "preview")
    if do == "add" or do.startswith("remove-"):
        return _rerowed(request, experiment, do)
    if do.startswith("restore-"):
        return _restored(place, experiment, do.removeprefix("restore-"))
    rows = SpaceRows(request.POST, prefix="space")
    edit = Edit(list(rows.forms), len(rows.forms), _version(request, experiment), is_open=True)
    found = read_space(list(rows.forms), job.space) if rows.is_valid() else None
    if found is None or not len(found):
        edit.errors.append(
            "Not changed. " + ("The space needs a parameter." if found is not None else "See the rows below.")
        )
        return edit
    edit.usable, edit.changes = known.usable(experiment, found), known.changes(job.space, found)
    try:
        changed = replace(job, space=found)
        changed.check()
        if do == "save":
            return _saved(request, place, experiment, changed, edit.version)
    except SpecError as error:
        edit.errors.append(f"Not changed. {error}")
    except REFUSALS as error:
        edit.errors.append(
            f"Not changed: {said(error)}. Below stands what you typed; the table above shows what is in force."
        )
        edit.version = experiments.find(place.actor, experiment.key).version
    return edit


def _saved(request: HttpRequest, place: Place, experiment: Experiment, job: Job, version: int) -> HttpResponse:
    row = experiments.update(place.actor, experiment, experiments.Changes(job=job), version=version)
    words = f"Space version {row.space_version} is in force; new trials are asked from it."
    messages.success(request, words if row.space_version != experiment.space_version else "Nothing differs.")
    page = reverse("dashboard:experiment-tab", args=[place.workspace.slug, experiment.key, "space"])
    return redirect(f"{page}#content")  # without a place of its own a browser stays at the form's, below the message


def _restored(place: Place, experiment: Experiment, number: str) -> Edit:
    """The editor filled with an earlier version, with what going back would mean; nothing is changed yet."""
    rows = SpaceVersion.objects.filter(experiment=experiment)
    found = rows.filter(number=int(number)).first() if number.isdecimal() and len(number) < 8 else None
    current = Job.from_dict(experiment.job).space
    before = Space.from_dict(found.space) if found is not None else current
    edit = _begun(experiment, before, is_open=True)
    edit.usable, edit.changes = known.usable(experiment, before), known.changes(current, before)
    if found is None:
        edit.errors.append("There is no such version.")
    return edit


def _begun(experiment: Experiment, current: Space, *, is_open: bool) -> Edit:
    rows = row_set(rows_of(current))
    return Edit(list(rows.forms), len(rows.forms), experiment.version, is_open)


def _rerowed(request: HttpRequest, experiment: Experiment, do: str) -> Edit:
    """The editor as typed, with a row more or less; for browsers without scripts."""
    typed = SpaceRows(request.POST, prefix="space").forms
    rows = [{name: row[name].value() for name in FIELDS} for row in typed]
    if do == "add":
        rows.append({"type": "uniform"})
    else:
        rows = [row for place, row in enumerate(rows) if str(place) != do.removeprefix("remove-")]
    made = row_set(rows)
    return Edit(list(made.forms), len(made.forms), _version(request, experiment), is_open=True)


def _version(request: HttpRequest, experiment: Experiment) -> int:
    typed = request.POST.get("version", "")
    return int(typed) if typed.isdecimal() and len(typed) < 10 else experiment.version
