"""Ask and tell in a script."""

import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunebook import Choice, LogUniform, Randint, Space, SpecError, TrialStatus, Uniform, sweep
from tunebook.history import History
from tunebook.ledger import Ledger
from tunebook.optimize import Optimizer
from tunebook.samplers import build

SPACE = {"lr": LogUniform(-9, 0), "depth": Randint(12, lower=2), "booster": Choice(["gbtree", "dart"])}


def train(params: Mapping[str, Any]) -> float:
    return float((math.log(params["lr"]) + 4) ** 2 + params["depth"] + (params["booster"] == "dart"))


def tuned(count: int, **arguments: Any) -> Optimizer:
    tuner = Optimizer(SPACE, seed=7, **arguments)
    for _ in range(count):
        for params in tuner.ask(2):
            tuner.tell(params, train(params))
    return tuner


def test_asking_gives_different_parameters_of_the_space() -> None:
    asked = Optimizer(SPACE, seed=7).ask(4)

    assert [Space(SPACE).problems(params) for params in asked] == [[]] * 4
    assert len({str(params) for params in asked}) == 4


def test_what_is_running_is_known_to_the_next_ask() -> None:
    tuner = Optimizer({"c": Choice(list("abcdef"))}, seed=7)

    asked = [params["c"] for _ in range(6) for params in tuner.ask()]

    assert sorted(asked) == list("abcdef")
    assert tuner.ask() == []
    assert tuner.is_exhausted


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_the_best_is_known(goal: Any) -> None:
    tuner = Optimizer({"x": Uniform(0, 1)}, goal, seed=7)

    assert tuner.best is None
    tuner.tell_many([({"x": 0.1}, 5.0), ({"x": 0.2}, 7.0), ({"x": 0.3}, None), ({"x": 0.4}, 6.0)])

    assert tuner.best == (({"x": 0.1}, 5.0) if goal == "minimize" else ({"x": 0.2}, 7.0))


def test_what_counts_for_nothing_is_not_the_best() -> None:
    tuner = Optimizer({"x": Uniform(0, 1)}, seed=7)

    tuner.tell({"x": 0.1}, 5.0)
    tuner.tell({"x": 0.2}, 1.0, weight=0)

    assert tuner.best == ({"x": 0.1}, 5.0)
    assert tuner.history.best == tuner.history.trials[0]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_no_number_is_a_failure(value: float | None) -> None:
    tuner = Optimizer(SPACE, seed=7)
    (params,) = tuner.ask()

    tuner.tell(params, value)

    assert [trial.status for trial in tuner.history.trials] == [TrialStatus.FAILED]
    assert tuner.best is None


def test_results_of_others_and_results_told_twice_are_trials_of_their_own() -> None:
    tuner = Optimizer(SPACE, seed=7)
    (params,) = tuner.ask()

    for _ in range(2):
        tuner.tell(params, 1.0)
    tuner.tell({"lr": 0.01, "depth": 3, "booster": "dart"}, 2.0, weight=0.5)

    trials = tuner.history.trials
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert trials[2].weight == 0.5


def test_the_same_object_told_twice_in_one_go_is_two_trials() -> None:
    tuner = Optimizer(SPACE, seed=7)
    (params,) = tuner.ask()
    params["depth"] = 3

    tuner.tell_many([(params, 1.0), (params, 2.0)])

    assert [(trial.params, trial.value) for trial in tuner.history.trials] == [(params, 1.0), (params, 2.0)]


def test_of_equal_sets_that_run_the_one_that_is_told_has_ended() -> None:
    tuner = Optimizer({}, seed=7, sampler="experiments", options={"experiments": [{"x": 1}, {"x": 1}]})
    _, second = tuner.ask(2)

    tuner.tell(second, 1.0)

    assert [trial.is_running for trial in tuner.history.trials] == [True, False]


NESTED = {"model": Choice([{"_name": "svm", "C": Uniform(0, 1)}, {"_name": "bayes"}]), "x": Uniform(0, 1)}


