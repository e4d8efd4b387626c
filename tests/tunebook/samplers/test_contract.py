"""What every sampler must do, whatever it does."""

import json
import math
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tunebook.samplers.spaces import (
    FINITE,
    LISTED,
    MANY_OPTIONS,
    MIXED,
    NESTED,
    ONE_POINT,
    WIDE,
    history,
    score,
    spaces,
    with_pending,
    with_result,
)
from tunebook import Objective, Space, TrialStatus, Uniform
from tunebook.distributions import identity
from tunebook.errors import SpecError
from tunebook.history import History, TrialView
from tunebook.ledger import Ledger
from tunebook.objective import Goal
from tunebook.samplers import SAMPLERS, Sampler, build
from tunebook.samplers.bisection import Bisection
from tunebook.sampling import SAMPLERS as DECLARED
from tunebook.sampling import Sampling
from tunebook.space import Params

SUITE = [name for name in SAMPLERS if name != "plugin"]  # which needs a plugin, and has tests of its own
every_sampler = pytest.mark.parametrize("name", SUITE)
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


BUDGETED = ("hyperband", "halving", "bohb", "pbt")
"""Samplers whose trials come again: with a budget, which is one more parameter, or from a checkpoint."""
every_other_sampler = pytest.mark.parametrize("name", [name for name in SUITE if name not in BUDGETED])


def declared(name: str, space: Space) -> Sampling:
    """A declaration without options, except where there is no sampler without them."""
    if name != "experiments":
        return Sampling(name)
    if space.size is None or space.size > 300:
        draw = random.Random(1)
        return Sampling(name, {"experiments": [space.sample(draw) for _ in range(60)]})
    listing, listed = Bisection(space), list[Params]()
    while (params := listing.untried({identity(entry) for entry in listed})) is not None:
        listed.append(params)
    return Sampling(name, {"experiments": listed})


def make(name: str, space: Space, seed: int = 3, goal: Goal = "minimize") -> Sampler:
    return build(declared(name, space), space, Objective(goal), seed)


def problems(name: str, space: Space, params: Params) -> list[str]:
    """What does not fit the space, apart from what the sampler adds itself."""
    adds = make(name, space).adds
    return space.problems({name: value for name, value in params.items() if name not in adds})


def play(name: str, space: Space, count: int) -> list[Params]:
    """Ask one by one and tell each result, with a new sampler each time."""
    past = History(space, Objective())
    asked = []
    for _ in range(count):
        for suggestion in make(name, space).ask(past, 1):
            asked.append(suggestion.params)
            past = with_result(past, suggestion.params, score(suggestion.params))
    return asked


def test_the_declaration_knows_the_same_samplers_and_options() -> None:
    registry = {name: tuple(option.name for option in kind.options) for name, kind in SAMPLERS.items()}

    assert registry == {name: tuple(options) for name, options in DECLARED.items()}


@every_sampler
def test_a_new_sampler_with_the_same_history_asks_the_same(name: str) -> None:
    past = history(MIXED, 30)
    kept = make(name, MIXED)
    kept.ask(history(MIXED, 12), 2)
    kept.ask(history(MIXED, 5, lambda params: None), 1)

    again = History.from_dict(json.loads(json.dumps(past.to_dict())))

    assert kept.ask(past, 3) == make(name, MIXED).ask(past, 3) == make(name, again.space).ask(again, 3)


@every_sampler
def test_another_seed_asks_something_else_unless_the_order_is_fixed(name: str) -> None:
    past = history(MIXED, 30)

    same = make(name, MIXED, seed=3).ask(past, 10) == make(name, MIXED, seed=4).ask(past, 10)

    assert same == (name in ("grid", "experiments"))


@every_sampler
@pytest.mark.parametrize("count", [0, 4, 25])
def test_a_batch_with_running_trials_is_all_different(name: str, count: int) -> None:
    past = history(MIXED, count)
    for suggestion in make(name, MIXED).ask(past, 2):
        past = with_pending(past, suggestion.params)

    asked = [suggestion.params for suggestion in make(name, MIXED).ask(past, 4)]

    if name == "pbt" and count:
        return  # its trials come again, from a checkpoint
    everything = [identity(trial.params) for trial in past.trials] + [identity(params) for params in asked]
    assert len(asked) == 4
    assert len(set(everything)) == len(everything)


