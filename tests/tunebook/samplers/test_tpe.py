"""The Parzen estimator: its densities, its start, its groups, its options."""

import math
from typing import Any

import numpy as np
import pytest

from tests.tunebook.samplers.spaces import LISTED, MIXED, NESTED, history, with_pending, with_result
from tunebook import Choice, LogUniform, Objective, QUniform, Randint, Space, SpecError, TrialStatus, Uniform
from tunebook.distribution import LAST
from tunebook.history import History, TrialView
from tunebook.optimize import Optimizer
from tunebook.samplers.base import Sampler
from tunebook.samplers.bayesian import BayesianSampler
from tunebook.samplers.encode import Encoder
from tunebook.samplers.parzen import Layout, Mixture, Shape
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Params

LINE = Space({"x": Uniform(0, 1)})
KINDS = Space({"x": Uniform(0, 1), "n": Randint(4), "c": Choice(["a", "b", "c"])})


def mixture(rows: list[list[float]], width: float = 0.1, spread: float = 0.1, prior: float = 0.5) -> Mixture:
    layout = Layout.of(Encoder(KINDS).columns)
    return Mixture(
        layout, np.array(rows).reshape(-1, 3), np.ones(len(rows)), prior, Shape(np.array([width, width, spread]))
    )


def ask(space: Space, past: History, count: int = 1, seed: int = 3, **options: Any) -> list[Params]:
    return [suggestion.params for suggestion in TpeSampler(space, past.objective, seed, **options).ask(past, count)]


@pytest.mark.parametrize("rows", [[], [[0.5, 1, 2]], [[0.02, 0, 0], [0.9, 3, 1], [0.91, 3, 1]]])
@pytest.mark.parametrize("width", [0.02, 0.2, 1.0])
def test_a_mixture_is_a_density(rows: list[list[float]], width: float) -> None:
    x = (np.arange(400) + 0.5) / 400
    grid = np.array([[at, level, option] for at in x for level in range(4) for option in range(3)])

    mass = np.exp(mixture(rows, width).log_density(grid)).mean()

    assert mass == pytest.approx(1.0, abs=0.01)


def test_a_mixture_draws_what_its_density_says() -> None:
    mixed = mixture([[0.1, 0, 1], [0.8, 3, 1]], width=0.15)
    drawn = mixed.draw(np.random.default_rng(1), 20_000)

    for level in range(4):
        for option in range(3):
            x = (np.arange(200) + 0.5) / 200
            cell = np.column_stack([x, np.full(200, level), np.full(200, option)])
            share = np.mean((drawn[:, 1] == level) & (drawn[:, 2] == option))
            assert share == pytest.approx(np.exp(mixed.log_density(cell)).mean() / 12, abs=0.012)
    assert np.mean(drawn[:, 0] < 0.3) == pytest.approx(
        np.exp(
            mixed.log_density(
                np.array([[at, n, c] for at in np.linspace(0.001, 0.299, 150) for n in range(4) for c in range(3)])
            )
        ).mean()
        * 0.3,
        abs=0.02,
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_was_tried_under_an_option_is_hardly_ever_tried_again(seed: int) -> None:
    tree = {"_name": "tree", "depth": Randint(6), "leaf": Randint(5), "criterion": Choice(["a", "b", "c"])}
    space = Space({"model": Choice([tree, {"_name": "knn", "p": Uniform(0, 1)}])})
    tuner = Optimizer(space, sampler="tpe", seed=seed)

    tried = []
    for _ in range(60):
        (params,) = tuner.ask()
        model = params["model"]
        tried.append(tuple(model.items()))
        off = (model["depth"] - 3) ** 2 + 0.1 * model["leaf"] + (model["criterion"] != "b") if "depth" in model else 10
        tuner.tell(params, off)

    assert len(tried) - len(set(tried)) <= 3


def test_half_of_what_falls_beyond_a_bound_lies_on_it_beside_options() -> None:
    drawn = mixture([[0.97, 0, 1]], width=0.3, prior=1e-9).draw(np.random.default_rng(1), 4_000)

    on_bound = float(np.mean(drawn[:, 0] >= LAST))
    assert on_bound == pytest.approx(0.23, abs=0.03)  # half of the normal's mass above 1
    assert drawn[:, 0].min() >= 0.0
    assert drawn[:, 0].max() < 1.0


def test_a_row_is_turned_into_numbers_and_back() -> None:
    encoder = Encoder(MIXED)
    params = dict(history(MIXED, 1).trials[0].params)

    numbers = dict(zip((column.name for column in encoder.columns), encoder.row(params), strict=True))

    assert encoder.params(numbers) == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in params.items()
    }


