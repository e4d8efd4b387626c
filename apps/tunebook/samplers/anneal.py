"""Annealing: draws near one of the best trials, nearer and nearer the more trials there are.

Source: the annealing of hyperopt (Bergstra, Yamins and Cox, ICML 2013), which NNI's Anneal tuner uses: which of the
best is chosen follows a geometric distribution of its rank, and the neighbourhood is ``1 / (1 + n x shrink)`` wide.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Column, Encoder, Kind
from tunebook.samplers.latin import LatinCube
from tunebook.samplers.options import Option, number, whole
from tunebook.samplers.records import Records
from tunebook.space import Params, Space


class AnnealSampler(Sampler):
    """Every parameter moves within a neighbourhood of a good trial's value; a choice stays or is drawn anew.

    Example:
        >>> AnnealSampler(space, objective, seed=7, shrink=0.1).ask(history, 4)
    """

    name = "anneal"
    options: ClassVar[tuple[Option, ...]] = (
        Option("n_startup", 6, whole(1, 10_000), "trials spread evenly before a neighbourhood is drawn from"),
        Option("best_rank", 2.0, number(1), "the mean rank, from 1 on, of the trial that is started from"),
        Option("shrink", 0.1, number(0), "how fast neighbourhoods get smaller with the number of trials"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._records = Records(self._encoder)
        self._start = LatinCube(self._encoder, seed, self.chosen["n_startup"])

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        table = self._records.table(history, (), with_failures=False)
        if table.results < self.chosen["n_startup"]:
            return self._start.suggestion(number)
        random = self.generator(number)
        rank = min(int(random.geometric(1.0 / self.chosen["best_rank"])), table.results)
        anchor = table.rows[np.argpartition(table.loss, rank - 1)[rank - 1]]
        width = 1.0 / (1.0 + table.results * self.chosen["shrink"])
        draws = random.random((2, len(self._encoder.columns)))
        numbers = {
            column.name: _near(column, float(anchor[place]), width, draws[0, place], draws[1, place])
            for place, column in enumerate(self._encoder.columns)
        }
        note = f"within {width:.2g} of the range around the trial of rank {rank} of {table.results}"
        return Suggestion(self._encoder.params(numbers), "anneal", note=note)


def _near(column: Column, anchor: float, width: float, u: float, stay: float) -> float:
    """A number of the column within its neighbourhood, which is moved to lie within the range."""
    if column.kind is Kind.OPTION:
        return anchor if stay > width and not np.isnan(anchor) else float(int(u * column.count))
    level = column.kind is Kind.LEVEL
    if np.isnan(anchor):
        at = u
    else:
        middle = column.middle(int(anchor)) if level else anchor
        low = min(max(middle - width / 2, 0.0), 1.0 - width)
        at = low + u * width
    return float(np.searchsorted(column.edges[1:-1], at, side="right")) if level else at
