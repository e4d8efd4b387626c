"""CMA-ES: a normal distribution that learns from each generation where to look and in which directions.

Source: Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772 (weighted recombination, active covariance,
cumulative step length); Auger and Hansen, A Restart CMA Evolution Strategy with Increasing Population Size, CEC 2005;
steps of points that are not its own are cut as in Hansen, Injecting External Solutions into CMA-ES, arXiv:1110.4181.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.axes import Axes
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Encoder, Floats, Kind
from tunebook.samplers.latin import LatinCube
from tunebook.samplers.options import Option, number, whole
from tunebook.samplers.parzen import kept_inside
from tunebook.samplers.records import Records
from tunebook.space import Params, Space

SMALLEST = 1e-7  # a step of this share of the range is the end of a search
MOST_BENT = 1e14  # condition of the covariance
LEAST_CHANCE = 0.5  # of all options but the best one together, in a generation: one trial in two keeps looking


@dataclass(frozen=True)
class Search:
    """Where a search stands after some generations; each generation makes a new one."""

    size: int
    mean: Floats
    sigma: float
    covariance: Floats
    root: Floats
    path_c: Floats
    path_s: Floats
    generation: int
    restarts: int
    best: float
    since: int
    chances: tuple[Floats, ...]


class CmaesSampler(Sampler):
    """An evolution strategy for numeric parameters; choices beside them follow the frequencies of the good trials.

    The first trials are spread evenly; the search starts from the middle of their better half. When it has come to rest it starts
    again elsewhere with twice as many trials in a generation. Trials that run are not waited for.

    Example:
        >>> CmaesSampler(space, objective, seed=7, population_size=12).ask(history, 12)
    """

    name = "cmaes"
    options: ClassVar[tuple[Option, ...]] = (
        Option("population_size", 0, whole(0, 10_000), "trials in a generation; 0: 4 + 3 ln(parameters)"),
        Option("sigma", 0.15, number(0, 1, above=True), "the first step, as a share of each range"),
        Option("n_startup", 0, whole(0, 10_000), "trials spread evenly at the start; 0: as many as a generation"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._axes = Axes(self._encoder)
        self._choices = [
            (place, column.count) for place, column in enumerate(self._encoder.columns) if column.kind is Kind.OPTION
        ]
        self._records = Records(self._encoder)
        self._size = max(2, self.chosen["population_size"] or 4 + int(3 * math.log(max(len(self._axes), 1))))
        self._startup = self.chosen["n_startup"] or self._size
        self._start = LatinCube(self._encoder, seed, self._startup)
        self._kept: tuple[Floats, Floats, Search] | None = None

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        table = self._records.table(history, ())
        if len(table.loss) < self._startup:
            return self._start.suggestion(number)
        search = self._searched(table.rows, table.loss)
        random = self.generator(number)
        step = search.sigma * (search.root @ random.standard_normal(len(self._axes)))
        point = kept_inside(search.mean + step, self._axes.bounded)
        numbers = np.empty(len(self._encoder.columns))
        numbers[self._axes.places] = self._axes.numbers(point)
        for (place, _), chances in zip(self._choices, search.chances, strict=True):
            drawn = int(np.searchsorted(np.cumsum(chances), random.random(), side="right"))
            numbers[place] = min(drawn, len(chances) - 1)
        note = f"generation {search.generation + 1} of {search.size} trials, step {search.sigma:.2g} of the range"
        again = f"; search {search.restarts + 1}" if search.restarts else ""
        params = self._encoder.params(dict(zip(self._encoder.index, numbers.tolist(), strict=True)))
        return Suggestion(params, "model", note=note + again)

    def _searched(self, rows: Floats, loss: Floats) -> Search:
        """The search after all whole generations; it goes on from where it last stood when nothing before changed."""
        done, search = self._startup, None
        if self._kept is not None:
            kept_rows, kept_loss, kept = self._kept
            until = len(kept_loss)
            same = until <= len(loss) and np.array_equal(loss[:until], kept_loss)
            if same and np.array_equal(rows[:until], kept_rows, equal_nan=True):
                done, search = until, kept
        if search is None:
            search = self._fresh(self._first_mean(rows[:done], loss[:done]), self._size, 0)
        elif done + search.size > len(loss):
            return search
        while done + search.size <= len(loss):
            done, generation = done + search.size, slice(done, done + search.size)
            search = self._advanced(search, rows[generation], loss[generation])
        self._kept = (rows[:done].copy(), loss[:done].copy(), search)
        return search

    def _first_mean(self, rows: Floats, loss: Floats) -> Floats:
        """The mean of the better half of the first trials: in many dimensions nearer to the best than any of them."""
        points = np.nan_to_num(self._axes.of(rows), nan=0.5)
        better = points[np.argsort(loss, kind="stable")[: max(1, len(points) // 2)]]
        mean: Floats = better.mean(axis=0) if len(better) else np.full(len(self._axes), 0.5)
        return mean

    def _fresh(self, mean: Floats, size: int, restarts: int) -> Search:
        dims = len(self._axes)
        unit, zero = np.eye(dims), np.zeros(dims)
        chances = tuple(np.full(count, 1.0 / count) for _, count in self._choices)
        sigma = self.chosen["sigma"]
        return Search(size, mean, sigma, unit, unit, zero, zero, 0, restarts, np.inf, 0, chances)

    def _advanced(self, search: Search, rows: Floats, loss: Floats) -> Search:
        """The search after one more generation, or a new one elsewhere when this one has come to rest."""
        order = np.argsort(loss, kind="stable")
        found = _learnt(search, np.where(np.isnan(points := self._axes.of(rows)), search.mean, points)[order])
        chances = tuple(
            _moved(chance, rows[order, place]) for chance, (place, _) in zip(search.chances, self._choices, strict=True)
        )
        best = float(loss.min())
        since = 0 if best < search.best else search.since + 1
        found = replace(found, chances=chances, best=min(best, search.best), since=since)
        if self._rests(found):
            draw = np.random.Generator(np.random.PCG64((self.seed, found.restarts + 1, 3)))
            return self._fresh(draw.random(len(self._axes)), 2 * search.size, search.restarts + 1)
        return found

    def _rests(self, search: Search) -> bool:
        if not len(search.mean):
            return False
        spread = np.diag(search.covariance)
        patience = 10 + 30 * len(search.mean) // search.size
        flat = search.sigma * math.sqrt(float(spread.max())) < SMALLEST
        return bool(flat or spread.max() > MOST_BENT * max(spread.min(), 1e-300) or search.since > patience)


def _learnt(search: Search, points: Floats) -> Search:
    """Mean, paths, covariance and step after a generation, whose points come best first. Tutorial, figure 6."""
    dims, size = len(search.mean), len(points)
    if not dims:
        return replace(search, generation=search.generation + 1)
    raw = math.log((size + 1) / 2) - np.log(np.arange(1, size + 1))
    good = raw[: size // 2] / raw[: size // 2].sum()
    mass = 1.0 / float(good @ good)
    c_s = (mass + 2) / (dims + mass + 5)
    d_s = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (dims + 1)) - 1) + c_s
    c_c = (4 + mass / dims) / (dims + 4 + 2 * mass / dims)
    c_1 = 2 / ((dims + 1.3) ** 2 + mass)
    c_mu = min(1 - c_1, 2 * (mass - 2 + 1 / mass) / ((dims + 2) ** 2 + mass))
    length = math.sqrt(dims) * (1 - 1 / (4 * dims) + 1 / (21 * dims**2))

    steps = (points - search.mean) / search.sigma
    white = np.linalg.solve(search.root, steps.T).T
    sizes = np.maximum(np.linalg.norm(white, axis=1), 1e-12)
    cut = np.minimum(1.0, (math.sqrt(dims) + 2 * dims / (dims + 2)) / sizes)
    steps, white, sizes = steps * cut[:, None], white * cut[:, None], sizes * cut

    step, white_step = good @ steps[: size // 2], good @ white[: size // 2]
    path_s = (1 - c_s) * search.path_s + math.sqrt(c_s * (2 - c_s) * mass) * white_step
    gone = float(np.linalg.norm(path_s))
    usual = gone / math.sqrt(1 - (1 - c_s) ** (2 * (search.generation + 1))) < (1.4 + 2 / (dims + 1)) * length
    path_c = (1 - c_c) * search.path_c + usual * math.sqrt(c_c * (2 - c_c) * mass) * step
    bad = raw[size // 2 :]
    bad_mass = float(bad.sum()) ** 2 / max(float(bad @ bad), 1e-300)
    limit = min(
        1 + c_1 / max(c_mu, 1e-300), 1 + 2 * bad_mass / (mass + 2), (1 - c_1 - c_mu) / (dims * max(c_mu, 1e-300))
    )
    bad = limit * bad / max(-float(bad.sum()), 1e-300)
    weights = np.concatenate([good, bad])
    signed = np.concatenate([good, bad * dims / np.maximum(sizes[size // 2 :], 1e-6) ** 2])
    kept = 1 + (1 - usual) * c_1 * c_c * (2 - c_c) - c_1 - c_mu * float(weights.sum())
    covariance = kept * search.covariance + c_1 * np.outer(path_c, path_c) + c_mu * (steps.T * signed) @ steps
    sigma = search.sigma * math.exp(min(1.0, (c_s / d_s) * (gone / length - 1)))
    return replace(
        search,
        mean=np.clip(search.mean + search.sigma * step, 0.0, 1.0),
        sigma=min(sigma, 1.0),
        covariance=covariance,
        root=_root(covariance),
        path_c=path_c,
        path_s=path_s,
        generation=search.generation + 1,
    )


def _root(covariance: Floats) -> Floats:
    """The symmetric root, so that a path in whitened steps keeps its direction from one generation to the next."""
    squares, axes = np.linalg.eigh((covariance + covariance.T) / 2)
    root: Floats = (axes * np.sqrt(np.maximum(squares, 1e-14 * max(float(squares[-1]), 1e-14)))) @ axes.T
    return root


def _moved(chances: Floats, drawn: Floats) -> Floats:
    """The chances of a choice's options after a generation whose options come best first; NaN did not count."""
    good = drawn[: max(1, len(drawn) // 2)]
    good = good[~np.isnan(good)].astype(np.int64)
    if not len(good):
        return chances
    seen = np.bincount(good, minlength=len(chances)) / len(good)
    least = LEAST_CHANCE / (len(drawn) * max(len(chances) - 1, 1))
    moved = np.maximum(0.7 * chances + 0.3 * seen, min(least, 0.5 / len(chances)))
    result: Floats = moved / moved.sum()
    return result
