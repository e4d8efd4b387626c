"""The table of an experiment's trials: rows, columns and order for a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F, OrderBy, QuerySet
from django.utils import timezone

from apps.dashboard.paging import Pages
from apps.dashboard.strictest import Strictest, strictest
from apps.dashboard.templatetags.figures import aligned, column_digits, duration, number, words
from apps.experiments.models import Experiment
from apps.search.parser import Query, Term
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
DEFAULT_SORT = "-number"
USUAL_COLUMNS = ("duration", "started", "reason")
MOST_PARAMS = 8
MOST_PINS = 3
MOST_SORTS = 3
NUMERIC = ("last", "step", "duration", "attempts")


@dataclass(frozen=True)
class Column:
    name: str
    title: str
    on: bool
    param: bool = False
    numeric: bool = False
    sort: str = ""
    pin: int = 0
    """Its place among the columns that stay in sight at the left, from 1; 0 for the others."""

    @property
    def head_css(self) -> str:
        pinned = f" pin pin-{self.pin}" if self.pin else ""
        return f"{'number' if self.numeric else 'text'}{pinned}"

    @property
    def css(self) -> str:
        kind = " mono" if self.param else " reason" if self.name == "reason" else ""
        return f"{self.head_css}{kind}"


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

    def rows(self, terms: Sequence[Term] | None = None) -> Rows:
        """The rows that meet all parts of the query, or these parts."""
        asked = self.query if terms is None else Query("", self.query.grammar, list(terms))
        return narrowed(self.everything, asked, self.experiment, self.space)

    def strictest(self) -> Strictest | None:
        """Of a query that finds nothing, the term whose removal would find most. A query per term."""
        return strictest(self.query, lambda terms: self.rows(terms).order_by().count())

    def total(self) -> int:
        """How many trials meet the query: from the experiment's counters where they know it, else counted."""
        if not self.query.terms:
            return self.experiment.trial_count
        conditions = self.query.conditions
        if conditions is not None and len(conditions) == 1 and conditions[0].field == "status":
            wanted = set(conditions[0].values)
            return sum(count for status, count in self.experiment.counts.items() if status in wanted)
        return self.rows().order_by().count()

    def columns(self, asked: Sequence[str], pinned: Sequence[str] = ()) -> list[Column]:
        """All columns there are, each with whether it is shown; pinned ones first. Without a choice: the first
        parameters and the usual."""
        names = list(self.space.leaves())
        chosen = set(asked) or {f"param.{name}" for name in names[:MOST_PARAMS]} | set(USUAL_COLUMNS)
        chosen |= set(pinned[:MOST_PINS])
        params = [
            Column(f"param.{name}", name, f"param.{name}" in chosen, True, distribution.is_numeric, f"param.{name}")
            for name, (distribution, _) in self.space.leaves().items()
        ]
        system = [
            Column(name, title, name in chosen, numeric=name in NUMERIC, sort=sort)
            for name, title in SYSTEM_COLUMNS.items()
            for sort in [name if name in SORTS else ""]
        ]
        every = {column.name: column for column in params + system}
        first = [name for name in dict.fromkeys(pinned) if name in every][:MOST_PINS]
        return [replace(every.pop(name), pin=place) for place, name in enumerate(first, 1)] + list(every.values())

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

    def sorts(self, asked: str) -> list[str]:
        """The parts of "status,-value" that can be sorted by, the first ones first; "-number" where there is none."""
        known = {*SORTS, *(f"param.{name}" for name in self.space.leaves())}
        parts = {part.removeprefix("-"): part for part in reversed(asked.split(","))}
        return [part for name, part in reversed(parts.items()) if name in known][:MOST_SORTS] or [DEFAULT_SORT]

    def _ordered(self, sort: str) -> Rows:
        rows, order = self.rows(), list[OrderBy | str]()
        for place, part in enumerate(self.sorts(sort)):
            name, down = part.removeprefix("-"), part.startswith("-")
            if name == "number":
                return rows.order_by(*order, part)  # no two have the same: nothing is left to order by
            column = SORTS.get(name, f"sorted_by_{place}")
            if name not in SORTS:
                rows = rows.alias(**{column: param(self.space, name.removeprefix("param."))})
            order.append(_last(column, down))
        return rows.order_by(*order, "number")


def differing(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """Without the columns that say the same of all these rows; a single row keeps its own."""
    if len(rows) < 2:
        return list(columns), list(rows)
    seen: dict[str, set[str]] = {}
    for row in rows:
        for column, text, full in row.cells:
            seen.setdefault(column.name, set()).add(f"{text} {full}")
    same = {name for name, texts in seen.items() if len(texts) == 1}
    kept = [replace(column, on=column.on and column.name not in same) for column in columns]
    return kept, [replace(row, cells=[cell for cell in row.cells if cell[0].name not in same]) for row in rows]


def _last(column: str, down: bool) -> OrderBy:
    return F(column).desc(nulls_last=True) if down else F(column).asc(nulls_last=True)


def cell(
    column: Column, trial: Trial, flat: Mapping[str, Any], digits: Mapping[str, int | None], now: datetime
) -> tuple[str, Any]:
    """A cell's text, and the value in full for its title; None there is a parameter whose value is null."""
    if column.param:
        return _param_cell(flat[column.title], digits.get(column.name)) if column.title in flat else ("", "")
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
    if isinstance(value, int | float) and not isinstance(value, bool):
        return aligned(value, digits), value
    return words(value), value