@every_sampler
@pytest.mark.parametrize(
    "space", [MIXED, NESTED, ONE_POINT, FINITE, LISTED], ids=["mixed", "nested", "one point", "finite", "listed"]
)
def test_suggestions_lie_in_the_space_and_are_plain_json(name: str, space: Space) -> None:
    asked = play(name, space, 30)

    assert asked
    for params in asked:
        assert problems(name, space, params) == []
        assert repr(json.loads(json.dumps(params, allow_nan=False))) == repr(params)  # no numbers of numpy's either


@every_sampler
@pytest.mark.parametrize(
    "value",
    [None, math.nan, math.inf, -math.inf, 0.0, 1e308, -1e308, 1e-320],
    ids=["none", "nan", "inf", "-inf", "constant", "huge", "hugely negative", "tiny"],
)
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_any_values_are_borne(name: str, value: float | None, goal: Goal) -> None:
    past = history(MIXED, 24, lambda params: value, goal=goal)

    asked = make(name, MIXED, goal=goal).ask(past, 2)

    assert [problems(name, MIXED, suggestion.params) for suggestion in asked] == [[], []]


@every_sampler
def test_failed_cancelled_stopped_and_foreign_trials_are_borne(name: str) -> None:
    past = history(NESTED, 20)
    params = NESTED.sample(make(name, NESTED).draw(99))
    for number, status in enumerate(TrialStatus, start=20):
        past = past.extended(TrialView(number, params, status, None, ((1, 0.5), (2, math.nan))))
    past = past.extended(TrialView(50, {"other": 1}, TrialStatus.FINISHED, 0.1))
    past = past.extended(TrialView(51, {"lr": 5000.0, "model": {"_name": "gone"}}, TrialStatus.FINISHED, -9.0))

    asked = make(name, NESTED).ask(past, 3)

    assert [problems(name, NESTED, suggestion.params) for suggestion in asked] == [[]] * len(asked)
    assert len(asked) == 3 or name == "pbt"  # which waits for those that run


@every_sampler
@pytest.mark.parametrize("space", [WIDE, MANY_OPTIONS], ids=["200 parameters", "10,000 options"])
def test_large_spaces_are_borne(name: str, space: Space) -> None:
    past = history(space, 30)

    asked = make(name, space).ask(past, 2)

    assert [problems(name, space, suggestion.params) for suggestion in asked] == [[], []]


@every_other_sampler
def test_a_finite_space_is_tried_once_each_and_then_exhausted(name: str) -> None:
    past = History(FINITE, Objective())
    tried = []
    while asked := make(name, FINITE).ask(past, 5):
        assert not make(name, FINITE).exhausted(past)
        for suggestion in asked:
            tried.append(identity(suggestion.params))
            past = with_result(past, suggestion.params, score(suggestion.params))

    assert FINITE.size == 18
    assert len(tried) == len(set(tried)) == 18
    assert make(name, FINITE).exhausted(past)


@every_other_sampler
def test_a_space_of_one_point_is_asked_once(name: str) -> None:
    assert len(play(name, ONE_POINT, 3)) == 1


@every_other_sampler
def test_an_empty_space_is_asked_once(name: str) -> None:
    assert play(name, Space({}), 3) == [{}]


@every_sampler
def test_a_continuous_space_is_never_exhausted(name: str) -> None:
    past = history(MIXED, 50)

    assert not make(name, MIXED).exhausted(past)


@every_sampler
def test_asking_for_nothing_gives_nothing(name: str) -> None:
    assert make(name, MIXED).ask(history(MIXED, 3), 0) == []


def test_options_tell_their_defaults_and_what_they_may_be() -> None:
    told = {option.name: str(option) for option in SAMPLERS["tpe"].options}

    assert told["n_startup"].startswith("n_startup (10): ")
    assert told["constant_liar"].endswith("; one of worst, mean, best, none")
    assert str(SAMPLERS["experiments"].options[0]).startswith("experiments: ")


