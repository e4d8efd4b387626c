"""The tabs that explain an experiment: overview, analyse, curves, replay; and the pieces they fetch anew."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.dashboard import copying, log_tails
from apps.dashboard.panels import Broken, guarded
from apps.dashboard.running import running
from apps.dashboard.templatetags.figures import metric
from apps.dashboard.views.filtering import Filtered, carried, filtered
from apps.dashboard.views.frame import Place, in_workspace, render
from apps.dashboard.views.opening import header, load
from apps.experiments.models import Experiment
from apps.insights import charts, keeping
from apps.insights import summary as summaries
from apps.insights.charts.shares import shares
from apps.insights.failures import Group, failures
from apps.insights.summary import Sentence
from apps.search.trials import failed_like
from apps.trials import logs
from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.status import TrialStatus

TWIN_ROWS = 50
MOST_SLICES = 12
REPLAYED = (("overview", "Overview"), ("analyse", "Analyse"), ("curves", "Curves"), ("space", "Space"))
TABLE_TITLES = {
    "history": "Optimisation history",
    "importance": "Importance of the parameters",
    "curves": "Learning curves",
    "sample": "Trials and their parameters",
    "contour": "The ten best of a pair of parameters",
    "edf": "Distribution of the results",
    "timeline": "Timeline",
}


def overview(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    asked = filtered(request, experiment)
    newest = asked.rows().filter(value__isnull=False).order_by("-number")
    return {
        **now(request, place, experiment, asked),
        **asked.box,
        "twin_headings": ["Trial", metric(experiment.metric), "Why it was tried"],
        "twin": list(newest.values_list("number", "value", "source")[:TWIN_ROWS]),
    }


def now(request: HttpRequest, place: Place, experiment: Experiment, asked: Filtered) -> dict[str, Any]:
    """What goes on and what was found: importance, summary, best trial, failures, running ones. Eight queries at most."""
    job, upto = asked.job, asked.upto
    known = keeping.look(experiment, upto)
    top = summaries.best_ten(experiment, job.space, upto)
    best = Trial.objects.filter(experiment=experiment, number=top[0].number).first() if top else None
    shows_running = experiment.live_count and upto is None
    told = summaries.summary(experiment, job, known, top, upto)
    return {
        "experiment": experiment,
        "importance": shown_importance(experiment, known),
        "importance_waits": _waits_for(experiment, known, upto),
        "slices": anchors(job),
        "sentences": [(sentence.text, evidence(place, experiment, job, sentence)) for sentence in told],
        "best": best,
        "best_params": top[0].flat if top else {},
        "second": {"number": top[1].number, "gap": abs(top[0].value - top[1].value)} if len(top) > 1 else None,
        "copies": copying.copies(request, experiment, job, best) if best else [],
        "running": running(experiment, job.objective) if shows_running else [],
        "failures": _failures(experiment, failures(experiment, known, upto)),
    }


def _failures(experiment: Experiment, groups: list[Group]) -> list[dict[str, Any]]:
    """The groups, each with what the latest of them wrote last."""
    return [
        {
            "group": group,
            "said": _last_line(experiment, group),
            "rule": summaries.rule_text(group.rule, 2) if group.rule else "",
            "query": summaries.rule_query(group.rule) if group.rule else failed_like(group.reason),
            "alike": failed_like(group.reason),
        }
        for group in groups
    ]


def _last_line(experiment: Experiment, group: Group) -> str:
    folders = (logs.attempt_folder(experiment.key, group.latest, number) for number in range(group.attempts, 0, -1))
    last = next((folder for folder in folders if folder.is_dir()), None)
    return log_tails.last_lines(last, 1) if last is not None else ""


def _waits_for(experiment: Experiment, known: keeping.Known, upto: int | None) -> str:
    """Why there is no importance to see; empty when it is on its way, there, or could not be told."""
    if upto is not None and known.insight is None:
        return "It had not been worked out by then."
    return summaries.waits_for(experiment)


def shown_importance(experiment: Experiment, known: keeping.Known) -> dict[str, Any]:
    """The payload of the importance chart as the page shows it."""
    told = shares(experiment, known)
    moment = known.insight.done if known.insight is not None else None
    rows = list(zip(told["name"], told["share"], told["spread"], strict=True))
    return {**told, "rows": rows, "moment": moment, "newer": told["ended_now"] - told["ended"]}


def anchors(job: Job) -> dict[str, str]:
    """Parameter -> the id of its slice on the analyse tab; names may hold what an id must not."""
    return {name: f"slice-{number}" for number, name in enumerate(job.space.leaves())}


def evidence(place: Place, experiment: Experiment, job: Job, sentence: Sentence) -> str:
    """The address where a sentence can be checked."""
    slug, key = place.workspace.slug, experiment.key
    if sentence.kind == "trial":
        return reverse("dashboard:trial", args=[slug, key, int(sentence.at)])
    if sentence.kind == "trials":
        return f"{reverse('dashboard:experiment-tab', args=[slug, key, 'trials'])}?{urlencode({'q': sentence.at})}"
    if sentence.at in ("history", "importance"):
        return f"{reverse('dashboard:experiment', args=[slug, key])}#{sentence.at}"
    anchor = anchors(job).get(sentence.at.removeprefix("slice "), sentence.at)
    return f"{reverse('dashboard:experiment-tab', args=[slug, key, 'analyse'])}#{anchor}"


def analyse(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    asked = filtered(request, experiment)
    names = list(asked.job.space.leaves())
    ordered = charts.by_importance(experiment, names)[:MOST_SLICES]
    known = anchors(asked.job)
    top = summaries.best_ten(experiment, asked.job.space, asked.upto)
    return {
        **asked.box,
        "slices": [(name, known[name]) for name in ordered],
        "left_out": len(names) - len(ordered),
        "twin_headings": ["Trial", metric(experiment.metric), *ordered],
        "twin": [[one.number, one.value, *(one.flat.get(name) for name in ordered)] for one in top],
    }


def curves(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    asked = filtered(request, experiment)
    reported = asked.rows().filter(value_count__gt=0).order_by("-number")
    rows = reported.values_list("number", "last_step", "last_value", "best_value")[:TWIN_ROWS]
    return {
        **asked.box,
        "twin_headings": ["Trial", "Last step", f"Last {metric(experiment.metric)}", "Best"],
        "twin": list(rows),
    }


def replay(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    """All charts as they were after a trial; without `after` the whole, from which the slider goes back."""
    asked = filtered(request, experiment)
    upto = asked.upto if asked.upto is not None else max(experiment.trial_count - 1, 0)
    names = charts.by_importance(experiment, list(asked.job.space.leaves()))
    known, findings = anchors(asked.job), keeping.newest(experiment, upto)
    finished = asked.rows().filter(number__lte=upto, status=TrialStatus.FINISHED, value__isnull=False)
    order = "value" if experiment.goal == "minimize" else "-value"
    best = finished.order_by(order, "number").values_list("number", "value").first()
    return {
        **asked.box,
        "upto": upto,
        "upto_text": str(upto) + (f"&{urlencode({'q': typed})}" if (typed := request.GET.get("q", "").strip()) else ""),
        "replayed_tabs": REPLAYED,
        "slices": [(name, known[name]) for name in names[:3]],
        "best_then": best,
        "importance": shown_importance(experiment, findings),
        "importance_waits": _waits_for(experiment, findings, asked.upto),
    }


@require_GET
@in_workspace
def part(request: HttpRequest, place: Place, key: str, part: str) -> HttpResponse:
    """A piece of a page, rendered anew for htmx."""
    if part not in ("now", "importance", "controls"):
        raise Http404
    experiment, _ = load(place, key)
    if part == "controls":
        context = {**header(place, experiment, ""), "here": request.GET.get("next", ""), "fetched": True}
        return render(request, place, "experiments/parts/controls.html", context)
    shown = guarded(lambda: _part(request, place, experiment, part))
    if isinstance(shown, Broken):
        context = {"broken": shown, "what": "This panel", "again": request.get_full_path()}
        return render(request, place, "components/broken.html", context)
    return shown


def _part(request: HttpRequest, place: Place, experiment: Experiment, part: str) -> HttpResponse:
    asked = filtered(request, experiment)
    if part == "now":
        context = now(request, place, experiment, asked)
    else:
        known = keeping.newest(experiment, asked.upto) if asked.upto is not None else keeping.look(experiment)
        waits = _waits_for(experiment, known, asked.upto)
        context = {"importance": shown_importance(experiment, known), "importance_waits": waits}
    context = {"experiment": experiment, "slices": anchors(asked.job), "carried": carried(request), **context}
    return render(request, place, f"experiments/parts/{part}.html", context)


@require_GET
@in_workspace
def table(request: HttpRequest, place: Place, key: str, chart: str) -> HttpResponse:
    """The numbers of a chart as a table: a page of its own, or the table alone for htmx."""
    if chart not in TABLE_TITLES:
        raise Http404
    experiment, after = load(place, key)
    asked = filtered(request, experiment)
    payload = charts.build(chart, experiment, asked.listing.rows(), request.GET.dict())
    if (name := request.GET.get("param")) is not None:
        payload = charts.of_parameter(payload, name)
    headings, rows = charts.table(payload)
    title = TABLE_TITLES[chart]
    context = {"title": title, "headings": headings, "rows": rows, "total": payload.get("total")}
    if getattr(request, "htmx", False):
        return render(request, place, "components/chart_table.html", context)
    page = {**header(place, experiment, "analyse"), **context, **asked.box, "after": after, "carried": carried(request)}
    return render(request, place, "experiments/table.html", page)
