"""Importance against functions whose decomposition is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Randint, Uniform
from tunebook.importance import Importance, importance
from tunebook.objective import Objective

MINIMIZE = Objective("minimize")


def looked_at(space: Space, value: Callable[[dict[str, Any]], float], count: int = 400, seed: int = 0) -> Importance:
    draw = random.Random(7)
    tried = [space.sample(draw) for _ in range(count)]
    found = importance(space, MINIMIZE, [(params, value(space.flatten(params))) for params in tried], seed)
    assert found is not None
    return found


def share_of(found: Importance, name: str) -> float:
    return next(one.share for one in found.shares if one.name == name)


def test_shares_of_an_additive_function_are_its_variances():
    # the variances of 2x and y over [0, 1] are as 4 to 1
    space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1), "z": Uniform(0, 1)})

    found = looked_at(space, lambda p: 2 * p["x"] + p["y"], count=1500)

    assert share_of(found, "x") == pytest.approx(0.8, abs=0.06)
    assert share_of(found, "y") == pytest.approx(0.2, abs=0.06)
    assert share_of(found, "z") < 0.01
    assert found.fit > 0.95
    assert [one.name for one in found.shares] == ["x", "y", "z"]


def test_what_only_a_pair_explains_belongs_to_neither():
    # the sign of (x - 1/2)(y - 1/2): each alone says nothing
    space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})

    found = looked_at(space, lambda p: 1.0 if (p["x"] > 0.5) == (p["y"] > 0.5) else 0.0, count=1500)

    assert found.together > 0.8
    assert share_of(found, "x") < 0.1


def test_a_log_parameter_counts_by_its_logarithm():
    space = Space({"lr": LogUniform.between(1e-6, 1), "x": Uniform(0, 1)})

    found = looked_at(space, lambda p: math.log10(p["lr"]) / 6 + p["x"], count=1000)

    assert share_of(found, "lr") == pytest.approx(0.5, abs=0.06)


def test_whole_numbers_and_choices_count_too():
    space = Space({"n": Randint(5), "kind": Choice(["a", "b", "c"]), "x": Uniform(0, 1)})

    found = looked_at(space, lambda p: (3.0 if p["kind"] == "b" else 0.0) + 0.5 * p["n"])

    assert share_of(found, "kind") > share_of(found, "n") > 0.05
    assert share_of(found, "x") < 0.03


def test_a_nested_parameter_matters_under_its_condition_only():
    space = Space({"model": Choice([{"_name": "svm", "C": Uniform(0, 1)}, "bayes"]), "x": Uniform(0, 1)})

    found = looked_at(space, lambda p: p.get("model.C", 0.5), count=800)

    nested = next(one for one in found.shares if one.name == "model.C")
    assert nested.active < found.results
    assert nested.share == max(one.share for one in found.shares)
    assert share_of(found, "model") < 0.05


def test_one_result_far_off_does_not_hide_the_rest():
    space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})
    draw = random.Random(3)
    tried = [space.sample(draw) for _ in range(200)]
    results = [(params, params["x"]) for params in tried]
    results[17] = (tried[17], 1e9)

    found = importance(space, MINIMIZE, results)

    assert found is not None
    assert share_of(found, "x") > 0.8


def test_the_same_results_and_seed_give_the_same_answer():
    space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})

    assert looked_at(space, lambda p: p["x"], 60, seed=5) == looked_at(space, lambda p: p["x"], 60, seed=5)


def test_few_equal_or_nonfinite_results_say_nothing():
    space = Space({"x": Uniform(0, 1)})
    some = [({"x": place / 20}, 1.0) for place in range(20)]

    assert importance(space, MINIMIZE, [({"x": 0.1}, 0.3)] * 9) is None
    assert importance(space, MINIMIZE, some) is None
    assert importance(space, MINIMIZE, [(params, math.nan) for params, _ in some]) is None
    assert importance(Space({}), MINIMIZE, [({}, float(place)) for place in range(20)]) is None


def test_noise_has_no_fit_and_wide_uncertainty():
    space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})
    draw = random.Random(1)

    found = looked_at(space, lambda p: draw.random(), count=60)

    assert found.fit < 0.2
    assert found.shares[0].spread > 0.1
