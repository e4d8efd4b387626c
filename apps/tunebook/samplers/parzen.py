"""Mixtures of kernels over encoded parameters: one kernel for each observed trial and one for the prior.

A kernel is a product over the columns: a normal for the positions, together or each alone, the mass of a normal over
a level's share for a level, and for an option most of the mass on the observed one with the rest spread evenly.
Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; Falkner et al., BOHB, ICML 2018
(one bandwidth per column, all columns of a kernel together).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtrtri
from scipy.special import ndtr, ndtri

from tunebook.distribution import LAST
from tunebook.samplers.encode import Column, Floats, Ints, Kind

_TINY = 1e-300
NARROWEST = 0.005  # of the range: below this more trials tell nothing new
WIDEST = 1.5  # times the range: beyond this a kernel is flat


@dataclass(frozen=True)
class Layout:
    """Which columns of a table are positions, levels and options, and the shares of the levels."""

    positions: Ints
    bounded: NDArray[np.bool_]
    levels: tuple[tuple[int, Floats], ...]
    options: tuple[tuple[int, int], ...]
    narrowest: Floats

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "Layout":
        """The layout of these columns, in their order."""
        kinds = list(enumerate(columns))
        return cls(
            positions=np.array([place for place, column in kinds if column.kind is Kind.POSITION], dtype=np.int64),
            bounded=np.array([is_bounded(column) for _, column in kinds if column.kind is Kind.POSITION], dtype=bool),
            levels=tuple((place, np.array(column.edges)) for place, column in kinds if column.kind is Kind.LEVEL),
            options=tuple((place, column.count) for place, column in kinds if column.kind is Kind.OPTION),
            narrowest=np.array([_narrowest(column) for column in columns]),
        )


@dataclass(frozen=True)
class Shape:
    """How wide the kernels of a mixture are.

    Args:
        width: for each column, the standard deviation as a share of [0, 1]; for options, how likely each one is in a
            kernel beside the observed one, before both are made to sum up to 1.
        root: the Cholesky factor of the positions' covariance, where they are spread together; None for each alone.
    """

    width: Floats
    root: Floats | None = None

    def widened(self, factors: Floats, layout: Layout) -> "Shape":
        """The shape with each column's width so many times as large, as far as that is of any use."""
        width = np.clip(factors * self.width, layout.narrowest, WIDEST)
        at = layout.positions
        root = None if self.root is None else self.root * (width[at] / self.width[at])[:, None]
        return Shape(width, root)


