"""BOHB: Hyperband whose new configurations come from a model of the trials with the largest budget that tells enough.

Source: Falkner, Klein and Hutter, BOHB: Robust and Efficient Hyperparameter Optimization at Scale, ICML 2018.
"""

import math
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from tunebook.distributions import identity
from tunebook.history import History, TrialView
from tunebook.ledger import Ledger
from tunebook.objective import Objective
from tunebook.samplers.base import Suggestion
from tunebook.samplers.fidelity import loss_of
from tunebook.samplers.hyperband import HyperbandSampler
from tunebook.samplers.options import Option, number, whole
from tunebook.samplers.tpe import TpeSampler
from tunebook.samplers.watch import Change, Watch
from tunebook.space import Params, Space

AGAIN = 4  # so often the model is asked for something that was not tried with another budget


class BohbSampler(HyperbandSampler):
    """Hyperband with TPE in place of random configurations, except for a share of them that stays random.

    The model learns from the trials of one budget only: the largest with at least ``min_points`` results. Those that
    failed with that budget count as bad ones, as in the paper's own program.

    Example:
        >>> BohbSampler(space, objective, resource="epochs", max_resource=27, random_fraction=0.2).ask(history, 4)
    """

    name = "bohb"
    options: ClassVar[tuple[Option, ...]] = (
        *HyperbandSampler.options,
        Option("min_points", 0, whole(0, 10_000), "results of one budget before its model is asked; 0: parameters + 2"),
        Option("random_fraction", 1 / 3, number(0, 1), "the share of new configurations that is drawn at random"),
        Option("n_candidates", 64, whole(1, 10_000), "draws from the model, of which the best is taken"),
        Option("gamma", None, number(0, 1), "the share of results that are good ones; without it as tpe has it"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._needed = self.chosen["min_points"] or len(space.leaves()) + 2
        choices = {"n_startup": 0, "n_candidates": self.chosen["n_candidates"], "gamma": self.chosen["gamma"]}
        self._lessons = Watch()
        self._models = {budget: TpeSampler(space, objective, seed, **choices) for budget in self.budgets}
        self._forget()

    def fresh(
        self, history: History, number: int, pending: Sequence[Params], taken: AbstractSet[Hashable]
    ) -> Suggestion | None:
        budget = self._telling(history)
        if budget and self.draw(number).random() >= self.chosen["random_fraction"]:
            passed: list[Params] = []
            while len(passed) < AGAIN:
                found = self._models[budget].suggest(self._past[budget], number, [*pending, *passed])
                if found is None:
                    break
                if identity(found.params) not in taken:
                    note = f"learnt from {self._results[budget]} trials with {self.resource} {budget}"
                    return Suggestion(found.params, "model", found.expected, found.spread, note)
                passed.append(found.params)
        return self.drawn(number, taken)

    def _forget(self) -> None:
        self._past = {budget: Ledger(self.space, self.objective, self.seed) for budget in self.budgets}
        self._results = dict.fromkeys(self.budgets, 0)

    def _telling(self, history: History) -> int:
        """The largest budget with enough results; 0 while there is none."""
        is_other, changes = self._lessons.news(history)
        if is_other:
            self._forget()
        for change in changes:
            self._learn(change, history)
        return next((budget for budget in reversed(self.budgets) if self._results[budget] >= self._needed), 0)

    def _learn(self, change: Change, history: History) -> None:
        """Sort a trial in by its budget."""
        trial = change.trial
        budget = trial.params.get(self.resource, self.budgets[-1] if trial.number < 0 else None)
        if not isinstance(budget, int | float) or budget not in self._past:
            return
        was_told = change.before is not None and is_told(change.before, history)
        self._results[int(budget)] += is_told(trial, history) - was_told
        self._past[int(budget)].put(trial)


def is_told(trial: TrialView, history: History) -> bool:
    """Whether a trial came to a number."""
    loss = loss_of(trial, history)
    return loss is not None and math.isfinite(loss)
