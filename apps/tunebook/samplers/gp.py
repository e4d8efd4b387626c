"""The Gaussian process under the options of NNI's GPTuner. Source: NNI 3.0's reference of built-in tuners."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.bayesian import BayesianSampler
from tunebook.samplers.options import Option, number, whole, word
from tunebook.space import Params, Space

FEWEST_POINTS, MOST_POINTS = 10, 10_000  # at which the promise is reckoned first; more take seconds and gigabytes


class GpSampler(Sampler):
    """The sampler ``bayesian`` for those who know NNI's; the process fits its own noise and smoothness.

    Example:
        >>> GpSampler(space, objective, seed=7, utility="ucb", kappa=3).ask(history, 4)
    """

    name = "gp"
    options: ClassVar[tuple[Option, ...]] = (
        Option("utility", "ei", word("ei", "ucb", "poi"), "expected improvement, confidence bound or probability"),
        Option("kappa", 5.0, number(0), "how many deviations the confidence bound reaches"),
        Option("xi", 0.0, number(0), "the least improvement that counts, in deviations of all values"),
        Option("nu", 2.5, number(0), "smoothness of the kernel; it always is 2.5 here"),
        Option("alpha", 1e-6, number(0), "noise of the values; it is fitted here"),
        Option("cold_start_num", 10, whole(0, 10_000), "trials spread evenly before the model is asked; 2 at least"),
        Option("selection_num_warm_up", 2000, whole(1), "points looked at first; 10,000 at most"),
        Option("selection_num_starting_points", 5, whole(1), "points from which to look on; there always are 5 here"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._process = BayesianSampler(
            space,
            objective,
            seed,
            acquisition=self.chosen["utility"],
            kappa=self.chosen["kappa"],
            xi=self.chosen["xi"],
            n_startup=max(self.chosen["cold_start_num"], 2),
            n_candidates=min(max(self.chosen["selection_num_warm_up"], FEWEST_POINTS), MOST_POINTS),
        )

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return self._process.suggest(history, number, pending)
