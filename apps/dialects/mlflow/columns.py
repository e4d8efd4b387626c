"""What a search reads of runs: only the names it asks for, so that many runs can be looked through."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, FloatField, OrderBy, OuterRef, QuerySet, Subquery, Value, When

from apps.artifacts import remarks
from apps.artifacts.models import Remark
from apps.dialects.mlflow import facts
from apps.dialects.mlflow.search import (
    ATTRIBUTE,
    DATASET,
    METRIC,
    OF_DATASETS,
    PARAM,
    TAG,
    Name,
    Term,
    Values,
    ordered,
)
from apps.trials.models import Kind, Measurement, Trial
from tunebook.placeholders import active, text_of
from tunebook.status import TrialStatus
from tunebook.wire import mlflow

PK = Name("", "pk")
STATUS, RUN_ID = Name(ATTRIBUTE, "status"), Name(ATTRIBUTE, "run_id")
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
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Attribute:
    """What a run has by itself: the columns that it is worked out from, and how."""

    columns: tuple[str, ...]
    of: Callable[[Row], Any]


# attribute -> what it is, out of a row
ATTRIBUTES: Mapping[str, Attribute] = {
    "run_id": Attribute(("key",), lambda row: row["key"]),
    "run_name": Attribute(("number", "run_name"), lambda row: row["run_name"] or f"trial {row['number']}"),
    "status": Attribute(("status", "ended", "run_status", "run_end"), lambda row: _ending(row)[0]),
    "user_id": Attribute(("experiment__creator__username",), lambda row: row["experiment__creator__username"]),
    "start_time": Attribute(("started", "created"), lambda row: facts.milliseconds(row["started"] or row["created"])),
    "end_time": Attribute(("status", "ended", "run_status", "run_end"), lambda row: _ending(row)[1]),
    "artifact_uri": Attribute(
        ("experiment__key", "key"), lambda row: mlflow.artifact_root(row["experiment__key"], row["key"])
    ),
}
_SAID = {"run_name": facts.NAME, "run_status": facts.STATUS, "run_end": facts.END_TIME}
_OWN_TAGS: Mapping[str, Attribute] = {
    "tunebook.trial": Attribute(("number",), lambda row: str(row["number"])),
    "tunebook.status": Attribute(("status",), lambda row: row["status"]),
    "mlflow.runName": ATTRIBUTES["run_name"],
}


def page(
    rows: QuerySet[Trial], wanted: Sequence[Term], order: Sequence[tuple[Name, bool]], start: int, most: int
) -> list[int]:
    """The ids of the runs of which all terms hold, from one place in their order on; those that it leaves alike as they
    come. One query, two with data sets; where the database understands the whole search, no more than the page is read.
    """
    found = narrowed(rows, wanted)
    if all(map(_is_exact, wanted)) and all(name.kind == METRIC for name, _ in order):
        keys = [_directed(_stored(name), downwards) for name, downwards in order]
        found = found.order_by(*keys, *rows.query.order_by)
        return list(found.values_list("pk", flat=True)[start : start + most])
    names = [*(term.name for term in wanted), *(name for name, _ in order)]
    matching = ordered(list(read(found, names, wanted)), order)
    return [one[PK] for one in matching[start : start + most]]


def narrowed(rows: QuerySet[Trial], terms: Sequence[Term]) -> QuerySet[Trial]:
    """The rows of which the terms may hold, so far as the database can tell."""
    for place, term in enumerate(terms):
        name, alias = term.name, f"narrowed_{place}"
        if _is_exact(term):
            lookup = f"{alias}__{_LOOKUPS[term.op]}"
            rows = rows.alias(**{alias: _stored(name)}).filter(**{lookup: term.value})
        elif name == STATUS and term.op in ("=", "IN"):
            rows = rows.filter(status__in=_may_be(term.value if term.op == "IN" else {term.value}))
        elif name == RUN_ID and term.op == "=":
            rows = rows.filter(key=str(term.value))
    return rows


def _is_exact(term: Term) -> bool:
    """Whether the database compares as a search does: metrics with numbers, and whether a tag of a script is some text."""
    if term.name.kind == METRIC:
        return term.op in _LOOKUPS and isinstance(term.value, float)
    return term.name.kind == TAG and term.name.key not in _OWN_TAGS and term.op == "=" and isinstance(term.value, str)


def _may_be(statuses: Collection[Any]) -> list[str]:
    """The statuses of trials whose runs may have one of these: until a trial has ended, its script may have said so."""
    own = {status: mlflow.run_status(status) for status in TrialStatus}
    return [status.value for status, run in own.items() if run in statuses or run not in facts.ENDED]


def _directed(expression: Any, downwards: bool) -> OrderBy:
    return OrderBy(expression, descending=downwards, nulls_last=True)


def read(rows: QuerySet[Trial], names: Iterable[Name], terms: Sequence[Term]) -> Iterator[Values]:
    """The values under these names of all runs of which the terms hold, in the order of the rows. One query, and
    another one where data sets are asked for."""
    columns = {f"c{place}": name for place, name in enumerate(dict.fromkeys(names))}
    stored = {column: _stored(name) for column, name in columns.items() if name.kind in _STORED}
    needed = dict.fromkeys(one for name in columns.values() for one in _needs(name))
    said = {column: _remark(remarks.RUN, _SAID[column]) for column in needed if column in _SAID}
    found = rows.annotate(**stored, **said).values("pk", *stored, *needed)
    datasets = _datasets(rows) if any(name.kind == DATASET for name in columns.values()) else {}
    for row in found.iterator(chunk_size=CHUNK):
        row["datasets"] = datasets.get(row["pk"], {})
        one = {name: _value(name, column, row) for column, name in columns.items()}
        if all(term.holds(one) for term in terms):
            yield {**one, PK: row["pk"]}


def _needs(name: Name) -> tuple[str, ...]:
    """The columns that a name's value is worked out from, beside the one that stores it."""
    if name.kind == PARAM:
        return ("params",)
    known = {ATTRIBUTE: ATTRIBUTES, TAG: _OWN_TAGS}.get(name.kind, {}).get(name.key)
    return known.columns if known is not None else ()


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
    if name.kind == METRIC:
        return row[column]
    if name.kind == PARAM:
        if row[column] is not None:
            return row[column]
        return next((text_of(value) for key, value in active(row["params"]) if key == name.key), None)
    if name.kind == TAG:
        own = _OWN_TAGS.get(name.key)
        return own.of(row) if own is not None and row[column] is None else row[column]
    if name.kind == DATASET:
        return row["datasets"].get(name.key, [])
    return ATTRIBUTES[name.key].of(row)


def _ending(row: Row) -> tuple[str, int | None]:
    """The status of a run and when it ended: the trial's own, until then what its script has said."""
    return facts.ending(row["status"], row["ended"], {facts.STATUS: row["run_status"], facts.END_TIME: row["run_end"]})
