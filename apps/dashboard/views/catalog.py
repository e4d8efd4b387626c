"""The catalog: find experiments, see how they go, act on several; and the trash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.dashboard.listing import DEFAULT_SORT, SORTS, Listing
from apps.dashboard.paging import Pages
from apps.dashboard.query import CATALOG, Query, parse
from apps.dashboard.tagging import read_tags
from apps.dashboard.views.frame import LAST_WORKSPACE, REFUSALS, Place, back, in_workspace, render
from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import workspace_stream
from apps.tuning import experiments
from apps.tuning.experiments import Changes
from apps.workspaces.access import require

MOST_AT_ONCE = 200
VIEWS = (
    ("All", ""),
    ("Mine", "owner:me"),
    ("Running", "status:active"),
    ("Failed this week", "status:failed updated>7d"),
)


@require_GET
@in_workspace
def home(request: HttpRequest, place: Place) -> HttpResponse:
    """To the catalog of the workspace that was used last, or of the first one."""
    return redirect("dashboard:catalog", place.workspace.slug)


@require_GET
@in_workspace
def catalog(request: HttpRequest, place: Place) -> HttpResponse:
    query = parse(request.GET.get("q", ""), CATALOG)
    stream = workspace_stream(place.workspace.slug)
    after = reading.heads([stream]).get(stream, 0)
    context = _listed(request, Listing(place.actor, place.workspace, query))
    statuses = context["listing"].statuses()
    views = [(words, text, text == " ".join(term.text for term in query.terms)) for words, text in VIEWS]
    context |= {
        "after": after,
        "views": views,
        "everything": sum(statuses.values()),
        "running": sum(statuses.get(word, 0) for word in ("RUNNING", "NO_MORE_TRIAL")),
        "facets": context["listing"].facets() if context["total"] else [],
    }
    response = render(request, place, "experiments/catalog.html", context)
    response.set_cookie(LAST_WORKSPACE, place.workspace.slug, max_age=31_536_000, samesite="Lax", httponly=True)
    return response


@require_GET
@in_workspace
def trash(request: HttpRequest, place: Place) -> HttpResponse:
    query = parse(request.GET.get("q", ""), CATALOG)
    context = _listed(request, Listing(place.actor, place.workspace, query, trashed=True))
    return render(request, place, "experiments/trash.html", context)


def _listed(request: HttpRequest, listing: Listing) -> dict[str, Any]:
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    total = listing.total()
    pages = Pages.of(request.GET, total)
    return {
        "listing": listing,
        "query": listing.query,
        "chips": _chips(listing.query),
        "sort": sort,
        "total": total,
        "pages": pages,
        "experiments": listing.page(sort, pages) if total else [],
        "strictest": _strictest(listing) if not total and listing.query.terms else None,
    }


def _chips(query: Query) -> list[tuple[str, str]]:
    return [(term.text, query.without(term)) for term in query.terms]


def _strictest(listing: Listing) -> dict[str, Any] | None:
    found = listing.strictest()
    if found is None:
        return None
    term, number = found
    return {"text": term.text, "number": number, "rest": listing.query.without(term)}


Verb = Callable[[Place, Experiment, Mapping[str, str]], object]


def _tag(place: Place, experiment: Experiment, form: Mapping[str, str]) -> object:
    added = read_tags(form.get("tags", ""))
    kept = [(tag.key, tag.value) for tag in experiment.tags.all() if tag.key not in dict(added)]
    return experiments.update(place.actor, experiment, Changes(tags=(*kept, *added)))


VERBS: Mapping[str, tuple[Verb, str, bool]] = {
    "tag": (_tag, "tagged", False),
    "pause": (lambda place, experiment, form: experiments.pause(place.actor, experiment), "paused", False),
    "resume": (lambda place, experiment, form: experiments.resume(place.actor, experiment), "resumed", False),
    "stop": (lambda place, experiment, form: experiments.stop(place.actor, experiment), "stopped", False),
    "trash": (lambda place, experiment, form: experiments.delete(place.actor, experiment), "moved to the trash", False),
    "restore": (lambda place, experiment, form: experiments.restore(place.actor, experiment), "restored", True),
    "purge": (lambda place, experiment, form: experiments.purge(place.actor, experiment), "deleted for good", True),
}
"""What can be done with ticked rows -> the verb, its past, and whether it is for rows in the trash."""


@require_POST
@in_workspace
def act(request: HttpRequest, place: Place) -> HttpResponse:
    """Do one thing with the ticked experiments; what was refused is said per reason."""
    require(place.actor, place.workspace.pk, "edit")
    name, keys = (
        request.POST.get("act", ""),
        [key for key in request.POST.getlist("key")[:MOST_AT_ONCE] if key.isalnum()],
    )
    home_page = reverse("dashboard:catalog", args=[place.workspace.slug])
    if name not in VERBS:
        messages.error(request, "Not done: choose what to do.")
        return back(request, home_page)
    if not keys:
        messages.error(request, "Not done: tick at least one experiment first.")
        return back(request, home_page)
    verb, past, trashed = VERBS[name]
    rows = Experiment.objects.visible_to(place.actor).filter(workspace=place.workspace, key__in=keys, trashed=trashed)
    done, refused = 0, dict[str, int]()
    for experiment in rows.select_related("workspace"):
        try:
            verb(place, experiment, request.POST)
            done += 1
        except REFUSALS as error:
            refused[str(error)] = refused.get(str(error), 0) + 1
    if done:
        messages.success(request, f"{done} {'experiment' if done == 1 else 'experiments'} {past}.")
    for reason, number in refused.items():
        messages.error(request, f"{number} not {past}: {reason}.")
    if not done and not refused:
        messages.error(request, "Not done: these experiments are no longer here.")
    return back(request, home_page)