@pytest.mark.parametrize("spoil", [dict.clear, lambda params: params["model"].pop("_name")])
def test_what_a_script_takes_out_of_its_parameters_counts_as_it_was_asked(spoil: Any) -> None:
    tuner, calm = (Optimizer(NESTED, seed=7, sampler="random") for _ in range(2))
    spoilt, kept = tuner.ask(3), calm.ask(3)

    for params in spoilt:
        spoil(params)
        tuner.tell(params, 1.0)

    trials = tuner.history.trials
    assert [trial.params for trial in trials] == kept
    assert {trial.status for trial in trials} == {TrialStatus.FINISHED}
    assert tuner.ask(3) == calm.ask(3)


def test_what_a_script_changes_within_the_space_counts_as_it_is() -> None:
    tuner = Optimizer(SPACE, seed=7)
    first, second = tuner.ask(2)
    first["depth"] = 3 if first["depth"] != 3 else 4

    tuner.tell(first, 1.0)

    assert [trial.params for trial in tuner.history.trials] == [first, second]
    assert [trial.is_running for trial in tuner.history.trials] == [False, True]


def test_what_is_done_to_the_best_does_not_change_it() -> None:
    tuner = Optimizer(NESTED, seed=7)
    params = {"model": {"_name": "bayes"}, "x": 0.5}
    tuner.tell(params, 1.0)
    params["model"].clear()

    assert tuner.best is not None
    tuner.best.params["model"].clear()

    assert tuner.best.params == {"model": {"_name": "bayes"}, "x": 0.5}
    assert tuner.history.trials[0].params == tuner.best.params


@pytest.mark.parametrize("wrong", [{"sampler": ["tpe"]}, {"sampler": None}, {"options": [1]}, {"options": "gamma"}])
def test_what_is_no_declaration_of_a_sampler_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"unknown sampler|options: must be an object"):
        Optimizer(SPACE, **wrong)


