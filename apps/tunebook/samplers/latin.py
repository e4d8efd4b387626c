"""Latin hypercubes for the first trials: over so many of them each parameter visits each part of its range once.

Source: McKay, Beckman and Conover, Technometrics 21, 1979.
"""

import numpy as np

from tunebook.samplers.base import Suggestion
from tunebook.samplers.encode import Column, Encoder, Kind


class LatinCube:
    """One cube of ``size`` points after the other; the point of a number depends on the seed only."""

    def __init__(self, encoder: Encoder, seed: int, size: int) -> None:
        self._encoder = encoder
        self._seed = seed
        self._size = size

    def goes_on(self, results: int, running: int) -> bool:
        """Whether too little is known to ask a model; half of a cube is enough when trials that run are the rest."""
        return results + running < self._size or 2 * results < self._size

    def suggestion(self, number: int) -> Suggestion:
        """The point of the trial of this number."""
        columns = self._encoder.columns
        cube = np.random.Generator(np.random.PCG64((self._seed, number // self._size, 1)))
        strata = cube.permuted(np.tile(np.arange(self._size), (len(columns), 1)), axis=1)
        within = np.random.Generator(np.random.PCG64((self._seed, number, 2))).random(len(columns))
        at = ((strata[:, number % self._size] + within) / self._size).tolist()
        numbers = {column.name: _at(column, u) for column, u in zip(columns, at, strict=True)}
        note = f"one of the first {self._size}, which are spread evenly"
        return Suggestion(self._encoder.params(numbers), "start-up", note=note)


def _at(column: Column, u: float) -> float:
    """A uniform number as a column's number."""
    if column.kind is Kind.LEVEL:
        return float(np.searchsorted(column.edges[1:-1], u, side="right"))
    return float(int(u * column.count)) if column.kind is Kind.OPTION else u
