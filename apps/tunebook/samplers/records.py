"""The trials of a history as arrays, encoded once and kept while the same trials come again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.history import History
from tunebook.samplers.encode import Encoder, Floats
from tunebook.space import Params


@dataclass(frozen=True)
class Table:
    """What is known of an experiment, one row for each trial that teaches something.

    ``loss`` is what is minimised: finite for results, infinite for failures, NaN for trials whose end is not known.
    """

    rows: Floats
    loss: Floats
    weight: Floats


class Records:
    """Encodes the trials of a history into a table. It is only a store: a new one gives the same table."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._params: list[Mapping[str, Any]] = []
        self._rows: Floats = np.empty((16, len(encoder.columns)))

    def table(self, history: History, pending: Sequence[Params], with_failures: bool = True) -> Table:
        """Results and, if wanted, failures in the order of their numbers; then pending parameter sets."""
        sign = history.objective.sign
        ended = [(trial, sign * value) for trial, value in history.results]
        failed = [(trial, np.inf) for trial in history.failed if trial.weight > 0] if with_failures else []
        if failed:
            ended = sorted(ended + failed, key=lambda entry: entry[0].number)
        known: list[Mapping[str, Any]] = [trial.params for trial, _ in ended]
        loss = [value for _, value in ended]
        weight = [trial.weight for trial, _ in ended]
        known += pending
        loss += [np.nan] * len(pending)
        weight += [1.0] * len(pending)
        return Table(self._encoded(known), np.array(loss, dtype=float), np.array(weight, dtype=float))

    def _encoded(self, wanted: list[Mapping[str, Any]]) -> Floats:
        """The rows of these parameter sets; those that stand where they stood last time are not encoded again."""
        if len(wanted) > len(self._rows):
            grown = np.empty((2 * len(wanted), self._rows.shape[1]))
            grown[: len(self._params)] = self._rows[: len(self._params)]
            self._rows = grown
        have = len(self._params)
        for place, params in enumerate(wanted):
            if place < have:
                stored = self._params[place]
                if stored is params or stored == params:
                    continue
                self._params[place] = params
            else:
                self._params.append(params)
            self._rows[place] = self._encoder.row(params)
        return self._rows[: len(wanted)]
