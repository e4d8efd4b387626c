"""Logged models, as clients from 3.0 on keep them: a document of the trial, and a folder among its files."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.artifacts import artifacts, remarks
from apps.artifacts.models import Remark
from apps.dialects.mlflow import search
from apps.dialects.mlflow.base import MlflowView
from apps.dialects.mlflow.callers import Run, TrialCaller
from apps.dialects.mlflow.files import MODELS, listing, owner_of_model
from apps.dialects.refusal import Refusal
from apps.experiments.models import Experiment
from apps.workspaces.access import OutOfReach
from tunebook.wire import mlflow

PENDING, READY, FAILED = "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"
STATUSES = (PENDING, READY, FAILED)
MOST_NAME = 250
MOST_DOCUMENT = 60_000
MOST_RESULTS = 100
Document = dict[str, Any]
ATTRIBUTES: Mapping[str, str] = {
    **{name: name for name in ("name", "model_id", "model_type", "status", "source_run_id", "experiment_id")},
    "creation_timestamp": "creation_timestamp_ms",
    "creation_time": "creation_timestamp_ms",
    "last_updated_timestamp": "last_updated_timestamp_ms",
}
"""What a model is found and ordered by, and where that stands in its head. Its metrics are those of its run."""
MODEL = search.Name("", "model")
FOUND_BY = (search.PARAM, search.TAG)


class Models(MlflowView):
    """Make a model of the trial that calls."""

    def post(self, request: Request) -> HttpResponse:
        if not isinstance(self.caller, TrialCaller):
            raise Refusal("not_allowed", "models are logged by trials", status=403)
        run = self.caller.run
        name = self.text("name", most=MOST_NAME) or "model"
        model_id, now = f"m-{secrets.token_hex(16)}", int(time.time() * 1000)
        info = {
            "model_id": model_id,
            "experiment_id": run.experiment.key,
            "name": name,
            "artifact_uri": f"mlflow-artifacts:/{run.experiment.key}/{MODELS}/{model_id}/artifacts",
            "status": PENDING,
            "creation_timestamp_ms": now,
            "last_updated_timestamp_ms": now,
            "source_run_id": run.trial.key,
            "model_type": self.text("model_type", most=MOST_NAME),
            "tags": _pairs(mlflow.pairs_of(self.arguments, "tags", 100, mlflow.MOST_TAG)),
        }
        params = _pairs(mlflow.pairs_of(self.arguments, "params", 100, mlflow.MOST_PARAM))
        model = {"info": info, "data": {"params": params, "metrics": []}}
        write(run, model)
        return self.answer({"model": model})


class OneModel(MlflowView):
    """Read a model, say that its files are all there, or take it away with them."""

    def get(self, request: Request, model: str) -> HttpResponse:
        return self.answer({"model": read(self, model)[1]})

    def patch(self, request: Request, model: str) -> HttpResponse:
        run, document = read(self, model, changes=True)
        status = self.arguments.get("status")
        if status not in STATUSES:
            raise Refusal("bad_parameter", f"must be one of {', '.join(STATUSES)}", field="status")
        document["info"]["status"] = status
        write(run, document)
        return self.answer({"model": document})

    def delete(self, request: Request, model: str) -> HttpResponse:
        run, _document = read(self, model, changes=True)
        artifacts.remove(run.experiment, run.trial, f"{MODELS}/{model}")
        remarks.erase(run.trial, remarks.MODEL, model)
        return self.answer({})


class ModelParams(MlflowView):
    """Add parameters to a model."""

    def post(self, request: Request, model: str) -> HttpResponse:
        run, document = read(self, model, changes=True)
        known = {one["key"]: one["value"] for one in document["data"]["params"]}
        given = mlflow.pairs_of(self.arguments, "params", 100, mlflow.MOST_PARAM)
        document["data"]["params"] = _pairs({**known, **given})
        write(run, document)
        return self.answer({})


class ModelTags(MlflowView):
    """Add tags to a model, or change them."""

    def patch(self, request: Request, model: str) -> HttpResponse:
        run, document = read(self, model, changes=True)
        known = {one["key"]: one["value"] for one in document["info"]["tags"]}
        given = mlflow.pairs_of(self.arguments, "tags", 100, mlflow.MOST_TAG)
        document["info"]["tags"] = _pairs({**known, **given})
        write(run, document)
        return self.answer({"model": document})


class ModelTag(MlflowView):
    """Take a tag of a model away."""

    def delete(self, request: Request, model: str, key: str) -> HttpResponse:
        run, document = read(self, model, changes=True)
        document["info"]["tags"] = [one for one in document["info"]["tags"] if one["key"] != key]
        write(run, document)
        return self.answer({})


class ModelFiles(MlflowView):
    """A folder of a model's files."""

    def get(self, request: Request, model: str) -> HttpResponse:
        run, document = read(self, model)
        root = f"{MODELS}/{model}"
        path = self.text("artifact_directory_path").strip("/")
        files = listing(run, f"{root}/{path}" if path else root, root)
        return self.answer({"root_uri": document["info"]["artifact_uri"], "files": files})


