"""The objective: direction, weights, and how a curve becomes a value."""

import math
from typing import Any

import pytest

from tunebook import Metric, Objective, SpecError

DOWN = Objective("minimize")
UP = Objective("maximize", (Metric("accuracy"),))


def test_better_follows_the_goal_and_is_strict() -> None:
    assert DOWN.is_better(1, 2) and not DOWN.is_better(2, 1) and not DOWN.is_better(1, 1)
    assert UP.is_better(2, 1) and not UP.is_better(1, 2) and not UP.is_better(1, 1)
    assert DOWN.is_worse(2, 1) and UP.is_worse(1, 2) and not UP.is_worse(1, 1)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_never_better(missing: float | None) -> None:
    for objective in (DOWN, UP):
        assert not objective.is_better(missing, 5)
        assert objective.is_better(5, missing)
        assert objective.is_worse(missing, 5)


def test_the_best_is_taken_of_the_finite_values() -> None:
    values = [3.0, math.nan, 1.0, None, -math.inf, math.inf, 2.0]

    assert (DOWN.best(values), UP.best(values), UP.best([None, math.nan])) == (1.0, 3.0, None)


def test_nothing_is_worse_than_the_worst() -> None:
    assert (DOWN.worst(), UP.worst()) == (math.inf, -math.inf)


def test_metrics_are_weighted_and_added() -> None:
    objective = Objective("maximize", (Metric("accuracy", 2.0), Metric("latency", -0.5)))

    assert objective.name == "accuracy"
    assert objective.combine({"accuracy": 0.75, "latency": 1.0, "other": 9}) == 1.0
    assert objective.combine({"accuracy": 0.75}) is None


@pytest.mark.parametrize(("mode", "value"), [("final", 2.0), ("best", 1.0), ("avg", 2.0)])
def test_a_series_becomes_one_value_by_mode(mode: Any, value: float) -> None:
    assert Objective("minimize", mode=mode).reduce([3.0, 1.0, math.nan, 2.0]) == value


@pytest.mark.parametrize(("mode", "value"), [("final", None), ("best", 1.0), ("avg", 2.0)])
def test_a_series_that_ends_in_nan_has_no_final_value(mode: Any, value: float | None) -> None:
    assert Objective("minimize", mode=mode).reduce([3.0, 1.0, 2.0, math.nan]) == value


def test_the_best_of_a_series_follows_the_goal() -> None:
    assert Objective("maximize", mode="best").reduce([3.0, 1.0, 2.0]) == 3.0


def test_a_series_without_a_finite_number_has_no_value() -> None:
    assert DOWN.reduce([]) is None
    assert DOWN.reduce([math.nan, math.inf]) is None


def test_the_target_is_reached_when_met_or_passed() -> None:
    objective = Objective("maximize", target=0.9)

    assert [objective.reached(value) for value in (0.89, 0.9, 0.95, None, math.nan)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert not DOWN.reached(0)


def test_what_is_written_is_read_back() -> None:
    objective = Objective("maximize", (Metric("a", 2.0), Metric("b", -1)), "best", 0.9)

    assert Objective.from_dict(objective.to_dict()) == objective
    assert Objective.from_dict({}) == Objective()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "objective"),
        ({"goal": "up"}, "objective.goal"),
        ({"goal": ["minimize"]}, "objective.goal"),
        ({"mode": "last"}, "objective.mode"),
        ({"metrics": []}, "objective.metrics"),
        ({"metrics": 5}, "objective.metrics"),
        ({"metrics": ["loss"]}, "objective.metrics.0"),
        ({"metrics": [{"name": ""}]}, "objective.metrics.0.name"),
        ({"metrics": [{"name": "a", "weight": "1"}]}, "objective.metrics.0.weight"),
        ({"metrics": [{"name": "a"}, {"name": "a"}]}, "objective.metrics.1.name"),
        ({"target": math.nan}, "objective.target"),
        ({"direction": "up"}, "objective.direction"),
    ],
)
def test_nonsense_is_refused_with_its_place_named(document: Any, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        Objective.from_dict(document)

    assert caught.value.path == path
