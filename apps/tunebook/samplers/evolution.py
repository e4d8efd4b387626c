"""Regularised evolution: children of the better of the latest trials, each a little changed.

Source: Real et al., Regularized Evolution for Image Classifier Architecture Search, AAAI 2019. Steps of numeric
parameters are normal on the parameter's own cumulative curve, of mixed sizes, so that both near and far is tried.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Column, Encoder, Floats, Kind
from tunebook.samplers.options import Option, whole
from tunebook.samplers.records import Records
from tunebook.space import Params, Space

STEPS = (0.02, 0.08, 0.3)  # standard deviations of a change, as shares of the range


class EvolutionSampler(Sampler):
    """Keeps the latest trials as its population; the best of a few drawn from it is the parent of the next trial.

    Failures are members of the population that nobody chooses while there are others.

    Example:
        >>> EvolutionSampler(space, objective, seed=7, population_size=16).ask(history, 4)
    """

    name = "evolution"
    options: ClassVar[tuple[Option, ...]] = (
        Option("population_size", 32, whole(2, 10_000), "so many latest trials are the population; so many start it"),
        Option("sample_size", 8, whole(1, 10_000), "of so many members drawn at random the best is the parent"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._records = Records(self._encoder)

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        table = self._records.table(history, ())
        size = self.chosen["population_size"]
        if len(table.loss) < size:
            note = f"one of the first {size}, which start the population"
            return Suggestion(self.space.sample(self.draw(number)), "start-up", note=note)
        random = self.generator(number)
        drawn = random.permutation(np.arange(len(table.loss) - size, len(table.loss)))[: self.chosen["sample_size"]]
        parent = int(drawn[np.argmin(table.loss[drawn])])
        numbers = self._mutated(table.rows[parent], random)
        note = f"a changed copy of the best of {len(drawn)} among the latest {size} trials"
        return Suggestion(self._encoder.params(numbers), "evolution", note=note)

    def _mutated(self, row: Floats, random: np.random.Generator) -> dict[str, float]:
        """A row with at least one of the columns that count changed; those that do not count are drawn anew."""
        active = np.flatnonzero(~np.isnan(row))
        changed = active[random.random(len(active)) < 1.0 / max(len(active), 1)]
        if not len(changed) and len(active):
            changed = random.choice(active, size=1)
        child: dict[str, float] = {}
        for place, column in enumerate(self._encoder.columns):
            if np.isnan(row[place]):
                child[column.name] = _fresh(column, random)
            else:
                child[column.name] = _changed(column, float(row[place]), random) if place in changed else row[place]
        return child


def _fresh(column: Column, random: np.random.Generator) -> float:
    return random.random() if column.kind is Kind.POSITION else float(random.integers(column.count))


def _changed(column: Column, number: float, random: np.random.Generator) -> float:
    """Another number of the column: near for positions and levels, any other for options."""
    if column.kind is Kind.POSITION:
        moved = (number + random.choice(STEPS) * random.standard_normal()) % 2.0
        return float(2.0 - moved if moved > 1.0 else moved)
    if column.count == 1:
        return number
    if column.kind is Kind.OPTION:
        return float((number + random.integers(1, column.count)) % column.count)
    step = max(1, round(abs(random.choice(STEPS) * random.standard_normal()) * column.count))
    up = number + step < column.count and (number < step or random.random() < 0.5)
    return float(min(max(number + step if up else number - step, 0.0), column.count - 1.0))
