"""Random and Sobol search."""

import math
from typing import Any

import numpy as np
import pytest

from tunebook import Choice, LogNormal, LogUniform, Objective, Space, SpecError, Uniform
from tunebook.history import History
from tunebook.logbase import rebased
from tunebook.samplers import build
from tunebook.samplers.random_search import RandomSampler
from tunebook.sampling import Sampling

SQUARE = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})


def ask(space: Space, count: int, **options: Any) -> list[dict[str, Any]]:
    sampler = RandomSampler(space, Objective(), 7, **options)
    return [suggestion.params for suggestion in sampler.ask(History(space, Objective()), count)]


def test_a_sobol_sequence_leaves_no_part_empty() -> None:
    points = ask(SQUARE, 64, rule="sobol")

    cells = {(int(point["x"] * 8), int(point["y"] * 8)) for point in points}
    assert len(cells) == 64


def test_the_sobol_sampler_is_random_search_with_that_rule() -> None:
    alone = build(Sampling("sobol"), SQUARE, Objective(), 7).ask(History(SQUARE, Objective()), 3)

    assert [suggestion.params for suggestion in alone] == ask(SQUARE, 3, rule="sobol")


def test_random_draws_follow_the_distribution() -> None:
    values = [params["x"] for params in ask(Space({"x": LogUniform.between(1, 100)}), 400)]

    assert np.mean(np.array(values) < 10) == pytest.approx(0.5, abs=0.06)


def test_a_base_replaces_e_for_bounds_given_as_exponents() -> None:
    space = Space({"x": LogUniform(-3, 0), "y": LogUniform.between(1, 2), "z": LogNormal(2, 0), "u": Uniform(-3, 0)})

    values = ask(space, 200, logbase=10)

    assert 0.001 <= min(params["x"] for params in values) < 0.01
    assert max(params["x"] for params in values) <= 1
    assert all(1 <= params["y"] <= 2 for params in values)
    assert values[0]["z"] == pytest.approx(100)
    assert all(-3 <= params["u"] <= 0 for params in values)


def test_a_base_reaches_nested_parameters() -> None:
    space = rebased(Space({"m": Choice([{"_name": "a", "x": LogUniform(-1, 1)}, "b"])}), 10)

    assert space.leaves()["m.x"][0].highest == pytest.approx(10)


def test_a_base_below_one_turns_the_bounds_round() -> None:
    distribution = rebased(Space({"x": LogUniform(0, 3)}), 0.1)["x"]

    assert (distribution.lowest, distribution.highest) == (pytest.approx(0.001), pytest.approx(1))


def test_e_and_a_number_as_text_are_bases() -> None:
    space = Space({"x": LogUniform(0, 1)})

    assert ask(space, 1, logbase="e") == ask(space, 1)
    assert ask(space, 1, logbase="2.718281828459045") == ask(space, 1)


@pytest.mark.parametrize("base", [0, -2, 1, math.nan, math.inf, "ten", True, [2]])
def test_other_bases_are_refused(base: Any) -> None:
    with pytest.raises(SpecError) as caught:
        ask(SQUARE, 1, logbase=base)

    assert caught.value.path == "logbase"


def test_an_unknown_rule_is_refused_with_those_there_are() -> None:
    with pytest.raises(SpecError, match=r"^rule: must be one of random, sobol, got 'lhs'$"):
        ask(SQUARE, 1, rule="lhs")
