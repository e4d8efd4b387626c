"""What is new in a history since it was last looked at, so that what was worked out of it need not be again."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import is_

import numpy as np

from tunebook.history import History, TrialView
from tunebook.ledger import Ledger
from tunebook.objective import Objective


@dataclass(frozen=True)
class Change:
    """The trial at a place of a history, and the one that was there before; None for a new place."""

    place: int
    before: TrialView | None
    trial: TrialView


class Watch:
    """Remembers the trials of the history it was shown last. It looks at all of them, except in a ledger."""

    def __init__(self) -> None:
        self._source: Ledger | None = None
        self._mark = 0
        self._objective: Objective | None = None
        self._views: list[TrialView] = []

    def news(self, history: History) -> tuple[bool, list[Change]]:
        """Whether nothing known before holds any more, and what has changed since then, new places last."""
        is_other = self._is_other(history)
        if is_other:
            self._source, self._mark, self._views = None, 0, []
        self._objective = history.objective
        places: Iterable[tuple[int, TrialView]]
        if isinstance(history, Ledger):
            self._source = history
            places, self._mark = history.changes(self._mark)
        else:
            places = self._differing(history.trials)
        return is_other, [self._taken(place, trial) for place, trial in places]

    def _is_other(self, history: History) -> bool:
        if self._objective != history.objective:
            return True
        if isinstance(history, Ledger):
            return self._source is not history
        return self._source is not None or len(history.trials) < len(self._views)

    def _differing(self, trials: tuple[TrialView, ...]) -> list[tuple[int, TrialView]]:
        """The places where a history holds another trial than the one that is known."""
        count = len(self._views)
        same = np.fromiter(map(is_, self._views, trials), dtype=bool, count=count)
        places = [*np.flatnonzero(~same).tolist(), *range(count, len(trials))]
        return [(place, trials[place]) for place in places]

    def _taken(self, place: int, trial: TrialView) -> Change:
        if place == len(self._views):
            self._views.append(trial)
            return Change(place, None, trial)
        before, self._views[place] = self._views[place], trial
        return Change(place, before, trial)
