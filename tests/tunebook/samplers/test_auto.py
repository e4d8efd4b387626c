"""The sampler that picks one."""

from dataclasses import replace

import pytest

from tests.tunebook.samplers.spaces import FINITE, MANY_OPTIONS, MIXED, WIDE, history
from tunebook import Objective, Space, Uniform
from tunebook.history import History
from tunebook.limits import Limits
from tunebook.samplers import Suggestion
from tunebook.samplers.auto import LONG, AutoSampler

PLANE = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})


def first(space: Space) -> Suggestion:
    return AutoSampler(space, Objective(), 3).ask(History(space, Objective()), 1)[0]


def picks(past: History, limits: Limits | None = None) -> list[str]:
    """The names of what is picked for the next four trials."""
    auto = AutoSampler(past.space, past.objective, 3, limits=limits)
    return [auto.pick(past, past.next_number + ahead, 0).sampler.name for ahead in range(4)]


def test_a_small_finite_space_is_searched_whole() -> None:
    assert first(FINITE).source == "grid"
    assert "the space has only 18 parameter sets" in first(FINITE).note


def test_any_other_space_gets_a_model_and_the_reason_is_said() -> None:
    assert first(MIXED).source == "start-up"
    assert "auto picked bayesian" in first(MIXED).note


@pytest.mark.parametrize("space", [WIDE, MANY_OPTIONS], ids=["200 parameters", "10,000 options"])
def test_wide_spaces_go_to_tpe(space: Space) -> None:
    assert set(picks(history(space, 20))) == {"tpe"}


def test_a_crowd_of_trials_at_once_goes_to_tpe() -> None:
    assert set(picks(history(MIXED, 20), Limits(max_concurrent=200))) == {"tpe"}


def test_a_long_history_goes_to_what_stays_cheap() -> None:
    assert set(picks(history(MIXED, LONG + 1))) == {"tpe"}
    assert set(picks(history(PLANE, LONG + 1))) == {"tpe", "cmaes"}


def ordered(past: History, best_first: bool) -> History:
    """The same trials in the order of their values, numbered anew."""
    trials = sorted(past.trials, key=lambda trial: trial.value or 0.0, reverse=not best_first)
    return replace(past, trials=tuple(replace(trial, number=number) for number, trial in enumerate(trials)))


def test_being_stuck_brings_a_second_opinion() -> None:
    past = history(PLANE, 60, lambda params: params["x"] + params["y"])

    assert set(picks(ordered(past, best_first=False))) == {"bayesian"}
    assert sorted(picks(ordered(past, best_first=True))) == ["bayesian", "bayesian", "cmaes", "tpe"]


def test_a_small_budget_starts_with_fewer_trials_at_random() -> None:
    past = history(MIXED, 4)

    planned = AutoSampler(MIXED, Objective(), 3, limits=Limits(max_trials=16)).ask(past, 1)[0]
    unplanned = AutoSampler(MIXED, Objective(), 3).ask(past, 1)[0]

    assert (planned.source, unplanned.source) == ("model", "start-up")
