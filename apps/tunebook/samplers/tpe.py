"""Tree-structured Parzen estimator: try what looks more like the good trials than like the others.

Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; the multivariate form and the
bandwidths follow Falkner et al., BOHB, ICML 2018; the analysis of its parts is Watanabe, arXiv:2304.11127.
Nested parameters are modelled group by group: those that count under the same condition together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunebook.distributions import Choice
from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Encoder, Floats, Kind
from tunebook.samplers.options import Option, number, whole, word
from tunebook.samplers.parzen import Layout, Mixture
from tunebook.samplers.records import Records, Table
from tunebook.space import Condition, Params, Space

RECENT = 25  # so many of the latest trials count fully when older ones are forgotten


@dataclass(frozen=True)
class Group:
    """Columns that count under the same condition, and so are modelled together."""

    condition: Condition | None
    places: tuple[int, ...]
    layout: Layout


class TpeSampler(Sampler):
    """Learns two densities, of the good trials and of the others, and suggests where their ratio is largest.

    The first trials are spread evenly. Trials that still run count as bad ones (``constant_liar``), so that a batch
    spreads out. Failures count as bad ones unless they are to be ignored.

    Example:
        >>> TpeSampler(space, objective, seed=7, startup=10).ask(history, 4)
    """

    name = "tpe"
    options: ClassVar[tuple[Option, ...]] = (
        Option("startup", 10, whole(1, 10_000), "trials spread evenly before the model is asked"),
        Option("candidates", 24, whole(2, 10_000), "draws from the good trials' density, of which the best is taken"),
        Option("good_rule", "linear", word("linear", "sqrt"), "good trials are ratio x n, or ratio x sqrt(n)"),
        Option("good_ratio", 0.1, number(0, 1, above=True), "the ratio in that rule"),
        Option("good_max", 25, whole(1), "at most so many good trials"),
        Option("prior_weight", 1.0, number(0, above=True), "how many trials the prior counts for"),
        Option("constant_liar", "worst", word("worst", "mean", "best", "none"), "what running trials count as"),
        Option("failures", "avoid", word("avoid", "ignore"), "whether failed trials count as bad ones"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._records = Records(self._encoder)
        self._groups = _groups(self._encoder)

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        known = pending if self.chosen["constant_liar"] != "none" else ()
        table = self._records.table(history, known, with_failures=self.chosen["failures"] == "avoid")
        results = int(np.isfinite(table.loss).sum())
        if results < self.chosen["startup"]:
            return self._start(number)
        return self._model(table, results, number)

    def _start(self, number: int) -> Suggestion:
        """A point of a Latin hypercube: over so many trials each parameter visits each part of its range once."""
        size = self.chosen["startup"]
        cube = np.random.Generator(np.random.PCG64((self.seed, number // size, 1)))
        strata = cube.permuted(np.tile(np.arange(size), (len(self._encoder.columns), 1)), axis=1)
        at = (strata[:, number % size] + self.generator(number).random(len(strata))) / size
        numbers = {
            column.name: _at(column.kind, u, column.count, column.edges)
            for column, u in zip(self._encoder.columns, at.tolist(), strict=True)
        }
        return Suggestion(
            self._encoder.params(numbers), "start-up", note=f"one of the {size} trials spread evenly first"
        )

    def _model(self, table: Table, results: int, number: int) -> Suggestion:
        random = self.generator(number)
        good_count = self._good_count(results)
        loss = _with_lies(table.loss, self.chosen["constant_liar"])
        order = np.argsort(loss, kind="stable")
        good, bad = np.sort(order[:good_count]), np.sort(order[good_count:])
        chosen: dict[str, float] = {}
        gain = 0.0
        for group in self._groups:
            if _holds(group.condition, chosen, self._encoder):
                row, ratio = self._best_of(group, table, good, bad, random)
                gain += ratio
                chosen.update(zip((self._encoder.columns[place].name for place in group.places), row, strict=True))
        note = f"the best of {self.chosen['candidates']} draws near the {good_count} best of {results} trials"
        return Suggestion(self._encoder.params(chosen), "model", note=note)

    def _best_of(
        self, group: Group, table: Table, good: Any, bad: Any, random: np.random.Generator
    ) -> tuple[list[float], float]:
        """The draw from the good trials' density that is the least likely under the others'."""
        better = self._mixture(group, table, good)
        worse = self._mixture(group, table, bad)
        points = better.draw(random, self.chosen["candidates"])
        ratio = better.log_density(points) - worse.log_density(points)
        best = int(np.argmax(ratio))
        return points[best].tolist(), float(ratio[best])

    def _mixture(self, group: Group, table: Table, members: Any) -> Mixture:
        rows = table.rows[members][:, list(group.places)]
        complete = ~np.isnan(rows).any(axis=1)
        rows, weights = rows[complete], (table.weight[members] * _forgetting(len(members)))[complete]
        width, spread = _bandwidths(group.layout, rows, len(group.places))
        return Mixture(group.layout, rows, weights, self.chosen["prior_weight"], width, spread)

    def _good_count(self, results: int) -> int:
        base = results if self.chosen["good_rule"] == "linear" else np.sqrt(results)
        return int(min(max(np.ceil(self.chosen["good_ratio"] * base), 1), self.chosen["good_max"], results))


def _bandwidths(layout: Layout, rows: Floats, dims: int) -> tuple[Floats, float]:
    """Scott's rule with the prior counted as one more trial."""
    count = len(rows)
    width = np.full(rows.shape[1], 1.0)
    shrink = (count + 1.0) ** (-1.0 / (dims + 4))
    x = rows.copy()
    for place, edges in layout.levels:
        x[:, place] = ((edges[1:] + edges[:-1]) / 2)[rows[:, place].astype(np.int64)]
    variance = (x.var(axis=0) * count + PRIOR_VAR) / (count + 1) if count else np.full(len(width), 1 / 12)
    width = FACTOR * np.sqrt(variance) * shrink
    for place, edges in layout.levels:
        width[place] = max(width[place], 0.3 / (len(edges) - 1))
    return np.clip(width, MINW, 1.0), 1.0 / (count + 2.0)


