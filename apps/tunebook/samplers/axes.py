"""The numeric columns of a table as axes of a unit cube, for samplers that know only real numbers."""

import numpy as np

from tunebook.samplers.encode import Encoder, Floats, Ints, Kind
from tunebook.samplers.parzen import is_bounded


class Axes:
    """Positions as they are and levels at their middles; ``places`` says which columns of a row they are."""

    def __init__(self, encoder: Encoder) -> None:
        numeric = [place for place, column in enumerate(encoder.columns) if column.kind is not Kind.OPTION]
        self.places: Ints = np.array(numeric, dtype=np.int64)
        self._levels: list[tuple[int, Floats]] = []
        for axis, place in enumerate(numeric):
            if encoder.columns[place].kind is Kind.LEVEL:
                self._levels.append((axis, np.array(encoder.columns[place].edges)))
        self.bounded = np.array([is_bounded(encoder.columns[place]) for place in numeric], dtype=bool)

    def __len__(self) -> int:
        return len(self.places)

    def of(self, rows: Floats) -> Floats:
        """The points of some rows; NaN where a column does not count."""
        points = rows[:, self.places]
        for axis, edges in self._levels:
            middles = np.append((edges[1:] + edges[:-1]) / 2, np.nan)
            points[:, axis] = middles[np.nan_to_num(points[:, axis], nan=len(middles) - 1).astype(np.int64)]
        return points

    def numbers(self, points: Floats) -> Floats:
        """The numbers of the columns at these points, which must lie in the cube."""
        numbers = points.copy()
        for axis, edges in self._levels:
            numbers[..., axis] = np.searchsorted(edges[1:-1], points[..., axis], side="right")
        return numbers
