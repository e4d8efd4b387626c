"""Histories drawn as lists, for the tests of policies."""

from tunebook import Objective, Space, TrialStatus, Uniform
from tunebook.history import History, TrialView
from tunebook.objective import Goal

SPACE = Space({"x": Uniform(0, 1)})


def curves(*lists: list[float], goal: Goal = "maximize", status: str = "RUNNING") -> History:
    """One trial per list of reported values; the last one runs, the others have the given status."""
    last = len(lists) - 1
    trials = [
        TrialView(
            number,
            {"x": 0.5},
            TrialStatus.RUNNING if number == last else TrialStatus(status),
            values[-1] if values and status == "FINISHED" and number != last else None,
            tuple(enumerate(values, start=1)),
        )
        for number, values in enumerate(lists)
    ]
    return History(SPACE, Objective(goal), tuple(trials))


def last_of(history: History) -> TrialView:
    return history.trials[-1]
