"""A forest over encoded parameters: trees whose splits are drawn at random and the best of them kept.

It knows steps, plateaus and what depends on an option from a dozen results, where a Gaussian process still takes all
of the space for one smooth hill.
Source: Geurts, Ernst and Wehenkel, Extremely Randomized Trees, Machine Learning 63, 2006.
"""

from dataclasses import dataclass

import numpy as np

from tunebook.samplers.encode import Column, Floats, Ints, Kind

TREES = 64
TRIED = 16  # columns at most that are tried for a split


@dataclass(frozen=True)
class Forest:
    """Grown trees as one table of nodes.

    Node ``n`` asks whether column ``column[n]`` is at most ``threshold[n]``: the next node is ``below[n]`` or the one
    after it. A leaf's column is -1. The tree of number t begins at node t, and sees the options of choices in an order
    of its own, ``orders[t]``, so that any of them may come to lie together.
    """

    column: Ints
    threshold: Floats
    below: Ints
    value: Floats
    options: Ints
    orders: Floats

    @classmethod
    def grown(
        cls, columns: list[Column], rows: Floats, values: Floats, random: np.random.Generator, trees: int = TREES
    ) -> "Forest":
        """A forest that knows the value of each row; all trees grow together, level by level.

        Args:
            columns: what the rows' columns are.
            rows: n x columns, NaN where a column does not count.
            values: n values.
            random: what the splits are drawn with.
            trees: how many.
        """
        options = np.array([place for place, each in enumerate(columns) if each.kind is Kind.OPTION], dtype=np.int64)
        most = max((columns[place].count for place in options), default=0)
        orders = np.argsort(random.random((trees, len(options), most + 1)), axis=2).astype(np.float64)
        nodes = _Nodes(trees)
        seen = _seen(rows, options, orders).reshape(trees * len(rows), len(columns))
        known = np.tile(values, trees)
        node = np.repeat(np.arange(trees), len(rows))
        while len(node):
            seen, known, node = nodes.split(seen, known, node, random)
        return cls(*nodes.finished(), options, orders)

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation over the trees at these rows."""
        trees, columns = len(self.orders), rows.shape[1]
        numbers, codes = np.nan_to_num(rows, nan=-1.0), _codes(rows, self.options)
        place_of = np.full(columns, -1)
        place_of[self.options] = np.arange(len(self.options))
        tree, row = np.divmod(np.arange(trees * len(rows)), max(len(rows), 1))
        answers = np.empty(len(tree))
        left, node = np.arange(len(tree)), tree
        while len(left):
            column = self.column[node]
            is_leaf = column < 0
            answers[left[is_leaf]] = self.value[node[is_leaf]]
            left, node, column = left[~is_leaf], node[~is_leaf], column[~is_leaf]
            seen = numbers[row[left], column]
            place = place_of[column]
            at = np.flatnonzero(place >= 0)
            seen[at] = self.orders[tree[left[at]], place[at], codes[row[left[at]], place[at]]]
            node = self.below[node] + (seen > self.threshold[node])
        by_tree = answers.reshape(trees, len(rows))
        return by_tree.mean(axis=0), by_tree.std(axis=0)


class _Nodes:
    """The nodes of a growing forest. What lies in a node lies side by side, in the order of the nodes."""

    def __init__(self, trees: int) -> None:
        self._count = trees
        self._made: list[tuple[Ints, Floats, Ints, Floats]] = []

    def split(
        self, seen: Floats, known: Floats, node: Ints, random: np.random.Generator
    ) -> tuple[Floats, Floats, Ints]:
        """Make a level of nodes of what lies in each; what lies in their children, where there are any."""
        first = np.flatnonzero(np.diff(node, prepend=-1))
        size = np.diff(first, append=len(node))
        total = np.add.reduceat(known, first)
        within = np.repeat(np.arange(len(first)), size)
        tried = _tried(len(first), seen.shape[1], random)
        asked = seen[np.arange(len(seen))[:, None], tried[within]] if len(tried[0]) < seen.shape[1] else seen
        low, high = np.minimum.reduceat(asked, first), np.maximum.reduceat(asked, first)
        threshold = low + random.random(low.shape) * (high - low)
        is_below = asked <= threshold[within]
        counts = np.add.reduceat(is_below, first, dtype=np.float64)
        sums = np.add.reduceat(np.where(is_below, known[:, None], 0.0), first)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = sums**2 / counts + (total[:, None] - sums) ** 2 / (size[:, None] - counts)
        gain = np.where((counts > 0) & (counts < size[:, None]), gain, -np.inf)
        best, each = np.argmax(gain, axis=1), np.arange(len(first))
        is_level = np.minimum.reduceat(known, first) == np.maximum.reduceat(known, first)
        is_leaf = is_level | ~np.isfinite(gain[each, best])
        inner = np.cumsum(~is_leaf) - 1
        below = self._count + 2 * inner
        self._made.append((np.where(is_leaf, -1, tried[each, best]), threshold[each, best], below, total / size))
        self._count += 2 * int(np.count_nonzero(~is_leaf))
        going = ~is_leaf[within]
        side = ~is_below[np.arange(len(within)), best[within]]
        onward = (below[within] + side)[going]
        order = np.argsort(onward, kind="stable")
        return seen[going][order], known[going][order], onward[order]

    def finished(self) -> tuple[Ints, Floats, Ints, Floats]:
        """Columns, thresholds, first children and values of all nodes."""
        column, threshold, below, value = (np.concatenate(part) for part in zip(*self._made, strict=True))
        return column, threshold, below, value


def _tried(nodes: int, columns: int, random: np.random.Generator) -> Ints:
    """For each node the columns that are tried: all of them, or where there are many some drawn anew for each."""
    if columns <= TRIED:
        return np.tile(np.arange(columns), (nodes, 1))
    return random.integers(0, columns, (nodes, TRIED))


def _seen(rows: Floats, options: Ints, orders: Floats) -> Floats:
    """The rows as each tree sees them: trees x rows x columns; what does not count lies below all numbers."""
    seen = np.tile(np.nan_to_num(rows, nan=-1.0), (len(orders), 1, 1))
    seen[:, :, options] = orders[:, np.arange(len(options)), _codes(rows, options)]
    return seen


def _codes(rows: Floats, options: Ints) -> Ints:
    """The options' indices, -1 (the last of an order) where they do not count: rows x choices."""
    codes: Ints = np.nan_to_num(rows[:, options], nan=-1.0).astype(np.int64)
    return codes
