"""The sampler that picks one."""

from tests.tunebook.samplers.spaces import FINITE, MIXED
from tunebook import Objective, Space
from tunebook.history import History
from tunebook.samplers import Suggestion
from tunebook.samplers.auto import AutoSampler


def first(space: Space) -> Suggestion:
    return AutoSampler(space, Objective(), 3).ask(History(space, Objective()), 1)[0]


def test_a_small_finite_space_is_searched_whole() -> None:
    assert first(FINITE).source == "grid"
    assert "the space has only 18 parameter sets" in first(FINITE).note


def test_any_other_space_gets_a_model_and_the_reason_is_said() -> None:
    assert first(MIXED).source == "start-up"
    assert "auto picked tpe" in first(MIXED).note
