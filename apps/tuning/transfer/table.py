"""The trials of an experiment as a table for spreadsheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from apps.experiments.models import Experiment
from apps.search.export import FORMULA, Echo
from apps.trials.models import Trial
from apps.tuning.announce import moment, word
from tunebook.job import Job
from tunebook.space import Space

BEFORE = ("number", "status", "value")
AFTER = ("last_step", "source", "reason", "excluded", "started", "ended")
CHUNK = 500


def as_csv(experiment: Experiment) -> Iterator[str]:
    """Lines of CSV: one per trial, one column per parameter, called `params.lr`. A text a sheet would run gets a quote."""
    space = Job.from_dict(experiment.job).space
    names = list(space.leaves())
    writer = csv.writer(Echo(), lineterminator="\n")
    yield writer.writerow([*BEFORE, *(f"params.{name}" for name in names), *AFTER])
    rows = Trial.objects.filter(experiment=experiment).order_by("number")
    for values in rows.values_list("params", *BEFORE, *AFTER).iterator(chunk_size=CHUNK):
        yield writer.writerow([_cell(value) for value in _row(space, names, values)])


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
