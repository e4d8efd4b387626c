"""Grid search: which parameter sets, in which order, and when it is over."""

import itertools
import time
from typing import Any

import pytest

from tests.tunebook.samplers.spaces import with_pending, with_result
from tunebook import Choice, LogUniform, Normal, Objective, QLogUniform, QUniform, Randint, Space, SpecError, Uniform
from tunebook.history import History
from tunebook.samplers.grid import GridSampler
from tunebook.space import Params


def asked(space: Space, count: int, order: str = "bisect") -> list[Params]:
    sampler = GridSampler(space, Objective(), order=order)
    return [suggestion.params for suggestion in sampler.ask(History(space, Objective()), count)]


def values(space: Space, count: int, order: str = "bisect") -> list[Any]:
    return [params["x"] for params in asked(space, count, order)]


def test_choices_and_whole_numbers_are_all_combined() -> None:
    space = Space({"a": Choice(["x", "y"]), "b": Randint(3)})

    found = [(params["a"], params["b"]) for params in asked(space, 10)]

    assert found == list(itertools.product(["x", "y"], [0, 1, 2]))


def test_a_continuous_parameter_is_halved_and_halved_again() -> None:
    space = Space({"x": Uniform(0, 8)})

    assert values(space, 7) == [4, 2, 6, 1, 3, 5, 7]


def test_halving_follows_the_distribution() -> None:
    assert values(Space({"x": LogUniform.between(0.01, 100)}), 1) == [1.0]
    assert values(Space({"x": Normal(3, 1)}), 1) == [3.0]


def test_several_continuous_parameters_refine_together() -> None:
    space = Space({"x": Uniform(0, 4), "y": Uniform(0, 4)})

    found = [(params["x"], params["y"]) for params in asked(space, 9)]

    assert found == [(2, 2), (2, 1), (2, 3), (1, 2), (1, 1), (1, 3), (3, 2), (3, 1), (3, 3)]


def test_values_that_round_to_the_same_are_asked_once() -> None:
    assert sorted(values(Space({"x": QUniform(2, 10, 5, clip=True)}), 99)) == [2.0, 5.0, 10.0]
    assert sorted(values(Space({"x": QUniform(0, 1, 0.25)}), 99)) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_the_first_of_billions_are_found_at_once() -> None:
    start = time.process_time()

    assert values(Space({"x": QUniform(0, 1e12, 0.5, clip=True)}), 3, order="listed") == [0.0, 0.5, 1.0]
    assert values(Space({"x": QUniform(-7, 1e9, 2, from_min=True)}), 2, order="listed") == [-7.0, -5.0]
    assert values(Space({"x": QLogUniform(0, 30, 1)}), 3, order="listed") == [1.0, 2.0, 3.0]

    assert time.process_time() - start < 1


def test_a_large_batch_costs_no_more_than_its_sets() -> None:
    space = Space({"x": Choice(["a", "b", "a"]), "y": Uniform(0, 1), "z": Uniform(0, 1)})
    start = time.process_time()

    found = asked(space, 4000)

    assert time.process_time() - start < 2
    assert len({str(params) for params in found}) == 4000
    assert found[:5] == asked(space, 5)


@pytest.mark.parametrize("order", ["bisect", "listed"])
def test_whole_numbers_may_be_more_than_a_machine_word_counts(order: str) -> None:
    space = Space({"x": Randint(2**70, lower=-(2**70)), "y": Randint(2)})

    found = [(params["x"], params["y"]) for params in asked(space, 3, order)]

    assert found == [(-(2**70), 0), (-(2**70), 1), (1 - 2**70, 0)]


def test_the_listed_order_is_ascending() -> None:
    assert values(Space({"x": QUniform(0, 1, 0.25)}), 99, order="listed") == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert values(Space({"x": Choice(["b", "a", "b"])}), 99, order="listed") == ["b", "a"]


def test_the_listed_order_needs_countable_values() -> None:
    with pytest.raises(SpecError) as caught:
        asked(Space({"x": Uniform(0, 1)}), 1, order="listed")

    assert caught.value.path == "space.x"


def test_members_of_an_option_turn_only_while_it_is_chosen() -> None:
    space = Space({"m": Choice([{"_name": "tree", "depth": Randint(2)}, "bayes"]), "b": Choice([1, 2])})

    assert asked(space, 10) == [
        {"m": {"_name": "tree", "depth": 0}, "b": 1},
        {"m": {"_name": "tree", "depth": 0}, "b": 2},
        {"m": {"_name": "tree", "depth": 1}, "b": 1},
        {"m": {"_name": "tree", "depth": 1}, "b": 2},
        {"m": "bayes", "b": 1},
        {"m": "bayes", "b": 2},
    ]


def test_what_was_tried_or_runs_is_passed_over() -> None:
    space = Space({"x": Choice([1, 2, 3])})
    past = with_pending(with_result(History(space, Objective()), {"x": 1}, 0.0), {"x": 2})

    assert [suggestion.params for suggestion in GridSampler(space, Objective()).ask(past, 5)] == [{"x": 3}]


def test_when_nothing_new_is_left_it_says_so() -> None:
    space = Space({"x": Choice([1, 2])})
    sampler = GridSampler(space, Objective())
    one = with_result(History(space, Objective()), {"x": 1}, 0.0)
    both = with_result(one, {"x": 2}, 0.0)

    assert (sampler.exhausted(one), sampler.exhausted(both), sampler.ask(both, 3)) == (False, True, [])


def test_trials_of_another_space_do_not_count_as_tried() -> None:
    space = Space({"x": Choice([1, 2])})
    past = with_result(History(space, Objective()), {"x": 1, "y": 5}, 0.0)

    assert len(GridSampler(space, Objective()).ask(past, 5)) == 2


def test_a_huge_grid_starts_at_once() -> None:
    space = Space({f"x{index}": Randint(10**9) for index in range(20)})

    assert len(asked(space, 3)) == 3
