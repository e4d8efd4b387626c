"""An explicit list of parameter sets."""

import time
from typing import Any

import pytest

from tests.tunebook.samplers.rungs import LINE, ask, begin, finish, start
from tunebook import Objective, Space, SpecError
from tunebook.optimize import Optimizer
from tunebook.samplers import build
from tunebook.sampling import Sampling

LISTED = [{"x": 0.5}, {"x": 0.25, "decay": 1}, {"y": "other"}, {"x": 0.5}]


def test_the_sets_come_in_their_order_with_whatever_they_name() -> None:
    asked = ask("experiments", start(), 10, experiments=LISTED)

    assert [suggestion.params for suggestion in asked] == LISTED
    assert "number 2 of the 4" in asked[1].note


def test_each_comes_once_also_after_a_restart() -> None:
    past = start()
    for _ in range(2):
        past = begin(past, *ask("experiments", past, 1, experiments=LISTED))

    asked = ask("experiments", past, 10, experiments=LISTED)

    assert [suggestion.params for suggestion in asked] == LISTED[2:]


def test_a_long_list_costs_as_much_at_its_end_as_at_its_start() -> None:
    options = {"experiments": [{"x": 1.0, "n": number % 3000} for number in range(4000)]}
    tuner = Optimizer({}, sampler="experiments", options=options)
    start = time.process_time()

    asked = [params for _ in range(4000) for params in tuner.ask()]

    assert [params["n"] for params in asked] == [*range(3000), *range(1000)]
    assert tuner.is_exhausted
    assert time.process_time() - start < 2


def test_it_is_exhausted_when_all_were_tried() -> None:
    past = begin(start(), *ask("experiments", start(), 10, experiments=LISTED))
    sampler = build(Sampling("experiments", {"experiments": LISTED}), LINE, Objective(), 3)

    assert sampler.ask(past, 1) == []
    assert sampler.exhausted(past)
    assert sampler.exhausted(finish(past, lambda params: 1.0))
    assert not sampler.exhausted(start())


def test_a_value_outside_the_space_is_refused_with_its_place() -> None:
    with pytest.raises(SpecError) as refused:
        Sampling("experiments", {"experiments": [{"x": 0.5}, {"x": 7}]}).check(LINE)

    assert refused.value.path == "options.experiments.1.x"
    assert "0 to 1" in refused.value.message


def test_the_list_is_required() -> None:
    with pytest.raises(SpecError, match="is required") as refused:
        Sampling("experiments").check(Space({}))

    assert refused.value.path == "options.experiments"


@pytest.mark.parametrize("wrong", [[], {}, "x", [1], [{"a": 1}, None], 5])
def test_what_is_no_list_of_sets_is_refused(wrong: Any) -> None:
    with pytest.raises(SpecError) as refused:
        Sampling("experiments", {"experiments": wrong})

    assert refused.value.path == "options.experiments"
