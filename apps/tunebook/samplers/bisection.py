"""All parameter sets of a space in a fixed order: finite values each once, continuous ones by halving.

The order is that of the NNI and PAI grid search: of a numeric parameter first the middle of its distribution, then
the quarters, then the eighths and so on; of choices and whole numbers every value from the start.
"""

from collections.abc import Hashable, Iterator, Set

from tunebook.curves import Stepped
from tunebook.distributions import Choice, Distribution, Randint, Value, identity
from tunebook.space import Params, Space

_NARROW = 2.0**-50
_LAST = 1.0 - 2.0**-53
MANY = 1000  # steps beyond which a list of all of them takes too long


class Bisection:
    """A list of all parameter sets of a space that grows as it is read; endless when the space is.

    Reading it again costs no more than a look at each set. It depends on nothing but the space.
    With ``ascending`` all parameters give their values at once and in order; they must be finite.
    """

    def __init__(self, space: Space, ascending: bool = False) -> None:
        self._known: list[tuple[Hashable, Params]] = []
        self._source = _walk(space, ascending)

    def untried(self, taken: Set[Hashable], start: int = 0) -> Params | None:
        """The first parameter set, from a place on, that was not taken; None when all of them were."""
        place = self.passed(taken, start)
        return None if place is None else self.at(place)

    def at(self, place: int) -> Params:
        """The parameter set at a place that was looked at before."""
        return self._known[place][1]

    def passed(self, taken: Set[Hashable], start: int = 0) -> int | None:
        """The place of the first set, from a place on, that was not taken; None when all of them were."""
        known = self._known
        for place in range(start, len(known)):
            if known[place][0] not in taken:
                return place
        for params in self._source:
            known.append((identity(params), params))
            if known[-1][0] not in taken:
                return len(known) - 1
        return None


class Ladder:
    """The values of one distribution in rounds, each round adding to the ones before; ``count`` says how many there are.

    Whole numbers, and the steps of more than a few, are worked out when they are looked at, for there may be billions.
    """

    def __init__(self, distribution: Distribution, ascending: bool = False) -> None:
        self._distribution = distribution
        self._parts: list[tuple[float, float]] = [(0.0, 1.0)]
        self._seen: set[Value] = set()
        self._all_at_once = isinstance(distribution, Choice | Randint)
        self._values: range | list[Value] = []
        self._steps: Stepped | None = None
        self.count = 0
        size = distribution.size
        if ascending and isinstance(distribution, Stepped) and size is not None and size > MANY:
            self._steps, self.count, self._parts = distribution, size, []
        elif ascending:
            while self.climb():
                pass
            self._values = self._values if self._all_at_once else sorted(self._values)

    def at(self, place: int) -> Value:
        """The value at this place, from 0 on."""
        return self._values[place] if self._steps is None else self._steps.value_at(place)

    def climb(self) -> bool:
        """Add the next round; False when there is nothing to add for good."""
        if self._all_at_once:
            return self._list()
        while self._parts:
            fresh = self._halve()
            if fresh:
                self._values = [*self._values, *fresh]
                self.count = len(self._values)
                return True
        return False

    def _list(self) -> bool:
        if self.count:
            return False
        if isinstance(self._distribution, Randint):
            self._values = range(self._distribution.lower, self._distribution.upper)
            self.count = self._distribution.size  # len() knows no more than 2**63 of them
        elif isinstance(self._distribution, Choice):
            self._values = range(len(self._distribution.values))
            self.count = len(self._values)
        return True

    def _halve(self) -> list[Value]:
        """The middles of all parts; a part whose ends give the same value holds nothing new and is left."""
        fresh, parts = [], []
        for low, high in self._parts:
            middle = (low + high) / 2
            value = self._distribution.sample(middle)
            if value not in self._seen:
                self._seen.add(value)
                fresh.append(value)
            parts += [part for part in ((low, middle), (middle, high)) if self._differs(*part)]
        self._parts = parts
        return fresh

    def _differs(self, low: float, high: float) -> bool:
        return high - low > _NARROW and self._distribution.sample(low) != self._distribution.sample(min(high, _LAST))


def _walk(space: Space, ascending: bool) -> Iterator[Params]:
    """Every parameter set, round by round; within a round the last parameter turns fastest."""
    ladders = {name: Ladder(distribution, ascending) for name, (distribution, _) in space.leaves().items()}
    before = dict.fromkeys(ladders, 0)
    grown = [ladder.climb() for ladder in ladders.values()]
    first = True
    while first or any(grown):
        yield from _round(space, ladders, before)
        before = {name: ladder.count for name, ladder in ladders.items()}
        grown = [ladder.climb() for ladder in ladders.values()]
        first = False


def _round(space: Space, ladders: dict[str, Ladder], before: dict[str, int]) -> Iterator[Params]:
    """The combinations in which at least one parameter has a value that is new in this round."""
    turns: dict[str, int] = {}
    while True:
        active: list[str] = []

        def pick(name: str, distribution: Distribution, active: list[str] = active) -> Value:
            active.append(name)
            return ladders[name].at(turns.setdefault(name, 0))

        params = space.assemble(pick)
        if not active or any(turns[name] >= before[name] for name in active):
            yield params
        if not _turn(turns, active, ladders):
            return


def _turn(turns: dict[str, int], active: list[str], ladders: dict[str, Ladder]) -> bool:
    """Go to the next combination like a mileage counter; False after the last one."""
    for name in reversed(active):
        turns[name] += 1
        if turns[name] < ladders[name].count:
            return True
        turns[name] = 0
    return False
