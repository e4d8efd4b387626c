"""Asynchronous successive halving: whoever is among the best of a rung goes on at once, and nobody waits.

Source: Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from tunebook.history import History
from tunebook.samplers.base import Suggestion
from tunebook.samplers.fidelity import BudgetSampler, Entry, Standing
from tunebook.space import Params


@dataclass
class Rung:
    """The trials with one budget by their configuration, and those with a number from the best on.

    ``waiting`` are those of them that have not gone on.
    """

    entries: dict[Hashable, Entry] = field(default_factory=dict)
    ended: int = 0
    ranks: list[tuple[float, int]] = field(default_factory=list)
    waiting: list[tuple[float, int, Hashable]] = field(default_factory=list)


class Ladder(Standing):
    """The rungs, from the smallest budget to the largest."""

    def __init__(self, budgets: Sequence[int]) -> None:
        super().__init__()
        self.rungs = [Rung() for _ in budgets]
        self._places = {budget: place for place, budget in enumerate(budgets)}

    def sort_in(self, budget: int, entry: Entry) -> bool:
        """A configuration counts with its first trial, and with the next one where that failed."""
        place = self._places.get(budget)
        if place is None:
            return True
        rung = self.rungs[place]
        before = rung.entries.get(entry.key)
        if before is not None and before.loss != math.inf:
            return True
        rung.ended -= before is not None
        rung.entries[entry.key] = entry
        self._rank(place, entry)
        if place:
            below = self.rungs[place - 1]
            gone_on = below.entries.get(entry.key)
            if gone_on is not None and gone_on.loss is not None:
                at = bisect_left(below.waiting, (gone_on.loss, gone_on.number), key=lambda each: each[:2])
                if at < len(below.waiting) and below.waiting[at][2] == entry.key:
                    del below.waiting[at]
        return True

    def settle(self, budget: int, entry: Entry) -> None:
        place = self._places.get(budget)
        if place is None or self.rungs[place].entries[entry.key].number != entry.number:
            return
        self.rungs[place].entries[entry.key] = entry
        self._rank(place, entry)

    def _rank(self, place: int, entry: Entry) -> None:
        rung = self.rungs[place]
        rung.ended += entry.has_ended
        if entry.loss is None or entry.loss == math.inf:
            return
        insort(rung.ranks, (entry.loss, entry.number))
        if place + 1 < len(self.rungs) and entry.key not in self.rungs[place + 1].entries:
            insort(rung.waiting, (entry.loss, entry.number, entry.key), key=lambda each: each[:2])


class HalvingSampler(BudgetSampler[Ladder]):
    """Asks for the next budget of a configuration that is among the best 1/eta of its rung, else for a new one.

    Unlike Hyperband it never waits for the slowest trial of a rung, so it keeps any number of places busy.

    Example:
        >>> HalvingSampler(space, objective, resource="epochs", min_resource=1, max_resource=27).ask(history, 4)
    """

    name = "halving"

    def standing(self) -> Ladder:
        return Ladder(self.budgets)

    def exhausted(self, history: History) -> bool:
        if self.space.size is None:
            return False
        ladder = self.followed(history)
        runs = any(rung.ended < len(rung.entries) for rung in ladder.rungs)
        return not runs and self.is_covered(ladder.rungs[0].entries.keys()) and self._promotable(ladder) is None

    def asked(self, standing: Ladder, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        rungs = standing.rungs
        found = self._promotable(standing)
        if found is not None:
            place, entry = found
            standing.note(rungs[place + 1].entries, entry.key, Entry(number, entry.key, entry.params, None))
            return self.promoted(entry, self.budgets[place + 1], f"rung {place + 2} of {len(rungs)}")
        fresh = self.fresh(history, number, pending, rungs[0].entries.keys())
        if fresh is None:
            return None
        entry = self.opening(number, fresh.params)
        standing.note(rungs[0].entries, entry.key, entry)
        return self.begun(fresh, self.budgets[0], f"rung 1 of {len(rungs)}")

    def _promotable(self, ladder: Ladder) -> tuple[int, Entry] | None:
        """The best configuration that may go on, of the highest rung that has one; with its rung."""
        for place in range(len(ladder.rungs) - 2, -1, -1):
            rung, above = ladder.rungs[place], ladder.rungs[place + 1].entries
            most = int(rung.ended / self.eta + 1e-9)
            for loss, number, key in rung.waiting:
                if bisect_left(rung.ranks, (loss, number)) >= most:
                    break
                if key not in above and self.space.contains(rung.entries[key].params):
                    return place, rung.entries[key]
        return None
