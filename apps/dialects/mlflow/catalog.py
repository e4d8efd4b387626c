"""What a search reads of experiments: the database narrows and orders them, so that a page of many costs little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Collate

from apps.dialects.mlflow.facts import milliseconds
from apps.dialects.mlflow.search import ATTRIBUTE, TAG, Name, Term
from apps.experiments.models import Experiment

COLUMNS: Mapping[Name, str] = {
    Name(ATTRIBUTE, "name"): "name",
    Name(ATTRIBUTE, "experiment_id"): "key",
    Name(ATTRIBUTE, "creation_time"): "created",
    Name(ATTRIBUTE, "last_update_time"): "modified",
    Name(TAG, "tunebook.status"): "status",
    Name(TAG, "tunebook.metric"): "metric",
    Name(TAG, "tunebook.goal"): "goal",
}
"""The names of a search, and where an experiment keeps what they mean; it has no others."""
ATTRIBUTES = [name.key for name in COLUMNS if name.kind == ATTRIBUTE]
CHUNK = 2_000
NEAR = timedelta(milliseconds=2)
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def page(
    rows: QuerySet[Experiment], wanted: Sequence[Term], order: Sequence[tuple[Name, bool]], start: int, most: int
) -> list[Experiment]:
    """The experiments of which all terms hold, from one place in their order on; in the end the newest first. Two queries."""
    keys = [_directed(COLUMNS[name], downwards) for name, downwards in order]
    found = rows.order_by(*keys, "-created", "-pk")
    for term in wanted:
        found = found.filter(_may_hold(term))
    left = [term for term in wanted if not _is_exact(term)]
    if left:
        columns = {name: COLUMNS[name] for term in left if (name := term.name) in COLUMNS}
        narrow = found.values_list("pk", *columns.values()).iterator(chunk_size=CHUNK)
        holding = (pk for pk, *values in narrow if _hold(left, dict(zip(columns, values, strict=True))))
        ids = list(islice(holding, start, start + most))
    else:
        ids = list(found.values_list("pk", flat=True)[start : start + most])
    known = Experiment.objects.lean().in_bulk(ids)
    return [known[pk] for pk in ids if pk in known]


def _hold(terms: Sequence[Term], stored: Mapping[Name, Any]) -> bool:
    """Whether the terms hold of what is stored under their names; moments count as milliseconds."""
    values = {
        term.name: milliseconds(value) if isinstance(value := stored.get(term.name), datetime) else value
        for term in terms
    }
    return all(term.holds(values) for term in terms)


def _is_exact(term: Term) -> bool:
    """Whether `_may_hold` says it all."""
    return term.name in COLUMNS and not term.name.is_number and term.op in ("=", "!=", "IN", "NOT IN")


def _may_hold(term: Term) -> Q:
    """What holds of all rows that meet the term, and of few others."""
    column = COLUMNS.get(term.name)
    if column is None:
        return Q() if term.op == "IS NULL" else Q(pk__in=[])
    if term.name.is_number:
        return _near(column, term)
    if term.op in ("=", "!="):
        same = Q(**{column: str(term.value)})
        return same if term.op == "=" else ~same
    if term.op in ("IN", "NOT IN"):
        among = Q(**{f"{column}__in": sorted(term.value)})
        return among if term.op == "IN" else ~among
    if term.op in ("LIKE", "ILIKE") and term.value.longest:
        return Q(**{f"{column}__{'icontains' if term.op == 'ILIKE' else 'contains'}": term.value.longest})
    return Q()


def _near(column: str, term: Term) -> Q:
    """The moments that may be so many milliseconds, earlier, or later; their fractions are looked at afterwards."""
    if not isinstance(term.value, float):
        return Q()
    at = _moment(term.value)
    late, early = Q(**{f"{column}__gte": at - NEAR}), Q(**{f"{column}__lte": at + NEAR})
    return {"=": late & early, ">": late, ">=": late, "<": early, "<=": early}.get(term.op, Q())


def _moment(number: float) -> datetime:
    """So many milliseconds after 1970, within what databases keep."""
    try:
        return min(max(FIRST + timedelta(milliseconds=number), FIRST), LAST)
    except (OverflowError, ValueError):
        return LAST if number > 0 else FIRST


def _directed(column: str, downwards: bool) -> Any:
    """By the letters' numbers, wherever the database was set up."""
    is_text = column not in ("created", "modified")
    by = Collate(column, "C") if is_text and connection.vendor == "postgresql" else F(column)
    return by.desc() if downwards else by.asc()
