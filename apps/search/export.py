"""A list of experiments as a file, written some hundred rows at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import QuerySet

from apps.experiments.models import Experiment

MOST = 100_000
CHUNK = 500
COLUMNS = (
    "key",
    "name",
    "status",
    "owner",
    "visibility",
    "source",
    "sampler",
    "goal",
    "metric",
    "best_value",
    "best_trial",
    "trials",
    "succeeded",
    "failed",
    "max_trials",
    "created",
    "started",
    "ended",
    "updated",
    "tags",
    "description",
)
STORED = {
    "owner": "creator__username",
    "visibility": "accessibility",
    "source": "dialect",
    "trials": "trial_count",
    "succeeded": "finished_count",
    "failed": "failed_count",
    "updated": "modified",
    "tags": "tagged",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: QuerySet[Experiment]) -> Iterator[str]:
    """Lines of CSV with a heading; tags as `key=value` parted by blanks. A text that a sheet would run gets a quote."""
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for part in parts(rows):
        yield "".join(writer.writerow([_cell(value) for value in {**row, **_tags(row)}.values()]) for row in part)


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    return {"tags": " ".join(f"{key}={value}" if value else key for key, value in row["tags"].items())}


def as_json(rows: QuerySet[Experiment]) -> Iterator[str]:
    """One JSON list of objects."""
    before = "["
    for part in parts(rows):
        yield before + ",\n".join(json.dumps(row, ensure_ascii=False, default=str) for row in part)
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"


def parts(rows: QuerySet[Experiment]) -> Iterator[list[dict[str, Any]]]:
    """The rows by the names of the columns, 500 at a time. One query for each part, and one before."""
    names = [STORED.get(name, name) for name in COLUMNS]
    ids = list(rows.values_list("pk", flat=True)[:MOST])
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        found = {values[0]: values[1:] for values in Experiment.objects.filter(pk__in=part).values_list("pk", *names)}
        records = [dict(zip(COLUMNS, map(_plain, found[pk]), strict=True)) for pk in part if pk in found]
        for one in records:
            one["tags"] = dict(json.loads(one["tags"]))
        if records:
            yield records


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def for_spreadsheets(lines: Iterable[str]) -> Iterator[str]:
    """Lines of CSV as a person downloads them: behind the mark without which Excel takes UTF-8 for something else.

    What programs read is without it, because many would take it for a part of the first heading.
    """
    return chain(["\ufeff"], lines)


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


FORMATS: Mapping[str, Callable[[QuerySet[Experiment]], Iterator[str]]] = {"csv": as_csv, "json": as_json}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
