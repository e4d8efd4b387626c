"""What charts draw, as JSON that browsers may keep until something changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.views.decorators.http import require_GET

from apps.dashboard.views.filtering import filtered
from apps.dashboard.views.frame import Place, in_workspace
from apps.dashboard.views.opening import load
from apps.experiments.models import Experiment
from apps.insights import charts
from apps.tuning import trials as trial_verbs


@require_GET
@in_workspace
def chart(request: HttpRequest, place: Place, key: str, chart: str) -> HttpResponse:
    """The numbers of one chart over the trials that meet `q`, up to trial `after`."""
    if chart not in charts.CHARTS:
        raise Http404
    experiment, _ = load(place, key)

    def numbers() -> dict[str, Any]:
        rows = filtered(request, experiment).listing.rows()
        return charts.build(chart, experiment, rows, request.GET.dict())

    return _kept(request, experiment, numbers)


@require_GET
@in_workspace
def trial_curve(request: HttpRequest, place: Place, key: str, number: int) -> HttpResponse:
    """The learning curve of one trial."""
    experiment, _ = load(place, key)
    trial = trial_verbs.find(place.actor, experiment, number=number)
    trial.experiment = experiment
    return _kept(request, experiment, lambda: charts.trial_curve(trial))


def _kept(request: HttpRequest, experiment: Experiment, numbers: Callable[[], dict[str, Any]]) -> HttpResponse:
    tag = charts.etag(experiment, request.META.get("QUERY_STRING", ""))
    if tag in (one.strip() for one in request.headers.get("If-None-Match", "").split(",")):
        return HttpResponseNotModified(headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return JsonResponse(charts.coded(numbers()), headers=headers, json_dumps_params={"separators": (",", ":")})
