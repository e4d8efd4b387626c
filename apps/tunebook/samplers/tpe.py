"""Tree-structured Parzen estimator: try what looks more like the good trials than like the others.

Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; the multivariate form and the
bandwidths follow Falkner et al., BOHB, ICML 2018; the analysis of its parts is Watanabe, arXiv:2304.11127.
Nested parameters are modelled group by group: those that count under the same condition together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Column, Encoder, Floats, Ints, Kind
from tunebook.samplers.latin import LatinCube
from tunebook.samplers.options import Option, number, whole, word
from tunebook.samplers.parzen import Layout, Mixture, Shape
from tunebook.samplers.records import Records, Table
from tunebook.samplers.relevance import Relevance
from tunebook.space import Condition, Params, Space

UNIFORM_VARIANCE = 1.0 / 12.0
SCOTT = 1.06
TIGHT = 0.7  # of Scott's width for the good trials: their density is to lead, not to describe
CLOSE = 0.6  # of Scott's width for the others: kernels wider than the good trials' could never push away from these
CLOSE_ALONE = 0.35  # the same where a group is one position: trials lie so close there that wider ones hide the gaps
STRAY = 0.4  # of the usual share of draws takes another option than the good trial it is drawn from
WIDE = 0.2  # of the range: deviation of the good trials that is assumed at least when looking around
WIDE_EVERY = 4  # one trial in so many looks around
WIDE_FROM = 25  # results from which on it does: before, the first trials have looked around enough
BESIDE = 0.1  # of each range: an equal result no farther away from a good trial is the same plateau
RELEVANT_UNTIL = 50  # results; before, kernels beside choices are the wider along a column the less it tells
LESS_PRIOR = 0.3  # of its weight among the good trials of a group of numbers and choices together
NOT_THERE = -1.0  # in place of a nested parameter that does not count
NO_PRIOR = 1e-9  # in place of 0, for when there is nothing but the prior
MOST_OTHERS = 800  # more kernels than this do not make the density of the other trials any better

Shaping = Callable[[Layout, Floats, Floats], Shape]  # from rows and their weights


@dataclass(frozen=True)
class Group:
    """Columns that count under the same condition, and so are modelled together."""

    condition: Condition | None
    places: Ints
    layout: Layout
    relevance: Relevance
    names: tuple[str, ...]

    @property
    def is_mixed(self) -> bool:
        """True for numbers and choices together."""
        return 0 < len(self.layout.options) < len(self.places)


class TpeSampler(Sampler):
    """Learns two densities, of the good trials and of the others, and suggests where their ratio is largest.

    The first trials are spread evenly; of several at once the model is asked as soon as half of the first have ended
    and the others run. Trials that still run count as bad ones (``constant_liar``), so that a batch spreads out.
    Failures count as bad ones unless they are to be ignored.

    Example:
        >>> TpeSampler(space, objective, seed=7, n_startup=10).ask(history, 4)
    """

    name = "tpe"
    options: ClassVar[tuple[Option, ...]] = (
        Option("n_startup", 10, whole(0, 10_000), "trials spread evenly before the model is asked"),
        Option("n_candidates", 64, whole(1, 10_000), "draws from the good trials' density, of which the best is taken"),
        Option("rule", "linear", word("linear", "sqrt"), "good trials are gamma x n, or gamma x sqrt(n)"),
        Option("gamma", 0.1, number(0), "the ratio in that rule"),
        Option("linear_forgetting", 25, whole(1), "at most so many good trials, and so many latest ones count fully"),
        Option("prior_weight", 1.0, number(0), "how many trials the prior counts for"),
        Option("constant_liar", "worst", word("worst", "mean", "best", "none"), "what running trials count as"),
        Option("failures", "avoid", word("avoid", "ignore"), "whether failed trials count as bad ones"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._records = Records(self._encoder)
        self._groups = _groups(self._encoder)
        self._has_options = any(column.kind is Kind.OPTION for column in self._encoder.columns)
        self._reaches = np.array([_reach(column) for column in self._encoder.columns])
        self._start = LatinCube(self._encoder, seed, self.chosen["n_startup"])

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        table = self._table(history, pending)
        if self._start.goes_on(table.results, len(pending)):
            return self._start.suggestion(number)
        return self._model(table, number, self.generator(number))

    def offers(self, history: History, number: int, pending: Sequence[Params], count: int) -> list[Suggestion]:
        """So many answers to the same question, each drawn anew, for somebody else to choose among; from one result on."""
        table = self._table(history, pending)
        return [self._model(table, number, self.generator(number, place)) for place in range(count)]

    def _table(self, history: History, pending: Sequence[Params]) -> Table:
        known = pending if self.chosen["constant_liar"] != "none" else ()
        return self._records.table(history, known, with_failures=self.chosen["failures"] == "avoid")

    def _model(self, table: Table, number: int, random: np.random.Generator) -> Suggestion:
        results = table.results
        good_count = self._good_count(results)
        good, bad = _split(table, _with_lies(table.loss, self.chosen["constant_liar"]), self._reaches, good_count)
        wide = (number % WIDE_EVERY == 0 and results >= WIDE_FROM) or _is_level(table.loss[good])
        ages = _by_age(bad, self.chosen["linear_forgetting"], len(table.loss))
        ranks = np.ones(len(good)) if wide else _by_rank(len(good))
        better = self._side(table, good, ranks, _wide if wide else _keen, LESS_PRIOR)
        worse = self._side(table, bad, ages, _plain, 1.0)
        chosen: dict[str, float] = {}
        row, known = np.full(table.rows.shape[1], NOT_THERE), table.rows
        if len(self._groups) > 1:
            known = np.where(np.isnan(known), NOT_THERE, known)
        for group in self._groups:
            if _holds(group.condition, chosen, self._encoder):
                row[group.places] = self._best_of(group, better, worse, random, row, known)
                chosen.update(zip(group.names, row[group.places].tolist(), strict=True))
        note = f"the best of {self.chosen['n_candidates']} draws near the {len(good)} best of {results} trials"
        return Suggestion(self._encoder.params(chosen), "model", note=note)

    def _side(self, table: Table, members: Ints, weights: Floats, shaped: Shaping, mixed: float) -> "Side":
        prior = max(self.chosen["prior_weight"], NO_PRIOR)
        return Side(
            table, members, weights * table.weight[members], shaped, prior, mixed * prior, len(self._groups) > 1
        )

    def _best_of(
        self, group: Group, better: "Side", worse: "Side", random: np.random.Generator, row: Floats, known: Floats
    ) -> Floats:
        """The draw from the good trials' density that is the least likely under the others'.

        Left out are draws with which the row, as far as it is chosen, is one of those that are known.
        """
        widening = self._widening(group, better.table)
        good, bad = better.mixture(group, widening), worse.mixture(group, widening)
        points = good.draw(random, self.chosen["n_candidates"])
        order = np.argsort(bad.log_density(points) - good.log_density(points), kind="stable")
        rows = np.tile(row, (len(points), 1))
        rows[:, group.places] = points[order]
        best: Floats = _first_new(rows, known)[group.places]
        if len(self._groups) > 1:
            better.lean(group, good, best)
            worse.lean(group, bad, best)
        return best

    def _widening(self, group: Group, table: Table) -> Floats | None:
        """By what to widen the kernels along each column of a group; None where that is of no use.

        It is not without choices, where the kernels' widths follow how the good trials lie, nor later, when what a
        column tells in the whole space says little of how it counts near the best.
        """
        if not self._has_options or table.results >= RELEVANT_UNTIL:
            return None
        known = np.isfinite(table.loss)
        rows, loss = table.rows[known][:, group.places], table.loss[known]
        complete = ~np.isnan(rows.sum(axis=1))
        return group.relevance.widening(rows[complete], loss[complete])

    def _good_count(self, results: int) -> int:
        base = results if self.chosen["rule"] == "linear" else results**0.5
        return int(min(max(np.ceil(self.chosen["gamma"] * base), 1), self.chosen["linear_forgetting"], results))


@dataclass
class Side:
    """The good trials, or the others, each with its weight.

    When a group has been chosen the weights lean towards the trials that are like it there: so what is drawn for the
    next group fits to it, as if all groups were drawn from one density.

    Among the good trials of a group of numbers and choices the prior weighs less. Kernels of the others hardly reach
    beyond their own options there, so that much of the group looks as if nobody had tried it, and the ratio prefers a
    draw of the prior to what lies near good trials. That other options are tried is the kernels' own share.
    """

    table: Table
    members: Ints
    weights: Floats
    shaped: Shaping
    prior: float
    prior_if_mixed: float
    is_parted: bool

    def mixture(self, group: Group, widening: Floats | None) -> Mixture:
        """The density of these trials, each kernel widened along each column; who lacks the group does not count."""
        rows, weights = self._rows(group), self.weights
        complete = ~np.isnan(rows.sum(axis=1))
        if not complete.all():
            rows, weights = rows[complete], weights[complete]
        prior = self.prior_if_mixed if group.is_mixed else self.prior
        shape = self.shaped(group.layout, rows, weights)
        if widening is not None:
            shape = shape.widened(widening, group.layout)
        return Mixture(group.layout, rows, weights, prior, shape)

    def lean(self, group: Group, mixture: Mixture, point: Floats) -> None:
        """Weigh each trial by how near it is to a point of a group, of which this is the density."""
        complete = ~np.isnan(self._rows(group).sum(axis=1))
        self.weights = self.weights.copy()
        self.weights[complete] *= mixture.nearness(point)

    def _rows(self, group: Group) -> Floats:
        if not self.is_parted:
            return self.table.rows[self.members]
        return self.table.rows[self.members[:, None], group.places]


@dataclass(frozen=True)
class Spread:
    """How weighted rows lie: how many there are in effect, how far each is from their middle, how they vary."""

    effective: float
    shares: Floats
    away: Floats
    variance: Floats

    @classmethod
    def of(cls, layout: Layout, rows: Floats, weights: Floats) -> "Spread":
        """The spread of rows; the prior counts as one more of them, so that one or two do not make a spike."""
        total = float(weights.sum())
        shares = weights / total if total > 0 else weights
        effective = 1.0 / float(shares @ shares) if total > 0 else 0.0
        x = rows
        if layout.levels:
            x = rows.copy()
            for place, edges in layout.levels:
                x[:, place] = ((edges[1:] + edges[:-1]) / 2)[rows[:, place].astype(np.int64)]
        away = x - (shares @ x if total > 0 else 0.5)
        variance = (effective * (shares @ away**2) + UNIFORM_VARIANCE) / (effective + 1)
        return cls(effective, shares, away, variance)

    def scott(self) -> float:
        """The factor of Scott's rule."""
        return float(SCOTT * (self.effective + 1.0) ** (-1.0 / (len(self.variance) + 4)))


