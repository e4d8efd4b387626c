"""The catalog: find experiments, see how they go; and the trash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from apps.dashboard import catalog_columns, view_counts
from apps.dashboard.listing import DEFAULT_SORT, SORTS, Listing
from apps.dashboard.paging import Pages
from apps.dashboard.panels import guarded
from apps.dashboard.views import connecting
from apps.dashboard.views.finding import view_address
from apps.dashboard.views.frame import LAST_WORKSPACE, Place, in_workspace, render
from apps.feed import reading
from apps.feed.models import workspace_stream
from apps.search.grammar import CATALOG
from apps.search.models import SavedView
from apps.search.parser import Query, parse
from apps.tuning import asking
from apps.tuning.trash import days_left

VIEWS = (
    ("All", ""),
    ("Mine", "owner:me"),
    ("Active", "status:active"),
    ("Starred", "is:starred"),
    ("Failed this week", "status:failed updated>7d"),
    ("Archived", "is:archived"),
)
FEW = 2_000
"""Of no more experiments the facets are counted with the page; of more when they are looked at."""


@require_GET
@in_workspace
def home(request: HttpRequest, place: Place) -> HttpResponse:
    """To the catalog of the workspace that was used last, or of the first one."""
    return redirect("dashboard:catalog", place.workspace.slug)


@require_GET
@in_workspace
def catalog(request: HttpRequest, place: Place) -> HttpResponse:
    chosen = catalog_columns.choose(request)
    if chosen is not None:
        return chosen
    first = _first(place) if not request.GET else ""
    if first:
        return redirect(first)
    query = parse(request.GET.get("q", ""), CATALOG)
    stream = workspace_stream(place.workspace.slug)
    after = reading.heads([stream]).get(stream, 0)
    context = _listed(request, Listing(place.actor, place.workspace, query))
    statuses = context["listing"].statuses()
    away = context["listing"].archived().count()
    everything = sum(statuses.values()) - away
    shows = catalog_columns.shown(request)
    now = everything <= FEW or "facets" in request.GET
    context |= {
        "after": after,
        "stream": stream,
        "columns": catalog_columns.COLUMNS,
        "shows": shows,
        "usual": shows == catalog_columns.USUAL,
        "views": _views(place, query, request.GET.get("sort", ""), shows, counted=everything <= FEW),
        "everything": everything,
        "clients": connecting.NAMES,
        "asking": asking.requests_of(place.actor, place.workspace).count() if place.may("manage") else 0,
        "away": away,
        "running": sum(statuses.get(word, 0) for word in ("RUNNING", "NO_MORE_TRIAL")),
        "facets": guarded(context["listing"].facets) if now and context["total"] else None,
        "facets_later": not now and context["total"],
    }
    response = render(request, place, "experiments/catalog.html", context)
    response.set_cookie(LAST_WORKSPACE, place.workspace.slug, max_age=31_536_000, samesite="Lax", httponly=True)
    return response


def _first(place: Place) -> str:
    """The address of the view that this person's catalog opens with; empty where that is all there is. One query."""
    view = SavedView.objects.opening(place.actor).filter(workspace=place.workspace).first()
    address = view_address(place, view) if view is not None else ""
    return address if "?" in address else ""


def _views(place: Place, query: Query, sort: str, shows: Sequence[str], *, counted: bool) -> dict[str, Any]:
    """The built-in views, the saved ones with their ids for a count that comes later, and which of them this is."""
    asked = " ".join(term.text for term in query.terms)
    visible = SavedView.objects.visible_to(place.actor).filter(workspace=place.workspace)
    saved = list(visible.annotate(opens=Exists(SavedView.objects.opening(place.actor).filter(pk=OuterRef("pk")))))
    known = view_counts.counts(place.actor, place.workspace, _texts(saved)) if counted else {}
    same = [one for one in saved if (one.query, one.sort) == (asked, sort)]
    current = next((one for one in same if one.shows == ["name", *shows]), next(iter(same), None))
    shown = [(one, view_address(place, one), one is current, f"view-{one.pk}") for one in saved]
    return {
        "built_in": [
            (words, text, text == asked and not sort, f"built-in-{at}") for at, (words, text) in enumerate(VIEWS)
        ],
        "saved": shown,
        "current": current,
        "first": next((one.pk for one in saved if one.opens), None),
        "differs": current is not None and current.shows not in ([], ["name", *shows]),
        "counts": known,
    }


def _texts(saved: Sequence[SavedView]) -> dict[str, str]:
    """Each view's id on the page, and its query."""
    built_in = {f"built-in-{at}": text for at, (_, text) in enumerate(VIEWS)}
    return built_in | {f"view-{view.pk}": view.query for view in saved}


@require_GET
@in_workspace
def counted_views(request: HttpRequest, place: Place) -> HttpResponse:
    """The counts of all views, for htmx: each goes to its own place."""
    saved = list(SavedView.objects.visible_to(place.actor).filter(workspace=place.workspace))
    known = view_counts.kept(place.actor, place.workspace, _texts(saved))
    return render(request, place, "experiments/parts/view_counts.html", {"counts": known})


@require_GET
@in_workspace
def facets(request: HttpRequest, place: Place) -> HttpResponse:
    """The facets of a query, for htmx; the links in it lead to the catalog."""
    listing = Listing(place.actor, place.workspace, parse(request.GET.get("q", ""), CATALOG))
    return render(request, place, "experiments/parts/facets.html", {"facets": guarded(listing.facets)})


@require_GET
@in_workspace
def trash(request: HttpRequest, place: Place) -> HttpResponse:
    query = parse(request.GET.get("q", ""), CATALOG)
    context = _listed(request, Listing(place.actor, place.workspace, query, trashed=True))
    context["experiments"] = [(one, days_left(one)) for one in context["experiments"]]
    context["keeps"] = settings.TUNEBOOK_TRASH_DAYS
    return render(request, place, "experiments/trash.html", context)


def _listed(request: HttpRequest, listing: Listing) -> dict[str, Any]:
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    total = listing.total(sort)
    pages = Pages.of(request.GET, total)
    page = listing.page(sort, pages) if total else []
    return {
        "listing": listing,
        "query": listing.query,
        "chips": _chips(listing.query),
        "sort": sort,
        "total": total,
        "pages": pages,
        "experiments": page,
        "starred": listing.starred(page) if page else set(),
        "strictest": listing.strictest() if not total and listing.query.terms else None,
    }


def _chips(query: Query) -> list[tuple[str, str]]:
    return [(term.text, query.without(term)) for term in query.terms]
