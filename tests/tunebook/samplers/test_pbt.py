"""Population-based training: generations, who goes on and who is replaced."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tunebook.samplers.rungs import ask, begin, end, finish, play, start
from tunebook import Choice, LogUniform, Objective, QUniform, Randint, Space, SpecError, TrialStatus, Uniform
from tunebook.history import History
from tunebook.optimize import Optimizer
from tunebook.samplers import build
from tunebook.sampling import Sampling

FOUR: dict[str, Any] = {"population_size": 4, "fraction": 0.25, "resample_probability": 0}


def test_a_generation_is_as_large_as_the_population_and_waits_for_its_results() -> None:
    asked = ask("pbt", start(), 100, **FOUR)
    past = begin(start(), *asked)

    waiting = build(Sampling("pbt", FOUR), past.space, past.objective, 3)

    assert [suggestion.parent for suggestion in asked] == [None] * 4
    assert waiting.ask(past, 2) == []
    assert not waiting.exhausted(past)


def test_the_better_go_on_and_the_worst_is_replaced_by_a_changed_copy_of_the_best() -> None:
    past = play("pbt", 1, **FOUR)

    asked = ask("pbt", past, 100, **FOUR)

    best, second, third, _ = sorted(past.trials, key=lambda trial: trial.params["x"])
    assert [suggestion.parent for suggestion in asked] == [best.number, second.number, third.number, best.number]
    assert [suggestion.params for suggestion in asked[:3]] == [best.params, second.params, third.params]
    assert asked[3].params["x"] in (pytest.approx(best.params["x"] * 0.8), pytest.approx(best.params["x"] * 1.2))
    assert "changed copy of trial" in asked[3].note


def test_one_at_a_time_gives_the_same_as_all_at_once() -> None:
    at_once = play("pbt", 3, **FOUR)

    one_by_one = play("pbt", 12, count=1, **FOUR)

    assert [trial.parent for trial in one_by_one.trials] == [trial.parent for trial in at_once.trials]
    assert [trial.params for trial in one_by_one.trials] == [trial.params for trial in at_once.trials]


def test_a_failed_trial_has_no_successor() -> None:
    past = begin(start(), *ask("pbt", start(), 4, **FOUR))
    past = finish(end(past, 2, TrialStatus.FAILED, None))

    asked = ask("pbt", past, 4, **FOUR)

    assert len(asked) == 4
    assert 2 not in [suggestion.parent for suggestion in asked]


def test_a_generation_that_came_to_nothing_is_asked_again() -> None:
    past = begin(start(), *ask("pbt", start(), 4, **FOUR))
    for trial in past.running:
        past = end(past, trial.number, TrialStatus.FAILED, None)

    (again,) = ask("pbt", past, 1, **FOUR)

    assert again.parent is None


@pytest.mark.parametrize("generations", [1, 2, 3])
def test_a_generation_of_which_all_were_left_out_is_filled_again(generations: int) -> None:
    past = play("pbt", generations, **FOUR)
    past = begin(past, *ask("pbt", past, 1, **FOUR))
    *_, child = past.trials
    left_out = {trial.number for trial in past.trials[-5:-1]}
    past = replace(
        past, trials=tuple(replace(one, weight=0.0 if one.number in left_out else 1.0) for one in past.trials)
    )

    (again,) = ask("pbt", past, 3, **FOUR)
    past = finish(begin(past, again))
    following = ask("pbt", past, 3, **FOUR)

    older = {trial.number for trial in past.trials[: 4 * (generations - 1)]}
    assert again.parent is None if generations == 1 else again.parent in older
    assert {suggestion.parent for suggestion in following} == {child.number + 1}


def test_the_generations_can_be_counted() -> None:
    past = play("pbt", 10, generations=3, **FOUR)

    assert len(past.trials) == 12
    assert build(Sampling("pbt", {**FOUR, "generations": 3}), past.space, past.objective, 3).exhausted(past)


def test_changed_copies_of_every_kind_stay_in_the_space() -> None:
    space = Space(
        {
            "lr": LogUniform(-9, 0),
            "units": Randint(200, lower=8),
            "rate": QUniform(0, 1, 0.25),
            "act": Choice(["relu", "tanh", {"_name": "leaky", "slope": Uniform(0, 1)}]),
        }
    )
    past = History(space, Objective())

    for _ in range(12):
        asked = ask("pbt", past, 100, population_size=6, factor=5, fraction=0.5)
        past = finish(begin(past, *asked), lambda params: params["lr"])

    assert [space.problems(trial.params) for trial in past.trials] == [[]] * 72


def test_a_number_of_a_list_is_changed_to_its_neighbour_by_size() -> None:
    space = Space({"batch": Choice([64, 16, 128, 32])})
    past = History(space, Objective())
    past = finish(begin(past, *ask("pbt", past, 4, **FOUR)), lambda params: params["batch"])

    children = ask("pbt", past, 4, **FOUR)

    best = min(trial.params["batch"] for trial in past.trials)
    assert {child.params["batch"] for child in children if "changed" in child.note} <= {best // 2, best, best * 2}


def test_an_edited_space_is_followed() -> None:
    past = play("pbt", 2, **FOUR)
    narrowed = History(Space({"x": Uniform(0.5, 0.6), "y": Uniform(0, 1)}), past.objective, past.trials)

    asked = ask("pbt", narrowed, 4, **FOUR)

    assert [narrowed.space.problems(suggestion.params) for suggestion in asked] == [[]] * 4


def test_generations_get_better() -> None:
    def first_and_last(seed: int) -> tuple[float, float]:
        past = start()
        for _ in range(12):
            past = finish(begin(past, *ask("pbt", past, 100, seed=seed, population_size=8)))
        mean = [sum(trial.params["x"] for trial in past.trials[at : at + 8]) / 8 for at in (0, 88)]
        return mean[0], mean[1]

    before, after = zip(*(first_and_last(seed) for seed in range(3)), strict=True)

    assert sorted(after)[1] < 0.5 * sorted(before)[1]


def test_a_parameter_of_the_name_of_a_folder_is_refused() -> None:
    with pytest.raises(SpecError, match="load_checkpoint_dir"):
        Sampling("pbt").check(Space({"load_checkpoint_dir": Uniform(0, 1)}))


def test_a_population_is_trained_in_a_script_too() -> None:
    tuner = Optimizer({"x": Uniform(0, 1)}, sampler="pbt", options=FOUR, seed=3)
    state: dict[int, float] = {}
    for _ in range(3):
        for number, suggestion in enumerate(tuner.suggest(4), start=len(state)):
            state[number] = (state[suggestion.parent] if suggestion.parent is not None else 0) + suggestion.params["x"]
            tuner.tell(suggestion.params, state[number])

    assert len(state) == 12
    assert [trial.parent is None for trial in tuner.history.trials] == [True] * 4 + [False] * 8
