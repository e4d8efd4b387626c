"""The Trials tab: a table that is filtered, sorted, and shows the columns that somebody chose for this experiment."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from apps.dashboard import column_widths, trial_facts
from apps.dashboard.paging import Pages
from apps.dashboard.templatetags.figures import metric
from apps.dashboard.trial_listing import differing
from apps.dashboard.views.filtering import filtered
from apps.dashboard.views.frame import Place, in_workspace, render
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.trials.models import Trial
from apps.tuning import trials as verbs
from tunebook.job import Job

COOKIE = "columns"
"""What was chosen, kept by the browser for the address of this table alone."""
CHOICES = ("col", "pin", "differ")
LONGEST_COOKIE = 3_000
YEAR = 31_536_000


def trials(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any] | HttpResponse:
    """What the tab shows, or the trial that somebody jumps to."""
    if "jump" in request.GET:
        return _jump(request, place, experiment)
    asked = filtered(request, experiment)
    listing = asked.listing
    total = listing.total()
    pages = Pages.of(request.GET, total)
    chosen = chosen_columns(request)
    columns = listing.columns(chosen.getlist("col"), chosen.getlist("pin"))
    sorts = listing.sorts(_sort(request))
    rows = listing.page(",".join(sorts), pages, columns) if total else []
    known = columns
    if chosen.get("differ"):
        columns, rows = differing(columns, rows)
    widths, sized = column_widths.cols(request, columns)
    return {
        **asked.box,
        "cols": widths,
        "sized": sized,
        "columns": columns,
        "known_columns": known,
        "hidden": sum(column.on for column in known) - sum(column.on for column in columns),
        "differ": bool(chosen.get("differ")),
        "pages": pages,
        "total": total,
        "sort": sorts[0],
        "sorts": sorts,
        "orders": _orders(sorts),
        "rows": rows,
        "strictest": listing.strictest() if not total and listing.query.terms else None,
        "peeked": _peeked(request, place, experiment, asked.job),
    }


def chosen_columns(request: HttpRequest) -> QueryDict:
    """`col`, `pin` and `differ` of the address, else as they were chosen last; empty after `usual`."""
    if "usual" in request.GET:
        return QueryDict()
    if any(name in request.GET for name in CHOICES):
        return request.GET
    return QueryDict(request.COOKIES.get(COOKIE, ""))


def keep_columns(request: HttpRequest, response: HttpResponse) -> None:
    """Remember what was chosen in the form of columns, or forget it. Who only follows a link keeps their own."""
    if "usual" in request.GET:
        response.delete_cookie(COOKIE, path=request.path)
        response.delete_cookie(column_widths.COOKIE, path=request.path, samesite="Lax")
        return
    pairs = [(name, value) for name in CHOICES for value in request.GET.getlist(name)]
    kept = urlencode(pairs)
    if "choose" in request.GET and pairs and len(kept) <= LONGEST_COOKIE:
        response.set_cookie(COOKIE, kept, max_age=YEAR, path=request.path, samesite="Lax", httponly=True)


def _sort(request: HttpRequest) -> str:
    """The order of the address; `then` of the form of columns comes behind it."""
    parts = [request.GET.get("sort", ""), request.GET.get("then", "")]
    return ",".join(part for part in parts if part)


def _orders(sorts: list[str]) -> dict[str, int]:
    """Column -> its place in the order, where there are several."""
    return {part.removeprefix("-"): place for place, part in enumerate(sorts, 1)} if len(sorts) > 1 else {}


def _jump(request: HttpRequest, place: Place, experiment: Experiment) -> HttpResponse:
    """To the trial of that number, or back with a word about what there is."""
    typed = request.GET["jump"].replace("\x00", "").strip().removeprefix("#")
    where = (place.workspace.slug, experiment.key)
    number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else None
    if number is not None and Trial.objects.filter(experiment=experiment, number=number).exists():
        return redirect("dashboard:trial", *where, number)
    last = experiment.trial_count - 1
    known = f"they are numbered from 0 to {last}" if last >= 0 else "there are none yet"
    messages.error(request, f"There is no trial {typed[:40]}: {known}." if typed else "Type the number of a trial.")
    return redirect("dashboard:experiment-tab", *where, "trials")


def _peeked(request: HttpRequest, place: Place, experiment: Experiment, job: Job) -> dict[str, Any] | None:
    """The trial that `open` shows beside the table. None where there is none of that number."""
    typed = request.GET.get("open", "")
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10):
        return None
    trial = Trial.objects.filter(experiment=experiment, number=int(typed)).first()
    return peek_of(place, experiment, job, trial) if trial is not None else None


def peek_of(place: Place, experiment: Experiment, job: Job, trial: Trial) -> dict[str, Any]:
    """The short form of a trial's page. Four queries at most."""
    return {
        "trial": trial,
        "is_best": trial.number == experiment.best_trial,
        "rank": trial_facts.rank(experiment, trial),
        "params": trial_facts.params(experiment, trial, job),
        "metrics": trial_facts.metrics(trial),
        "twin_headings": ["Step", metric(experiment.metric)],
        "twin": trial_facts.twin(trial, job),
    }


@require_GET
@in_workspace
def peek(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    """One trial as it stands beside the table, for htmx; elsewhere its page."""
    if not getattr(request, "htmx", False):
        return redirect("dashboard:trial", place.workspace.slug, key, number)
    experiment, _ = load(place, key)
    found = verbs.find(place.actor, experiment, number=number)
    job = Job.from_dict(experiment.job)
    context = {"experiment": experiment, "stream": experiment_stream(key), **peek_of(place, experiment, job, found)}
    return render(request, place, "trials/parts/peek.html", context)
