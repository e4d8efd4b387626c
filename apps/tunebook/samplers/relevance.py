"""How much each column tells of the loss, and so how narrow kernels are to be along it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunebook.samplers.encode import Column, Floats, Ints, Kind

PARTS = 5  # of a range; a short list of levels is not parted
MOST_LEVELS = 6  # that are taken one by one
FEWEST = 10  # results that tell something of it
MOST_OPTIONS = 1000  # with a bin of their own
WIDEST = 2.5  # times as wide as along the column that tells the most
_TINY = 1e-300


@dataclass(frozen=True)
class Relevance:
    """The bins of some columns, between which losses may differ.

    ``counts`` says how many bins a column has, ``starts`` how many the columns before it have, and a column's number
    times ``scale`` is in which of them it lies.
    """

    counts: Ints
    starts: Ints
    scale: Floats

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "Relevance":
        """The bins of these columns: fifths of positions and of many levels, each of few levels, each option."""
        counts = np.array([PARTS if _is_parted(column) else min(column.count, MOST_OPTIONS) for column in columns])
        ranges = np.array([1.0 if column.kind is Kind.POSITION else column.count for column in columns])
        return cls(counts, np.cumsum(counts) - counts, counts / ranges)

    def widening(self, rows: Floats, loss: Floats) -> Floats:
        """For each column by what to multiply the width of kernels, 1 in the geometric mean.

        The width goes with the root of the share of variance that the column explains.
        """
        shares = self.explained(rows, loss)
        most = shares.max()
        if most <= 0:
            return np.ones(len(shares))
        narrowness = np.sqrt(np.maximum(shares / most, WIDEST**-2))
        widening: Floats = np.exp(np.log(narrowness).mean()) / narrowness
        return widening

    def explained(self, rows: Floats, loss: Floats) -> Floats:
        """For each column the share of the variance of the losses' log ranks that lies between its bins.

        It is that of a one-way analysis of variance, less what bins explain by chance (epsilon squared: Kelley, PNAS
        21, 1935), and 0 at least. Ranks, since losses have outliers; their logarithm, since the best are to be told
        apart from the good ones, not the bad ones from each other.

        Args:
            rows: of shape (results, columns), none of them NaN.
            loss: finite, one for each row.
        """
        results = len(loss)
        if results < FEWEST:
            return np.zeros(len(self.counts))
        scores = np.log1p(np.searchsorted(np.sort(loss), loss))  # equal losses have one rank
        scores -= scores.mean()
        whole = float(scores @ scores)
        bins = np.minimum((rows * self.scale).astype(np.int64), self.counts - 1) + self.starts
        weights = np.broadcast_to(scores[:, None], bins.shape).ravel()
        size = int(self.starts[-1] + self.counts[-1])
        members = np.bincount(bins.ravel(), minlength=size)
        sums = np.bincount(bins.ravel(), weights=weights, minlength=size)
        between = np.add.reduceat(sums * sums / np.maximum(members, 1), self.starts)
        used = np.add.reduceat(members > 0, self.starts, dtype=np.int64)
        by_chance = (used - 1) * (whole - between) / np.maximum(results - used, 1)
        explained: Floats = np.where(used < results, np.maximum(between - by_chance, 0.0), 0.0) / max(whole, _TINY)
        return explained


def _is_parted(column: Column) -> bool:
    return column.kind is Kind.POSITION or (column.kind is Kind.LEVEL and column.count > MOST_LEVELS)
