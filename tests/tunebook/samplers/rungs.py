"""Playing samplers whose trials have budgets: a trial's value is better the more its configuration is worth."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.tunebook.samplers.spaces import with_pending
from tunebook import Objective, Space, TrialStatus, Uniform
from tunebook.history import History
from tunebook.samplers import Suggestion, build
from tunebook.sampling import Sampling
from tunebook.space import Params

LINE = Space({"x": Uniform(0, 1)})


def start(space: Space = LINE) -> History:
    return History(space, Objective())


def ask(name: str, past: History, count: int = 1, seed: int = 3, **options: Any) -> list[Suggestion]:
    """What a new sampler asks of this history."""
    return build(Sampling(name, options), past.space, past.objective, seed).ask(past, count)


def begin(past: History, *suggestions: Suggestion) -> History:
    """The same history in which they run."""
    for suggestion in suggestions:
        past = with_pending(past, suggestion.params)
        past = end(past, past.next_number - 1, TrialStatus.RUNNING, None, suggestion.parent)
    return past


def end(past: History, number: int, status: TrialStatus, value: float | None, parent: int | None = None) -> History:
    """The same history in which one trial has another status and value."""
    trials = tuple(
        replace(trial, status=status, value=value, parent=trial.parent if parent is None else parent)
        if trial.number == number
        else trial
        for trial in past.trials
    )
    return replace(past, trials=trials)


def finish(past: History, value: Callable[[Params], float | None] = lambda params: params["x"]) -> History:
    """The same history in which all that ran has finished."""
    for trial in past.running:
        past = end(past, trial.number, TrialStatus.FINISHED, value(dict(trial.params)))
    return past


def play(name: str, times: int, past: History | None = None, count: int = 1000, **options: Any) -> History:
    """Ask for as many as there are, finish all, so many times."""
    past = start() if past is None else past
    for _ in range(times):
        past = finish(begin(past, *ask(name, past, count, **options)))
    return past


def budgets(past: History, resource: str = "budget") -> list[int]:
    return [trial.params[resource] for trial in past.trials]