class SearchModels(MlflowView):
    """The models of some experiments by a filter, newest first or in another order."""

    def post(self, request: Request) -> HttpResponse:
        most, offset = self.number("max_results", MOST_RESULTS, MOST_RESULTS), self.offset()
        wanted = search.parse(self.text("filter", most=8_000), ATTRIBUTES, FOUND_BY)
        order = self._order()
        rows = Remark.objects.filter(kind=remarks.MODEL)
        if isinstance(self.caller, TrialCaller):
            rows = rows.filter(trial=self.caller.run.trial)
        else:
            keys = self.arguments.get("experiment_ids") or []
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(keys) > 1_000:
                raise Refusal("bad_parameter", "must be a list of at most 1000 texts", field="experiment_ids")
            visible = Experiment.objects.visible_to(self.caller.actor).kept().filter(key__in=keys)
            rows = rows.filter(trial__experiment__in=visible)
        texts = rows.order_by("-pk").values_list("text", flat=True)
        if wanted or order:
            names = [*(term.name for term in wanted), *(name for name, _ in order)]
            read = [json.loads(text) for text in texts.iterator(chunk_size=MOST_RESULTS)]
            found = [{MODEL: model, **{name: _value(model, name) for name in names}} for model in read]
            matching = [one for one in found if all(term.holds(one) for term in wanted)]
            page = [one[MODEL] for one in search.ordered(matching, order)[offset : offset + most + 1]]
        else:
            page = [json.loads(text) for text in texts[offset : offset + most + 1]]
        answer: Document = {"models": page[:most]}
        if len(page) > most:
            answer["next_page_token"] = str(offset + most)
        return self.answer(answer)

    def _order(self) -> list[tuple[search.Name, bool]]:
        """What to order by, each with whether the largest comes first."""
        given = self.arguments.get("order_by") or []
        if not isinstance(given, list) or len(given) > search.MOST_TERMS:
            raise Refusal("bad_parameter", f"must be a list of at most {search.MOST_TERMS} objects", field="order_by")
        keys = []
        for one in given:
            if not isinstance(one, dict) or not isinstance(one.get("field_name"), str):
                raise Refusal("bad_parameter", "must be objects with a field_name", field="order_by")
            name = search.named(one["field_name"], ATTRIBUTES, FOUND_BY, "order_by")
            keys.append((name, one.get("ascending") is False))
        return keys


def read(view: MlflowView, model: str, *, changes: bool = False) -> tuple[Run, Document]:
    """A model within reach and its run. Up to three queries."""
    key = owner_of_model(model)
    if not key:
        raise OutOfReach("model", model[:80])
    run = view.caller.find_to_change(key) if changes else view.caller.find(key)
    text = remarks.of([run.trial.pk], remarks.MODEL).filter(name=model).values_list("text", flat=True).get()
    return run, json.loads(text)


def write(run: Run, document: Document) -> None:
    """Keep a model's document as it is now."""
    document["info"]["last_updated_timestamp_ms"] = int(time.time() * 1000)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if len(text) > MOST_DOCUMENT:
        raise Refusal("bad_parameter", f"a model keeps at most {MOST_DOCUMENT} characters of parameters and tags")
    remarks.write(run.trial, run.attempt, remarks.MODEL, {document["info"]["model_id"]: text})


def _value(model: Document, name: search.Name) -> Any:
    """What a model has under a name of a search."""
    if name.kind == search.ATTRIBUTE:
        return model["info"].get(ATTRIBUTES[name.key]) or None
    pairs: Sequence[Mapping[str, str]] = model["data"]["params"] if name.kind == search.PARAM else model["info"]["tags"]
    return next((pair["value"] for pair in pairs if pair["key"] == name.key), None)


def _pairs(texts: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]
