"""The sampler for those who name none: it looks at the space and the run, and says what it picked and why.

Which sampler leads where was found on BBOB and on tables of real models (`tests/benchmarks/optimizer`): a Gaussian
process for the first hundreds of trials, then strategies whose cost does not grow; a second opinion where it is stuck.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.bayesian import BayesianSampler
from tunebook.samplers.cmaes import CmaesSampler
from tunebook.samplers.encode import Encoder, Floats, Kind
from tunebook.samplers.grid import GridSampler
from tunebook.samplers.records import Records
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Params, Space

FEW = 32  # a space of so many parameter sets is worth trying out whole
WIDE = 60  # parameters (options beyond two count too) above which distances tell a Gaussian process little
START = 10  # trials spread evenly first; a quarter of the planned ones where they are few
LONG = 300  # results after which cheaper samplers find as much
CROWD = 64  # trials at once above which a process that thinks for each of them in turn takes too long
NOISY = 0.3  # share of noise in the values above which to be without progress is no sign of being stuck


@dataclass(frozen=True)
class Pick:
    """A sampler, and why it is asked."""

    sampler: Sampler
    reason: str


class AutoSampler(Sampler):
    """Picks by the space, the number of results, the trials at once and the planned ones, progress and noise.

    Grid for a space of at most 32 parameter sets; TPE for very wide ones and for crowds of trials at once; for others
    a Gaussian process up to 300 results, and then CMA-ES in turn with TPE where all parameters are numbers, else TPE.
    Every second trial is asked of one of these while the process makes no progress.

    Example:
        >>> AutoSampler(Space({"depth": Randint(5)}), Objective()).pick(history, 0, 0).reason
        'grid: the space has only 5 parameter sets'
    """

    name = "auto"

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        encoder = Encoder(space)
        columns = encoder.columns
        self._records = Records(encoder)
        self._grid = GridSampler(space, objective, seed) if space.size is not None and space.size <= FEW else None
        self._width = sum(max(column.count - 1, 1) if column.kind is Kind.OPTION else 1 for column in columns)
        self._is_numeric = len(columns) > 1 and all(column.kind is Kind.POSITION for column in columns)
        planned = self.limits.max_trials
        startup = START if planned is None else max(2, min(START, planned // 4))
        self._process = BayesianSampler(space, objective, seed, n_startup=startup)
        self._tpe = TpeSampler(space, objective, seed, n_startup=startup)
        self._cmaes = CmaesSampler(space, objective, seed)

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        picked = self.pick(history, number, len(pending))
        suggestion = picked.sampler.suggest(history, number, pending)
        if suggestion is None:
            return None
        parts = (f"auto picked {picked.reason}", suggestion.note)
        return replace(suggestion, note=". ".join(part for part in parts if part))

    def pick(self, history: History, number: int, pending: int) -> Pick:
        """The sampler for the trial of this number, and why."""
        if self._grid is not None:
            return Pick(self._grid, f"grid: the space has only {self.space.size} parameter sets")
        if self._width > WIDE:
            return Pick(self._tpe, f"tpe: it bears spaces as wide as this one ({self._width} dimensions)")
        crowd = max(pending, self.limits.max_concurrent)
        if crowd > CROWD:
            return Pick(self._tpe, f"tpe: it is quick enough for {crowd} trials at once")
        losses = self._records.table(history, (), with_failures=False).loss
        if len(losses) > LONG:
            return self._later(number, f"there are more than {LONG} results")
        still = self._still(losses)
        if still and number % 2 and self._process.noise(history) < NOISY:
            return self._later(number // 2, f"a second opinion, for the last {still} results were no better")
        return Pick(self._process, "bayesian: it makes the most of few results")

    def exhausted(self, history: History) -> bool:
        return super().exhausted(history) if self._grid is None else self._grid.exhausted(history)

    def _later(self, number: int, why: str) -> Pick:
        if self._is_numeric and number % 2:
            return Pick(self._cmaes, f"cmaes: {why}, and all parameters are numbers")
        return Pick(self._tpe, f"tpe: {why}")

    def _still(self, losses: Floats) -> int:
        """How many results have come since the last progress, when they are many; else 0."""
        patience = 15 + 2 * self._width
        if len(losses) <= 2 * patience or losses[-patience:].min() < losses[:-patience].min():
            return 0
        return len(losses) - 1 - int(losses.argmin())
