"""Tree-structured Parzen estimator: try what looks more like the good trials than like the others.

Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; the multivariate form and the
bandwidths follow Falkner et al., BOHB, ICML 2018; the analysis of its parts is Watanabe, arXiv:2304.11127.
Nested parameters are modelled group by group: those that count under the same condition together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Encoder, Floats, Ints
from tunebook.samplers.latin import LatinCube
from tunebook.samplers.options import Option, number, whole, word
from tunebook.samplers.parzen import Layout, Mixture
from tunebook.samplers.records import Records, Table
from tunebook.space import Condition, Params, Space

UNIFORM_VARIANCE = 1.0 / 12.0
SCOTT = 1.06
NARROWEST = 0.005  # of the range: below this more trials tell nothing new
NO_PRIOR = 1e-9  # in place of 0, for when there is nothing but the prior


@dataclass(frozen=True)
class Group:
    """Columns that count under the same condition, and so are modelled together."""

    condition: Condition | None
    places: Ints
    layout: Layout


class TpeSampler(Sampler):
    """Learns two densities, of the good trials and of the others, and suggests where their ratio is largest.

    The first trials are spread evenly. Trials that still run count as bad ones (``constant_liar``), so that a batch
    spreads out. Failures count as bad ones unless they are to be ignored.

    Example:
        >>> TpeSampler(space, objective, seed=7, n_startup=10).ask(history, 4)
    """

    name = "tpe"
    options: ClassVar[tuple[Option, ...]] = (
        Option("n_startup", 10, whole(0, 10_000), "trials spread evenly before the model is asked"),
        Option("n_candidates", 24, whole(1, 10_000), "draws from the good trials' density, of which the best is taken"),
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
        self._start = LatinCube(self._encoder, seed, self.chosen["n_startup"])

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        known = pending if self.chosen["constant_liar"] != "none" else ()
        table = self._records.table(history, known, with_failures=self.chosen["failures"] == "avoid")
        results = table.results
        if results < self.chosen["n_startup"]:
            return self._start.suggestion(number)
        return self._model(table, results, number)

    def _model(self, table: Table, results: int, number: int) -> Suggestion:
        random = self.generator(number)
        good_count = self._good_count(results)
        order = np.argsort(_with_lies(table.loss, self.chosen["constant_liar"]), kind="stable")
        good, bad = np.sort(order[:good_count]), np.sort(order[good_count:])
        chosen: dict[str, float] = {}
        for group in self._groups:
            if _holds(group.condition, chosen, self._encoder):
                row = self._best_of(group, table, good, bad, random)
                chosen.update(zip((self._encoder.columns[place].name for place in group.places), row, strict=True))
        note = f"the best of {self.chosen['n_candidates']} draws near the {good_count} best of {results} trials"
        return Suggestion(self._encoder.params(chosen), "model", note=note)

    def _best_of(self, group: Group, table: Table, good: Ints, bad: Ints, random: np.random.Generator) -> list[float]:
        """The draw from the good trials' density that is the least likely under the others'."""
        better = self._mixture(group, table, good)
        worse = self._mixture(group, table, bad)
        points = better.draw(random, self.chosen["n_candidates"])
        best: list[float] = points[np.argmax(better.log_density(points) - worse.log_density(points))].tolist()
        return best

    def _mixture(self, group: Group, table: Table, members: Ints) -> Mixture:
        """The density of some trials, given from old to new; those without this group's parameters do not count."""
        rows = table.rows[members[:, None], group.places]
        weights = table.weight[members] * _forgetting(len(members), self.chosen["linear_forgetting"])
        complete = ~np.isnan(rows).any(axis=1)
        if not complete.all():
            rows, weights = rows[complete], weights[complete]
        width, spread = _bandwidths(group.layout, rows)
        return Mixture(group.layout, rows, weights, max(self.chosen["prior_weight"], NO_PRIOR), width, spread)

    def _good_count(self, results: int) -> int:
        base = results if self.chosen["rule"] == "linear" else results**0.5
        return int(min(max(np.ceil(self.chosen["gamma"] * base), 1), self.chosen["linear_forgetting"], results))


def _bandwidths(layout: Layout, rows: Floats) -> tuple[Floats, float]:
    """The kernels' width for each column by Scott's rule, and the share by which they leave an observed option.

    The prior counts as one more trial, so that one or two trials do not make a spike.
    """
    count, dims = rows.shape
    x = rows.copy()
    for place, edges in layout.levels:
        x[:, place] = ((edges[1:] + edges[:-1]) / 2)[rows[:, place].astype(np.int64)]
    variance = (x.var(axis=0) * count + UNIFORM_VARIANCE) / (count + 1) if count else np.full(dims, UNIFORM_VARIANCE)
    width = SCOTT * np.sqrt(variance) * (count + 1.0) ** (-1.0 / (dims + 4))
    narrowest = np.full(dims, NARROWEST)
    for place, edges in layout.levels:
        narrowest[place] = 0.3 / (len(edges) - 1)
    return np.clip(width, narrowest, 1.0), 1.0 / (count + 2.0)


def _forgetting(count: int, recent: int) -> Floats:
    """Weights of trials from old to new: the latest count fully, older ones less and less."""
    if count <= recent:
        return np.ones(count)
    return np.concatenate([np.linspace(1.0 / count, 1.0, count - recent), np.ones(recent)])


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
    return [
        Group(condition, np.array(found), Layout.of([encoder.columns[place] for place in found]))
        for condition, found in places.items()
    ]


def _holds(condition: Condition | None, chosen: dict[str, float], encoder: Encoder) -> bool:
    return condition is None or chosen.get(condition.parent, -1.0) in encoder.options_of(condition)
