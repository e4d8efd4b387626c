"""What samplers share that give a trial a budget: the budget is one more parameter, and good trials get a larger one.

A configuration is a parameter set without its budget. Which trial belongs where is worked out from the history alone:
by its budget, and by whether its configuration was tried with the budget before.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from tunebook.distributions import identity
from tunebook.errors import SpecError
from tunebook.fields import is_finite
from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.samplers.base import REDRAWS, Sampler, Suggestion
from tunebook.samplers.options import Option, number, whole
from tunebook.samplers.watch import Change, Watch
from tunebook.sampling import MAX_BUDGET, RESOURCE
from tunebook.space import Params, Space
from tunebook.status import TrialStatus

MAX_RESOURCE = 1_000_000_000


def _name(value: Any) -> str:
    """Reads the name of a parameter."""
    if not isinstance(value, str) or not value.strip() or len(value) > 255:
        raise ValueError("must be a text of 1 to 255 characters")
    return value


BUDGETS = (
    Option("resource", RESOURCE, _name, "the name under which a trial gets its budget"),
    Option("min_resource", 1, whole(1, MAX_RESOURCE), "the smallest budget"),
    Option("max_resource", MAX_BUDGET, whole(1, MAX_RESOURCE), "the largest budget, which the best trials get"),
    Option("eta", 3.0, number(2, 1000), "of so many trials one goes on with so many times the budget"),
)


@dataclass(frozen=True)
class Entry:
    """A trial by its configuration. ``loss`` is None while it runs and infinite when it came to nothing."""

    number: int
    key: Hashable
    params: Mapping[str, Any]
    loss: float | None

    @property
    def has_ended(self) -> bool:
        return self.loss is not None


class Standing(ABC):
    """Where the trials of a history stand in a schedule.

    It grows with the history. What is only suggested has a place while the rest of a batch is asked for, and is taken
    out again then: it may never become a trial.
    """

    def __init__(self) -> None:
        self._tried: list[tuple[dict[Any, Any], Any, Any]] | None = None

    @abstractmethod
    def sort_in(self, budget: int, entry: Entry) -> bool:
        """Give the next trial its place. False: what is known of earlier trials does not hold any more."""

    @abstractmethod
    def settle(self, budget: int, entry: Entry) -> None:
        """Note what a trial that ran has come to: a number, or that it still runs."""

    def note(self, table: dict[Any, Any], key: Hashable, value: Any) -> None:
        """Put something under a key, to be undone if it is tried only."""
        if self._tried is not None:
            self._tried.append((table, key, table.get(key)))
        table[key] = value

    @contextmanager
    def trying(self) -> Iterator[None]:
        """What is noted meanwhile is forgotten at the end."""
        self._tried = []
        try:
            yield
        finally:
            for table, key, before in reversed(self._tried):
                if before is None:
                    del table[key]
                else:
                    table[key] = before
            self._tried = None


Place = TypeVar("Place", bound=Standing)


class BudgetSampler(Sampler, Generic[Place]):
    """Base of samplers whose trials have budgets; a new one says how trials are sorted in and what comes next."""

    options: ClassVar[tuple[Option, ...]] = BUDGETS

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self.resource: str = self.chosen["resource"]
        if self.resource in space:
            raise SpecError("resource", f"{self.resource!r} is a parameter of the space; name another")
        if self.chosen["min_resource"] > self.chosen["max_resource"]:
            most = self.chosen["max_resource"]
            raise SpecError("min_resource", f"must be at most max_resource ({most}), got {self.chosen['min_resource']}")
        self.eta: float = self.chosen["eta"]
        self.budgets = budgets(self.chosen["min_resource"], self.chosen["max_resource"], self.eta)
        self._watch = Watch()
        self._kept: Place | None = None

    @property
    def adds(self) -> tuple[str, ...]:
        return (self.resource,)

    @abstractmethod
    def standing(self) -> Place:
        """How a schedule stands before there are any trials."""

    @abstractmethod
    def asked(self, standing: Place, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        """The next suggestion, which then has its place in the schedule; None while there is none."""

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        standing = self.followed(history)
        suggestions: list[Suggestion] = []
        pending = [dict(trial.params) for trial in history.running]
        with standing.trying():
            for number in range(history.next_number, history.next_number + count):
                suggestion = self.asked(standing, history, number, pending)
                if suggestion is None:
                    break
                suggestions.append(suggestion)
                pending.append(suggestion.params)
        return suggestions

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        standing = self.followed(history)
        with standing.trying():
            return self.asked(standing, history, number, pending)

    def followed(self, history: History) -> Place:
        """How the trials of a history stand: as last time, but for what has changed."""
        is_other, changes = self._watch.news(history)
        if not is_other and self._kept is not None and self._is_followed(self._kept, changes, history):
            return self._kept
        self._kept = self.standing()
        for trial in history.trials:
            budget, entry = self._sorted_in(trial, history)
            if entry is not None:
                self._kept.sort_in(budget, entry)
        return self._kept

    def _is_followed(self, standing: Place, changes: Sequence[Change], history: History) -> bool:
        """Take in changes where that is possible: new trials, and results of those that ran."""
        for change in changes:
            budget, entry = self._sorted_in(change.trial, history)
            if change.before is None:
                if entry is not None and not standing.sort_in(budget, entry):
                    return False
                continue
            known, before = self._sorted_in(change.before, history)
            if entry is None and before is None:
                continue
            same = entry and before and (known, before.key) == (budget, entry.key)
            if not same or before is None or entry is None or before.has_ended or entry.loss == math.inf:
                return False
            standing.settle(budget, entry)
        return True

    def fresh(
        self, history: History, number: int, pending: Sequence[Params], taken: AbstractSet[Hashable]
    ) -> Suggestion | None:
        """A new configuration that is not among those taken; None when there is none."""
        return self.drawn(number, taken)

    def drawn(self, number: int, taken: AbstractSet[Hashable]) -> Suggestion | None:
        """A configuration at random that is not taken; when few are left, the next in a list of all."""
        draw = self.draw(number)
        for _ in range(REDRAWS):
            params = self.space.sample(draw)
            if identity(params) not in taken:
                return Suggestion(params, "random")
        listed = self._listing.untried(taken) if self.space.size is not None else None
        return None if listed is None else Suggestion(listed, "grid")

    def begun(self, suggestion: Suggestion, budget: int, place: str) -> Suggestion:
        """A new configuration as a trial with its first budget."""
        note = ". ".join(part for part in (f"new, with {self.resource} {budget} ({place})", suggestion.note) if part)
        params = {**suggestion.params, self.resource: budget}
        return Suggestion(params, suggestion.source, suggestion.expected, suggestion.spread, note)

    def promoted(self, entry: Entry, budget: int, place: str) -> Suggestion:
        """A configuration that did well, with its next budget."""
        value = self.objective.sign * (entry.loss or 0.0)
        note = f"trial {entry.number} came to {value:g} and goes on with {self.resource} {budget} ({place})"
        return Suggestion({**entry.params, self.resource: budget}, "promoted", note=note, parent=entry.number)

    def is_covered(self, tried: AbstractSet[Hashable]) -> bool:
        """True when a finite space has no configuration that is not among those tried."""
        size = self.space.size
        return size is not None and len(tried) >= size and self._listing.untried(tried) is None

    def opening(self, number: int, params: Params) -> Entry:
        """The entry of a configuration that was just suggested."""
        return Entry(number, identity(params), params, None)

    def _sorted_in(self, trial: TrialView, history: History) -> tuple[int, Entry | None]:
        """A trial's budget and its entry; no entry for one of another experiment or without a budget."""
        budget = trial.params.get(self.resource)
        if trial.number < 0 or not is_finite(budget):
            return 0, None
        params = {name: value for name, value in trial.params.items() if name != self.resource}
        return int(budget), Entry(trial.number, identity(params), params, loss_of(trial, history))


def budgets(low: int, high: int, eta: float) -> list[int]:
    """The budgets from the smallest to the largest: the largest one divided by eta again and again, whole numbers."""
    steps = 0
    while high / eta ** (steps + 1) >= low - 1e-9:
        steps += 1
    return [max(int(high / eta**left + 1e-9), 1) for left in range(steps, -1, -1)]


def loss_of(trial: TrialView, history: History) -> float | None:
    """What a trial came to as a loss: None while it runs, infinite for one without a number, or left out."""
    if trial.is_running:
        return None
    value = trial.value
    if trial.status is TrialStatus.EARLY_STOPPED and value is None:
        value = history.objective.reduce(each for _, each in trial.curve)
    counts = trial.status in (TrialStatus.FINISHED, TrialStatus.EARLY_STOPPED) and trial.weight > 0
    return history.objective.sign * value if counts and value is not None and math.isfinite(value) else math.inf


def ranked(entries: Mapping[Hashable, Entry]) -> list[Entry]:
    """Those that came to a number, from the best on; of equals the earlier first."""
    done = [entry for entry in entries.values() if entry.loss is not None and math.isfinite(entry.loss)]
    return sorted(done, key=lambda entry: (entry.loss, entry.number))
