"""What is done with several experiments at once, or with one from its row in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.dashboard import undoing
from apps.dashboard.listing import Listing
from apps.dashboard.tagging import read_tags
from apps.dashboard.views.frame import REFUSALS, Place, back, in_workspace, render, said
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.search import export
from apps.search.grammar import CATALOG
from apps.search.models import Archived
from apps.search.parser import parse
from apps.tuning import experiments, shelf, trash
from apps.workspaces.access import NotAllowed, OutOfReach, require

MOST_AT_ONCE = 200
Verb = Callable[[Place, Experiment, Mapping[str, str]], object]


def _tag(place: Place, experiment: Experiment, form: Mapping[str, str]) -> object:
    return experiments.tag(place.actor, experiment, read_tags(form.get("tags", "")))


def _verb(verb: Callable[..., object]) -> Verb:
    return lambda place, experiment, form: verb(place.actor, experiment)


VERBS: Mapping[str, tuple[Verb, str, bool]] = {
    "tag": (_tag, "tagged", False),
    "star": (_verb(shelf.star), "starred", False),
    "unstar": (_verb(shelf.unstar), "no longer starred", False),
    "pause": (_verb(experiments.pause), "paused", False),
    "resume": (_verb(experiments.resume), "resumed", False),
    "stop": (_verb(experiments.stop), "stopped", False),
    "archive": (_verb(shelf.archive), "archived", False),
    "unarchive": (_verb(shelf.unarchive), "back in the catalog", False),
    "trash": (_verb(trash.delete), "moved to the trash", False),
    "restore": (_verb(trash.restore), "restored", True),
    "purge": (_verb(trash.discard), "deleted for good", True),
}
"""What can be done with ticked rows -> the verb, its past, and whether it is for rows in the trash."""
FOR_EVERYBODY = {"star", "unstar"}
UNDONE_BY: Mapping[str, str] = {"trash": "restore", "archive": "unarchive", "unarchive": "archive"}


@require_POST
@in_workspace
def act(request: HttpRequest, place: Place) -> HttpResponse:
    """Do one thing with the ticked experiments, or with the one of the row's own button; what was refused is said."""
    name, _, only = request.POST.get("one", "").partition(":")
    name, ticked = (name, [only]) if only else (request.POST.get("act", ""), request.POST.getlist("key"))
    keys = [key for key in ticked[:MOST_AT_ONCE] if key.isalnum()]
    home_page = reverse("dashboard:catalog", args=[place.workspace.slug])
    if name.startswith("export-") and keys:
        rows = _within_reach(place).filter(key__in=keys).order_by("-created", "-id")
        return as_file(place, rows, name.removeprefix("export-"))
    if name not in FOR_EVERYBODY:
        require(place.actor, place.workspace.pk, "edit")
    if name not in VERBS:
        messages.error(request, "Not done: choose what to do.")
    elif not keys:
        messages.error(request, "Not done: tick at least one experiment first.")
    else:
        _do(request, place, name, keys)
    return back(request, home_page)


def _do(request: HttpRequest, place: Place, name: str, keys: list[str]) -> None:
    verb, past, trashed = VERBS[name]
    done, refused = list[str](), dict[str, int]()
    for experiment in _within_reach(place, trashed=trashed).filter(key__in=keys).select_related("workspace"):
        try:
            verb(place, experiment, request.POST)
            done.append(experiment.key)
        except (*REFUSALS, NotAllowed, OutOfReach) as error:  # the others are done all the same
            why = "it is not there any more" if isinstance(error, OutOfReach) else said(error)
            refused[why] = refused.get(why, 0) + 1
    if done:
        words = f"{len(done)} {'experiment' if len(done) == 1 else 'experiments'} {past}."
        if name in UNDONE_BY:
            action = reverse("dashboard:act", args=[place.workspace.slug])
            undoing.done(request, words, action=action, verb=UNDONE_BY[name], keys=done)
        else:
            messages.success(request, words)
    for reason, number in refused.items():
        messages.error(request, f"{number} not {past}: {reason}.")
    if not done and not refused:
        messages.error(request, "Not done: these experiments are no longer here.")


@require_GET
@in_workspace
def menu(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    """The menu of one row, for htmx: what its state and the role allow."""
    experiment, _ = load(place, key)
    starred = experiment.stars.filter(user_id=place.actor.user_id).exists()
    return render(
        request,
        place,
        "experiments/parts/row_menu.html",
        {
            "experiment": experiment,
            "starred": starred,
            "is_archived": Archived.objects.filter(experiment=experiment).exists(),
        },
    )


@require_GET
@in_workspace
def download(request: HttpRequest, place: Place) -> HttpResponse:
    """All experiments that meet the query as a file."""
    query = parse(request.GET.get("q", ""), CATALOG)
    rows = Listing(place.actor, place.workspace, query).rows().order_by("-created", "-id")
    return as_file(place, rows, request.GET.get("format", "csv"))


def as_file(place: Place, rows: Any, form: str) -> Any:
    """The rows as CSV or JSON, written while they are read."""
    form = form if form in export.FORMATS else "csv"
    name = f'attachment; filename="{place.workspace.slug}.{form}"'
    lines = export.FORMATS[form](rows)
    return StreamingHttpResponse(
        export.for_spreadsheets(lines) if form == "csv" else lines,
        content_type=export.CONTENT_TYPES[form],
        headers={"Content-Disposition": name},
    )


def _within_reach(place: Place, *, trashed: bool = False) -> Any:
    return Experiment.objects.visible_to(place.actor).filter(workspace=place.workspace, trashed=trashed)
