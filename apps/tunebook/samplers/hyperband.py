"""Hyperband: many configurations with a small budget, the best of them with a larger one, again and again.

Source: Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization, JMLR 18, 2018.
As in WMLA and NNI the budget is handed to the trial as one more parameter.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Suggestion, Taken
from tunebook.samplers.fidelity import BUDGETS, BudgetSampler, Entry, Standing, ranked
from tunebook.samplers.options import Option, whole, word
from tunebook.space import Params, Space

MOST_FAILURES = 3  # a configuration that came to nothing so often is done with
Wait = Literal["wait", "done"]


@dataclass
class Rung:
    """So many configurations with one budget, and those that there are, by their key."""

    budget: int
    width: int
    entries: dict[Hashable, Entry] = field(default_factory=dict)
    ended: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= self.width

    @property
    def is_complete(self) -> bool:
        return self.is_full and self.ended == len(self.entries)


@dataclass
class Bracket:
    """One course of successive halving; ``index`` counts all of them, ``first`` tells the first rung's place."""

    index: int
    rungs: list[Rung]


@dataclass(frozen=True)
class Move:
    """The next thing to ask: a configuration to go on with, or a new one, for a rung of a bracket."""

    bracket: Bracket
    rung: int
    entry: Entry | None

    @property
    def budget(self) -> int:
        return self.bracket.rungs[self.rung].budget


class Brackets(Standing):
    """The brackets as far as a history has filled them."""

    def __init__(self, sampler: "HyperbandSampler") -> None:
        super().__init__()
        self._sampler = sampler
        self._brackets: list[Bracket] = []
        self._open: dict[int, list[Bracket]] = {}
        self._awaited: dict[tuple[int, Hashable], tuple[Bracket, int]] = {}
        self._rungs: dict[int, Rung] = {}
        self._failures: dict[Hashable, int] = {}
        self.at_most: set[Hashable] = set()

    def sort_in(self, budget: int, entry: Entry) -> bool:
        """Give a trial its place: that of a configuration which goes on, else the next free first one."""
        if entry.loss == math.inf:
            self._failures[entry.key] = self._failures.get(entry.key, 0) + 1
        if budget >= self._sampler.budgets[-1] or self._failures.get(entry.key, 0) >= MOST_FAILURES:
            self.at_most.add(entry.key)
        place = self._awaited.get((budget, entry.key))
        if place is None or not self._takes(*place, entry):
            bracket = self._free(budget)
            if bracket is None:
                return True
            place = (bracket, 0)
        rung = place[0].rungs[place[1]]
        before, was_full = rung.entries.get(entry.key), rung.is_full
        rung.ended += entry.has_ended - (before is not None and before.has_ended)
        self._rungs[entry.number] = rung
        self.put(*place, budget, entry)
        return before is None and not was_full  # a rung may have been found narrower for want of this trial

    def settle(self, budget: int, entry: Entry) -> None:
        rung = self._rungs.get(entry.number)
        if rung is not None and rung.entries[entry.key].number == entry.number:
            rung.entries[entry.key] = entry
            rung.ended += entry.has_ended

    def put(self, bracket: Bracket, rung: int, budget: int, entry: Entry) -> None:
        """A trial at its place, from where its configuration may go on."""
        self.note(bracket.rungs[rung].entries, entry.key, entry)
        self.note(self._awaited, (budget, entry.key), (bracket, rung))
        if rung + 1 < len(bracket.rungs):
            self.note(self._awaited, (bracket.rungs[rung + 1].budget, entry.key), (bracket, rung + 1))

    def next(self) -> Move | Wait:
        """What is to be asked now; "wait" while results are missing for that, "done" when nothing ever will be."""
        sampler = self._sampler
        if sampler.is_covered(self.at_most):
            return "done"
        waits = False
        index = 0
        while not sampler.rounds or index < sampler.rounds * len(sampler.budgets):
            move = self._next_of(self._bracket(index))
            if isinstance(move, Move):
                return move
            waits = waits or move
            if waits and not sampler.overlaps:
                return "wait"
            index += 1
        return "wait" if waits else "done"

    def _next_of(self, bracket: Bracket) -> Move | bool:
        """The bracket's next move; else whether it waits for results."""
        if not bracket.rungs[0].is_full:
            return Move(bracket, 0, None)
        for place, (below, rung) in enumerate(zip(bracket.rungs, bracket.rungs[1:], strict=False), start=1):
            if rung.is_full:
                continue
            if not below.is_complete:
                return True
            best = [entry for entry in ranked(below.entries) if self._sampler.space.contains(entry.params)]
            for entry in best[: rung.width]:
                if entry.key not in rung.entries:
                    return Move(bracket, place, entry)
            rung.width = len(rung.entries)  # fewer came to a number than were to go on
            if not rung.width:
                return False
        return False

    def _takes(self, bracket: Bracket, rung: int, entry: Entry) -> bool:
        """Whether a trial belongs at a place: it is free, or its trial failed, and this is it tried again in time."""
        before = bracket.rungs[rung].entries.get(entry.key)
        if before is None:
            return True
        decided = rung + 1 < len(bracket.rungs) and bracket.rungs[rung + 1].entries
        return before.loss == math.inf and not decided

    def _bracket(self, index: int) -> Bracket:
        while len(self._brackets) <= index:
            bracket = self._sampler.bracket(len(self._brackets))
            self._brackets.append(bracket)
            self._open.setdefault(bracket.rungs[0].budget, []).append(bracket)
        return self._brackets[index]

    def _free(self, budget: int) -> Bracket | None:
        """The first bracket that begins with this budget and has room."""
        if budget not in self._sampler.budgets:
            return None
        waiting = self._open.setdefault(budget, [])
        while waiting and waiting[0].rungs[0].is_full:
            waiting.pop(0)
        while not waiting:
            self._bracket(len(self._brackets))
        return waiting[0]


