"""Sharing an experiment: links for people without an account, and files to take along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.dashboard.views.filtering import filtered
from apps.dashboard.views.frame import Place, given, in_workspace
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.reports import report
from apps.search.export import for_spreadsheets
from apps.trials.models import Trial
from apps.tuning import sharing, transfer
from apps.tuning.transfer import table
from apps.workspaces.access import NotAllowed
from tunebook.errors import SpecError

MADE = "made-link"
"""Where a session keeps a link that was just made, until it has been shown."""


def links(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    """What the card of links shows; nothing to those who may not share. One query."""
    if not place.may("edit"):
        return {}
    made = request.session.pop(MADE, None)
    shown = made["link"] if made and made["key"] == experiment.key else ""
    return {"links": list(sharing.links_of(place.actor, experiment)), "made_link": shown}


@require_POST
@in_workspace
def share(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    """Make a link or close one."""
    experiment, _ = load(place, key)
    number, days = request.POST.get("link", ""), request.POST.get("days", "")
    try:
        if request.POST.get("act") == "close":
            sharing.unshare(place.actor, experiment, int(number) if number.isdecimal() and len(number) < 10 else 0)
            messages.success(request, "The link is closed.")
        else:
            whole = int(days) if days.isdecimal() and len(days) < 5 else 0
            _, token = sharing.share(place.actor, experiment, days=whole, name=given(request, "name"))
            link = request.build_absolute_uri(reverse("dashboard:shared", args=[token]))
            request.session[MADE] = {"key": experiment.key, "link": link}
    except (SpecError, NotAllowed) as error:
        messages.error(request, f"Not done: {error}")
    page = redirect("dashboard:experiment-tab", place.workspace.slug, experiment.key, "notes")
    page["Location"] += "#links"
    return page


Writer = Callable[[Experiment], Iterator[str]]
TRIALS: Mapping[str, tuple[str, Callable[[Experiment, QuerySet[Trial]], Iterator[str]]]] = {
    "trials.csv": ("text/csv; charset=utf-8", lambda *asked: for_spreadsheets(table.as_csv(*asked))),
    "trials.json": ("application/json", table.as_json),
}
FILES: Mapping[str, tuple[str, Writer]] = {
    "experiment.json": ("application/json", transfer.dump),
    "report.html": ("text/html; charset=utf-8", lambda experiment: iter([report.html(experiment)])),
}


@require_GET
@in_workspace
def take(request: HttpRequest, place: Place, key: str, file: str) -> Any:
    """A file to take along; of trials those that meet `q`."""
    experiment, _ = load(place, key)
    if file in TRIALS:
        return trials_file(experiment, file, filtered(request, experiment).listing.rows().order_by("number"))
    if file not in FILES:
        raise Http404
    kind, write = FILES[file]
    return _streamed(experiment, file, kind, write(experiment))


def trials_file(experiment: Experiment, file: str, rows: QuerySet[Trial]) -> Any:
    """Trials as "trials.csv" or "trials.json", written while they are read."""
    kind, write = TRIALS[file]
    return _streamed(experiment, file, kind, write(experiment, rows))


def _streamed(experiment: Experiment, file: str, kind: str, lines: Iterator[str]) -> Any:
    return StreamingHttpResponse(
        lines,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{experiment.key}-{file}"', "Cache-Control": "no-store"},
    )