PRIOR_VAR = 1 / 12
FACTOR = 1.06
MINW = 0.005


def _forgetting(count: int) -> Floats:
    """Weights of trials from old to new: the latest 25 count fully, older ones less and less."""
    if count <= RECENT:
        return np.ones(count)
    return np.concatenate([np.linspace(1.0 / count, 1.0, count - RECENT), np.ones(RECENT)])


def _with_lies(loss: Floats, liar: str) -> Floats:
    """The losses with those that are not known yet replaced by a guess."""
    finite = loss[np.isfinite(loss)]
    guess = {"best": finite.min, "mean": finite.mean}.get(liar)
    return np.where(np.isnan(loss), np.inf if guess is None else guess(), loss)


def _groups(encoder: Encoder) -> list[Group]:
    """The columns by their condition, those above before those below."""
    places: dict[Condition | None, list[int]] = {}
    for place, column in enumerate(encoder.columns):
        places.setdefault(column.condition, []).append(place)
    return [
        Group(condition, tuple(found), Layout.of([encoder.columns[place] for place in found]))
        for condition, found in places.items()
    ]


def _holds(condition: Condition | None, chosen: dict[str, float], encoder: Encoder) -> bool:
    if condition is None:
        return True
    above = encoder.columns[encoder.index[condition.parent]].distribution
    if condition.parent not in chosen or not isinstance(above, Choice):
        return False
    return above.labels[int(chosen[condition.parent])] in condition.labels


def _at(kind: Kind, u: float, count: int, edges: tuple[float, ...]) -> float:
    """A uniform number as a column's number."""
    if kind is Kind.LEVEL:
        return float(np.searchsorted(edges[1:-1], u, side="right"))
    return float(int(u * count)) if kind is Kind.OPTION else u