def test_numbers_to_choose_among_have_an_order_whatever_the_list_has() -> None:
    encoder = Encoder(LISTED)

    rows = [encoder.row({"batch": batch, "layers": 2, "rate": 1}) for batch in (-1, 16, 32, 64, 128.5)]

    assert [row[0] for row in rows] == [0, 1, 2, 3, 4]
    assert [encoder.params(dict(zip(encoder.index, row, strict=True)))["batch"] for row in rows] == [
        -1,
        16,
        32,
        64,
        128.5,
    ]


def test_what_lies_between_two_good_numbers_of_a_list_is_tried_next() -> None:
    space = Space({"n": Choice(list(range(0, 200, 10)))})
    past = history(space, 40, lambda params: abs(params["n"] - 70))
    untried = History(space, past.objective, tuple(each for each in past.trials if each.params["n"] != 70))

    assert {"n": 70} in ask(space, untried, 2)


def test_parameters_that_do_not_count_have_no_number() -> None:
    encoder = Encoder(NESTED)

    row = dict(zip(encoder.index, encoder.row({"lr": 0.5, "model": "bayes"}), strict=True))

    assert [name for name, number in row.items() if not math.isnan(number)] == ["lr", "model"]


def test_the_first_trials_visit_every_part_of_each_range() -> None:
    past = History(KINDS, Objective())

    first = ask(KINDS, past, 12, n_startup=12)

    assert sorted(int(params["x"] * 12) for params in first) == list(range(12))
    assert sorted(params["n"] for params in first) == sorted(list(range(4)) * 3)
    assert sorted(params["c"] for params in first) == sorted("abc" * 4)


def test_start_up_ends_when_enough_results_are_there() -> None:
    sources = [
        TpeSampler(LINE, Objective(), 3, n_startup=5).ask(history(LINE, count), 1)[0].source for count in (0, 4, 5, 6)
    ]

    assert sources == ["start-up", "start-up", "model", "model"]


@pytest.mark.parametrize("sampler", [TpeSampler, BayesianSampler])
def test_running_trials_end_the_start_up_when_half_of_its_results_are_there(sampler: type[Sampler]) -> None:
    def source(results: int, running: int) -> str:
        past = history(LINE, results)
        for place in range(running):
            past = with_pending(past, {"x": (place + 0.5) / running})
        return sampler(LINE, Objective(), 3, n_startup=10).ask(past, 1)[0].source

    assert [source(6, running) for running in (0, 3, 4)] == ["start-up", "start-up", "model"]
    assert [source(results, 16) for results in (0, 4, 5)] == ["start-up", "start-up", "model"]


def test_the_model_can_be_asked_from_the_start() -> None:
    assert len(ask(NESTED, History(NESTED, Objective()), 3, n_startup=0, prior_weight=0)) == 3


def test_suggestions_gather_where_the_good_trials_are() -> None:
    past = history(LINE, 40, lambda params: abs(params["x"] - 0.3))

    found = [ask(LINE, past, seed=seed)[0]["x"] for seed in range(30)]

    assert sum(abs(x - 0.3) < 0.1 for x in found) > 20


def test_every_fourth_trial_looks_around_once_there_are_results_enough() -> None:
    space = Space({name: Uniform(0, 1) for name in "abcdef"})

    def away(count: int) -> float:
        past = history(space, count, lambda params: sum((value - 0.4) ** 2 for value in params.values()))
        best = min(past.trials, key=lambda trial: trial.value or 0.0).params
        asked = [ask(space, past, seed=seed)[0] for seed in range(20)]
        return float(np.mean([math.dist(params.values(), best.values()) for params in asked]))

    assert away(28) > 1.5 * max(away(27), away(29))
    assert away(20) < max(away(19), away(21))


def test_maximising_turns_it_round() -> None:
    past = history(LINE, 40, lambda params: abs(params["x"] - 0.3), goal="maximize")

    found = [ask(LINE, past, seed=seed)[0]["x"] for seed in range(30)]

    assert sum(x > 0.8 for x in found) > 20


def test_a_good_option_is_asked_more_often_than_others() -> None:
    space = Space({"c": Choice(list("abcdefgh")), "x": Uniform(0, 1)})
    past = history(space, 80, lambda params: (params["c"] != "d") + params["x"] / 10)

    found = [ask(space, past, seed=seed)[0]["c"] for seed in range(30)]

    assert found.count("d") > 15


