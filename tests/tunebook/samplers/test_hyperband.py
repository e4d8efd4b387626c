"""Hyperband: which budgets are asked, who goes on, and when it waits."""

import math
import random
from collections import Counter
from typing import Any

import pytest

from tests.tunebook.samplers.rungs import LINE, ask, begin, budgets, end, finish, play, start
from tunebook import Choice, Objective, Space, SpecError, TrialStatus, Uniform
from tunebook.history import History, TrialView
from tunebook.samplers import build
from tunebook.samplers.fidelity import budgets as ladder
from tunebook.sampling import Sampling

SMALL: dict[str, Any] = {"max_resource": 9, "eta": 3}


def test_brackets_have_the_sizes_of_the_paper() -> None:
    past = play("hyperband", 15, max_resource=81, eta=3, rounds=1)

    counts = Counter(budgets(past))
    assert counts == {1: 81, 3: 27 + 34, 9: 9 + 11 + 15, 27: 3 + 3 + 5 + 8, 81: 1 + 1 + 1 + 2 + 5}
    assert build(Sampling("hyperband", {"rounds": 1}), LINE, Objective(), 3).exhausted(past)


@pytest.mark.parametrize(
    ("low", "high", "eta", "steps"),
    [
        (1, 81, 3, [1, 3, 9, 27, 81]),
        (1, 60, 3, [2, 6, 20, 60]),
        (1, 100, 10, [1, 10, 100]),
        (5, 5, 3, [5]),
        (1, 2, 3, [2]),
        (1, 1000, 10, [1, 10, 100, 1000]),
        (4, 64, 2, [4, 8, 16, 32, 64]),
    ],
)
def test_budgets_are_the_largest_one_divided_again_and_again(low: int, high: int, eta: float, steps: list[int]) -> None:
    assert ladder(low, high, eta) == steps


def test_the_budget_comes_under_the_name_that_was_chosen() -> None:
    (first,) = ask("hyperband", start(), resource="epochs", **SMALL)

    assert first.params.keys() == {"x", "epochs"}
    assert first.params["epochs"] == 1


def test_nothing_is_asked_while_a_rung_has_no_results_and_that_is_not_the_end() -> None:
    past = begin(start(), *ask("hyperband", start(), 1000, **SMALL))
    assert budgets(past) == [1] * 9

    waiting = build(Sampling("hyperband", SMALL), LINE, Objective(), 3)

    assert waiting.ask(past, 4) == []
    assert not waiting.exhausted(past)


def test_the_best_third_goes_on_and_names_the_trials_it_goes_on_from() -> None:
    past = play("hyperband", 1, **SMALL)

    asked = ask("hyperband", past, 1000, **SMALL)

    best = sorted(past.trials, key=lambda trial: trial.params["x"])[:3]
    assert [suggestion.parent for suggestion in asked] == [trial.number for trial in best]
    assert [suggestion.params for suggestion in asked] == [{**trial.params, "budget": 3} for trial in best]
    assert {suggestion.source for suggestion in asked} == {"promoted"}


def test_with_parallelism_the_next_bracket_begins_meanwhile() -> None:
    past = begin(start(), *ask("hyperband", start(), 9, **SMALL))

    asked = ask("hyperband", past, 3, exec_mode="parallelism", **SMALL)

    assert [suggestion.params["budget"] for suggestion in asked] == [3, 3, 3]


def test_one_at_a_time_gives_the_same_trials_as_all_at_once() -> None:
    at_once = play("hyperband", 6, rounds=1, **SMALL)

    one_by_one = play("hyperband", 100, count=1, rounds=1, **SMALL)

    assert Counter(budgets(one_by_one)) == Counter(budgets(at_once))


