"""The trials of an experiment as a table for spreadsheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.search.export import FORMULA, Echo
from apps.trials.models import Trial
from apps.tuning.announce import moment, word
from tunebook.job import Job
from tunebook.space import Space

BEFORE = ("number", "status", "value")
AFTER = ("last_step", "source", "reason", "excluded", "started", "ended")
CHUNK = 500


Rows = QuerySet[Trial]


def as_csv(experiment: Experiment, trials: Rows | None = None) -> Iterator[str]:
    """Lines of CSV: one per trial, one column per parameter, called `params.lr`. A text a sheet would run gets a quote.

    `trials`: those to write, in order; all of them without.
    """
    writer = csv.writer(Echo(), lineterminator="\n")
    space = Job.from_dict(experiment.job).space
    yield writer.writerow(_heads(space))
    for row in _rows(experiment, space, trials):
        yield writer.writerow([_cell(value) for value in row])


def as_json(experiment: Experiment, trials: Rows | None = None) -> Iterator[str]:
    """A JSON list, an object per line: the same columns as the CSV, with numbers as numbers and without empty ones."""
    space = Job.from_dict(experiment.job).space
    heads, before = _heads(space), "[\n"
    for row in _rows(experiment, space, trials):
        told = {name: _plain(value) for name, value in zip(heads, row, strict=True) if value is not None}
        yield before + json.dumps(told, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _heads(space: Space) -> list[str]:
    return [*BEFORE, *(f"params.{name}" for name in space.leaves()), *AFTER]


def _rows(experiment: Experiment, space: Space, trials: Rows | None) -> Iterator[list[Any]]:
    names = list(space.leaves())
    rows = trials if trials is not None else Trial.objects.filter(experiment=experiment).order_by("number")
    for values in rows.values_list("params", *BEFORE, *AFTER).iterator(chunk_size=CHUNK):
        yield _row(space, names, values)


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return moment(value)
    return word(value) if isinstance(value, float) else value


def _row(space: Space, names: list[str], values: tuple[Any, ...]) -> list[Any]:
    flat = space.flatten(values[0])
    before, after = values[1 : len(BEFORE) + 1], values[len(BEFORE) + 1 :]
    return [*before, *(flat.get(name) for name in names), *after]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return moment(value)
    if isinstance(value, float):
        return word(value)
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
