"""Grid search: every parameter set of a finite space once; of an endless one a grid that gets finer and finer."""

from collections.abc import Hashable, Sequence, Set
from typing import Any, ClassVar

from tunebook.distributions import identity
from tunebook.errors import SpecError
from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion, Taken
from tunebook.samplers.bisection import Bisection
from tunebook.samplers.options import Option, word
from tunebook.space import Params, Space


class GridSampler(Sampler):
    """All parameter sets in a fixed order, without those already tried.

    ``order="bisect"`` is the order of PAI's GridSearch: choices and whole numbers value by value, other parameters
    first the middle of the distribution, then the quarters, then the eighths, without end.
    ``order="listed"`` gives every parameter's values from the first to the last; they must be countable.

    Example:
        >>> GridSampler(Space({"depth": Randint(5)}), Objective(), order="listed")
    """

    name = "grid"
    options: ClassVar[tuple[Option, ...]] = (
        Option("order", "bisect", word("bisect", "listed"), "bisect: middles first, then quarters; listed: ascending"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        if self.chosen["order"] == "listed":
            for name, (distribution, _) in space.leaves().items():
                if distribution.size is None:
                    raise SpecError(
                        f"space.{name}", "has no countable values for a grid in listed order; use order bisect"
                    )
            self._listing = Bisection(space, ascending=True)
        self._tried: Set[Hashable] = frozenset()
        self._passed = 0

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        taken = Taken(set(), history.tried)
        place = self._first(history)
        found: list[Suggestion] = []
        while place is not None and len(found) < count:
            params = self._listing.at(place)
            found.append(Suggestion(params, "grid"))
            taken.own.add(identity(params))
            place = self._listing.passed(taken, place + 1) if len(found) < count else None
        return found

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        place = self._first(history)
        if place is None:
            return None
        taken = Taken({identity(params) for params in pending}, history.tried)
        params = self._listing.untried(taken, place)
        return None if params is None else Suggestion(params, "grid")

    def exhausted(self, history: History) -> bool:
        return self._first(history) is None

    def _first(self, history: History) -> int | None:
        """The first place that was not tried; what was passed is not looked at again while the same set grows."""
        tried = history.tried
        if self._tried is not tried:
            self._tried, self._passed = tried, 0
        place = self._listing.passed(tried, self._passed)
        self._passed = self._passed if place is None else place
        return place
