"""The Gaussian process, and what is suggested with it."""

import itertools
import math
from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from tests.tunebook.samplers.spaces import MIXED, NESTED, history, with_pending, with_result
from tunebook import Choice, Objective, Space, TrialStatus, Uniform
from tunebook.history import History, TrialView
from tunebook.samplers import Suggestion
from tunebook.samplers.bayesian import MOST, OFFERS, BayesianSampler
from tunebook.samplers.encode import Floats
from tunebook.samplers.gaussian import GaussianProcess, Points, log_expected_improvement
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Params

LINE = Space({"x": Uniform(0, 1)})


def points(*numbers: float) -> Points:
    return Points(np.array(numbers)[:, None], np.empty((len(numbers), 0)))


def wave(x: Floats) -> Floats:
    return np.sin(6 * x)


def ask(past: History, seed: int = 3, **options: object) -> Suggestion:
    return BayesianSampler(past.space, past.objective, seed, **options).ask(past, 1)[0]


def test_a_process_passes_through_smooth_values_and_knows_where_it_knows_little() -> None:
    seen = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.6])
    process = GaussianProcess.fitted(points(*seen), wave(seen))

    mean, spread = process.predict(points(0.05, 0.25, 0.35, 1.0))

    assert mean[:3] == pytest.approx(wave(np.array([0.05, 0.25, 0.35])), abs=0.05)
    assert spread[3] > 5 * spread[1]


def test_noise_is_told_from_signal() -> None:
    random = np.random.default_rng(1)
    x = random.random(80)
    process = GaussianProcess.fitted(points(*x), wave(x) + 0.3 * random.standard_normal(80))

    mean, _ = process.predict(points(*np.linspace(0.1, 0.9, 9)))

    assert np.abs(mean - wave(np.linspace(0.1, 0.9, 9))).max() < 0.35


def test_without_noise_every_value_is_believed() -> None:
    random = np.random.default_rng(1)
    x = np.sort(random.random(30))
    values = wave(x) + 0.3 * random.standard_normal(30)

    believed, spread = GaussianProcess.fitted(points(*x), values, is_noisy=False).predict(points(*x))
    smoothed, _ = GaussianProcess.fitted(points(*x), values).predict(points(*x))

    assert believed == pytest.approx(values, abs=0.05)
    assert spread.max() < 0.05
    assert np.abs(smoothed - values).max() > 0.3


def test_no_noise_suggests_otherwise_than_fitted_noise() -> None:
    random = np.random.default_rng(2)
    past = history(LINE, 30, lambda params: float(params["x"] ** 2 + 0.3 * random.standard_normal()))

    assert ask(past, noise="none").params != ask(past).params


def test_a_column_that_does_not_matter_gets_a_long_scale() -> None:
    random = np.random.default_rng(1)
    rows = random.random((40, 2))
    process = GaussianProcess.fitted(Points(rows, np.empty((40, 0))), wave(rows[:, 0]))

    across, _ = process.predict(Points(np.array([[0.3, 0.1], [0.3, 0.9]]), np.empty((2, 0))))

    assert across[0] == pytest.approx(across[1], abs=0.05)


def test_options_are_only_equal_or_not() -> None:
    options = np.array([[0.0], [1.0], [2.0]] * 4)
    values = np.array([-1.0, 1.0, 0.0] * 4)
    process = GaussianProcess.fitted(Points(np.empty((12, 0)), options), values)

    mean, _ = process.predict(Points(np.empty((3, 0)), np.array([[0.0], [1.0], [2.0]])))

    assert mean == pytest.approx([-1, 1, 0], abs=0.1)


@pytest.mark.parametrize("z", [3.0, 0.0, -0.9, -1.1, -5.0, -20.0])
def test_the_logarithm_of_expected_improvement_is_exact_where_it_can_be_checked(z: float) -> None:
    phi, cdf = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi), 0.5 * math.erfc(-z / math.sqrt(2))
    direct = phi + z * cdf if z > -6 else phi / z**2

    found = log_expected_improvement(np.array([-z]), np.array([1.0]), 0.0)[0]

    assert found == pytest.approx(math.log(direct), rel=0.01 if z < -6 else 1e-6)


def test_expected_improvement_keeps_its_order_far_out() -> None:
    found = log_expected_improvement(np.array([10.0, 100.0, 1e5, 1e8]), np.ones(4), 0.0)

    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) < 0)


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_suggestion_says_what_is_expected_in_the_objectives_own_units(goal: str) -> None:
    sign = 1 if goal == "minimize" else -1
    past = history(LINE, 25, lambda params: sign * (1000 + 100 * (params["x"] - 0.6) ** 2), goal=goal)  # type: ignore[arg-type]

    suggestion = ask(past)

    assert suggestion.source == "model"
    assert suggestion.params["x"] == pytest.approx(0.6, abs=0.05)
    assert suggestion.expected == pytest.approx(sign * 1000, abs=2)
    assert suggestion.spread is not None and 0 <= suggestion.spread < 5


def test_running_trials_keep_others_away() -> None:
    past = history(LINE, 12, lambda params: (params["x"] - 0.6) ** 2)
    first = ask(past).params["x"]

    second = ask(with_pending(past, {"x": first})).params["x"]

    assert abs(first - second) > 0.005


