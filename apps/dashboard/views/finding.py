"""What helps to find: words that complete a query, the help page of the grammar, saved views, jumping anywhere."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from apps.dashboard import undoing
from apps.dashboard.views.frame import REFUSALS, Place, given, in_workspace, render, said
from apps.dashboard.words import state_words
from apps.experiments.models import Experiment
from apps.search import completion
from apps.search.grammar import CATALOG, Grammar, trials_grammar
from apps.search.models import SavedView
from apps.trials.models import Trial
from apps.tuning import experiments, shelf
from apps.workspaces.access import OutOfReach
from tunebook.job import Job

MOST_JUMPS = 8


@require_GET
@in_workspace
def words(request: HttpRequest, place: Place) -> HttpResponse:
    """What could be typed next at `at` in the query `text`; with `e` in a query of that experiment's trials. JSON."""
    text, typed_at = request.GET.get("text", "").replace("\x00", ""), request.GET.get("at", "")
    at = int(typed_at) if typed_at.isdecimal() and len(typed_at) < 6 else len(text)
    key = request.GET.get("e", "")
    grammar: Grammar = CATALOG
    source = completion.of_catalog(place.actor, place.workspace)
    if key:
        experiment = experiments.find(place.actor, key)
        grammar = trials_grammar(Job.from_dict(experiment.job).space.leaves())
        source = completion.of_trials(experiment)
    return JsonResponse(completion.complete(text, at, grammar, source).document())


@require_GET
@in_workspace
def grammar_help(request: HttpRequest, place: Place) -> HttpResponse:
    """Everything that can be asked, with examples."""
    lists = (("Of experiments", CATALOG), ("Of the trials of an experiment", trials_grammar(())))
    return render(request, place, "experiments/search_help.html", {"lists": lists})


@require_GET
@in_workspace
def jump(request: HttpRequest, place: Place) -> HttpResponse:
    """Where `q` may lead: experiments by name or key, saved views, pages; a trial of the experiment `e` by its number.
    JSON, for the palette. Two queries, one more for a number."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = [
        *_trial(place, request.GET.get("e", ""), text),
        *_experiments(place, text),
        *_views(place, text),
        *_pages(place, text),
    ]
    if text:
        catalog = f"{reverse('dashboard:catalog', args=[place.workspace.slug])}?{urlencode({'q': text})}"
        found.append({"words": f"Search the catalog for {text}", "kind": "search", "address": catalog})
    return JsonResponse({"items": found})


def _trial(place: Place, key: str, text: str) -> list[dict[str, Any]]:
    number = text.lower().removeprefix("trial").strip(" #")
    if not (key.isalnum() and number.isascii() and number.isdecimal() and len(number) < 10):
        return []
    rows = Trial.objects.filter(experiment__in=Experiment.objects.visible_to(place.actor).kept(), experiment__key=key)
    found = rows.filter(number=int(number), experiment__workspace=place.workspace).only("status", "desired").first()
    if found is None:
        return []
    about = state_words(found.status, found.desired)
    address = reverse("dashboard:trial", args=[place.workspace.slug, key, int(number)])
    return [{"words": f"Trial {int(number)}", "kind": "trial", "about": about, "address": address}]


def _experiments(place: Place, text: str) -> list[dict[str, Any]]:
    rows = Experiment.objects.visible_to(place.actor).kept().lean().filter(workspace=place.workspace)
    rows = rows.filter(name__icontains=text) | rows.filter(key=text) if text else rows
    return [
        {
            "words": str(one),
            "kind": "experiment",
            "about": state_words(one.status, one.desired),
            "address": reverse("dashboard:experiment", args=[place.workspace.slug, one.key]),
        }
        for one in rows.order_by("-created", "-id")[:MOST_JUMPS]
    ]


def _views(place: Place, text: str) -> list[dict[str, Any]]:
    views = SavedView.objects.visible_to(place.actor).filter(workspace=place.workspace, name__icontains=text)
    return [
        {"words": one.name, "kind": "view", "about": one.query, "address": view_address(place, one)}
        for one in views[:MOST_JUMPS]
    ]


def _pages(place: Place, text: str) -> list[dict[str, Any]]:
    slug = place.workspace.slug
    pages = [
        ("Catalog", reverse("dashboard:catalog", args=[slug])),
        ("Compare experiments", reverse("dashboard:compare", args=[slug])),
        ("Trash", reverse("dashboard:trash", args=[slug])),
        ("Members", reverse("dashboard:settings", args=[slug, "members"])),
        ("API keys", reverse("dashboard:settings", args=[slug, "keys"])),
        ("Optimizers", reverse("dashboard:settings", args=[slug, "workers"])),
        ("Usage", reverse("dashboard:settings", args=[slug, "usage"])),
        ("Help on searching", reverse("dashboard:search-help", args=[slug])),
        ("My settings", reverse("dashboard:me")),
    ]
    if place.may("create"):
        pages.insert(1, ("New experiment", reverse("dashboard:new", args=[slug])))
        pages.insert(2, ("Import an experiment", reverse("dashboard:import", args=[slug])))
    pages += [
        (f"Workspace {one.name}", reverse("dashboard:catalog", args=[one.slug]))
        for one in place.workspaces
        if one != place.workspace
    ]
    wanted = text.lower()
    return [{"words": name, "kind": "page", "address": to} for name, to in pages if wanted in name.lower()][:MOST_JUMPS]


def view_address(place: Place, view: SavedView) -> str:
    pairs = [(name, text) for name, text in (("q", view.query), ("sort", view.sort)) if text]
    asked = urlencode(pairs + [("col", name) for name in view.shows])
    return f"{reverse('dashboard:catalog', args=[place.workspace.slug])}{'?' if asked else ''}{asked}"


@require_POST
@in_workspace
def save_view(request: HttpRequest, place: Place) -> HttpResponse:
    """Keep the catalog's query under a name, for oneself or for all; with `replace` in the view of that name."""
    shared = request.POST.get("shared") == "on"
    name, query, sort = (given(request, one) for one in ("name", "query", "sort"))
    columns = request.POST.getlist("col")
    kept: dict[str, Any] = {
        "query": query,
        "sort": sort,
        "columns": columns if "with_columns" in request.POST else (),
        "shared": shared,
    }
    known = shelf.own_view(place.actor, place.workspace, name)
    catalog = reverse("dashboard:catalog", args=[place.workspace.slug])
    try:
        if known is not None and "replace" not in request.POST:
            fields = [
                (field, value) for field, values in request.POST.lists() for value in values if field[:4] != "csrf"
            ]
            undoing.offer(
                request,
                messages.WARNING,
                f"Not saved: you have a view named {known.name} already.",
                action=request.path,
                button="Replace it",
                fields=[*fields, ("replace", "on")],
            )
            return redirect(f"{catalog}?{_asked(query, sort, columns)}")
        if known is not None:
            made = shelf.change_view(place.actor, known, **kept)
        else:
            made = shelf.save_view(place.actor, place.workspace, name=name, **kept)
    except REFUSALS as error:
        messages.error(request, f"Not saved: {said(error)}")
        return redirect(f"{catalog}?{_asked(query, sort, columns)}")
    messages.success(request, f"Saved as {made.name}{', for everybody here' if shared else ''}.")
    return redirect(view_address(place, made))


