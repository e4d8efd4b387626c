"""The table of an experiment's trials: rows, columns and order for a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OrderBy, QuerySet
from django.utils import timezone

from apps.dashboard.paging import Pages
from apps.dashboard.templatetags.figures import aligned, column_digits, duration, number, words
from apps.experiments.models import Experiment
from apps.search.parser import Query
from apps.search.trials import narrowed
from apps.trials.filters import param
from apps.trials.models import Trial
from tunebook.space import Space

Rows = QuerySet[Trial]
SORTS = {"number": "number", "status": "status", "value": "value", "started": "started", "step": "last_step"}
SYSTEM_COLUMNS = {
    "last": "Last value",
    "step": "Step",
    "duration": "Duration",
    "source": "Why",
    "started": "Started",
    "reason": "Reason",
    "attempts": "Attempts",
}
USUAL_COLUMNS = ("duration", "started", "reason")
MOST_PARAMS = 8


@dataclass(frozen=True)
class Column:
    name: str
    title: str
    on: bool
    param: bool = False
    numeric: bool = False
    sort: str = ""


@dataclass(frozen=True)
class Row:
    """A trial with its cells in the order of the columns: text, and the full value where the text is short of it."""

    trial: Trial
    value: str
    cells: Sequence[tuple[Column, str, Any]]
    best: bool


class TrialListing:
    """The trials of one experiment that meet a query."""

    def __init__(self, experiment: Experiment, space: Space, query: Query) -> None:
        self.experiment, self.space, self.query = experiment, space, query
        self.everything: Rows = Trial.objects.filter(experiment=experiment)

    def rows(self) -> Rows:
        """The rows that meet the query."""
        return narrowed(self.everything, self.query, self.experiment, self.space)

    def total(self) -> int:
        """How many trials meet the query: from the experiment's counters where they know it, else counted."""
        if not self.query.terms:
            return self.experiment.trial_count
        conditions = self.query.conditions
        if conditions is not None and len(conditions) == 1 and conditions[0].field == "status":
            wanted = set(conditions[0].values)
            return sum(count for status, count in self.experiment.counts.items() if status in wanted)
        return self.rows().order_by().count()

    def columns(self, asked: Sequence[str]) -> list[Column]:
        """All columns there are, each with whether it is shown. Without a choice: the first parameters and the usual."""
        names = list(self.space.leaves())
        chosen = set(asked) or {f"param.{name}" for name in names[:MOST_PARAMS]} | set(USUAL_COLUMNS)
        params = [
            Column(f"param.{name}", name, f"param.{name}" in chosen, True, distribution.is_numeric, f"param.{name}")
            for name, (distribution, _) in self.space.leaves().items()
        ]
        system = [
            Column(name, title, name in chosen, numeric=name in ("last", "step", "duration", "attempts"), sort=sort)
            for name, title in SYSTEM_COLUMNS.items()
            for sort in [name if name in SORTS else ""]
        ]
        return params + system

    def page(self, sort: str, pages: Pages, columns: Sequence[Column]) -> list[Row]:
        """The rows of one page in order. Two queries: narrow ids, rows."""
        ids = list(self._ordered(sort).values_list("pk", flat=True)[pages.start : pages.stop])
        found = Trial.objects.in_bulk(ids)
        trials = [found[pk] for pk in ids if pk in found]
        shown, now = [column for column in columns if column.on], timezone.now()
        flats = [self.space.flatten(trial.params) for trial in trials]
        digits = {
            column.name: column_digits(
                value for flat in flats for value in [flat.get(column.title)] if isinstance(value, int | float)
            )
            for column in shown
            if column.param and column.numeric and not self.space.leaves()[column.title][0].is_log
        }
        value_digits = column_digits(trial.value for trial in trials)
        return [
            Row(
                trial,
                aligned(trial.value, value_digits),
                [(column, *cell(column, trial, flat, digits, now)) for column in shown],
                trial.number == self.experiment.best_trial,
            )
            for trial, flat in zip(trials, flats, strict=True)
        ]

    def _ordered(self, sort: str) -> Rows:
        name, down = sort.removeprefix("-"), sort.startswith("-")
        rows = self.rows()
        if name.startswith("param.") and name.removeprefix("param.") in self.space.leaves():
            rows = rows.alias(sorted_by=param(self.space, name.removeprefix("param.")))
            return rows.order_by(_last("sorted_by", down), "number")
        column = SORTS.get(name, "number")
        if column == "number":
            return rows.order_by("-number" if down else "number")
        return rows.order_by(_last(column, down), "number")


def _last(column: str, down: bool) -> OrderBy:
    return F(column).desc(nulls_last=True) if down else F(column).asc(nulls_last=True)


def cell(
    column: Column, trial: Trial, flat: Mapping[str, Any], digits: Mapping[str, int | None], now: datetime
) -> tuple[str, Any]:
    """A cell's text, and the value in full for its title."""
    if column.param:
        return _param_cell(flat.get(column.title), digits.get(column.name))
    if column.name == "duration":
        spent = ((trial.ended or now) - trial.started).total_seconds() if trial.started else None
        return duration(spent), spent or ""
    value: Any = {
        "last": trial.last_value,
        "step": trial.last_step,
        "source": trial.source,
        "started": trial.started,
        "reason": trial.reason,
        "attempts": trial.attempt_count,
    }[column.name]
    return (number(value) if isinstance(value, int | float) else value or ""), value


def _param_cell(value: Any, digits: int | None) -> tuple[str, Any]:
    if value is None:
        return "", ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return aligned(value, digits), value
    return words(value), value