@pytest.mark.parametrize("acquisition", ["ei", "ucb", "poi"])
def test_each_acquisition_finds_the_valley(acquisition: str) -> None:
    past = history(LINE, 20, lambda params: (params["x"] - 0.25) ** 2)

    assert ask(past, acquisition=acquisition, kappa=0.1).params["x"] == pytest.approx(0.25, abs=0.1)


def test_what_lies_between_two_good_numbers_of_a_list_is_expected_to_be_good() -> None:
    space = Space({"n": Choice(list(range(0, 200, 10)))})
    tried = [n for n in range(0, 200, 10) if n != 70]
    trials = [TrialView(at, {"n": n}, TrialStatus.FINISHED, abs(n - 70)) for at, n in enumerate(tried)]

    assert ask(History(space, Objective("minimize"), tuple(trials))).params == {"n": 70}


def test_the_good_branch_of_a_nested_space_is_found() -> None:
    space = Space({"m": Choice([{"_name": "far", "a": Uniform(0, 1)}, {"_name": "near", "b": Uniform(0, 1)}, "none"])})
    past = history(space, 30, lambda p: (p["m"]["b"] - 0.4) ** 2 if p["m"] != "none" and "b" in p["m"] else 1.0)

    assert ask(past).params["m"] == {"_name": "near", "b": pytest.approx(0.4, abs=0.05)}


def test_beside_choices_two_trials_of_three_are_suggested_by_tpe_unless_it_is_not_wanted() -> None:
    past = history(MIXED, 21)

    turns = BayesianSampler(MIXED, Objective(), 3).ask(past, 3)
    alone = BayesianSampler(MIXED, Objective(), 3, beside_choices="nothing").ask(past, 3)

    assert ["suggestions of tpe" in each.note for each in turns] == [False, True, True]
    assert all("and a forest over 21 trials" in each.note for each in turns)
    assert not any("tpe" in each.note or "forest" in each.note for each in alone)
    assert all(each.expected is not None and each.spread is not None for each in [*turns, *alone])


@pytest.mark.parametrize("count", [13, 25])
def test_of_what_tpe_suggests_that_is_taken_which_promises_most(count: int) -> None:
    def loss(params: Params) -> float:
        return float(params["momentum"] + params["depth"] / 12)

    past = history(MIXED, count, loss)

    taken = ask(past).params

    offers = [each.params for each in TpeSampler(MIXED, Objective(), 3).offers(past, count, (), OFFERS)]
    assert taken in offers
    assert loss(taken) < median(map(loss, offers))


@pytest.mark.parametrize("count", [13, 25])
def test_what_is_not_known_counts_where_tpe_is_judged_too(count: int) -> None:
    past = history(MIXED, count)

    sure, curious = (ask(past, acquisition="ucb", kappa=kappa) for kappa in (0, 1e6))

    assert sure.spread is not None and curious.spread is not None
    assert sure.spread < curious.spread


def test_numbers_alone_are_never_asked_of_another() -> None:
    notes = [each.note for each in BayesianSampler(LINE, Objective(), 3).ask(history(LINE, 20), 4)]

    assert not any("tpe" in note for note in notes)


def test_a_long_history_is_thinned_to_what_the_model_bears() -> None:
    past = history(NESTED, MOST + 50)

    assert NESTED.problems(ask(past).params) == []


def test_a_batch_spreads_out() -> None:
    past = history(LINE, 20, lambda params: (params["x"] - 0.25) ** 2)
    sampler = BayesianSampler(LINE, Objective(), 3)

    found = sorted(suggestion.params["x"] for suggestion in sampler.ask(past, 4))

    assert min(b - a for a, b in itertools.pairwise(found)) > 0.005


def test_trials_of_little_weight_bend_the_model_less() -> None:
    ours = history(LINE, 12, lambda params: (params["x"] - 0.25) ** 2)
    foreign = [TrialView(20 + n, {"x": 0.7 + n / 50}, TrialStatus.FINISHED, -0.2, weight=0.01) for n in range(5)]

    trusted = ask(ours.extended(*(replace(trial, weight=1.0) for trial in foreign)))
    doubted = ask(ours.extended(*foreign))

    assert trusted.params["x"] > 0.6
    assert doubted.params["x"] == pytest.approx(0.25, abs=0.15)


def test_many_trials_near_the_best_do_not_hide_another_option() -> None:
    space = Space({"x": Uniform(0, 1), "c": Choice(["near", "far", "worse"])})

    def loss(params: Params) -> float:
        middle, least = {"near": (0.3, 0.2), "far": (0.7, 0.0), "worse": (0.5, 0.6)}[params["c"]]
        return float(least + (params["x"] - middle) ** 2 + 0.002 * math.sin(300 * params["x"]))

    past = History(space, Objective(), seed=3)
    for x, option in [(0.1, "near"), (0.9, "near"), (0.2, "far"), (0.4, "far"), (0.5, "worse"), (0.9, "worse")]:
        past = with_result(past, {"x": x, "c": option}, loss({"x": x, "c": option}))
    for place in range(30):
        params = {"x": 0.28 + place / 750, "c": "near"}
        past = with_result(past, params, loss(params))

    found = []
    for _ in range(8):
        found.append(dict(ask(past).params))
        past = with_result(past, found[-1], loss(found[-1]))

    assert min(loss(params) for params in found) < 0.1
