"""Annealing: neighbourhoods of the best trials that get smaller."""

from tests.tunebook.samplers.spaces import history
from tunebook import Choice, Objective, Space, Uniform
from tunebook.samplers.anneal import AnnealSampler

LINE = Space({"x": Uniform(0, 1), "c": Choice(["a", "b"])})


def found(count: int, **options: float) -> list[float]:
    past = history(LINE, count, lambda params: abs(params["x"] - 0.3))
    return [AnnealSampler(LINE, Objective(), seed, **options).ask(past, 1)[0].params["x"] for seed in range(40)]


def near(numbers: list[float], reach: float) -> int:
    return sum(abs(x - 0.3) < reach for x in numbers)


def test_suggestions_close_in_on_the_best_as_trials_grow() -> None:
    assert near(found(20), 0.1) < near(found(200), 0.1)


def test_without_shrinking_it_stays_as_wide_as_the_range() -> None:
    assert near(found(200, shrink=0), 0.1) < 20
