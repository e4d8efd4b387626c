"""One experiment, read-only, for whoever has a link to it; no account and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.dashboard.templatetags.figures import metric
from apps.experiments.models import Experiment
from apps.insights import charts
from apps.trials.models import Trial
from apps.tuning import discussion, sharing
from apps.workspaces.access import OutOfReach
from tunebook.job import Job
from tunebook.status import TrialStatus

BEST = 20
CHARTS = {"history": "Optimisation history", "sample": "Parallel coordinates", "importance": "Importance"}
View = Callable[..., HttpResponse]


def by_link(view: View) -> View:
    """A view that gets the experiment which its link shows. Links that show nothing any more look like none."""

    @wraps(view)
    def checked(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, sharing.shown_by(token, count="chart" not in kwargs), token=token, **kwargs)
        except OutOfReach:
            return render(request, "shared/closed.html", status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return checked


@require_GET
@by_link
def shared(request: HttpRequest, experiment: Experiment, token: str) -> HttpResponse:
    """The page. Four queries besides the link's own."""
    space = Job.from_dict(experiment.job).space
    order = "value" if experiment.goal == "minimize" else "-value"
    kept = Trial.objects.filter(experiment=experiment, status=TrialStatus.FINISHED, value__isnull=False, excluded=False)
    best = list(kept.order_by(order, "number")[:BEST])
    names = list(space.leaves())
    context = {
        "experiment": experiment,
        "token": token,
        "tags": list(experiment.tags.all()),
        "note": discussion.note_of(experiment),
        "names": names,
        "best": [(trial, [space.flatten(trial.params).get(name) for name in names]) for trial in best],
        "charts": CHARTS,
        "twin_headings": ["Trial", metric(experiment.metric)],
        "twin": list(kept.order_by("-number").values_list("number", "value")[:50]),
    }
    return render(request, "shared/experiment.html", context)


@require_GET
@by_link
def data(request: HttpRequest, experiment: Experiment, token: str, chart: str) -> HttpResponse:
    """The numbers of one of the page's charts."""
    if chart not in CHARTS:
        raise Http404
    tag = charts.etag(experiment, chart)
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return JsonResponse(
        charts.coded(charts.build(chart, experiment)), headers=headers, json_dumps_params={"separators": (",", ":")}
    )
