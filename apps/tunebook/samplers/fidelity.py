"""What samplers share that give a trial a budget: the budget is one more parameter, and good trials get a larger one.

A configuration is a parameter set without its budget. Which trial belongs where is worked out from the history alone:
by its budget, and by whether its configuration was tried with the budget before.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar

from tunebook.distributions import identity
from tunebook.errors import SpecError
from tunebook.fields import is_finite
from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.samplers.base import REDRAWS, Sampler, Suggestion
from tunebook.samplers.options import Option, number, whole
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


class BudgetSampler(Sampler):
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
        self._known: dict[int, tuple[TrialView, int, Entry | None]] = {}

    @property
    def adds(self) -> tuple[str, ...]:
        return (self.resource,)

    def entries(self, history: History) -> Iterator[tuple[int, Entry]]:
        """The trials that have a budget, from the first on, with it. Those of other experiments do not count."""
        for trial in history.trials:
            known = self._known.get(trial.number)
            if known is None or known[0] is not trial:
                known = (trial, *self._sorted_in(trial, history))
                self._known[trial.number] = known
            if known[2] is not None:
                yield known[1], known[2]

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
