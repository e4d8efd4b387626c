"""Distributions: what they draw, what they hold, what they refuse."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tunebook.samplers.spaces import distributions
from tunebook import (
    Choice,
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    SpecError,
    Uniform,
)
from tunebook.distributions import TYPES

LAST = 1 - 2.0**-53
units = st.floats(0, 1, exclude_max=True)

ONE_OF_EACH = [
    Choice(["adam", 1, None]),
    Randint(10, lower=5),
    Uniform(-1, 2),
    QUniform(0, 10, 2.5),
    LogUniform(-9, 0),
    QLogUniform(0, 5, 2),
    Normal(10, 2),
    QNormal(10, 2, 0.5),
    LogNormal(0, 1),
    QLogNormal(3, 1, 5),
]
every_one = pytest.mark.parametrize("distribution", ONE_OF_EACH, ids=lambda one: one.type)


def draws(distribution: Distribution, count: int = 2000) -> list[Any]:
    return [distribution.sample((index + 0.5) / count) for index in range(count)]


def test_there_are_ten_type_words() -> None:
    words = "choice randint uniform quniform loguniform qloguniform normal qnormal lognormal qlognormal"

    assert list(TYPES) == words.split()


@every_one
def test_what_is_written_is_read_back(distribution: Distribution) -> None:
    document = json.loads(json.dumps(distribution.to_dict()))

    assert Distribution.from_dict(document) == distribution
    assert document["type"] == distribution.type


@settings(deadline=None)
@given(distribution=distributions(), u=units)
def test_every_draw_lies_in_its_distribution_and_survives_json(distribution: Distribution, u: float) -> None:
    value = distribution.sample(u)

    assert distribution.contains(value)
    assert distribution.contains(json.loads(json.dumps(value, allow_nan=False)))
    assert Distribution.from_dict(json.loads(json.dumps(distribution.to_dict()))) == distribution


@settings(deadline=None)
@given(distribution=distributions(), u=st.floats(0.001, 0.999))
def test_the_position_of_a_value_leads_back_to_it(distribution: Distribution, u: float) -> None:
    value = distribution.sample(u)

    again = distribution.sample(distribution.position(value))

    if isinstance(value, float):
        assert math.isclose(again, value, rel_tol=1e-6, abs_tol=1e-6)
    elif not isinstance(value, dict):
        assert again == value


@every_one
@pytest.mark.parametrize("value", [None, "text", True, math.nan, math.inf, [1], {"a": 1}])
def test_nonsense_is_not_contained(distribution: Distribution, value: object) -> None:
    assert not distribution.contains(value) or (value is None and distribution.type == "choice")


@every_one
def test_the_ends_of_the_unit_interval_give_finite_values(distribution: Distribution) -> None:
    for u in (0.0, LAST):
        assert distribution.contains(distribution.sample(u))


def test_a_uniform_spreads_evenly() -> None:
    values = draws(Uniform(-1, 3))

    assert sum(value < 0 for value in values) == 500
    assert (min(values) >= -1, max(values) <= 3) == (True, True)


def test_log_bounds_are_natural_exponents() -> None:
    distribution = LogUniform(-2, 3)

    assert distribution.sample(0.0) == pytest.approx(math.exp(-2))
    assert distribution.sample(0.5) == pytest.approx(math.exp(0.5))
    assert distribution.highest == pytest.approx(math.exp(3))


def test_bounds_given_as_values_are_kept_exactly() -> None:
    distribution = LogUniform.between(0.0001, 0.1)

    assert distribution.sample(0.0) == 0.0001
    assert distribution.sample(0.5) < distribution.sample(LAST) <= 0.1
    assert (distribution.lowest, distribution.highest) == (0.0001, 0.1)
    assert Distribution.from_dict(distribution.to_dict()) == distribution


def test_a_log_type_can_be_read_from_value_bounds_alone() -> None:
    document = {"type": "loguniform", "low": 0.01, "high": 10}

    assert Distribution.from_dict(document) == LogUniform.between(0.01, 10)


def test_a_clipped_step_keeps_the_bounds_an_unclipped_one_leaves_them() -> None:
    assert sorted(set(draws(QUniform(2, 10, 5, clip=True)))) == [2.0, 5.0, 10.0]
    assert sorted(set(draws(QUniform(2, 10, 5)))) == [0.0, 5.0, 10.0]


def test_rounding_is_half_to_even() -> None:
    assert QUniform(0, 5, 1).sample(0.1) == 0.0
    assert QUniform(0, 5, 1).sample(0.3) == 2.0


def test_steps_are_free_of_float_dust() -> None:
    assert sorted(set(draws(QUniform(0, 1, 0.1)))) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_a_whole_step_still_gives_a_float() -> None:
    value = QUniform(1, 8, 1).sample(0.3)

    assert (value, type(value)) == (3.0, float)


def test_steps_from_the_lower_bound_are_each_as_likely_and_never_pass_the_upper_one() -> None:
    drawn = Counter(draws(QUniform(0.001, 0.0095, 0.002, from_min=True), 5000))

    assert sorted(drawn) == [0.001, 0.003, 0.005, 0.007, 0.009]
    assert set(drawn.values()) == {1000}
    assert QUniform(0.001, 0.1, 0.002, from_min=True).values()[35] == 0.071


def test_whole_values_are_whole_numbers_in_json() -> None:
    steps = QUniform(1, 8, 3, from_min=True, whole=True)
    powers = QLogUniform.between(0.01, 1000, 1, clip=False, whole=True)

    assert json.dumps(steps.values()) == "[1, 4, 7]"
    assert {type(value) for value in draws(powers)} == {int}
    assert (min(draws(powers)), max(draws(powers))) == (0, 997)


def test_a_stepped_log_uniform_rounds_the_value() -> None:
    assert {value % 10 for value in draws(QLogUniform(2, 7, 10))} == {0.0}


def test_a_normal_has_its_mean_and_deviation() -> None:
    values = draws(Normal(10, 2))

    assert math.fsum(values) / len(values) == pytest.approx(10)
    assert sum(8 <= value <= 12 for value in values) / len(values) == pytest.approx(0.683, abs=0.005)


def test_a_log_normal_speaks_of_the_logarithm() -> None:
    assert LogNormal(2, 0.5).sample(0.5) == pytest.approx(math.exp(2))
    assert QLogNormal(3, 1, 5).sample(0.5) == 20.0


def test_whole_numbers_leave_out_the_upper_bound() -> None:
    assert Counter(draws(Randint(4))) == {0: 500, 1: 500, 2: 500, 3: 500}
    assert (Randint(10, lower=5).sample(LAST), Randint(10, 5).size) == (9, 5)


def test_a_choice_draws_each_value_as_often() -> None:
    assert Counter(map(str, draws(Choice(["a", 2, None, True])))) == {"a": 500, "2": 500, "None": 500, "True": 500}


def test_a_choice_tells_one_from_true_and_takes_one_point_nought_for_one() -> None:
    assert Choice([1, 2]).contains(1.0)
    assert not Choice([1, 2]).contains(True)
    assert not Choice([0, "a"]).contains(False)


def test_a_nested_choice_draws_its_members() -> None:
    choice = Choice([{"_name": "svm", "C": Uniform(0, 1), "scale": True}, {"_name": "bayes"}])

    value = choice.sample(0.1)

    assert (value["_name"], value["scale"], 0 <= value["C"] <= 1) == ("svm", True, True)
    assert choice.contains(value)
    assert not choice.contains({**value, "C": 2})
    assert not choice.contains({"_name": "svm"})
    assert choice.sample(0.9) == {"_name": "bayes"}


def test_labels_are_short_and_all_different() -> None:
    choice = Choice(["a", 1, "1", {"_name": "a", "x": Uniform(0, 1)}, {"y": Uniform(0, 1)}, [1, 2]])

    assert choice.labels == ("a", "1", "1 #2", "a #2", "y", "[1, 2]")


def test_nested_choices_are_read_back() -> None:
    choice = Choice([{"_name": "svm", "C": LogUniform(-1, 1), "kernel": Choice(["rbf", {"degree": Randint(5)}])}, 3])

    assert Distribution.from_dict(json.loads(json.dumps(choice.to_dict()))) == choice


@pytest.mark.parametrize(
    ("distribution", "size"),
    [
        (Choice(["a", "b", "a"]), 2),
        (Choice([{"_name": "x", "n": Randint(3), "m": Choice([1, 2])}, "y"]), 7),
        (Choice([{"_name": "x", "n": Uniform(0, 1)}, "y"]), None),
        (Randint(7, 2), 5),
        (Uniform(0, 1), None),
        (Uniform(1, 1), 1),
        (QUniform(2, 10, 5), 3),
        (QUniform(2, 10, 5, clip=True), 3),
        (QUniform(2, 10, 5, from_min=True), 2),
        (QUniform(0.1, 0.7, 0.1, from_min=True), 7),
        (QLogUniform.between(1, 100, 10), 11),
        (Normal(0, 1), None),
        (Normal(3, 0), 1),
        (QNormal(0, 1, 1), None),
    ],
)
def test_countable_values_are_counted(distribution: Distribution, size: int | None) -> None:
    assert distribution.size == size


@pytest.mark.parametrize(
    ("distribution", "words"),
    [
        (Uniform(0, 10), "0 to 10"),
        (QUniform(0, 10, 2), "0 to 10, step 2"),
        (LogUniform.between(0.001, 1), "0.001 to 1, log"),
        (LogUniform.between(1e-5, 1e7), "1e-5 to 1e7, log"),
        (Randint(10, 5), "5 to 9"),
        (Normal(0, 1), "normal, mean 0, deviation 1"),
        (Choice(list("abcdefgh")), "a, b, c, d, e, f and 2 more"),
    ],
)
def test_a_distribution_is_described_in_words(distribution: Distribution, words: str) -> None:
    assert distribution.describe() == words


@pytest.mark.parametrize(
    ("build", "path"),
    [
        (lambda: Uniform(1, 0), "max_value"),
        (lambda: Uniform("a", 1), "min_value"),
        (lambda: Uniform(0, math.inf), "max_value"),
        (lambda: Uniform(True, 2), "min_value"),
        (lambda: Uniform(-1.7e308, 1.7e308), "max_value"),
        (lambda: QUniform(0, 1, 0), "q"),
        (lambda: QUniform(0, 1, -1), "q"),
        (lambda: QUniform(0, 1, 0.1, clip="yes"), "clip"),
        (lambda: QUniform(0, 1, 0.1, from_min=1), "from_min"),
        (lambda: QUniform(0, 1, 1e-300, from_min=True), "q"),
        (lambda: QUniform(0, 1, 0.1, whole=True), "whole"),
        (lambda: QUniform(0.5, 2, 1, from_min=True, whole=True), "whole"),
        (lambda: LogUniform(0, 1000), "max_value"),
        (lambda: LogUniform(0, 1, low=5), "low"),
        (lambda: LogUniform.between(0, 1), "low"),
        (lambda: LogUniform.between(1, 0.1), "high"),
        (lambda: Normal(0, -1), "sigma"),
        (lambda: LogNormal(800, 1), "mu"),
        (lambda: LogNormal(0, 100), "sigma"),
        (lambda: Randint(0), "upper"),
        (lambda: Randint(2.5), "upper"),
        (lambda: Randint(10**400), "upper"),
        (lambda: Randint(5, lower=-(10**400)), "lower"),
        (lambda: Randint(5, lower=True), "lower"),
        (lambda: Choice([]), "values"),
        (lambda: Choice("abc"), "values"),
        (lambda: Choice([1, math.nan]), "values.1"),
        (lambda: Choice([{"a": [Uniform(0, 1)]}]), "values.0.a.0"),
        (lambda: Choice([object()]), "values.0"),
    ],
)
def test_nonsense_is_refused_with_the_argument_named(build: Any, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        build()

    assert caught.value.path == path
    assert str(caught.value) == f"{path}: {caught.value.message}"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (5, "space.x"),
        ({}, "space.x.type"),
        ({"type": "gamma"}, "space.x.type"),
        ({"type": ["uniform"]}, "space.x.type"),
        ({"type": "uniform", "min_value": 0}, "space.x.max_value"),
        ({"type": "uniform", "min_value": 0, "max_value": 1, "q": 1}, "space.x.q"),
        ({"type": "choice", "values": {"a": 1}}, "space.x.values"),
        ({"type": "choice", "values": [{"n": {"type": "uniform", "min_value": 0}}]}, "space.x.values.0.n.max_value"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place_named(document: object, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        Distribution.from_dict(document, "space.x")

    assert caught.value.path == path


def test_a_checker_of_types_takes_a_list_for_the_values_of_a_choice() -> None:
    assert get_origin(get_type_hints(Choice)["values"]) is Sequence


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (Choice(np.arange(3)), Choice([0, 1, 2])),
        (
            Choice([np.float32(0.5), np.bool_(True), np.str_("a"), {"n": np.int64(2)}]),
            Choice([0.5, True, "a", {"n": 2}]),
        ),
        (Randint(np.int64(5), lower=np.int32(1)), Randint(5, lower=1)),
        (Uniform(np.float32(0), np.int64(2)), Uniform(0.0, 2)),
        (QUniform(0, np.float64(10), np.int64(2)), QUniform(0, 10.0, 2)),
        (LogUniform.between(np.float64(0.1), np.int64(3)), LogUniform.between(0.1, 3)),
        (Normal(np.float16(0), np.float32(1)), Normal(0.0, 1.0)),
    ],
)
def test_numpys_numbers_become_pythons(given: Distribution, plain: Distribution) -> None:
    assert given == plain
    assert json.dumps(given.to_dict()) == json.dumps(plain.to_dict())
