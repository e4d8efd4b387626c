"""A list of experiments as a file, written row by row."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
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
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: QuerySet[Experiment]) -> Iterator[str]:
    """Lines of CSV with a heading; tags as `key=value` parted by blanks. A text that a sheet would run gets a quote."""
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for row in records(rows):
        tags = " ".join(f"{key}={value}" if value else key for key, value in row["tags"].items())
        yield writer.writerow([_cell(value) for value in {**row, "tags": tags}.values()])


def as_json(rows: QuerySet[Experiment]) -> Iterator[str]:
    """One JSON list of objects."""
    before = "["
    for row in records(rows):
        yield before + json.dumps(row, ensure_ascii=False, default=str)
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"


def records(rows: QuerySet[Experiment]) -> Iterator[dict[str, Any]]:
    """The rows by the names of the columns. Two queries for each 500."""
    names = [STORED.get(name, name) for name in COLUMNS if name != "tags"]
    ids = list(rows.values_list("pk", flat=True)[:MOST])
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        tags = _tags(part)
        found = {values[0]: values[1:] for values in Experiment.objects.filter(pk__in=part).values_list("pk", *names)}
        for pk in part:
            if pk in found:
                values = dict(zip((name for name in COLUMNS if name != "tags"), found[pk], strict=True))
                yield {name: tags[pk] if name == "tags" else _plain(values[name]) for name in COLUMNS}


def _tags(experiments: list[int]) -> Mapping[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = defaultdict(dict)
    through = Experiment.tags.through.objects.filter(experiment__in=experiments).order_by("tag__key")
    for pk, key, value in through.values_list("experiment", "tag__key", "tag__value"):
        found[pk][key] = value
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


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
