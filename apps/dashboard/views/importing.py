"""An experiment from a file that another Tunebook wrote."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.dashboard.views.frame import REFUSALS, Place, in_workspace, render
from apps.tuning import transfer
from apps.workspaces.access import require
from tunebook.errors import SpecError

MOST_BYTES = 256 << 20


@require_http_methods(["GET", "POST"])
@in_workspace
def take_in(request: HttpRequest, place: Place) -> HttpResponse:
    """The page with its form; a file without a mistake becomes an experiment, of one with mistakes nothing is stored."""
    require(place.actor, place.workspace.pk, "create")
    wrong = ""
    if request.method == "POST":
        try:
            made = transfer.load(place.actor, _document(request), workspace=place.workspace)
        except REFUSALS as error:
            wrong = str(error)
        else:
            messages.success(request, f"{made} is here now, with {made.trial_count:,} trials.")
            return redirect("dashboard:experiment", place.workspace.slug, made.key)
    context = {"wrong": wrong, "most": f"{MOST_BYTES >> 20} MiB"}
    return render(request, place, "experiments/import.html", context, status=400 if wrong else 200)


def _document(request: HttpRequest) -> Any:
    file = request.FILES.get("file")
    if file is None:
        raise SpecError("file", "choose the file that the other Tunebook wrote")
    if (file.size or 0) > MOST_BYTES:
        raise SpecError("file", f"must have at most {MOST_BYTES >> 20} MiB, this one has {(file.size or 0) >> 20}")
    try:
        return json.loads(file.read(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise SpecError("file", f"is no JSON document: {error}"[:300]) from None


def _no_number(word: str) -> None:
    raise ValueError(f"{word} stands for no number; it must be in quotes")