def _plain(layout: Layout, rows: Floats, weights: Floats) -> Shape:
    """Kernels about as wide in each column as Scott's rule says."""
    spread = Spread.of(layout, rows, weights)
    is_alone = len(layout.positions) == len(layout.narrowest) == 1
    close = CLOSE_ALONE if is_alone else CLOSE
    width = np.clip(close * spread.scott() * np.sqrt(spread.variance), layout.narrowest, 1.0)
    return _shape(layout, width, 1.0 / (spread.effective + 1.0))


def _wide(layout: Layout, rows: Floats, weights: Floats) -> Shape:
    """Kernels of at least a good share of the range, whatever the rows."""
    spread = Spread.of(layout, rows, weights)
    width = np.clip(spread.scott() * np.maximum(np.sqrt(spread.variance), WIDE), layout.narrowest, 1.0)
    return _shape(layout, width, 1.0 / (spread.effective + 1.0))


def _keen(layout: Layout, rows: Floats, weights: Floats) -> Shape:
    """Tighter kernels whose positions share one covariance, so that they follow valleys that lie across the axes.

    The covariance is shrunk towards its diagonal, the more the fewer rows there are. Other options are left to the
    wide looks for the most part: bad ones that are seldom tried seem as promising as a good one that is tried often.
    """
    spread = Spread.of(layout, rows, weights)
    factor, effective = TIGHT * spread.scott(), spread.effective
    stray = STRAY / (effective + 1.0)
    width = np.clip(factor * np.sqrt(spread.variance), layout.narrowest, 1.0)
    at = layout.positions
    if len(at) < 2 or len(rows) < 2:
        return _shape(layout, width, stray)
    away = spread.away[:, at]
    covariance = (away * spread.shares[:, None]).T @ away * (effective / (effective + 1) * factor**2)
    covariance *= effective / (effective + len(at) + 1)
    np.fill_diagonal(covariance, width[at] ** 2)
    root = np.linalg.cholesky(covariance).astype(np.float64, copy=False)
    return _shape(layout, width, stray, root)


