"""Asynchronous successive halving: whoever is among the best of a rung goes on at once, and nobody waits.

Source: Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020.
"""

from collections.abc import Hashable, Sequence

from tunebook.history import History
from tunebook.samplers.base import Suggestion
from tunebook.samplers.fidelity import BudgetSampler, Entry, ranked
from tunebook.space import Params

Rungs = list[dict[Hashable, Entry]]


class HalvingSampler(BudgetSampler):
    """Asks for the next budget of a configuration that is among the best 1/eta of its rung, else for a new one.

    Unlike Hyperband it never waits for the slowest trial of a rung, so it keeps any number of places busy.

    Example:
        >>> HalvingSampler(space, objective, resource="epochs", min_resource=1, max_resource=27).ask(history, 4)
    """

    name = "halving"

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        rungs = self._rungs(history)
        suggestions: list[Suggestion] = []
        pending = [dict(trial.params) for trial in history.running]
        for number in range(history.next_number, history.next_number + count):
            suggestion = self._asked(rungs, history, number, pending)
            if suggestion is None:
                break
            suggestions.append(suggestion)
            pending.append(suggestion.params)
        return suggestions

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return self._asked(self._rungs(history), history, number, pending)

    def exhausted(self, history: History) -> bool:
        if self.space.size is None:
            return False
        rungs = self._rungs(history)
        runs = any(not entry.has_ended for rung in rungs for entry in rung.values())
        return not runs and self.is_covered(rungs[0].keys()) and self._promotable(rungs) is None

    def _rungs(self, history: History) -> Rungs:
        """Of each budget the trials that had it, by configuration; one that was tried again counts with its number."""
        places = {budget: place for place, budget in enumerate(self.budgets)}
        rungs: Rungs = [{} for _ in self.budgets]
        for budget, entry in self.entries(history):
            place = places.get(budget)
            if place is None:
                continue
            before = rungs[place].get(entry.key)
            if before is None or before.loss == float("inf"):
                rungs[place][entry.key] = entry
        return rungs

    def _promotable(self, rungs: Rungs) -> tuple[int, Entry] | None:
        """The best configuration that may go on, of the highest rung that has one; with its rung."""
        for place in range(len(rungs) - 2, -1, -1):
            ended = sum(entry.has_ended for entry in rungs[place].values())
            for entry in ranked(rungs[place])[: int(ended / self.eta + 1e-9)]:
                if entry.key not in rungs[place + 1] and self.space.contains(entry.params):
                    return place, entry
        return None

    def _asked(self, rungs: Rungs, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        found = self._promotable(rungs)
        if found is not None:
            place, entry = found
            rungs[place + 1][entry.key] = Entry(number, entry.key, entry.params, None)
            return self.promoted(entry, self.budgets[place + 1], f"rung {place + 2} of {len(rungs)}")
        fresh = self.fresh(history, number, pending, rungs[0].keys())
        if fresh is None:
            return None
        entry = self.opening(number, fresh.params)
        rungs[0][entry.key] = entry
        return self.begun(fresh, self.budgets[0], f"rung 1 of {len(rungs)}")
