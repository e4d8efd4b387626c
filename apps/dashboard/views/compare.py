"""Experiments side by side, or trials; the address says which, so that it can be sent to somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2s
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.dashboard import side_by_side
from apps.dashboard.compared import (
    MOST,
    Chosen,
    ChosenTrials,
    Objective,
    chosen,
    chosen_trials,
    objectives,
    within_reach,
)
from apps.dashboard.templatetags.figures import metric, number
from apps.dashboard.views.frame import Place, in_workspace, render
from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.insights import comparison
from apps.trials.models import Trial
from tunebook.job import Job

SUGGESTED = 20
FEW, ALL = 15, 1_000
"""How many parameters a table shows at first, and when all are asked for."""
GOALS = {"minimize": "lower is better", "maximize": "higher is better"}


@require_http_methods(["GET", "POST"])
@in_workspace
def compare(request: HttpRequest, place: Place) -> HttpResponse:
    """The comparison that the address names; ticked rows are sent here and become an address."""
    if request.method == "POST":
        return _ticked(request, place)
    added = request.GET.get("add", "").replace("\x00", "").strip()
    if added:
        return _add(request, place, added)
    if request.GET.get("t"):
        return _trials(request, place)
    return _experiments(request, place)


def address(place: Place, name: str, text: str) -> str:
    """The short form: commas and colons stay as they are."""
    return f"{reverse('dashboard:compare', args=[place.workspace.slug])}?{name}={quote(text, safe=',:')}"


def _ticked(request: HttpRequest, place: Place) -> HttpResponse:
    keys = [key for key in request.POST.getlist("key") if key.isalnum()]
    if keys:
        return redirect(address(place, "e", ",".join(keys)))
    ticked = [key for key in request.POST.getlist("trial") if key.isalnum()][: 2 * MOST]
    found = Trial.objects.filter(key__in=ticked, experiment__in=within_reach(place)).order_by("number")
    pairs = [f"{key}:{number}" for key, number in found.values_list("experiment__key", "number")]
    if pairs:
        return redirect(address(place, "t", ",".join(pairs)))
    messages.error(request, "Nothing to compare: tick rows first.")
    return redirect("dashboard:catalog", place.workspace.slug)


def _add(request: HttpRequest, place: Place, added: str) -> HttpResponse:
    """One more experiment by its key or name; the newest where several have the name."""
    current = request.GET.get("e", "")
    rows = within_reach(place).order_by("-created", "-id").only("key", "name")
    found = (
        rows.filter(key=added).first() or rows.filter(name=added).first() or rows.filter(name__icontains=added).first()
    )
    if found is None:
        messages.error(request, f"No experiment of {place.workspace.name} is called {added}.")
        return redirect(address(place, "e", current))
    return redirect(address(place, "e", f"{current},{found.key}".strip(",")))


def _experiments(request: HttpRequest, place: Place) -> HttpResponse:
    """As many queries for twelve as for two; one more the first time, where findings are asked for."""
    asked = chosen(place, request.GET.get("e", ""))
    if request.GET.get("e") and not asked.experiments:
        raise Http404
    context: dict[str, Any] = {
        "asked": asked,
        "remarks": _remarks(asked, "experiment"),
        "suggested": _suggested(place, asked),
        "full": len(asked.experiments) >= MOST,
        "most": MOST,
    }
    if asked.experiments:
        context |= _side_by_side(request, place, asked)
    return render(request, place, "compare/experiments.html", context)


def _side_by_side(request: HttpRequest, place: Place, asked: Chosen) -> dict[str, Any]:
    experiments = asked.experiments
    jobs = {one.pk: Job.from_dict(one.job) for one in experiments}
    groups = objectives(experiments)
    drawn = _drawn(groups, request.GET.get("m", ""))
    alike = len(groups) == 1
    level = comparison.common_level(experiments) if alike else None
    streams = {one.key: experiment_stream(one.key) for one in experiments}
    heads = reading.heads(list(streams.values()))
    shares = comparison.shares_of(experiments)
    found = comparison.results(experiments, level)
    hues = [asked.looks[one.key] for one in experiments]
    importance = side_by_side.importance(experiments, shares)
    names, most = comparison.names_of(experiments, jobs), _most(request)
    names = list(dict.fromkeys([*(name for name, _ in importance if name in names), *names]))
    return {
        "columns": [
            {
                "experiment": one,
                "name": asked.names[one.key],
                "look": asked.looks[one.key],
                "without": address(place, "e", asked.without(one.key)),
                "stream": streams[one.key],
                "after": heads.get(streams[one.key], 0),
                "drawn": one in drawn,
            }
            for one in experiments
        ],
        "results": side_by_side.results(experiments, found, level, alike),
        "groups": [side_by_side.settings(experiments), side_by_side.spaces(experiments, jobs)],
        "folded": f":{most}",
        "fold": most,
        "importance": importance,
        "parameters": len(names),
        "densities": [
            {
                "name": one.name,
                "low": one.low,
                "high": one.high,
                "labels": one.labels,
                "drawn": list(zip(one.densities, hues, strict=True)),
            }
            for one in comparison.densities(experiments, jobs, names[:most])
        ],
        "unknown": [asked.names[one.key] for one in experiments if one.key not in shares],
        "sentences": _sentences(asked, found, level, alike),
        "objectives": [_choice(place, asked, key, list(groups).index(key), key == _key(drawn)) for key in groups],
        "metric_words": metric(drawn[0].metric),
        "query": f"?e={asked.text}" + (f"&m={list(groups).index(_key(drawn))}" if not alike else ""),
    }


def _most(request: HttpRequest) -> int:
    """How many rows a table of parameters shows."""
    return ALL if "all" in request.GET else FEW


def _key(experiments: Sequence[Experiment]) -> Objective:
    return experiments[0].goal, experiments[0].metric


def _choice(place: Place, asked: Chosen, key: Objective, index: int, current: bool) -> dict[str, Any]:
    """One objective that some of them share, and the address that draws those."""
    goal, name = key
    names = [asked.names[one.key] for one in asked.experiments if (one.goal, one.metric) == key]
    return {
        "words": f"{metric(name)}, {GOALS[goal]}",
        "names": names,
        "href": f"{address(place, 'e', asked.text)}&m={index}",
        "current": current,
    }


def _drawn(groups: Mapping[Objective, list[Experiment]], asked: str) -> list[Experiment]:
    """The experiments whose values stand on one scale: those of the objective asked for, else of the one with most results."""
    sets = list(groups.values())
    index = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 3 else len(sets)
    return sets[index] if index < len(sets) else max(sets, key=_with_a_value)


def _with_a_value(experiments: Sequence[Experiment]) -> int:
    return sum(one.best_value is not None for one in experiments)


def _sentences(asked: Chosen, found: Mapping[str, comparison.Result], level: float | None, alike: bool) -> list[str]:
    """Who is ahead, and who was quicker."""
    valued = [one for one in asked.experiments if one.best_value is not None]
    if not alike or len(valued) < 2:
        return []
    sign = 1 if valued[0].goal == "minimize" else -1
    ranked = sorted(valued, key=lambda one: sign * (one.best_value or 0.0))
    first, second = ranked[0], ranked[1]
    gap = abs((first.best_value or 0.0) - (second.best_value or 0.0))
    ahead = f"{asked.names[first.key]} has the best {metric(first.metric)}, {number(first.best_value)}"
    behind = f"{asked.names[second.key]} comes next with {number(second.best_value)}, {number(gap)} behind."
    told = [f"{ahead}; {behind}" if gap else f"{ahead}, and so has {asked.names[second.key]}."]
    came = [one for one in valued if found[one.key].reached is not None]
    if level is not None and len(came) > 1:
        quick = min(came, key=lambda one: found[one.key].reached or 0)
        reached = (found[quick.key].reached or 0) + 1
        told.append(
            f"All of them reached {number(level)}; {asked.names[quick.key]} needed the fewest trials, {reached:,}."
        )
    return told


def _suggested(place: Place, asked: Chosen) -> list[Experiment]:
    """Others that could be added, the newest first."""
    keys = [one.key for one in asked.experiments]
    rows = within_reach(place).exclude(key__in=keys).only("key", "name", "created")
    return list(rows.order_by("-created", "-id")[:SUGGESTED])


def _remarks(asked: Chosen | ChosenTrials, what: str) -> list[str]:
    """What the address names and the page cannot show, in words."""
    said = []
    if asked.too_many:
        said.append(
            f"At most {MOST} {what}s stand side by side; the last {asked.too_many} of the address are left out."
        )
    if asked.missing:
        verb = "is" if len(asked.missing) == 1 else "are"
        said.append(f"{', '.join(asked.missing)} {verb} not in this workspace any more, or not yours to see.")
    return said


def _trials(request: HttpRequest, place: Place) -> HttpResponse:
    """Five queries, however many there are."""
    asked = chosen_trials(place, request.GET["t"])
    if not asked.trials:
        raise Http404
    jobs = {pk: Job.from_dict(one.job) for pk, one in asked.experiments.items()}
    alike = len(objectives(asked.experiments.values())) == 1
    first = asked.experiments[asked.trials[0].experiment_id]
    drawn = [one for one in asked.trials if _like(asked.experiments[one.experiment_id], first)]
    heats = side_by_side.heats(side_by_side.ranks(asked.trials, asked.experiments, alike))
    context = {
        "asked": asked,
        "remarks": _remarks(asked, "trial"),
        "columns": [
            {
                "trial": one,
                "experiment": asked.experiments[one.experiment_id],
                "name": asked.names[one.key],
                "look": asked.looks[one.key],
                "without": address(place, "t", asked.without(one)),
                "drawn": one in drawn,
            }
            for one in asked.trials
        ],
        "results": side_by_side.trial_results(asked.trials, asked.experiments, alike),
        "groups": [side_by_side.parameters(asked.trials, jobs).heated(heats)],
        "folded": f":{_most(request)}",
        "fold": _most(request),
        "heat": any(heats),
        "alike": alike,
        "metric_words": metric(first.metric),
        "goal_words": GOALS[first.goal],
        "one": first if len(asked.experiments) == 1 else None,
        "query": f"?t={asked.text}",
        "whole": address(place, "e", ",".join(one.key for one in asked.experiments.values())),
    }
    return render(request, place, "compare/trials.html", context)


def _like(one: Experiment, other: Experiment) -> bool:
    return (one.goal, one.metric) == (other.goal, other.metric)


@require_GET
@in_workspace
def data(request: HttpRequest, place: Place, chart: str) -> HttpResponse:
    """The numbers of one chart of a comparison."""
    experiments, numbers = _numbers(request, place, chart)
    return _kept(request, experiments, numbers)


@require_GET
@in_workspace
def table(request: HttpRequest, place: Place, chart: str) -> HttpResponse:
    """The numbers of one chart as a table: a page of its own, or the table alone for htmx."""
    _, numbers = _numbers(request, place, chart)
    headings, rows = comparison.table(numbers())
    context = {"title": TITLES[chart], "headings": headings, "rows": rows}
    if getattr(request, "htmx", False):
        return render(request, place, "components/chart_table.html", context)
    query = request.GET.urlencode(safe=",:")
    context["back"] = f"{reverse('dashboard:compare', args=[place.workspace.slug])}?{query}"
    return render(request, place, "compare/chart_table.html", context)


Numbers = Callable[[], dict[str, Any]]


def _numbers(request: HttpRequest, place: Place, chart: str) -> tuple[Sequence[Experiment], Numbers]:
    """The experiments a chart is about, and what works out its payload. Http404 where the address names none."""
    if chart == "curves":
        return _curves(request, place)
    if chart not in CHARTS:
        raise Http404
    asked = chosen(place, request.GET.get("e", ""))
    if not asked.experiments:
        raise Http404
    drawn = _drawn(objectives(asked.experiments), request.GET.get("m", ""))

    def numbers() -> dict[str, Any]:
        payload = CHARTS[chart](drawn, asked.looks)
        for series in payload["series"]:
            series["name"] = asked.names[series["key"]]
        return payload

    return drawn, numbers


TITLES = {"best": "Best so far", "edf": "Distribution of the results", "curves": "Learning curves"}
CHARTS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "best": comparison.best_so_far,
    "edf": comparison.distributions,
}


def _curves(request: HttpRequest, place: Place) -> tuple[Sequence[Experiment], Numbers]:
    asked = chosen_trials(place, request.GET.get("t", ""))
    if not asked.trials:
        raise Http404
    first = asked.experiments[asked.trials[0].experiment_id]
    drawn = [one for one in asked.trials if _like(asked.experiments[one.experiment_id], first)]
    jobs = {pk: Job.from_dict(one.job) for pk, one in asked.experiments.items()}
    return list(asked.experiments.values()), lambda: comparison.curves_of(drawn, jobs, asked.looks, asked.names)


def _kept(request: HttpRequest, experiments: Sequence[Experiment], numbers: Numbers) -> HttpResponse:
    """The numbers, unless the browser has them and nothing has happened since. One query for the events."""
    heads = reading.heads([experiment_stream(one.key) for one in experiments])
    named = [str(one) for one in experiments]
    mark = repr((sorted(heads.items()), named, request.META.get("QUERY_STRING", "")))
    tag = f'W/"{blake2s(mark.encode(), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (one.strip() for one in request.headers.get("If-None-Match", "").split(",")):
        return HttpResponseNotModified(headers=headers)
    return JsonResponse(numbers(), headers=headers, json_dumps_params={"separators": (",", ":")})
