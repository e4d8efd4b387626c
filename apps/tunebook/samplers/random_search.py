"""Random search: each parameter drawn from its distribution, whatever came before.

Source: Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, JMLR 13, 2012.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from tunebook.history import History
from tunebook.logbase import rebased
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.bisection import Bisection
from tunebook.samplers.options import Option, word
from tunebook.samplers.sobol import SobolSequence
from tunebook.space import Params, Space


def _log_base(value: Any) -> float | str:
    if value == "e":
        return "e"
    number = math.nan
    if not isinstance(value, bool) and isinstance(value, str | int | float):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    if not 0 < number < math.inf or number == 1:
        raise ValueError('must be a number above 0 other than 1, or "e"')
    return number


class RandomSampler(Sampler):
    """Independent draws, or with ``rule="sobol"`` the points of a scrambled Sobol sequence.

    Example:
        >>> RandomSampler(Space({"lr": Uniform(0, 1)}), Objective(), seed=7, rule="sobol")
    """

    name = "random"
    options: ClassVar[tuple[Option, ...]] = (
        Option("rule", "random", word("random", "sobol"), "random, or sobol for evenly spread points"),
        Option("logbase", "e", _log_base, "the base of which the bounds of log types are exponents"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        base = self.chosen["logbase"]
        if base != "e":
            self.space = rebased(space, float(base))
            self._listing = Bisection(self.space)
        self._sequence = SobolSequence(self.space, seed) if self.chosen["rule"] == "sobol" else None

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        if self._sequence is None:
            return Suggestion(self.space.sample(self.draw(number)), "random")
        return Suggestion(self._sequence.point(number), "sobol")
