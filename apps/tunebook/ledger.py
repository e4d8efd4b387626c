"""A history that grows in place, for those who ask and tell thousands of times."""

from collections.abc import Hashable, Set
from typing import Any

from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.space import Space


class Ledger(History):
    """A history to which trials are added and in which they are replaced, without a look at all the others.

    It answers whatever a history answers. ``changes`` lets a reader take only what is new since it last looked.

    Args:
        space, objective, seed: as of a history.

    Example:
        >>> ledger = Ledger(space, Objective())
        >>> ledger.put(TrialView(0, {"lr": 0.1}, TrialStatus.RUNNING))
    """

    def __init__(self, space: Space, objective: Objective, seed: int = 0) -> None:
        vars(self).update(space=space, objective=objective, seed=seed)
        vars(self).update(_views=[], _places={}, _log=[], _live={}, _tried=None, _next=0, _kept={})

    @property
    def trials(self) -> tuple[TrialView, ...]:
        """All trials, in the order in which they were first put."""
        kept = vars(self)["_kept"]
        if "trials" not in kept:
            kept["trials"] = tuple(self._views_now)
        found: tuple[TrialView, ...] = kept["trials"]
        return found

    @property
    def running(self) -> tuple[TrialView, ...]:
        """Trials that have not ended, in the order in which they were first put, also those that were started anew."""
        own = vars(self)
        live, places = own["_live"], own["_places"]
        return tuple(live[number] for number in sorted(live, key=places.__getitem__))

    @property
    def next_number(self) -> int:
        """The number the next trial will have."""
        following: int = vars(self)["_next"]
        return following

    @property
    def tried(self) -> Set[Hashable]:
        """The identities of all parameter sets there are trials of, earlier experiments' apart; it grows as trials are put."""
        own = vars(self)
        if own["_tried"] is None:
            own["_tried"] = {trial.identity for trial in self._views_now if trial.number >= 0}
        found: Set[Hashable] = own["_tried"]
        return found

    def __len__(self) -> int:
        return len(self._views_now)

    def put(self, trial: TrialView) -> None:
        """Add a trial, or replace the one of the same number."""
        own = vars(self)
        place = own["_places"].setdefault(trial.number, len(own["_views"]))
        if place == len(own["_views"]):
            own["_views"].append(trial)
            own["_next"] = max(own["_next"], trial.number + 1)
            if own["_tried"] is not None and trial.number >= 0:
                own["_tried"].add(trial.identity)
        else:
            if own["_tried"] is not None and own["_views"][place].params is not trial.params:
                own["_tried"] = None
            own["_views"][place] = trial
        own["_log"].append(place)
        own["_kept"].clear()
        if trial.is_running:
            own["_live"][trial.number] = trial
        else:
            own["_live"].pop(trial.number, None)

    def changes(self, mark: int) -> tuple[list[tuple[int, TrialView]], int]:
        """The trials put since a mark (0 at first) with their places, and the next mark; one changed twice comes once."""
        log: list[int] = vars(self)["_log"]
        views = self._views_now
        return [(place, views[place]) for place in dict.fromkeys(log[mark:])], len(log)

    def extended(self, *trials: TrialView) -> History:
        """A plain history with more trials; this one stays as it is."""
        return self._frozen().extended(*trials)

    @property
    def _views_now(self) -> list[TrialView]:
        views: list[TrialView] = vars(self)["_views"]
        return views

    @property
    def best(self) -> TrialView | None:
        """The finished trial with the best value; looks at all of them."""
        return self._frozen().best

    @property
    def _sorted(self) -> Any:
        return self._frozen()._sorted

    def _frozen(self) -> History:
        """The history as it stands, kept until the next change."""
        kept = vars(self)["_kept"]
        if "frozen" not in kept:
            kept["frozen"] = History(self.space, self.objective, self.trials, self.seed)
        found: History = kept["frozen"]
        return found