def test_failures_do_not_go_on_and_the_next_best_do() -> None:
    past = begin(start(), *ask("hyperband", start(), 9, **SMALL))
    past = finish(past, lambda params: math.nan if params["x"] < 0.5 else params["x"])
    good = sorted(trial.params["x"] for trial in past.trials if trial.params["x"] >= 0.5)[:3]

    asked = ask("hyperband", past, 1000, **SMALL)

    assert [suggestion.params["x"] for suggestion in asked if suggestion.source == "promoted"] == good


def test_a_bracket_in_which_all_failed_makes_way_for_the_next() -> None:
    past = begin(start(), *ask("hyperband", start(), 9, **SMALL))
    for trial in past.running:
        past = end(past, trial.number, TrialStatus.FAILED, None)

    (following,) = ask("hyperband", past, **SMALL)

    assert following.params["budget"] == 3
    assert following.source == "random"


def test_trials_of_others_and_lost_places_do_not_disturb_the_order() -> None:
    past = play("hyperband", 1, **SMALL)
    foreign = TrialView(past.next_number, {"x": 0.0}, TrialStatus.FINISHED, -1.0)
    odd = TrialView(past.next_number + 1, {"x": 0.0, "budget": 7}, TrialStatus.FINISHED, -1.0)
    past = past.extended(foreign, odd)

    asked = ask("hyperband", past, 1000, **SMALL)

    assert [suggestion.params["budget"] for suggestion in asked] == [3, 3, 3]


def test_what_no_longer_fits_the_space_does_not_go_on() -> None:
    past = play("hyperband", 1, **SMALL)
    narrowed = History(Space({"x": Uniform(0.3, 1)}), past.objective, past.trials)

    asked = ask("hyperband", narrowed, 1000, **SMALL)

    assert all(suggestion.params["x"] >= 0.3 for suggestion in asked)


def test_a_finite_space_ends_when_all_of_it_had_the_largest_budget() -> None:
    space = Space({"x": Choice([1, 2, 3, 4])})

    past = play("hyperband", 60, History(space, Objective()), **SMALL)

    full = {trial.params["x"] for trial in past.trials if trial.params["budget"] == 9}
    assert full == {1, 2, 3, 4}
    assert build(Sampling("hyperband", SMALL), space, Objective(), 3).exhausted(past)


def test_a_finite_space_of_failures_ends_too() -> None:
    space = Space({"x": Choice([1, 2, 3])})
    past = History(space, Objective())

    for _ in range(60):
        past = finish(begin(past, *ask("hyperband", past, 1000, **SMALL)), lambda params: None)

    assert build(Sampling("hyperband", SMALL), space, Objective(), 3).exhausted(past)
    assert len(past.trials) <= 12


