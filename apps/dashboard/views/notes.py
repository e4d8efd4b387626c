"""The Notes tab of an experiment, and the part of a trial's page in which people write."""

from __future__ import annotations

import difflib
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.dashboard.views.frame import Place, attempt, back, given, in_workspace
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import discussion
from apps.tuning import trials as trial_verbs
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach
from tunebook.errors import SpecError

VERSIONS = 50
UNSAVED = "unsaved-note"
"""What somebody wrote over a note that had changed meanwhile, until it is shown to them again."""


def written(request: HttpRequest, place: Place, experiment: Experiment, trial: Trial | None = None) -> dict[str, Any]:
    """What is written about the experiment or the trial. Two queries."""
    versions = list(discussion.notes_of(experiment, trial)[:VERSIONS])
    current = versions[0] if versions else None
    shown = _chosen(request.GET.get("version", ""), versions) or current
    return {
        "note": shown,
        "note_number": current.number if current else 0,
        "versions": versions,
        "note_difference": _difference(shown, current) if shown is not current else [],
        "unsaved": _unsaved(request, experiment, trial),
        "comments": list(discussion.comments_of(experiment, trial)),
        "about_trial": trial,
    }


def _about(experiment: Experiment, trial: Trial | None) -> str:
    return experiment.key if trial is None else trial.key


def _unsaved(request: HttpRequest, experiment: Experiment, trial: Trial | None) -> str | None:
    kept = request.session.get(UNSAVED)
    if kept is None or kept["about"] != _about(experiment, trial):
        return None
    return str(request.session.pop(UNSAVED)["text"])


def _chosen(number: str, versions: list[Any]) -> Any:
    return next((one for one in versions if str(one.number) == number), None)


def _difference(shown: Any, current: Any) -> list[tuple[str, str]]:
    """The lines by which the version in force differs from the shown one: a mark and the text."""
    lines = difflib.unified_diff(shown.text.splitlines(), current.text.splitlines(), lineterm="", n=2)
    return [(line[:1], line[1:]) for line in list(lines)[2:400]]


@require_POST
@in_workspace
def write(request: HttpRequest, place: Place, key: str, number: int | None = None) -> HttpResponse:
    """Store the note, or add, change or delete a comment; then back to where it was written."""
    experiment, _ = load(place, key)
    trial = None if number is None else trial_verbs.find(place.actor, experiment, number=number)
    page = redirect("dashboard:experiment-tab", place.workspace.slug, experiment.key, "notes")
    if trial is not None:
        page = redirect("dashboard:trial", place.workspace.slug, experiment.key, trial.number)
    act, text = request.POST.get("act", ""), given(request, "text").replace("\r\n", "\n")
    if act not in ACTS:
        raise Http404
    try:
        ACTS[act](request, place, experiment, trial, text)
    except Conflict as error:
        request.session[UNSAVED] = {"about": _about(experiment, trial), "text": text}
        messages.error(request, f"Not saved: {error}. Yours is still in the form; saved again, it is in force.")
    except SpecError as error:
        messages.error(request, f"Not done: {error}")
    except OutOfReach as error:
        if error.what != "comment":
            raise
        messages.error(request, "Not done: this comment was deleted meanwhile.")
    return back(request, page["Location"])


def _note(request: HttpRequest, place: Place, experiment: Experiment, trial: Trial | None, text: str) -> None:
    based = request.POST.get("based_on", "")
    number = int(based) if based.isdecimal() and len(based) < 9 else None
    discussion.write_note(place.actor, experiment, text, trial=trial, based_on=number)
    messages.success(request, "The note is saved.")


def _say(request: HttpRequest, place: Place, experiment: Experiment, trial: Trial | None, text: str) -> None:
    discussion.comment(place.actor, experiment, text, trial=trial)


def _change(request: HttpRequest, place: Place, experiment: Experiment, trial: Trial | None, text: str) -> None:
    discussion.change_comment(place.actor, _found(request, experiment), text)


def _delete(request: HttpRequest, place: Place, experiment: Experiment, trial: Trial | None, text: str) -> None:
    found = _found(request, experiment)
    attempt(request, lambda: discussion.delete_comment(place.actor, found), "The comment is deleted.")


def _found(request: HttpRequest, experiment: Experiment) -> Any:
    number = request.POST.get("comment", "")
    return discussion.find_comment(experiment, int(number) if number.isdecimal() and len(number) < 10 else 0)


ACTS = {"note": _note, "say": _say, "change": _change, "delete": _delete}