@every_sampler
def test_an_unknown_option_is_refused_by_name(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        SAMPLERS[name](MIXED, Objective(), 0, temperature=1)

    assert caught.value.path == "temperature"


@every_sampler
def test_every_suggestion_says_where_it_comes_from(name: str) -> None:
    asked = make(name, MIXED).ask(history(MIXED, 40), 3)

    assert all(suggestion.source for suggestion in asked)


@every_sampler
@few
@given(space=spaces(), seed=st.integers(0, 2**63 - 1), values=st.lists(st.floats(), max_size=25))
def test_any_space_with_any_results_is_searched_within_its_bounds(
    name: str, space: Space, seed: int, values: list[float]
) -> None:
    left = iter(values)
    past = history(space, len(values), lambda params: next(left))

    asked = make(name, space, seed).ask(past, 3)

    assert [problems(name, space, suggestion.params) for suggestion in asked] == [[]] * len(asked)
    assert asked == make(name, space, seed).ask(past, 3)
    assert asked or make(name, space, seed).exhausted(past)


ENDS = st.tuples(st.sampled_from(list(TrialStatus)), st.floats() | st.none(), st.sampled_from([0.0, 1e-6, 0.3, 1.0]))


@every_sampler
@few
@given(space=spaces(), seed=st.integers(0, 99), ends=st.lists(ENDS, max_size=20), split=st.integers(0, 20))
def test_any_history_is_gone_on_from_as_if_it_had_been_seen_growing(
    name: str, space: Space, seed: int, ends: list[tuple[TrialStatus, float | None, float]], split: int
) -> None:
    draw = random.Random(seed)
    past, ledger = History(space, Objective()), Ledger(space, Objective())
    kept = make(name, space, seed)
    for number, (status, value, weight) in enumerate(ends):
        trial = TrialView(number, space.sample(draw), status, value, weight=weight)
        ledger.put(replace(trial, status=TrialStatus.RUNNING, value=None))
        if number == split:
            kept.ask(ledger, 1)
        past = past.extended(trial)
        ledger.put(trial)

    asked = kept.ask(ledger, 2)

    assert asked == make(name, space, seed).ask(past, 2)
    assert [problems(name, space, suggestion.params) for suggestion in asked] == [[]] * len(asked)


def changed(trial: TrialView, draw: random.Random) -> TrialView:
    """The same trial after something has come of it, or somebody has left it out, taken it back or started it anew."""
    if trial.is_running:
        ends = (TrialStatus.FINISHED, TrialStatus.FINISHED, TrialStatus.FAILED, TrialStatus.USER_CANCELED)
        status = draw.choice((trial.status, *ends))
        return replace(trial, status=status, value=draw.random() if status is TrialStatus.FINISHED else None)
    if draw.random() < 0.15:
        return replace(trial, weight=1.0 - trial.weight)
    return replace(trial, status=TrialStatus.CREATED, value=None) if draw.random() < 0.05 else trial


@every_sampler
@pytest.mark.parametrize("space", [MIXED, NESTED])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_left_out_taken_back_or_started_anew_is_followed(name: str, space: Space, seed: int) -> None:
    draw = random.Random(seed)
    ledger, kept = Ledger(space, Objective()), make(name, space)
    for step in range(9):
        asked = kept.ask(ledger, 4)

        if step % 4 == 0:
            assert asked == make(name, space).ask(History(space, Objective(), ledger.trials), 4)
        for suggestion in asked:
            number = ledger.next_number
            ledger.put(TrialView(number, suggestion.params, TrialStatus.RUNNING, parent=suggestion.parent))
        for trial in ledger.trials:
            ledger.put(changed(trial, draw))


BOWL = Space({"x": Uniform(-5, 5), "y": Uniform(-5, 5), "z": Uniform(-5, 5)})


def bowl(params: Params) -> float:
    return float((params["x"] - 1) ** 2 + (params["y"] + 2) ** 2 + params["z"] ** 2)


BUDGETS = {
    "auto": 30,
    "bayesian": 25,
    "gp": 25,
    "evolution": 120,
    "cmaes": 120,
}  # trials after which a sampler must be ahead; 60 for the others


BLIND = ("random", "sobol", "grid", "experiments", *BUDGETED)  # they learn nothing, or from budgets only


@pytest.mark.parametrize("name", [name for name in SUITE if name not in BLIND])
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_sampler_that_learns_beats_random_search_on_a_bowl(name: str, goal: Goal) -> None:
    def best_of(sampler: str, seed: int) -> float:
        past = History(BOWL, Objective(goal))
        asking = build(Sampling(sampler), BOWL, past.objective, seed)
        for _ in range(BUDGETS.get(name, 60)):
            (suggestion,) = asking.ask(past, 1)
            past = with_result(past, suggestion.params, past.objective.sign * bowl(suggestion.params))
        return min(bowl(dict(trial.params)) for trial in past.trials)

    learning = sorted(best_of(name, seed) for seed in range(3))
    blind = sorted(best_of("random", seed) for seed in range(3))

    assert learning[1] < blind[1] / 2
