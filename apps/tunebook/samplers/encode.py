"""Parameter sets as rows of numbers and back: each parameter, nested ones included, is one column.

A column holds a position in [0, 1] on the parameter's own cumulative curve (so log scales and normal shapes are
straightened out), or the index of a level for a parameter of few values, or the index of an option for a choice.
A choice between numbers, as of 16, 32, 64 and 128, has an order, and is seen as levels from the least on.
NaN stands where a nested parameter does not count, and where a value does not fit the space.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tunebook.distributions import Choice, Distribution, Value
from tunebook.samplers.bisection import Ladder
from tunebook.space import Condition, Params, Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW_LEVELS = 64  # a numeric parameter of at most so many values is handled value by value
_LAST = 1.0 - 2.0**-53


class Kind(Enum):
    """How a column's numbers are to be read."""

    POSITION = "position"
    LEVEL = "level"
    OPTION = "option"


@dataclass(frozen=True)
class Column:
    """One parameter as a column.

    ``count`` is the number of levels or options; ``values`` the levels' values (of a choice: its options' indices) and
    ``edges`` where on [0, 1] each begins and ends (one more than there are levels).
    """

    name: str
    distribution: Distribution
    condition: Condition | None
    kind: Kind
    count: int = 0
    values: tuple[Value, ...] = ()
    edges: tuple[float, ...] = ()

    def encode(self, value: Value) -> float:
        """A value (of a choice: the option's index) as a number."""
        if self.kind is Kind.OPTION:
            return float(value)
        if isinstance(self.distribution, Choice):
            return float(self.values.index(value))
        position = self.distribution.position(value)
        return float(bisect_right(self.edges, position, 1, self.count) - 1) if self.kind is Kind.LEVEL else position

    def middle(self, level: int) -> float:
        """The middle of a level's share of [0, 1]."""
        return (self.edges[level] + self.edges[level + 1]) / 2

    def decode(self, number: float) -> Value:
        """The value (of a choice: the option's index) that a number stands for."""
        if self.kind is Kind.POSITION:
            return self.distribution.sample(min(max(number, 0.0), _LAST))
        index = min(max(int(number), 0), self.count - 1)
        return index if self.kind is Kind.OPTION else self.values[index]


class Encoder:
    """The columns of a space, and parameter sets as rows.

    Example:
        >>> encoder = Encoder(Space({"x": Uniform(0, 10)}))
        >>> encoder.row({"x": 2.5})
        [0.25]
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.columns = [column(name, leaf, condition) for name, (leaf, condition) in space.leaves().items()]
        self._labels = {
            column.name: column.distribution.labels
            for column in self.columns
            if isinstance(column.distribution, Choice) and column.distribution.is_nested
        }
        self.index = {column.name: place for place, column in enumerate(self.columns)}

    def row(self, params: Mapping[str, Value]) -> list[float]:
        """One parameter set as numbers, in the order of the columns."""
        numbers = [np.nan] * len(self.columns)
        for name, _, value in self.space.walk(params):
            place = self.index[name]
            numbers[place] = self.columns[place].encode(value)
        return numbers

    def params(self, numbers: Mapping[str, float]) -> Params:
        """The parameter set that numbers by column name stand for; those of columns that do not count are ignored."""
        return self.space.assemble(lambda name, _: self.columns[self.index[name]].decode(float(numbers[name])))

    def options_of(self, condition: Condition) -> list[float]:
        """The option indices of the choice above under which a condition holds."""
        labels = self._labels[condition.parent]
        return [float(labels.index(label)) for label in condition.labels]


def column(name: str, distribution: Distribution, condition: Condition | None) -> Column:
    """The column of one parameter."""
    if isinstance(distribution, Choice):
        count = len(distribution.values)
        if not _is_ordered(distribution):
            return Column(name, distribution, condition, Kind.OPTION, count)
        ascending = tuple(sorted(range(count), key=distribution.values.__getitem__))
        edges = tuple(level / count for level in range(count + 1))
        return Column(name, distribution, condition, Kind.LEVEL, count, ascending, edges)
    if distribution.size is None or distribution.size > FEW_LEVELS:
        return Column(name, distribution, condition, Kind.POSITION)
    values, edges = _levels(distribution)
    return Column(name, distribution, condition, Kind.LEVEL, len(values), values, edges)


def _is_ordered(choice: Choice) -> bool:
    """True for three or more different numbers, but few: of two either is the other one's neighbour anyway."""
    values = choice.values
    if not 2 < len(values) <= FEW_LEVELS or any(isinstance(value, bool) for value in values):
        return False
    return all(isinstance(value, int | float) for value in values) and len(set(values)) == len(values)


@lru_cache(maxsize=512)
def _levels(distribution: Distribution) -> tuple[tuple[Value, ...], tuple[float, ...]]:
    """The values of a distribution that has few, and where each begins; kept, for finding them takes milliseconds."""
    ladder = Ladder(distribution, ascending=True)
    values = tuple(ladder.at(place) for place in range(ladder.count))
    return values, _edges(distribution, values)


def _edges(distribution: Distribution, values: tuple[Value, ...]) -> tuple[float, ...]:
    """Where each level begins: the middles of neighbours' shares, found from the middles of the shares themselves."""
    edges = [0.0]
    for value in values:
        edges.append(min(max(2 * distribution.position(value) - edges[-1], edges[-1]), 1.0))
    return (*edges[:-1], 1.0)
