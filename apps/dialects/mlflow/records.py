"""What scripts log: metrics, parameters, tags, data sets and models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.artifacts import remarks
from apps.dialects.mlflow import facts
from apps.dialects.mlflow.base import MlflowView
from apps.dialects.mlflow.callers import Run
from apps.dialects.refusal import Refusal
from apps.tuning import reporting
from apps.tuning.measuring import Reading
from apps.tuning.reporting import Batch
from tunebook.errors import SpecError
from tunebook.wire import mlflow
from tunebook.wire.mlflow import Metric

MOST_DOCUMENT = 60_000
MOST_DATASETS = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HISTORY = "mlflow.log-model.history"


class LogMetric(MlflowView):
    """One value of one metric."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_log()
        log_metrics(run, [mlflow.metric_of(self.arguments)])
        return self.answer({})


class LogBatch(MlflowView):
    """Up to 1,000 metrics, 100 parameters and 100 tags; all or none."""

    def post(self, request: Request) -> HttpResponse:
        wanted = mlflow.batch(self.arguments)
        only_tags = not wanted.metrics and not wanted.params
        run = self.run_to_change() if only_tags else self.run_to_log()
        write(run, {remarks.PARAM: wanted.params, **kept(wanted.tags)})
        log_metrics(run, wanted.metrics)
        return self.answer({})


class LogParameter(MlflowView):
    """A parameter; said again, it must be the same."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_log()
        key, value = mlflow.pair_of(self.arguments, mlflow.MOST_PARAM)
        write(run, {remarks.PARAM: {key: value}})
        return self.answer({})


class SetTag(MlflowView):
    """A tag, new or changed; that of the run's name renames it."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_change()
        key, value = mlflow.pair_of(self.arguments, mlflow.MOST_TAG)
        remarks.write_all(run.trial, run.attempt, kept({key: value}))
        return self.answer({})


class DeleteTag(MlflowView):
    """Take a tag away."""

    def post(self, request: Request) -> HttpResponse:
        run, key = self.run_to_change(), self.text("key", required=True)
        if not remarks.erase(run.trial, remarks.TAG, key):
            raise Refusal("not_found", f"the run has no tag {key!r:.80}", status=404)
        return self.answer({})


class LogInputs(MlflowView):
    """The data sets that a run has read, and the models."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_log()
        datasets = _objects(self.arguments, "datasets", MOST_DATASETS)
        words = {_dataset_name(one): _document(one, "datasets") for one in datasets}
        remarks.write(run.trial, run.attempt, remarks.INPUT, words)
        return self.answer({})


class LogOutputs(MlflowView):
    """The models that a run has made."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_log()
        words = {}
        for one in _objects(self.arguments, "models", MOST_DATASETS):
            name = mlflow.text_of(one, "model_id", 100)
            if not name:
                raise SpecError("models[].model_id", "is required")
            words[name] = _document({"model_id": name, "step": one.get("step", 0)}, "models")
        remarks.write(run.trial, run.attempt, remarks.OUTPUT, words)
        return self.answer({})


class LogModel(MlflowView):
    """What clients before 3.0 say of a model: kept in a tag, as MLflow does."""

    def post(self, request: Request) -> HttpResponse:
        run = self.run_to_log()
        text = self.text("model_json", required=True, most=MOST_DOCUMENT)
        try:
            model = json.loads(text)
        except (ValueError, RecursionError):
            raise Refusal("bad_parameter", "must be JSON", field="model_json") from None
        if not isinstance(model, dict):
            raise Refusal("bad_parameter", "must be a JSON object", field="model_json")
        before = remarks.of([run.trial.pk], remarks.TAG).filter(name=HISTORY).values_list("text", flat=True).first()
        history = [*json.loads(before or "[]"), model]
        remarks.write(run.trial, run.attempt, remarks.TAG, {HISTORY: _document(history, "model_json")})
        return self.answer({})


def kept(tags: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Tags as they are written down: that of the run's name is no tag beside the name."""
    others = {key: value for key, value in tags.items() if key != facts.RUN_NAME}
    names = {facts.NAME: tags[facts.RUN_NAME][: facts.MOST_NAME]} if len(others) < len(tags) else {}
    return {remarks.TAG: others, remarks.RUN: names}


def write(run: Run, words: Mapping[str, Mapping[str, str]]) -> None:
    """Write down parameters, which stay as they are, and tags.

    Once the script has made more runs, nested ones or one after the other, these may have other values: MLflow keeps
    them apart, and a script that goes by that must not fail. What was said first stands then.
    """
    try:
        remarks.write_all(run.trial, run.attempt, words, stay={remarks.PARAM})
    except remarks.Changed:
        if not remarks.of([run.trial.pk], remarks.RUN).filter(attempt=run.attempt, name=facts.OTHERS).exists():
            raise
        remarks.write_all(run.trial, run.attempt, words, first={remarks.PARAM})


def log_metrics(run: Run, metrics: Sequence[Metric]) -> None:
    """Store metrics of the trial that calls."""
    if metrics:
        (taken,) = reporting.report([batch_of(run.token, metrics, run.trial.key)])
        if isinstance(taken, Exception):
            raise taken


def batch_of(token: str, metrics: Sequence[Metric], trial: str) -> Batch:
    """Metrics as the report of an attempt. A step may be said again: MLflow keeps every value."""
    times: dict[int, datetime] = {}
    readings = []
    for key, value, step, timestamp in metrics:
        at = times.get(timestamp)
        if at is None:
            at = times[timestamp] = EPOCH + timedelta(milliseconds=timestamp)
        readings.append(Reading(key, step, value, 0, at))
    return Batch(token, readings, again=True, trial=trial)


def _objects(document: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    items = document.get(name) or []
    if not isinstance(items, list) or len(items) > most or not all(isinstance(item, Mapping) for item in items):
        raise SpecError(name, f"must be a list of at most {most} objects")
    return items


def _dataset_name(item: Mapping[str, Any]) -> str:
    dataset = item.get("dataset")
    if not isinstance(dataset, Mapping) or not isinstance(dataset.get("name"), str) or not dataset["name"]:
        raise SpecError("datasets[].dataset.name", "must be a text that is not empty")
    return remarks.name_of_dataset(dataset["name"], dataset.get("digest"))


def _document(value: object, name: str) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text) > MOST_DOCUMENT:
        raise SpecError(name, f"must have at most {MOST_DOCUMENT} characters, got {len(text)}")
    return text
