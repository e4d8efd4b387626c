"""The trials of a history as arrays that grow in place: only what is new or changed is encoded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.samplers.encode import Encoder, Floats, Ints
from tunebook.samplers.watch import Change, Watch
from tunebook.space import Params
from tunebook.status import TrialStatus


@dataclass(frozen=True)
class Table:
    """What is known of an experiment, one row for each trial that teaches something.

    ``loss`` is what is minimised: finite for results, infinite for failures, NaN for trials whose end is not known.
    ``results`` counts the finite ones. The arrays may be views of a store: they are to be read, not written.
    """

    rows: Floats
    loss: Floats
    weight: Floats
    results: int


class Records:
    """Keeps the trials of a history as a table. It is only a store: a new one gives the same table."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._columns = len(encoder.columns)
        self._watch = Watch()
        self._pending: dict[int, tuple[Params, list[float]]] = {}
        self._forget()

    def table(self, history: History, pending: Sequence[Params], with_failures: bool = True) -> Table:
        """Results and, if wanted, failures in the order of the history; then pending parameter sets."""
        self._follow(history)
        taken = slice(0, self._count)
        lesson = self._lesson[taken]
        wanted: slice | Ints = taken
        if self._results + (self._failures if with_failures else 0) < self._count:
            wanted = np.flatnonzero(lesson >= 0 if with_failures else (lesson >= 0) & np.isfinite(self._loss[taken]))
        rows, loss, weight = self._rows[wanted], self._loss[wanted], self._weight[wanted]
        if pending:
            rows = np.concatenate([rows, np.array(self._encoded(pending)).reshape(len(pending), self._columns)])
            loss = np.concatenate([loss, np.full(len(pending), np.nan)])
            weight = np.concatenate([weight, np.ones(len(pending))])
        return Table(rows, loss, weight, self._results)

    def _encoded(self, pending: Sequence[Params]) -> list[list[float]]:
        """The rows of pending parameter sets, each encoded once for all questions of a batch that know it."""
        kept, self._pending = self._pending, {}
        for params in pending:
            known = kept.get(id(params))
            if known is None or known[0] is not params:  # a copy of this store knows the ids of other objects
                known = params, self._encoder.row(params)
            self._pending[id(params)] = known
        return [self._pending[id(params)][1] for params in pending]

    def _forget(self) -> None:
        self._count = self._results = self._failures = 0
        self._rows: Floats = np.empty((64, self._columns))
        self._loss: Floats = np.empty(64)
        self._weight: Floats = np.empty(64)
        self._lesson = np.empty(64, dtype=np.int8)  # 1 for a result, 0 for a failure, -1 for what teaches nothing
        self._is_encoded = np.empty(64, dtype=bool)  # rows of trials that have taught nothing yet are not

    def _follow(self, history: History) -> None:
        """Take in what is new or other than last time."""
        is_other, changes = self._watch.news(history)
        if is_other:
            self._forget()
        for change in changes:
            self._take(change, history.objective)

    def _take(self, change: Change, objective: Objective) -> None:
        place, trial = change.place, change.trial
        if change.before is None:
            self._grow(place + 1)
        else:
            self._drop(int(self._lesson[place]))
        loss = loss_of(trial, objective)
        lesson = -1 if loss is None else 1 if math.isfinite(loss) else 0
        self._lesson[place] = lesson
        self._loss[place] = np.nan if loss is None else loss
        self._weight[place] = trial.weight
        self._results += lesson == 1
        self._failures += lesson == 0
        if change.before is None or not _same(change.before.params, trial.params):
            self._is_encoded[place] = False
        if lesson >= 0 and not self._is_encoded[place]:
            self._rows[place] = self._encoder.row(trial.params)
            self._is_encoded[place] = True

    def _drop(self, lesson: int) -> None:
        self._results -= lesson == 1
        self._failures -= lesson == 0

    def _grow(self, count: int) -> None:
        if count > len(self._rows):
            for name in ("_rows", "_loss", "_weight", "_lesson", "_is_encoded"):
                old = getattr(self, name)
                grown = np.empty((2 * count, *old.shape[1:]), dtype=old.dtype)
                grown[: self._count] = old[: self._count]
                setattr(self, name, grown)
        self._count = count


def loss_of(trial: TrialView, objective: Objective) -> float | None:
    """What a trial teaches: a finite loss, infinity when it failed or ended in NaN, None when it has nothing to say."""
    status = trial.status
    if trial.weight <= 0:
        return None
    if status is TrialStatus.FINISHED:
        value = trial.value
        return math.inf if value is None or not math.isfinite(value) else objective.sign * value
    if status is TrialStatus.EARLY_STOPPED:
        value = objective.reduce(each for _, each in trial.curve) if trial.value is None else trial.value
        if value is None or not math.isfinite(value):
            return math.inf if trial.curve else None  # it may have been stopped because of NaN
        return objective.sign * value
    return math.inf if status is TrialStatus.FAILED else None


def _same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return left is right or left == right