class Mixture:
    """A density over rows: kernels around observed rows, each with a weight, and a uniform prior.

    Args:
        layout: what the columns are.
        rows: observed rows; may be none.
        weights: of each row, not negative.
        prior: the weight of the prior, above 0.
        shape: of the kernels.
    """

    def __init__(self, layout: Layout, rows: Floats, weights: Floats, prior: float, shape: Shape) -> None:
        self._layout = layout
        self._rows = rows
        self._shape = shape
        self._shares = np.append(weights, prior)
        self._shares /= self._shares.sum()
        self._widths = shape.width[layout.positions]
        self._root = np.diag(self._widths) if shape.root is None else shape.root
        self._scale = np.diag(1.0 / self._widths) if shape.root is None else dtrtri(shape.root, lower=1)[0].T

    def draw(self, random: np.random.Generator, count: int) -> Floats:
        """So many rows from the mixture.

        What falls beyond a bound of a position comes to lie on the bound; beside options every second one is turned
        back instead, since under each option anew the bound would seem to be worth a try.
        """
        layout = self._layout
        kernels = np.searchsorted(np.cumsum(self._shares[:-1]), random.random(count), side="right")
        prior = kernels == len(self._rows)
        rows = random.random((count, self._rows.shape[1]))
        near = np.flatnonzero(~prior)
        observed, drawn = self._rows[kernels[near]], rows[near]
        for place, edges in layout.levels:
            middles = (edges[1:] + edges[:-1]) / 2
            width = self._shape.width[place]
            drawn[:, place] = _cut_normal(middles[observed[:, place].astype(np.int64)], width, drawn[:, place])
        at = layout.positions
        if len(at):
            steps = random.standard_normal((len(near), len(at))) @ self._root.T
            drawn[:, at] = self._inside(observed[:, at] + steps)
        for place, count_of in layout.options:
            # the first part of the unit interval stays, the rest is stretched over all options
            u, spread = drawn[:, place], self._leaving(place, count_of)
            moved = np.floor((u - (1 - spread)) / spread * count_of)
            drawn[:, place] = np.where(u < 1 - spread, observed[:, place], moved)
        rows[near] = drawn
        for place, edges in layout.levels:
            rows[:, place] = np.searchsorted(edges[1:-1], rows[:, place], side="right")
        for place, count_of in layout.options:
            rows[prior, place] = np.floor(rows[prior, place] * count_of)
        return rows

    def _inside(self, numbers: Floats) -> Floats:
        inside = kept_inside(numbers, self._layout.bounded)
        if self._layout.options:
            inside[::2] = turned_back(numbers[::2])
        return inside

    def log_density(self, points: Floats) -> Floats:
        """The logarithm of the density at each of these rows, relative to the prior's."""
        with np.errstate(divide="ignore"):
            exponents = self._exponents(points, np.log(self._shares))
        top = exponents.max(axis=1)
        exponents -= top[:, None]
        np.exp(exponents, out=exponents)
        density: Floats = top + np.log(exponents.sum(axis=1))
        return density

    def nearness(self, point: Floats) -> Floats:
        """The density of each kernel at a row, relative to the nearest one's."""
        exponents = self._exponents(point[None, :], np.zeros(len(self._shares)))[0, :-1]
        near: Floats = np.exp(exponents - exponents.max(initial=-np.inf))
        return near

    def _exponents(self, points: Floats, heights: Floats) -> Floats:
        """The logarithm of each kernel's density at each row, the prior's last; each plus its height."""
        layout = self._layout
        exponents = np.empty((len(points), len(self._rows) + 1))
        exponents[:, -1] = 0.0
        kernels = exponents[:, :-1]
        at = layout.positions
        x, mu = points[:, at] @ self._scale, self._rows[:, at] @ self._scale
        np.matmul(x, mu.T, out=kernels)
        kernels -= 0.5 * np.einsum("ij,ij->i", x, x)[:, None]
        for place, edges in layout.levels:
            table = self._levels(edges, self._shape.width[place], points[:, place].astype(np.int64))
            kernels += table[:, self._rows[:, place].astype(np.int64)]
        left = 0.0
        for place, count in layout.options:
            spread = self._leaving(place, count)
            left += np.log(spread)
            stay = np.log1p(-spread + spread / count) - np.log(spread / count)
            kernels += stay * (points[:, place, None] == self._rows[None, :, place])
        heights[:-1] -= 0.5 * np.einsum("ij,ij->i", mu, mu) + self._cut() - left
        exponents += heights
        return exponents

    def _leaving(self, place: int, count: int) -> float:
        """The share of an option's kernel that is spread over all options."""
        spread = float(self._shape.width[place])
        return spread * count / (1.0 + spread * count)

    def _cut(self) -> Floats:
        """The logarithm of each kernel's norm: how much of it lies within [0, 1], times its width."""
        scaled = self._rows[:, self._layout.positions] / self._widths
        inside = ndtr(1.0 / self._widths - scaled) - ndtr(-scaled)
        # the product first: one logarithm for each kernel, not for each of its columns; a kernel's middle lies
        # within [0, 1], so that each factor is at least about a half (200 columns: 1e-61)
        norm: Floats = np.log(np.maximum(inside.prod(axis=1), _TINY))
        norm += np.log(np.diag(self._root)).sum() + 0.5 * len(self._widths) * np.log(2 * np.pi)
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


def _narrowest(column: Column) -> float:
    match column.kind:
        case Kind.LEVEL:
            return 0.3 / column.count
        case Kind.OPTION:
            return 0.0
    return NARROWEST


def is_bounded(column: Column) -> bool:
    """True for a column whose ends are values of its parameter."""
    if not column.distribution.is_numeric:
        return True
    return column.distribution.lowest is not None and column.distribution.highest is not None


def kept_inside(numbers: Floats, bounded: NDArray[np.bool_]) -> Floats:
    """Numbers put on the bound they are beyond: the best often lies there; without bounds, turned back."""
    if bounded.all():
        return np.clip(numbers, 0.0, LAST)
    return np.where(bounded, np.clip(numbers, 0.0, LAST), turned_back(numbers))


def turned_back(numbers: Floats) -> Floats:
    """Numbers that go as far back from a bound as they are beyond it."""
    turned = np.abs(numbers) % 2.0
    return np.minimum(np.where(turned > 1.0, 2.0 - turned, turned), LAST)


def _cut_normal(middle: Floats, width: Floats | float, u: Floats) -> Floats:
    """Draws of a normal cut to [0, 1], one for each uniform number."""
    low = ndtr(-middle / width)
    high = ndtr((1 - middle) / width)
    drawn: Floats = np.clip(middle + width * ndtri(low + u * (high - low)), 0.0, 1.0 - 2.0**-53)
    return drawn
