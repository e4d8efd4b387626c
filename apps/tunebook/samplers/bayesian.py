"""Bayesian optimisation: a Gaussian process over the trials so far, and the point it promises most of.

Source: Jones, Schonlau and Welch, Efficient Global Optimization of Expensive Black-Box Functions, 1998;
Snoek, Larochelle and Adams, Practical Bayesian Optimization of Machine Learning Algorithms, NIPS 2012.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Encoder, Floats, Ints, Kind
from tunebook.samplers.forest import Forest
from tunebook.samplers.gaussian import (
    FITTED,
    GaussianProcess,
    Points,
    log_expected_improvement,
    log_probability_of_improvement,
    most_telling,
)
from tunebook.samplers.latin import LatinCube
from tunebook.samplers.options import Option, number, whole, word
from tunebook.samplers.records import Records, Table
from tunebook.samplers.threads import one_thread
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Params, Space

MOST = 300  # trials at most that enter the model
STARTS = 5
NEAR = (0.1, 0.03, 0.01, 0.003)  # how far from the best candidates each round looks, as shares of the range
PER_START = 60
BESIDE = 0.01  # so near to a running trial, as a share of each range, nothing more is tried
FINE = (0.25, 0.5, 0.75, 1.0)  # up to this share of the losses their scale is about straight; the first that tells
COARSE = (0.75, 1.0)  # the same for every other pair of trials, lest what is near the best be magnified for ever
DOUBT = 0.1  # of the variance of values, for a trial of weight 1/2; more for less
ITS_TURN = 3  # beside choices one trial in so many is the model's own
OFFERS = 16  # suggestions of TPE among which it chooses the others
FLAT = 1e-12  # of the largest loss: differences below this are none

Bends = tuple[float, ...]


@dataclass(frozen=True)
class Scale:
    """How losses became values of mean 0 and variance 1: bent, so that the worst do not hide how the best differ."""

    unit: float
    least: float
    bend: float
    middle: float
    width: float

    def back(self, mean: float, spread: float) -> tuple[float, float]:
        """A loss and its deviation, from those of a value."""
        bent = self.middle + self.width * mean
        slope = self.bend * float(np.exp(min(bent, 700.0)))
        return self.unit * (self.least + slope - self.bend), self.unit * slope * self.width * spread


@dataclass(frozen=True)
class Learnt:
    """A process, beside choices a forest too, and what is to be known beside them to ask them for a point.

    ``best`` is the least value they expect of a trial, ``leaders`` are the rows of the best trials, ``waiting`` those of
    trials that run, ``trials`` counts those they were fitted to.
    """

    process: GaussianProcess
    forest: Forest | None
    scale: Scale
    best: float
    leaders: Floats
    waiting: Floats
    trials: int


class BayesianSampler(Sampler):
    """A Gaussian process with one length scale per parameter; trials that run count with what it expects of them.

    Works on every space; parameters are seen on their own cumulative curve, nested ones at the middle of their range
    where they do not count. Two trials look closely at how the best differ, the next two at where good values lie at
    all: on a fine scale alone every trial near the best makes the next one look nearer still.

    Where there are choices two trials of three are suggested by TPE (``beside_choices``): a process that has seen an
    option fail twice is soon sure of all that lies under it, and stays with the option that happened to begin well.
    It chooses among 16 suggestions there. Of steps, which options make, it knows little: a forest is asked with it, each
    for half of what is expected; how far they disagree counts as not known.

    Example:
        >>> BayesianSampler(space, objective, seed=7, acquisition="ei").ask(history, 4)
    """

    name = "bayesian"
    options: ClassVar[tuple[Option, ...]] = (
        Option("n_startup", 10, whole(2, 10_000), "trials spread evenly before the model is asked"),
        Option("acquisition", "ei", word("ei", "ucb", "poi"), "expected improvement, confidence bound or probability"),
        Option("kappa", 2.0, number(0), "how many deviations the confidence bound reaches"),
        Option("xi", 0.0, number(0), "the least improvement that counts, in deviations of all values"),
        Option("n_candidates", 2000, whole(10, 20_000), "random points at which the promise is reckoned first"),
        Option("noise", "fitted", word("fitted", "none"), "none: the same parameters always come to the same value"),
        Option("beside_choices", "tpe", word("tpe", "nothing"), "what is asked in turn where parameters are choices"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._records = Records(self._encoder)
        self._start = LatinCube(self._encoder, seed, self.chosen["n_startup"])
        self._kept: dict[Bends, tuple[Floats, GaussianProcess]] = {}
        self._beside: TpeSampler | None = None
        has_choices = not all(column.distribution.is_numeric for column in self._encoder.columns)
        if self.chosen["beside_choices"] == "tpe" and has_choices:
            self._beside = TpeSampler(space, objective, seed, n_startup=self.chosen["n_startup"])

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        table = self._records.table(history, pending)
        if self._start.goes_on(table.results, len(pending)):
            return self._start.suggestion(number)
        beside = self._beside if number % ITS_TURN else None
        with one_thread():
            learnt = self._learnt(table, number)
            if beside is not None:
                offers = beside.offers(history, number, pending, OFFERS)
                rows = np.array([self._encoder.row(offer.params) for offer in offers])
                place = int(np.argmax(self._promise(learnt, rows)))
                row, params, kind = rows[place], offers[place].params, f"of {OFFERS} suggestions of tpe to"
            else:
                row, kind = self._search(learnt, self.generator(number)), "point of"
                params = self._encoder.params(dict(zip(self._encoder.index, row.tolist(), strict=True)))
            expected, spread = self._expected(learnt, row, history.objective.sign)
        model = "a Gaussian process" if learnt.forest is None else "a Gaussian process and a forest"
        note = f"the most promising {kind} {model} over {learnt.trials} trials"
        return Suggestion(params, "model", expected=expected, spread=spread, note=note)

    def _learnt(self, table: Table, number: int) -> Learnt:
        """The model of what is known; trials that run have come to what the process expects of them.

        So have, for the forest, trials of little weight, as far as they are not trusted.
        """
        told = _entering(table.loss)
        rows, loss, weight = table.rows[told], table.loss[told], table.weight[told]
        bends = COARSE if number // 2 % 2 else FINE
        values, scale = _scaled(loss, bends)
        process = self._process(rows, values, _doubt(weight), bends)
        waiting = table.rows[np.isnan(table.loss)]
        if len(waiting):
            believed, _ = process.predict(self._points(waiting))
            rows, values = np.vstack([rows, waiting]), np.append(values, believed)
            weight = np.append(weight, np.ones(len(waiting)))
            process = process.conditioned(self._points(rows, _doubt(weight)), values)
        expected, _ = process.predict(self._points(rows))
        forest = None
        if self._beside is not None:
            seen = most_telling(values, FITTED)
            likely = expected + np.clip(weight, 0.0, 1.0) * (values - expected)
            forest = Forest.grown(self._encoder.columns, rows[seen], likely[seen], self.generator(number, OFFERS))
            expected = (expected + forest.predict(rows)[0]) / 2
        leaders = rows[np.argsort(values, kind="stable")[:STARTS]]
        return Learnt(process, forest, scale, float(expected.min()), leaders, waiting, len(loss))

    def _predict(self, learnt: Learnt, rows: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of the value at these rows."""
        mean, spread = learnt.process.predict(self._points(rows))
        if learnt.forest is None:
            return mean, spread
        other, others = learnt.forest.predict(rows)
        return (mean + other) / 2, np.sqrt((spread**2 + others**2) / 2 + ((mean - other) / 2) ** 2)

    def _expected(self, learnt: Learnt, row: Floats, sign: float) -> tuple[float | None, float | None]:
        """The value that a row is expected to come to, and its deviation; None where a number cannot hold it."""
        mean, spread = self._predict(learnt, row[None, :])
        loss, deviation = learnt.scale.back(float(mean[0]), float(spread[0]))
        return sign * loss if np.isfinite(loss) else None, deviation if np.isfinite(deviation) else None

    def noise(self, history: History) -> float:
        """The share of the values' variance that the process takes for noise; 1 while there are too few results."""
        table = self._records.table(history, ())
        if table.results < self.chosen["n_startup"]:
            return 1.0
        told = _entering(table.loss)
        with one_thread():
            values, _ = _scaled(table.loss[told], FINE)
            return self._process(table.rows[told], values, _doubt(table.weight[told]), FINE).noise

    def _process(self, rows: Floats, values: Floats, doubt: Floats, bends: Bends) -> GaussianProcess:
        """The process fitted to this data; the last one of each scale is kept, for the other suggestions of a batch."""
        data = np.column_stack([rows, values, doubt])
        kept = self._kept.get(bends)
        if kept is None or not np.array_equal(kept[0], data, equal_nan=True):
            kept = self._kept[bends] = (data, self._fitted(self._points(rows, doubt), values))
        return kept[1]

    def _fitted(self, points: Points, values: Floats) -> GaussianProcess:
        return GaussianProcess.fitted(points, values, is_noisy=self.chosen["noise"] == "fitted")

    def _search(self, learnt: Learnt, random: np.random.Generator) -> Floats:
        """The most promising row found: far and wide first, then nearer and nearer."""
        everywhere = self._settled(self._anywhere(self.chosen["n_candidates"], random))
        found = np.vstack([everywhere, self._around(learnt.leaders, NEAR[0], random)])
        promise = self._promise(learnt, found)
        for reach in NEAR:
            top = found[np.argsort(-promise, kind="stable")[:STARTS]]
            more = self._around(top, reach, random)
            found = np.vstack([top, more])
            promise = self._promise(learnt, found)
        row: Floats = found[int(np.argmax(promise))]
        return row

    def _promise(self, learnt: Learnt, rows: Floats) -> Floats:
        """What is to be maximised; nothing is promised beside a point whose value is still to come."""
        points = self._points(rows)
        mean, spread = self._predict(learnt, rows)
        promise: Floats
        if self.chosen["acquisition"] == "ucb":
            promise = self.chosen["kappa"] * spread - mean
        elif self.chosen["acquisition"] == "poi":
            promise = log_probability_of_improvement(mean, spread, learnt.best - self.chosen["xi"])
        else:
            promise = log_expected_improvement(mean, spread, learnt.best - self.chosen["xi"])
        taken = self._points(learnt.waiting)
        for place in range(len(learnt.waiting)):
            near = np.abs(points.numbers - taken.numbers[place]).max(axis=1, initial=0.0) < BESIDE
            promise[near & (points.options == taken.options[place]).all(axis=1)] = -np.inf
        return promise

    def _anywhere(self, count: int, random: np.random.Generator) -> Floats:
        """Random rows over the whole space; columns that do not count are filled as well, until ``_settled``."""
        rows = random.random((count, len(self._encoder.columns)))
        for place, column in enumerate(self._encoder.columns):
            if column.kind is not Kind.POSITION:
                rows[:, place] = np.floor(rows[:, place] * column.count)
        return rows

    def _around(self, centres: Floats, reach: float, random: np.random.Generator) -> Floats:
        """Rows near some others: about half of the numbers moved, now and then another level or option."""
        rows = np.repeat(centres, PER_START, axis=0)
        fresh = self._anywhere(len(rows), random)
        rows = np.where(np.isnan(rows), fresh, rows)
        moves = random.random(rows.shape)
        steps = reach * random.standard_normal(rows.shape)
        for place, column in enumerate(self._encoder.columns):
            if column.kind is Kind.POSITION:
                moved = np.where(moves[:, place] < 0.5, rows[:, place] + steps[:, place], rows[:, place])
                rows[:, place] = np.clip(moved, 0.0, 1.0)
            elif column.kind is Kind.LEVEL:
                leaps = np.rint(steps[:, place] * column.count + np.sign(steps[:, place]) * 0.5)
                moved = np.where(moves[:, place] < 0.3, rows[:, place] + leaps, rows[:, place])
                rows[:, place] = np.clip(moved, 0, column.count - 1)
            else:
                change = moves[:, place] < 0.5 / len(self._encoder.columns) + 0.05
                rows[:, place] = np.where(change, fresh[:, place], rows[:, place])
        return self._settled(rows)

    def _settled(self, rows: Floats) -> Floats:
        """The rows with NaN where a column does not count under what was chosen above it."""
        for place, column in enumerate(self._encoder.columns):
            if column.condition is not None:
                above = self._encoder.index[column.condition.parent]
                wanted = self._encoder.options_of(column.condition)
                rows[~np.isin(rows[:, above], wanted), place] = np.nan
        return rows

    def _points(self, rows: Floats, doubt: Floats | float = 0.0) -> Points:
        """Rows as the kernel sees them: positions and middles of levels as numbers, options apart."""
        numbers, options = [], []
        for place, column in enumerate(self._encoder.columns):
            values = rows[:, place]
            if column.kind is Kind.OPTION:
                options.append(np.nan_to_num(values, nan=-1.0))
                continue
            if column.kind is Kind.LEVEL:
                edges = np.array(column.edges)
                middles = np.append((edges[1:] + edges[:-1]) / 2, 0.5)
                values = middles[np.nan_to_num(values, nan=column.count).astype(np.int64)]
            numbers.append(np.nan_to_num(values, nan=0.5))
        empty = np.empty((len(rows), 0))
        return Points(
            np.column_stack(numbers) if numbers else empty, np.column_stack(options) if options else empty, doubt
        )


def _entering(loss: Floats) -> Ints:
    """The places of the ended trials that enter the model."""
    known = np.flatnonzero(~np.isnan(loss))
    return known[most_telling(loss[known], MOST)]


def _doubt(weight: Floats) -> Floats:
    """The variance that a trial of little weight has beside the noise of all."""
    return DOUBT * (1.0 / np.clip(weight, 1e-3, 1.0) - 1.0)


def _scaled(loss: Floats, bends: Bends) -> tuple[Floats, Scale]:
    """Losses on a logarithmic scale above the best one, with mean 0 and variance 1; failures are as bad as the worst."""
    finite = loss[np.isfinite(loss)]
    unit = float(np.abs(finite).max()) or 1.0
    above = np.minimum(loss / unit, float((finite / unit).max()))
    least = float(above.min())
    above -= least
    bend = max((float(np.quantile(above, share)) for share in bends), key=lambda width: width > FLAT)
    if bend <= FLAT:
        return np.zeros(len(loss)), Scale(unit, least, 0.0, 0.0, 0.0)
    bent = np.log1p(above / bend)
    middle, width = float(bent.mean()), float(bent.std())
    return (bent - middle) / width, Scale(unit, least, bend, middle, width)