@pytest.mark.parametrize(
    ("params", "value", "weight"), [([1], 1.0, 1.0), ({}, "0.5", 1.0), ({}, "x", 1.0), ({}, True, 1.0), ({}, 1.0, 2.0)]
)
def test_nonsense_is_refused_and_leaves_nothing(params: Any, value: Any, weight: float) -> None:
    tuner = Optimizer(SPACE, seed=7)

    with pytest.raises(SpecError):
        tuner.tell(params, value, weight)

    assert tuner.history.trials == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lrr": 0.1}, r"params\.lrr: unknown parameter.*lr, depth, booster"),
        ({1: 0.1}, r"params\.1: unknown parameter"),
        ({"depth": None}, r"params\.depth: is missing; the space has lr, depth, booster"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_names_that_are_not_those_of_the_space_are_refused(change: dict[Any, Any], message: str, many: bool) -> None:
    tuner = Optimizer(SPACE, seed=7)
    told = {"lr": 0.01, "depth": 3, "booster": "dart"} | change
    params = {name: value for name, value in told.items() if value is not None}

    with pytest.raises(SpecError, match=message):
        tuner.tell_many([(params, 1.0)]) if many else tuner.tell(params, 1.0)

    assert tuner.history.trials == ()


@pytest.mark.parametrize(
    "told", [{"depth": np.int64(3), "lr": np.float64(0.01)}, {"lr": np.array(0.01)}, {"booster": np.str_("dart")}]
)
def test_numpys_values_are_those_of_python(told: dict[str, Any]) -> None:
    tuner = Optimizer(
        SPACE, seed=np.int64(7), sampler="tpe", options={"n_startup": np.int32(5), "gamma": np.float32(0.5)}
    )

    tuner.tell({"lr": 0.01, "depth": 3, "booster": "dart"} | told, np.float32(1.5), np.float32(0.5))

    (trial,) = tuner.history.trials
    assert tuner.space.contains(trial.params)
    assert [type(value) for value in trial.params.values()] == [float, int, str]
    assert (trial.value, trial.weight, type(tuner.seed)) == (1.5, 0.5, int)


@pytest.mark.parametrize("value", [np.array([1, 2]), np.float32(2.5)])
def test_an_asked_set_is_known_by_numpys_values_too(value: Any) -> None:
    tuner = Optimizer({"c": Choice([value.tolist(), True])}, seed=7)
    tuner.ask(2)

    tuner.tell_many([({"c": value}, 1.0), ({"c": np.bool_(True)}, 2.0)])

    assert [trial.has_ended for trial in tuner.history.trials] == [True, True]


@pytest.mark.parametrize("count", [1.5, "3", None])
@pytest.mark.parametrize("sampler", ["auto", "grid", "pbt", "hyperband", "experiments"])
def test_a_count_that_is_no_whole_number_is_refused(count: Any, sampler: str) -> None:
    options = {"experiments": [{"lr": 0.1}]} if sampler == "experiments" else {}
    tuner = Optimizer(SPACE, seed=7, sampler=sampler, options=options)

    with pytest.raises(SpecError, match="count: must be a whole number"):
        tuner.ask(count)

    assert tuner.ask(0) == tuner.ask(-1) == []
    assert len(tuner.ask(np.int64(1))) == 1


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (None, "results: must be a list of pairs"),
        ({"lr": 0.1}, r"results\.0: must be a pair"),
        ([1], r"results\.0: must be a pair"),
        ([({}, 1.0, 0.5)], r"results\.0: must be a pair"),
        ([({"lr": 0.01, "depth": 3, "booster": "dart"}, 1.0), ({}, 2.0)], r"results\.1\.params\.lr: is missing"),
        ([({"lr": 0.01, "depth": 3, "booster": "dart"}, 1.0), (3, 2.0)], r"results\.1\.params: must be an object"),
        ([({"lr": 0.01, "depth": 3, "booster": {1, 2}}, 1.0)], r"results\.0\.params\.booster: must be something JSON"),
        ([({"lr": 0.01, "depth": 3, "booster": "dart"}, np.True_)], r"results\.0\.value: must be a number"),
    ],
)
def test_of_many_results_none_is_noted_where_one_is_nonsense(results: Any, message: str) -> None:
    tuner = Optimizer(SPACE, seed=7)

    with pytest.raises(SpecError, match=message):
        tuner.tell_many(results)

    assert tuner.history.trials == ()


@pytest.mark.parametrize("sampler", ["hyperband", "halving", "bohb"])
def test_an_earlier_result_may_have_a_budget_where_trials_have_one(sampler: str) -> None:
    tuner = Optimizer(SPACE, seed=7, sampler=sampler, options={"resource": "epochs", "max_resource": 9})
    (params,) = tuner.ask()

    tuner.tell_many([(dict(params), 2.0), (dict(params), 3.0), ({**params, "lr": 0.5, "epochs": 9}, 1.0)])

    assert [trial.params["epochs"] for trial in tuner.history.finished] == [1, 1, 9]
    with pytest.raises(SpecError, match=r"params\.budget: unknown parameter.*booster, epochs"):
        tuner.tell({**params, "budget": 3}, 1.0)


def test_a_listed_parameter_set_may_be_told_again() -> None:
    sets = [{"lr": 0.1}, {"lr": 0.2, "decay": 0.5}]
    tuner = Optimizer({"lr": Uniform(0, 1), "depth": Randint(3)}, sampler="experiments", options={"experiments": sets})

    for params in tuner.ask(2):
        tuner.tell_many([(dict(params), 2.0), (dict(params), 1.0)])

    assert [trial.params for trial in tuner.history.finished] == [*sets, *sets]


