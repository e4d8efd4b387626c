"""The evolution strategy: that it learns directions, comes to rest and starts again, and bears what is not its own."""

import numpy as np
import pytest

from tests.tunebook.samplers.spaces import MIXED, history, with_result
from tunebook import Choice, Objective, Space, Uniform
from tunebook.history import History
from tunebook.samplers.cmaes import CmaesSampler
from tunebook.space import Params

PLANE = Space({"x": Uniform(-5, 5), "y": Uniform(-5, 5)})


def valley(params: Params) -> float:
    """A narrow valley across both axes, lowest at (1, 2)."""
    along, across = params["x"] - 1 + params["y"] - 2, params["x"] - 1 - (params["y"] - 2)
    return float(along**2 + 1000 * across**2)


def play(sampler: CmaesSampler, count: int) -> History:
    past = History(sampler.space, Objective())
    for _ in range(count):
        (suggestion,) = sampler.ask(past, 1)
        past = with_result(past, suggestion.params, valley(suggestion.params))
    return past


def test_a_narrow_valley_is_followed_to_its_end() -> None:
    ends = [
        min(trial.value or 0.0 for trial in play(CmaesSampler(PLANE, Objective(), seed), 250).trials)
        for seed in (1, 2, 3)
    ]

    assert sorted(ends)[1] < 1e-3


def test_a_search_that_rests_starts_again_with_larger_generations() -> None:
    past = history(PLANE, 400, lambda params: 1.0)

    (suggestion,) = CmaesSampler(PLANE, Objective(), 3).ask(past, 1)

    assert "search 2" in suggestion.note or "search 3" in suggestion.note


def test_a_bound_can_be_the_best_place() -> None:
    space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})
    past = History(space, Objective())
    sampler = CmaesSampler(space, Objective(), 3)
    for _ in range(90):
        (suggestion,) = sampler.ask(past, 1)
        past = with_result(past, suggestion.params, -suggestion.params["x"] - suggestion.params["y"])

    assert min(trial.value or 0.0 for trial in past.trials) == pytest.approx(-2, abs=1e-3)


def test_choices_follow_the_good_trials() -> None:
    space = Space({"c": Choice(list("abcd")), "x": Uniform(0, 1)})
    past = history(space, 120, lambda params: (params["c"] != "b") + params["x"])

    found = [suggestion.params["c"] for suggestion in CmaesSampler(space, Objective(), 3).ask(past, 60)]

    assert max("abcd", key=found.count) == "b"
    assert len(set(found)) > 1


def test_what_it_keeps_changes_nothing_when_an_old_trial_changes() -> None:
    sampler = CmaesSampler(MIXED, Objective(), 3)
    past = history(MIXED, 60)
    sampler.ask(past, 1)
    other = history(MIXED, 60, lambda params: -float(np.log(params["lr"])))

    assert sampler.ask(other, 2) == CmaesSampler(MIXED, Objective(), 3).ask(other, 2)
