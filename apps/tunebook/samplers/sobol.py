"""A scrambled Sobol sequence over the space: random search without gaps and clusters.

Source: Sobol, USSR Computational Mathematics 7, 1967; Owen, Scrambled net variance, Annals of Statistics 25, 1997.
"""

from collections.abc import Sequence
from typing import Any

from tunebook.distributions import Choice, Distribution, Value
from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.space import Params, Space

_POINTS = 2**30  # what the sequence has; beyond it starts again


class SobolSequence:
    """The points of a scrambled sequence as parameter sets; the point of a number depends on the seed only."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._axes = {name: axis for axis, name in enumerate(space.leaves())}
        self._engine: Any = None

    def point(self, number: int) -> Params:
        """The parameter set at this place of the sequence."""
        if not self._axes:
            return {}
        coordinates = self._coordinates(number % _POINTS)

        def pick(name: str, distribution: Distribution) -> Value:
            u = coordinates[self._axes[name]]
            return int(u * len(distribution.values)) if isinstance(distribution, Choice) else distribution.sample(u)

        return self._space.assemble(pick)

    def _coordinates(self, number: int) -> list[float]:
        # scipy.stats takes half a second and 50 MB, so it is loaded by those who draw from it
        from scipy.stats import qmc

        if self._engine is None or self._engine.num_generated > number:
            self._engine = qmc.Sobol(len(self._axes), scramble=True, rng=self._seed)
        if self._engine.num_generated < number:
            self._engine.fast_forward(number - self._engine.num_generated)
        point: list[float] = self._engine.random(1)[0].tolist()
        return [min(u, 1.0 - 2.0**-53) for u in point]


class SobolSampler(Sampler):
    """The points of a scrambled Sobol sequence, one after the other.

    Example:
        >>> SobolSampler(Space({"lr": Uniform(0, 1)}), Objective(), seed=7)
    """

    name = "sobol"

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._sequence = SobolSequence(space, seed)

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return Suggestion(self._sequence.point(number), "sobol")
