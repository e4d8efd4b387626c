"""The sampler for those who name none: it looks at the space and says what it picked and why."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.grid import GridSampler
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Params, Space

FEW = 32  # a space of so many parameter sets is worth trying out whole


class AutoSampler(Sampler):
    """Grid for a space of at most 32 parameter sets, TPE for all others.

    Example:
        >>> AutoSampler(Space({"depth": Randint(5)}), Objective()).reason
        'grid: the space has only 5 parameter sets'
    """

    name = "auto"

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self.picked: Sampler
        if space.size is not None and space.size <= FEW:
            self.picked = GridSampler(space, objective, seed)
            self.reason = f"grid: the space has only {space.size} parameter sets"
        else:
            self.picked = TpeSampler(space, objective, seed)
            self.reason = "tpe: it learns from the first few trials and suits every kind of space"

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        suggestion = self.picked.suggest(history, number, pending)
        if suggestion is None:
            return None
        return replace(
            suggestion, note=". ".join(part for part in (f"auto picked {self.reason}", suggestion.note) if part)
        )

    def exhausted(self, history: History) -> bool:
        return self.picked.exhausted(history)