def test_larger_budgets_find_better_values_than_blind_search_with_the_same_time() -> None:
    def noisy(params: dict[str, Any]) -> float:
        noise = random.Random(repr(params)).gauss(0, 0.3)
        return float((params["x"] - 0.3) ** 2 + noise / params["budget"])

    past = start()
    for _ in range(20):
        past = finish(begin(past, *ask("hyperband", past, 1000, max_resource=27, rounds=1)), noisy)
    spent = sum(budgets(past))
    draw = random.Random(9)
    blind = [(draw.random() - 0.3) ** 2 for _ in range(spent // 27)]

    best = min((trial for trial in past.trials if trial.params["budget"] == 27), key=lambda trial: trial.value or 0.0)
    assert abs(best.params["x"] - 0.3) ** 2 <= sorted(blind)[len(blind) // 4]


@pytest.mark.parametrize("name", ["hyperband", "halving", "bohb"])
@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"resource": "x"}, "options.resource"),
        ({"min_resource": 10, "max_resource": 9}, "options.min_resource"),
        ({"min_resource": 100}, "options.min_resource"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_at_submission(name: str, options: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as refused:
        Sampling(name, options).check(LINE)
    with pytest.raises(SpecError) as built:
        build(Sampling(name, options), LINE, Objective(), 3)

    assert refused.value.path == path
    assert built.value.path == f"sampling.{path}"


# asynchronous halving


def test_halving_never_waits() -> None:
    past = start()
    for _ in range(40):
        asked = ask("halving", past, 1, **SMALL)
        assert len(asked) == 1
        past = begin(past, *asked)

    assert budgets(past) == [1] * 40


def test_halving_sends_the_best_on_as_soon_as_there_are_enough() -> None:
    past = begin(start(), *ask("halving", start(), 3, **SMALL))
    past = finish(past)

    best, fresh = ask("halving", past, 2, **SMALL)

    winner = min(past.trials, key=lambda trial: trial.params["x"])
    assert (best.params, best.parent) == ({**winner.params, "budget": 3}, winner.number)
    assert (fresh.params["budget"], fresh.parent) == (1, None)


def test_halving_gives_the_largest_budget_to_few() -> None:
    past = play("halving", 200, count=1, **SMALL)

    counts = Counter(budgets(past))
    assert counts[1] >= 2 * counts[3] >= 4 * counts[9] > 0
    assert min(trial.params["x"] for trial in past.trials) in {
        trial.params["x"] for trial in past.trials if trial.params["budget"] == 9
    }


def test_halving_of_a_finite_space_ends() -> None:
    space = Space({"x": Choice([1, 2, 3, 4])})

    past = play("halving", 60, History(space, Objective()), **SMALL)

    assert Counter(budgets(past)) == {1: 4, 3: 1}
    assert build(Sampling("halving", SMALL), space, Objective(), 3).exhausted(past)


# BOHB


def test_bohb_learns_from_the_largest_budget_that_tells_enough() -> None:
    past = play("hyperband", 12, max_resource=27)

    learnt = [s for s in ask("bohb", past, 12, random_fraction=0, max_resource=27) if s.source == "model"]

    assert learnt
    assert all("with budget 27" in suggestion.note for suggestion in learnt)
    assert sum(suggestion.params["x"] < 0.3 for suggestion in learnt) > len(learnt) * 0.6


def test_bohb_is_told_how_many_results_are_good_ones() -> None:
    past = play("hyperband", 12, max_resource=27)

    few, many = (ask("bohb", past, 12, random_fraction=0, max_resource=27, gamma=gamma) for gamma in (0.1, 0.9))

    usual = ask("bohb", past, 12, random_fraction=0, max_resource=27)
    assert few == usual != many


def test_bohb_draws_at_random_until_it_has_results() -> None:
    asked = ask("bohb", start(), 9, random_fraction=0, **SMALL)

    assert {suggestion.source for suggestion in asked} == {"random"}


def test_bohb_finds_better_configurations_than_hyperband() -> None:
    def mean_of_new(name: str, seed: int) -> float:
        past = start()
        for _ in range(25):
            past = finish(begin(past, *ask(name, past, 1000, seed=seed, **SMALL)))
        fresh = [trial.params["x"] for trial in past.trials[40:] if trial.parent is None]
        return sum(fresh) / len(fresh)

    assert sorted(mean_of_new("bohb", seed) for seed in range(3))[1] < 0.8 * mean_of_new("hyperband", 1)


def test_bohb_learns_where_trials_fail() -> None:
    """Half of the line fails; below, larger values are better, so that the best lie next to the failures."""

    def share_of_failures(seed: int) -> float:
        past = start()
        for _ in range(40):
            past = begin(past, *ask("bohb", past, 3, seed=seed, random_fraction=0, **SMALL))
            for trial in past.running:
                good = trial.params["x"] <= 0.5
                status = TrialStatus.FINISHED if good else TrialStatus.FAILED
                past = end(past, trial.number, status, 1 - trial.params["x"] if good else None)
        fresh = [trial.status for trial in past.trials[20:] if trial.parent is None]
        return fresh.count(TrialStatus.FAILED) / len(fresh)

    assert max(share_of_failures(seed) for seed in range(2)) < 0.8
