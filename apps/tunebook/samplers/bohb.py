"""BOHB: Hyperband whose new configurations come from a model of the trials with the largest budget that tells enough.

Source: Falkner, Klein and Hutter, BOHB: Robust and Efficient Hyperparameter Optimization at Scale, ICML 2018.
"""

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from tunebook.distributions import identity
from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.samplers.base import Suggestion
from tunebook.samplers.hyperband import HyperbandSampler
from tunebook.samplers.options import Option, number, whole
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Params, Space

AGAIN = 4  # so often the model is asked for something that was not tried with another budget


class BohbSampler(HyperbandSampler):
    """Hyperband with TPE in place of random configurations, except for a share of them that stays random.

    The model learns from the trials of one budget only: the largest with at least ``min_points`` results.

    Example:
        >>> BohbSampler(space, objective, resource="epochs", max_resource=27, random_fraction=0.2).ask(history, 4)
    """

    name = "bohb"
    options: ClassVar[tuple[Option, ...]] = (
        *HyperbandSampler.options,
        Option("min_points", 0, whole(0, 10_000), "results of one budget before its model is asked; 0: parameters + 2"),
        Option("random_fraction", 1 / 3, number(0, 1), "the share of new configurations that is drawn at random"),
        Option("n_candidates", 64, whole(1, 10_000), "draws from the model, of which the best is taken"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._needed = self.chosen["min_points"] or len(space.leaves()) + 2
        candidates = self.chosen["n_candidates"]
        self._models = {
            budget: TpeSampler(space, objective, seed, n_startup=0, n_candidates=candidates) for budget in self.budgets
        }

    def fresh(
        self, history: History, number: int, pending: Sequence[Params], taken: AbstractSet[Hashable]
    ) -> Suggestion | None:
        budget, known = self._telling(history)
        if budget and self.draw(number).random() >= self.chosen["random_fraction"]:
            past = History(self.space, history.objective, known, history.seed)
            passed: list[Params] = []
            while len(passed) < AGAIN:
                found = self._models[budget].suggest(past, number, [*pending, *passed])
                if found is None:
                    break
                if identity(found.params) not in taken:
                    note = f"learnt from {len(known)} trials with {self.resource} {budget}"
                    return Suggestion(found.params, "model", found.expected, found.spread, note)
                passed.append(found.params)
        return self.drawn(number, taken)

    def _telling(self, history: History) -> tuple[int, tuple[TrialView, ...]]:
        """The largest budget with enough results, and the trials that had it; 0 while there is none."""
        by_budget: dict[int, list[TrialView]] = {budget: [] for budget in self.budgets}
        for trial, _ in history.results:
            budget = trial.params.get(self.resource, self.budgets[-1] if trial.number < 0 else None)
            if isinstance(budget, int | float) and budget in by_budget:
                by_budget[int(budget)].append(trial)
        for budget in reversed(self.budgets):
            if len(by_budget[budget]) >= self._needed:
                return budget, tuple(by_budget[budget])
        return 0, ()