def test_the_good_branch_and_its_members_are_found() -> None:
    space = Space(
        {"m": Choice([{"_name": "far", "a": Uniform(0, 1)}, {"_name": "near", "a": LogUniform.between(0.01, 1)}])}
    )
    past = history(space, 60, lambda p: 5 + p["m"]["a"] if p["m"]["_name"] == "far" else abs(math.log(p["m"]["a"]) + 2))

    found = [ask(space, past, seed=seed)[0]["m"] for seed in range(30)]

    near = [one["a"] for one in found if one["_name"] == "near"]
    assert len(near) > 20
    assert np.median(np.abs(np.log(near) + 2)) < 0.5


def test_equal_results_side_by_side_do_not_hold_the_search() -> None:
    past = history(LINE, 40, lambda params: 1.0 + abs(params["x"] - 0.3))
    past = past.extended(TrialView(40, {"x": 0.3}, TrialStatus.FINISHED, 0.001))
    for number in range(41, 49):
        past = past.extended(TrialView(number, {"x": 0.76 + (number - 41) / 100}, TrialStatus.FINISHED, 0.0))

    found = np.array([ask(LINE, past, seed=seed)[0]["x"] for seed in range(60)])

    assert (np.abs(found - 0.3) < 0.1).sum() > (np.abs(found - 0.8) < 0.1).sum()


def test_equal_results_far_apart_are_all_good() -> None:
    def found(second: float) -> list[Params]:
        past = history(LINE, 40, lambda params: 1.0 + abs(params["x"] - 0.5))
        past = past.extended(TrialView(40, {"x": 0.2}, TrialStatus.FINISHED, 0.0))
        past = past.extended(TrialView(41, {"x": 0.9}, TrialStatus.FINISHED, second))
        return [ask(LINE, past, seed=seed)[0] for seed in range(20)]

    assert found(0.0) == found(1e-9)
    assert found(0.0) != found(3.0)


@pytest.mark.parametrize("count", [11, 2_000])
def test_a_constant_objective_is_no_obstacle(count: int) -> None:
    asked = ask(MIXED, history(MIXED, count, lambda _: 3.0), 4)

    assert len({repr(params) for params in asked}) == 4


def test_running_trials_keep_others_away() -> None:
    past = history(LINE, 40, lambda params: abs(params["x"] - 0.3))
    alone = float(np.median([ask(LINE, past, seed=seed)[0]["x"] for seed in range(40)]))
    crowded = past
    for place in range(10):
        crowded = with_pending(crowded, {"x": alone + (place - 5) / 1000})

    def distance(one: History, **options: Any) -> float:
        return float(np.mean([abs(ask(LINE, one, seed=seed, **options)[0]["x"] - alone) for seed in range(40)]))

    assert distance(crowded) > distance(past)
    assert distance(crowded, constant_liar="best") < distance(crowded)


def test_failures_are_avoided_unless_they_are_to_be_ignored() -> None:
    past = history(LINE, 20, lambda params: 1.0 - params["x"])
    for number in range(20, 50):
        past = past.extended(TrialView(number, {"x": 0.8 + (number - 20) / 150}, TrialStatus.FAILED))

    def high(**options: Any) -> int:
        return sum(ask(LINE, past, seed=seed, **options)[0]["x"] > 0.8 for seed in range(40))

    assert high() < high(failures="ignore")


def test_a_few_levels_are_all_reachable() -> None:
    space = Space({"q": QUniform(0, 1, 0.25)})
    past = History(space, Objective())

    tried = set()
    for _ in range(5):
        (params,) = ask(space, past, n_startup=1)
        tried.add(params["q"])
        past = with_result(past, params, params["q"])

    assert tried == {0.0, 0.25, 0.5, 0.75, 1.0}


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"n_startup": -1}, "n_startup"),
        ({"n_candidates": 0}, "n_candidates"),
        ({"n_candidates": 2.5}, "n_candidates"),
        ({"gamma": -0.1}, "gamma"),
        ({"gamma": "0.1"}, "gamma"),
        ({"prior_weight": -1}, "prior_weight"),
        ({"constant_liar": "maybe"}, "constant_liar"),
        ({"linear_forgetting": 0}, "linear_forgetting"),
    ],
)
def test_options_out_of_bounds_are_refused(options: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        TpeSampler(LINE, Objective(), 0, **options)

    assert caught.value.path == path