class HyperbandSampler(BudgetSampler[Brackets]):
    """Brackets of successive halving: the first begins with many small budgets, the last with a few full ones.

    While the results of a rung are missing nothing is asked, unless ``exec_mode`` is "parallelism": then the next
    bracket begins meanwhile. A configuration goes on as a new trial that names the one it goes on from.

    Example:
        >>> HyperbandSampler(space, objective, resource="epochs", max_resource=81, eta=3).ask(history, 4)
    """

    name = "hyperband"
    options: ClassVar[tuple[Option, ...]] = (
        *BUDGETS,
        Option("exec_mode", "serial", word("serial", "parallelism"), "whether brackets wait for one another"),
        Option("rounds", 0, whole(0, 10_000), "how often all brackets are run; 0 is without end"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self.rounds: int = self.chosen["rounds"]
        self.overlaps = self.chosen["exec_mode"] == "parallelism"

    def bracket(self, index: int) -> Bracket:
        """An empty bracket: from the one with the smallest budgets to the one with the largest, then again."""
        most = len(self.budgets) - 1
        halvings = most - index % (most + 1)
        width = math.ceil((most + 1) * self.eta**halvings / (halvings + 1) - 1e-9)
        if self.space.size is not None:
            width = min(width, self.space.size)
        rungs = [
            Rung(budget, max(int(width / self.eta**place + 1e-9), 1))
            for place, budget in enumerate(self.budgets[most - halvings :])
        ]
        return Bracket(index, rungs)

    def standing(self) -> Brackets:
        return Brackets(self)

    def exhausted(self, history: History) -> bool:
        return self.followed(history).next() == "done"

    def asked(self, standing: Brackets, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        """The next move as a suggestion, which then has its place as well."""
        move = standing.next()
        if not isinstance(move, Move):
            return None
        place = f"bracket {move.bracket.index + 1}, rung {move.rung + 1} of {len(move.bracket.rungs)}"
        if move.entry is not None:
            suggestion = self.promoted(move.entry, move.budget, place)
            entry = Entry(number, move.entry.key, move.entry.params, None)
        else:
            taken = set(move.bracket.rungs[0].entries)
            found = self.fresh(history, number, pending, Taken(taken, standing.at_most))
            found = self.fresh(history, number, pending, taken) if found is None else found
            if found is None:
                return None
            suggestion = self.begun(found, move.budget, place)
            entry = self.opening(number, found.params)
        standing.put(move.bracket, move.rung, move.budget, entry)
        return suggestion
