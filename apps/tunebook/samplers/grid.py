"""Grid search: every parameter set of a finite space once; of an endless one a grid that gets finer and finer."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tunebook.distributions import identity
from tunebook.errors import SpecError
from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
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

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        taken = history.tried if not pending else history.tried | {identity(params) for params in pending}
        params = self._listing.untried(taken)
        return None if params is None else Suggestion(params, "grid")

    def exhausted(self, history: History) -> bool:
        return self._listing.untried(history.tried) is None
