"""What a search reads of runs: only the names it asks for, so that many runs can be looked through."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Case, F, FloatField, OuterRef, QuerySet, Subquery, Value, When

from apps.artifacts import remarks
from apps.artifacts.models import Remark
from apps.dialects.mlflow import facts
from apps.dialects.mlflow.search import DATASET, METRIC, OF_DATASETS, PARAM, TAG, Name, Term, Values
from apps.trials.models import Kind, Measurement, Trial
from tunebook.placeholders import active, text_of
from tunebook.wire import mlflow

PK = Name("", "pk")
CHUNK = 2_000
CONTEXT = "mlflow.data.context"
"""The tag of a data set that says what it was for."""
_NUMBER = Case(
    When(kind=Kind.INFINITY, then=Value(float("inf"))),
    When(kind=Kind.MINUS_INFINITY, then=Value(float("-inf"))),
    default=F("value"),  # null where it is not a number
    output_field=FloatField(),
)
_LOOKUPS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_BASE = ("pk", "key", "number", "status", "created", "started", "ended")
Row = Mapping[str, Any]
# attribute -> what it is, out of a row
ATTRIBUTES: Mapping[str, Callable[[Row], Any]] = {
    "run_id": lambda row: row["key"],
    "run_name": lambda row: row["run_name"] or f"trial {row['number']}",
    "status": lambda row: _ending(row)[0],
    "user_id": lambda row: row["experiment__creator__username"],
    "start_time": lambda row: facts.milliseconds(row["started"] or row["created"]),
    "end_time": lambda row: _ending(row)[1],
    "artifact_uri": lambda row: mlflow.artifact_root(row["experiment__key"], row["key"]),
}
_SAID = {"run_name": facts.NAME, "run_status": facts.STATUS, "run_end": facts.END_TIME}
_OWN_TAGS: Mapping[str, Callable[[Row], Any]] = {
    "tunebook.trial": lambda row: str(row["number"]),
    "tunebook.status": lambda row: row["status"],
    "mlflow.runName": ATTRIBUTES["run_name"],
}


def read(rows: QuerySet[Trial], names: Iterable[Name], terms: Sequence[Term]) -> Iterator[Values]:
    """The values under these names of all runs of which the terms hold, in the order of the rows. One query, and
    another one where data sets are asked for.

    What the database can compare itself, it does: a search by metrics costs little of what it leaves out.
    """
    wanted = [PK, *dict.fromkeys(names)]
    columns = {f"c{place}": name for place, name in enumerate(wanted)}
    found = rows.annotate(**{column: _stored(name) for column, name in columns.items() if name.kind in _STORED})
    for column, name in columns.items():
        for term in terms:
            if term.name == name and name.kind == METRIC and term.op in _LOOKUPS and isinstance(term.value, float):
                found = found.filter(**{f"{column}__{_LOOKUPS[term.op]}": term.value})
    found = found.annotate(**{column: _remark(remarks.RUN, name) for column, name in _SAID.items()})
    fields = [*_BASE, *_SAID, *(column for column, name in columns.items() if name.kind in _STORED)]
    fields += ["experiment__creator__username", "experiment__key"]
    fields += ["params"] if any(name.kind == PARAM for name in wanted) else []
    datasets = _datasets(rows) if any(name.kind == DATASET for name in wanted) else {}
    for row in found.values(*fields).iterator(chunk_size=CHUNK):
        row["datasets"] = datasets.get(row["pk"], {})
        one = {name: _value(name, column, row) for column, name in columns.items()}
        if all(term.holds(one) for term in terms):
            yield one


def _stored(name: Name) -> Any:
    return _STORED[name.kind](name.key)


def _latest(key: str) -> Subquery:
    points = Measurement.objects.filter(trial=OuterRef("pk"), name=key).order_by("-attempt", "-source", "-step")
    return Subquery(points.annotate(shown=_NUMBER).values("shown")[:1])


def _datasets(rows: QuerySet[Trial]) -> dict[int, dict[str, list[str]]]:
    """The names, digests and contexts of the data sets that each of the runs (by row) has read. One query."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: {name: [] for name in OF_DATASETS})
    read = Remark.objects.filter(trial__in=rows.order_by().values("pk"), kind=remarks.INPUT)
    for trial, text in read.values_list("trial_id", "text").iterator(chunk_size=CHUNK):
        document = json.loads(text)
        dataset, tags = document["dataset"], document.get("tags")
        for name in ("name", "digest"):
            found[trial][name].append(str(dataset.get(name, "")))
        named = [tag for tag in tags if isinstance(tag, Mapping)] if isinstance(tags, list) else []
        found[trial]["context"] += [str(tag.get("value")) for tag in named if tag.get("key") == CONTEXT]
    return found


def _remark(kind: str, name: str) -> Subquery:
    return Subquery(Remark.objects.filter(trial=OuterRef("pk"), kind=kind, name=name).values("text")[:1])


_STORED: Mapping[str, Callable[[str], Any]] = {
    METRIC: _latest,
    PARAM: lambda key: _remark(remarks.PARAM, key),
    TAG: lambda key: _remark(remarks.TAG, key),
}


def _value(name: Name, column: str, row: Row) -> Any:
    if name == PK:
        return row["pk"]
    if name.kind == METRIC:
        return row[column]
    if name.kind == PARAM:
        if row[column] is not None:
            return row[column]
        return next((text_of(value) for key, value in active(row["params"]) if key == name.key), None)
    if name.kind == TAG:
        own = _OWN_TAGS.get(name.key)
        return own(row) if own is not None and row[column] is None else row[column]
    if name.kind == DATASET:
        return row["datasets"].get(name.key, [])
    return ATTRIBUTES[name.key](row)


def _ending(row: Row) -> tuple[str, int | None]:
    """The status of a run and when it ended: the trial's own, until then what its script has said."""
    return facts.ending(row["status"], row["ended"], {facts.STATUS: row["run_status"], facts.END_TIME: row["run_end"]})
