"""Mixtures of kernels over encoded parameters: one kernel for each observed trial and one for the prior.

A kernel is a product over the columns: a normal cut to [0, 1] for a position, the same normal's mass over a level's
share for a level, and for an option most of the mass on the observed one with the rest spread evenly.
Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; Falkner et al., BOHB, ICML 2018
(one bandwidth per column, all columns of a kernel together).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from tunebook.samplers.encode import Column, Floats, Ints, Kind

_TINY = 1e-300


@dataclass(frozen=True)
class Layout:
    """Which columns of a table are positions, levels and options, and the shares of the levels."""

    positions: Ints
    levels: tuple[tuple[int, Floats], ...]
    options: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "Layout":
        """The layout of these columns, in their order."""
        kinds = list(enumerate(columns))
        return cls(
            positions=np.array([place for place, column in kinds if column.kind is Kind.POSITION], dtype=np.int64),
            levels=tuple((place, np.array(column.edges)) for place, column in kinds if column.kind is Kind.LEVEL),
            options=tuple((place, column.count) for place, column in kinds if column.kind is Kind.OPTION),
        )


class Mixture:
    """A density over rows: kernels around observed rows, each with a weight, and a uniform prior.

    Args:
        layout: what the columns are.
        rows: observed rows; may be none.
        weights: of each row, not negative.
        prior: the weight of the prior, above 0.
        width: the kernels' standard deviation for each column, as a share of [0, 1]; ignored for options.
        spread: the share of an option's kernel that does not stay on the observed option.
    """

    def __init__(
        self, layout: Layout, rows: Floats, weights: Floats, prior: float, width: Floats, spread: float
    ) -> None:
        self._layout = layout
        self._rows = rows
        self._width = width
        self._spread = spread
        total = float(weights.sum()) + prior
        self._shares = np.append(weights, prior) / total
        self._centres = rows[:, layout.positions]
        self._scale = 1.0 / width[layout.positions]
        with np.errstate(divide="ignore"):
            self._heights = np.log(self._shares)
        self._heights[:-1] -= self._cut()

    def draw(self, random: np.random.Generator, count: int) -> Floats:
        """So many rows from the mixture."""
        kernels = random.choice(len(self._shares), size=count, p=self._shares)
        prior = kernels == len(self._rows)
        rows = random.random((count, self._rows.shape[1]))
        observed = self._rows[kernels[~prior]]
        drawn = rows[~prior]
        for place, edges in self._layout.levels:
            middles = (edges[1:] + edges[:-1]) / 2
            inner = _cut_normal(middles[observed[:, place].astype(np.int64)], self._width[place], drawn[:, place])
            drawn[:, place] = inner
        at = self._layout.positions
        if len(at):
            drawn[:, at] = _cut_normal(observed[:, at], self._width[at], drawn[:, at])
        for place, count_of in self._layout.options:
            # the first part of the unit interval stays, the rest is stretched over all options
            u = drawn[:, place]
            moved = np.floor((u - (1 - self._spread)) / self._spread * count_of)
            drawn[:, place] = np.where(u < 1 - self._spread, observed[:, place], moved)
        rows[~prior] = drawn
        for place, edges in self._layout.levels:
            rows[:, place] = np.searchsorted(edges[1:-1], rows[:, place], side="right")
        for place, count_of in self._layout.options:
            rows[prior, place] = np.floor(rows[prior, place] * count_of)
        return rows

    def log_density(self, points: Floats) -> Floats:
        """The logarithm of the density at each of these rows, relative to the prior's."""
        exponents = np.empty((len(points), len(self._rows) + 1))
        exponents[:, -1] = 0.0
        kernels = exponents[:, :-1]
        at = self._layout.positions
        x = points[:, at] * self._scale
        mu = self._centres * self._scale
        np.matmul(x, mu.T, out=kernels)
        kernels -= 0.5 * np.einsum("ij,ij->i", mu, mu)
        kernels -= (0.5 * np.einsum("ij,ij->i", x, x))[:, None]
        for place, edges in self._layout.levels:
            table = self._levels(edges, self._width[place], points[:, place].astype(np.int64))
            kernels += table[:, self._rows[:, place].astype(np.int64)]
        for place, count in self._layout.options:
            stay = np.log1p(-self._spread + self._spread / count) + np.log(count)
            move = np.log(self._spread)
            kernels += np.where(points[:, place, None] == self._rows[None, :, place], stay, move)
        exponents += self._heights
        top = exponents.max(axis=1)
        exponents -= top[:, None]
        np.exp(exponents, out=exponents)
        density: Floats = top + np.log(exponents.sum(axis=1))
        return density

    def _cut(self) -> Floats:
        """The logarithm of each kernel's norm: how much of it lies within [0, 1], times its width."""
        width = self._width[self._layout.positions]
        inside = ndtr((1 - self._centres) * self._scale) - ndtr(-self._centres * self._scale)
        norm: Floats = np.log(inside).sum(axis=1) + np.log(width * np.sqrt(2 * np.pi)).sum()
        return norm

    def _levels(self, edges: Floats, width: float, points: Ints) -> Floats:
        """For some levels, the log of the mass that a kernel around each level has there, relative to the prior's."""
        middles = (edges[1:] + edges[:-1]) / 2
        shares = np.diff(edges)
        below = ndtr((edges[:, None] - middles[None, :]) / width)
        mass = np.diff(below, axis=0)[points]
        inside = below[-1] - below[0]
        table: Floats = np.log(np.maximum(mass, _TINY) / inside) - np.log(np.maximum(shares, _TINY))[points, None]
        return table


def _cut_normal(middle: Floats, width: Floats | float, u: Floats) -> Floats:
    """Draws of a normal cut to [0, 1], one for each uniform number."""
    low = ndtr(-middle / width)
    high = ndtr((1 - middle) / width)
    drawn: Floats = np.clip(middle + width * ndtri(low + u * (high - low)), 0.0, 1.0 - 2.0**-53)
    return drawn