def test_distributions_with_the_face_of_azures_are_taken_too() -> None:
    inner = Choice([{"_name": "svm", "C": Uniform(0, 1)}, "bayes"])
    face = sweep.Choice([{"_name": "svm", "C": sweep.Uniform(0, 1)}, "bayes"])

    tuner = Optimizer({"lr": sweep.LogUniform(-9, 0), "n": sweep.Randint(5), "model": face, "x": Uniform(0, 1)}, seed=7)

    assert tuner.space == {"lr": LogUniform(-9, 0), "n": Randint(5), "model": inner, "x": Uniform(0, 1)}
    with pytest.raises(SpecError, match=r"space\.lr.*must not be below min_value"):
        Optimizer({"lr": sweep.Uniform(1, 0)})
    with pytest.raises(SpecError, match=r"space\.lr: must be a distribution"):
        Optimizer({"lr": sweep.Uniform})  # type: ignore[dict-item]


@pytest.mark.parametrize("copied", [False, True])
def test_population_based_training_hands_its_folders_out(tmp_path: Path, copied: bool) -> None:
    options = {"population_size": 4, "fraction": 0.5, "all_checkpoint_dir": str(tmp_path), "resample_probability": 0}
    tuner = Optimizer({"x": Choice(["a", "b"])}, seed=7, sampler="pbt", options=options)
    asked = [tuner.ask(4), tuner.ask(4)]
    for turn in range(2):
        asked[turn] = asked[turn] or tuner.ask(4)
        for params in reversed(asked[turn]):
            tuner.tell(dict(params) if copied else params, float(params["save_checkpoint_dir"].rpartition("/")[2]))

    trials = tuner.history.trials
    assert [trial.value for trial in trials] == list(range(8))
    assert all(trial.params.keys() == {"x"} for trial in trials)
    folders = [(params["load_checkpoint_dir"], params["save_checkpoint_dir"]) for params in asked[0] + asked[1]]
    origins = [trial.number if trial.parent is None else trial.parent for trial in trials]
    assert folders == [(str(tmp_path / str(origins[number])), str(tmp_path / str(number))) for number in range(8)]


def test_an_earlier_result_outside_of_its_distribution_is_kept() -> None:
    tuner = Optimizer(SPACE, seed=7)

    tuner.tell({"lr": 7.0, "depth": 300, "booster": "dart"}, 1.0)

    assert len(tuner.ask(3)) == 3
    assert len(tuner.history.finished) == 1


def test_the_same_seed_and_answers_give_the_same_questions() -> None:
    assert tuned(15).ask(3) == tuned(15).ask(3)


def test_it_goes_on_after_pickling_as_if_nothing_had_been() -> None:
    tuner = tuned(15, sampler="tpe")
    tuner.ask(2)

    again = pickle.loads(pickle.dumps(tuner))

    assert again.ask(3) == tuner.ask(3)
    assert again.best == tuner.best


def test_it_asks_what_a_sampler_asks_that_sees_the_whole_history_at_once() -> None:
    tuner = tuned(20, sampler="tpe")
    tuner.tell(tuner.ask(3)[1], None)
    past = History(tuner.space, tuner.history.objective, tuner.history.trials, 7)

    asked = build(tuner.sampling, tuner.space, past.objective, 7).ask(past, 2)

    assert tuner.suggest(2) == asked


def test_a_suggestion_says_why() -> None:
    tuner = tuned(15, sampler="tpe")

    assert tuner.suggest()[0].source == "model"


def test_a_drawn_seed_can_be_read() -> None:
    one = Optimizer(SPACE)

    assert one.ask(2) == Optimizer(SPACE, seed=one.seed).ask(2)


def test_an_unknown_sampler_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match="unknown sampler, allowed: auto"):
        Optimizer(SPACE, sampler="temperature")


def test_a_ledger_answers_what_a_history_answers() -> None:
    tuner = tuned(6, sampler="random")
    tuner.ask(2)
    tuner.tell({"lr": 0.01, "depth": 3, "booster": "dart"}, None)
    ledger = tuner.history
    past = History(ledger.space, ledger.objective, ledger.trials, ledger.seed)

    assert isinstance(ledger, Ledger)
    for name in ("trials", "running", "finished", "failed", "results", "best", "next_number", "tried"):
        assert getattr(ledger, name) == getattr(past, name), name
    assert ledger.extended().trials == past.trials
    assert ledger.to_dict() == past.to_dict()
