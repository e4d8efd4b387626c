"""The history of metrics: every step, the value of the latest attempt at each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.mlflow import facts
from apps.dialects.mlflow.base import MlflowView
from apps.dialects.mlflow.callers import Run
from apps.dialects.refusal import Refusal
from apps.trials.models import Measurement
from tunebook.wire import mlflow
from tunebook.wire.mlflow import MAX_STEP, Point

MOST_RESULTS = 25_000
MOST_RUNS = 100


class GetHistory(MlflowView):
    """One metric of one run, by the page."""

    def get(self, request: Request) -> HttpResponse:
        run, most, offset = self.run(), self.number("max_results", MOST_RESULTS, MOST_RESULTS), self.offset()
        points = history(run, self.text("metric_key", required=True))
        page = points[offset : offset + most]
        answer: dict[str, Any] = {"metrics": mlflow.metric_history(page)}
        if offset + most < len(points):
            answer["next_page_token"] = str(offset + most)
        return self.answer(answer)


class GetHistoryBulk(MlflowView):
    """One metric of several runs."""

    def get(self, request: Request) -> HttpResponse:
        metric, most = self.text("metric_key", required=True), self.number("max_results", MOST_RESULTS, MOST_RESULTS)
        found: list[dict[str, Any]] = []
        for run in self._runs("run_id"):
            found += mlflow.metric_history(history(run, metric)[: most - len(found)], run.trial.key)
        return self.answer({"metrics": found})

    def _runs(self, *names: str) -> Iterator[Run]:
        given = [key for name in names for key in self.request._request.GET.getlist(name)]
        if not 1 <= len(given) <= MOST_RUNS:
            raise Refusal("bad_parameter", f"name from 1 to {MOST_RUNS} runs", field=names[0])
        for key in dict.fromkeys(given):
            yield self.caller.find(key)


class GetHistoryInterval(GetHistoryBulk):
    """One metric of several runs between two steps, thinned to some points for each."""

    def get(self, request: Request) -> HttpResponse:
        metric, most = self.text("metric_key", required=True), self.number("max_results", 320, 2_500)
        first = self._step("start_step", -MAX_STEP)
        last = self._step("end_step", MAX_STEP)
        if first > last:
            raise Refusal("bad_parameter", "must not lie behind end_step", field="start_step")
        found: list[dict[str, Any]] = []
        for run in self._runs("run_ids", "run_ids[]"):
            points = [one for one in history(run, metric) if first <= one.step <= last]
            found += mlflow.metric_history(thinned(points, most), run.trial.key)
        return self.answer({"metrics": found})

    def _step(self, name: str, default: int) -> int:
        value = self.arguments.get(name)
        return default if value in (None, "") else mlflow.whole(name, value, -MAX_STEP, MAX_STEP)


def history(run: Run, metric: str) -> list[Point]:
    """All values of a metric in order of step. One query."""
    rows = Measurement.objects.filter(trial=run.trial, name=metric).order_by("step", "attempt")
    by_step = {row[0]: row for row in rows.values_list("step", "value", "kind", "at")}
    return [facts.point(metric, *row) for row in by_step.values()]


def thinned(points: list[Point], most: int) -> list[Point]:
    """Evenly many of the points, with the first and the last."""
    if len(points) <= most:
        return points
    stride = (len(points) - 1) / max(most - 1, 1)
    return [points[round(place * stride)] for place in range(most)]