def _shape(layout: Layout, width: Floats, stray: float, root: Floats | None = None) -> Shape:
    width[[place for place, _ in layout.options]] = stray
    return Shape(width, root)


def _is_level(loss: Floats) -> bool:
    """True when most of the best trials are equally good: nothing is to be learnt nearer to them."""
    known = loss[np.isfinite(loss)]
    return len(known) > 2 and 2 * len(np.unique(known)) <= len(known) + 1


def _by_rank(count: int) -> Floats:
    """Weights of the good trials from the best on, 1 in the mean."""
    weights = np.log(count + 1.0) - np.log(np.arange(1.0, count + 1.0))
    scaled: Floats = weights / weights.mean() if count else weights
    return scaled


def _by_age(places: Ints, recent: int, count: int) -> Floats:
    """Weights of trials by their places from old to new: the latest count fully, older ones less and less."""
    if count <= recent:
        return np.ones(len(places))
    return np.minimum((places + 1.0) / (count - recent), 1.0)


def _split(table: Table, loss: Floats, reaches: Floats, good_count: int) -> tuple[Ints, Ints]:
    """The places of the best trials, the best first, and those of the others from old to new.

    Of equal results on one plateau the first is among the good ones, and what came later among the others: else they
    would fill up the good ones, and draw ever more trials to where nothing changes.
    Of very many others only so many are taken as the density needs: the latest, and of the older ones every so many.
    """
    best = _best(loss, min(4 * good_count + 8, len(loss)))
    is_again = _is_again(table.loss[best], table.rows[best], reaches)
    good = best[~is_again & np.isfinite(loss[best])][:good_count]
    others = np.ones(len(loss), dtype=bool)
    others[good] = False
    bad = np.flatnonzero(others)
    if len(bad) > MOST_OTHERS:
        older = bad[: -MOST_OTHERS // 2]
        step = -(-2 * len(older) // MOST_OTHERS)
        bad = np.concatenate([older[::step], bad[-MOST_OTHERS // 2 :]])
    return good, bad


def _best(loss: Floats, count: int) -> Ints:
    """The places of so many least losses, the least first and among equals the earlier ones."""
    first = np.arange(len(loss))
    if 0 < count < len(loss):
        first = np.flatnonzero(loss <= np.partition(loss, count - 1)[count - 1])
    best: Ints = first[np.argsort(loss[first], kind="stable")][:count]
    return best


def _is_again(loss: Floats, rows: Floats, reaches: Floats) -> NDArray[np.bool_]:
    """For trials from the best on: whether one before it had the same result, and lies beside it."""
    again = np.zeros(len(loss), dtype=bool)
    for place in np.flatnonzero(loss[1:] == loss[:-1]) + 1:
        equals = np.flatnonzero((loss[:place] == loss[place]) & ~again[:place])
        beyond = (np.abs(rows[equals] - rows[place]) > reaches).any(axis=1)  # a column that does not count never is
        again[place] = not beyond.all()
    return again


def _reach(column: Column) -> float:
    """How far from a trial a column's number may be on the same plateau."""
    if column.kind is Kind.POSITION:
        return BESIDE
    return BESIDE * column.count if column.kind is Kind.LEVEL else 0.0


def _first_new(points: Floats, rows: Floats) -> Floats:
    """The first point that is none of the rows, or else the first of all."""
    passed = None
    point: Floats
    for point in points:
        if passed is not None and (point == passed).all():
            continue
        if not (rows == point).all(axis=1).any():
            return point
        passed = point
    first: Floats = points[0]
    return first


def _with_lies(loss: Floats, liar: str) -> Floats:
    """The losses with those that are not known yet replaced by a guess."""
    finite = loss[np.isfinite(loss)]
    guess = np.inf
    if len(finite) and liar in ("best", "mean"):
        guess = finite.min() if liar == "best" else (finite / len(finite)).sum()
    return np.where(np.isnan(loss), guess, loss)


def _groups(encoder: Encoder) -> list[Group]:
    """The columns by their condition, those above before those below."""
    places: dict[Condition | None, list[int]] = {}
    for place, column in enumerate(encoder.columns):
        places.setdefault(column.condition, []).append(place)
    groups = []
    for condition, found in places.items():
        columns = [encoder.columns[place] for place in found]
        names = tuple(column.name for column in columns)
        groups.append(Group(condition, np.array(found), Layout.of(columns), Relevance.of(columns), names))
    return groups


def _holds(condition: Condition | None, chosen: dict[str, float], encoder: Encoder) -> bool:
    return condition is None or chosen.get(condition.parent, -1.0) in encoder.options_of(condition)
