"""The search space: drawing, checking, flattening, reading."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tunebook.samplers.spaces import NESTED, spaces
from tunebook import Choice, LogUniform, Normal, Randint, Space, SpecError, Uniform
from tunebook.space import Condition

SVM = {"lr": 0.1, "model": {"_name": "svm", "C": 1.0, "kernel": {"_name": "poly", "degree": 3}}}


def test_a_space_is_a_mapping_in_its_order() -> None:
    space = Space({"b": Uniform(0, 1), "a": Randint(3)})

    assert list(space) == ["b", "a"]
    assert (space["a"], len(space), "c" in space) == (Randint(3), 2, False)
    assert space == Space({"b": Uniform(0, 1), "a": Randint(3)})


@settings(deadline=None)
@given(space=spaces(), seed=st.integers())
def test_every_sample_lies_in_the_space_and_comes_back_from_its_leaves(space: Space, seed: int) -> None:
    params = space.sample(random.Random(seed))

    assert space.contains(json.loads(json.dumps(params)))
    leaves = {name: value for name, _, value in space.walk(params)}
    assert space.assemble(lambda name, _: leaves[name]) == params


@settings(deadline=None)
@given(space=spaces())
def test_what_is_written_is_read_back(space: Space) -> None:
    assert Space.from_dict(json.loads(json.dumps(space.to_dict()))) == space


def test_the_same_seed_draws_the_same() -> None:
    assert NESTED.sample(random.Random(1)) == NESTED.sample(random.Random(1))


def test_problems_name_each_parameter_and_what_is_allowed() -> None:
    space = Space({"lr": LogUniform.between(0.001, 1), "depth": Randint(5)})

    assert space.problems({"lr": 2, "width": 1}) == [
        "width: is not a parameter of this space",
        "lr: must be within 0.001 to 1, log; got 2",
        "depth: is missing",
    ]
    assert space.problems({"lr": 0.1, "depth": 2}) == []
    assert space.problems([1]) != []


def test_problems_inside_an_option_name_its_member() -> None:
    space = Space({"m": Choice([{"_name": "svm", "C": Uniform(0, 1)}, "bayes"]), "n": Normal(0, 1)})

    assert space.problems({"m": {"_name": "svm", "C": 5}, "n": "a"}) == [
        "m.C: must be within 0 to 1; got 5",
        "n: must be a number (normal, mean 0, deviation 1); got 'a'",
    ]
    assert space.problems({"m": {"_name": "tree"}, "n": 0}) == ["m: must be one of svm, bayes; got {'_name': 'tree'}"]


def test_nested_parameters_get_flat_names() -> None:
    assert NESTED.flatten(SVM) == {
        "lr": 0.1,
        "model": "svm",
        "model.svm.C": 1.0,
        "model.kernel": "poly",
        "model.kernel.degree": 3,
    }
    assert NESTED.flatten({"lr": 0.1, "model": "bayes"}) == {"lr": 0.1, "model": "bayes"}


def test_a_member_that_options_share_is_one_parameter() -> None:
    space = Space({"m": Choice([{"_name": "a", "C": Uniform(0, 1)}, {"_name": "b", "C": Uniform(0, 1)}, "c"])})

    assert space.leaves()["m.C"] == (Uniform(0, 1), Condition("m", ("a", "b")))
    assert space.flatten({"m": {"_name": "b", "C": 0.5}}) == {"m": "b", "m.C": 0.5}


def test_leaves_come_with_their_conditions_those_above_first() -> None:
    leaves = NESTED.leaves()

    assert list(leaves)[:4] == ["lr", "model", "model.svm.C", "model.forest.C"]
    assert leaves["lr"][1] is None
    assert leaves["model.kernel.degree"] == (Randint(6, 2), Condition("model.kernel", ("poly",)))


def test_flattening_gives_a_choice_as_it_was_declared() -> None:
    space = Space({"n": Choice([1, 2.5, True, None, "1"]), "x": Uniform(0, 1)})

    flats = [space.flatten({"n": value, "x": 1}) for value in (1.0, 2.5, True, None, "1", 7)]

    assert [flat["n"] for flat in flats] == [1, 2.5, True, None, "1", 7]
    assert [type(flat["n"]) for flat in flats] == [int, float, bool, type(None), str, int]
    assert all(flat["x"] == 1 for flat in flats)


def test_flattening_keeps_what_the_space_does_not_know() -> None:
    assert NESTED.flatten({"lr": "x", "old": 3, "model": {"_name": "gone", "k": 1}}) == {
        "lr": "x",
        "old": 3,
        "model": "gone",
    }


def test_the_size_is_the_product_of_the_parts() -> None:
    assert Space({"a": Choice(["x", "y"]), "b": Randint(5)}).size == 10
    assert Space({"a": Choice(["x", "y"]), "b": Uniform(0, 1)}).size is None
    assert Space({}).size == 1


def test_texts_become_the_values_they_mean() -> None:
    space = Space(
        {
            "lr": Uniform(0, 1),
            "n": Randint(100),
            "c": Choice([16, 32, "a"]),
            "m": Choice([{"_name": "s", "C": Uniform(0, 1)}]),
        }
    )

    params = space.coerce({"lr": "0.01", "n": "32", "c": "32", "m": {"_name": "s", "C": "0.5"}})

    assert params == {"lr": 0.01, "n": 32, "c": 32, "m": {"_name": "s", "C": 0.5}}
    assert space.contains(params)


def test_texts_that_mean_nothing_are_left_for_the_check() -> None:
    space = Space({"lr": Uniform(0, 1)})

    assert space.coerce({"lr": "fast", "x": "1"}) == {"lr": "fast", "x": "1"}


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ([], "space"),
        ({"": Uniform(0, 1)}, "space"),
        ({3: Uniform(0, 1)}, "space"),
        ({"lr": 5}, "space.lr"),
        ({"a": Choice([{"b": Uniform(0, 1)}]), "a.b": Uniform(0, 1)}, "space.a.b"),
    ],
)
def test_nonsense_is_refused(parameters: Any, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        Space(parameters)

    assert caught.value.path == path


def test_a_wrong_document_is_refused_with_its_place_named() -> None:
    with pytest.raises(SpecError, match=r"^space\.lr\.max_value: must not be below min_value \(0\.1\), got 0\.01$"):
        Space.from_dict({"lr": {"type": "uniform", "min_value": 0.1, "max_value": 0.01}})


def test_a_document_without_end_is_refused() -> None:
    document: dict[str, Any] = {"type": "choice", "values": [1]}
    for _ in range(2000):
        document = {"type": "choice", "values": [{"inner": document}]}

    with pytest.raises(SpecError, match="nested too deeply"):
        Space.from_dict({"x": document})