def _asked(query: str, sort: str, columns: list[str]) -> str:
    return urlencode([("q", query), ("sort", sort), *(("col", name) for name in columns)])


@require_POST
@in_workspace
def change_view(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Drop a saved view, rename it, share it or keep it for oneself, give it the columns that were shown, or let one's
    catalog open with it."""
    if number > 2**62:
        raise Http404
    try:
        view = shelf.find_view(place.actor, place.workspace, number)
    except OutOfReach:
        messages.error(request, "Not done: this view is not there any more.")
        return redirect("dashboard:catalog", place.workspace.slug)
    do = request.POST.get("do")
    if do == "drop":
        shelf.drop_view(place.actor, view)
        _dropped(request, place, view)
        view.columns = ""
    elif do in ("share", "keep"):
        shelf.change_view(place.actor, view, shared=do == "share")
        messages.success(request, f"{view.name} is {'for everybody here' if do == 'share' else 'yours alone'} now.")
    elif do == "open":
        shelf.open_with(place.actor, view)
        messages.success(request, f"Your catalog opens with {view.name} from now on.")
    elif do == "open-all":
        shelf.open_with_all(place.actor, place.workspace)
        messages.success(request, "Your catalog opens with all experiments again.")
    elif do in ("columns", "rename"):
        changes: dict[str, Any] = (
            {"columns": request.POST.getlist("col")} if do == "columns" else {"name": given(request, "name")}
        )
        before = view.name
        try:
            shelf.change_view(place.actor, view, **changes)
        except REFUSALS as error:
            messages.error(request, f"Not saved: {said(error)}")
        else:
            done = (
                f"{view.name} shows these columns now." if do == "columns" else f"{before} is called {view.name} now."
            )
            messages.success(request, done)
    return redirect(view_address(place, view))


def _dropped(request: HttpRequest, place: Place, view: SavedView) -> None:
    """Say that a view is deleted; who owned it can have it back."""
    words = f"The view {view.name} is deleted; the experiments stay."
    if view.owner_id != place.actor.user_id:
        messages.success(request, words)
        return
    fields = [("name", view.name), ("query", view.query), ("sort", view.sort), *(("col", one) for one in view.shows)]
    marks = [("with_columns", "on")] if view.columns else []
    marks += [("shared", "on")] if view.shared else []
    action = reverse("dashboard:views", args=[place.workspace.slug])
    undoing.offer(request, messages.SUCCESS, words, action=action, button="Undo", fields=[*fields, *marks])
