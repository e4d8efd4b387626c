"""What every early-termination policy must do, whatever its rule."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tunebook.policies.curves import curves, last_of
from tunebook import SpecError
from tunebook.history import History
from tunebook.objective import Goal
from tunebook.policies import POLICIES, Policy, from_dict

ARGUMENTS: dict[str, dict[str, Any]] = {
    "bandit": {"slack_factor": 0.1},
    "truncation_selection": {"truncation_percentage": 50},
    "curve_fitting": {"epoch_num": 3, "start_step": 1},
    "halving": {"eta": 2},
}
PEERS = {"nni_medianstop": "FINISHED", "curve_fitting": "FINISHED"}
"""Which trials a policy compares with, where not with all."""
GOOD, MIDDLE, BAD = [0.8, 0.9, 0.95], [0.6, 0.7, 0.75], [0.1, 0.1, 0.1]

every_policy = pytest.mark.parametrize("name", list(POLICIES))


def make(name: str, **arguments: Any) -> Policy:
    return POLICIES[name](**ARGUMENTS.get(name, {}), **arguments)


@every_policy
def test_a_hopeless_trial_is_stopped_with_a_reason(name: str) -> None:
    history = curves(GOOD, MIDDLE, GOOD, BAD, status=PEERS.get(name, "RUNNING"))

    decision = make(name).judge(last_of(history), history)

    assert decision.stop
    assert "0.1" in decision.reason and "after 3 measurements" in decision.reason


@every_policy
def test_the_best_trial_goes_on(name: str) -> None:
    history = curves(BAD, MIDDLE, BAD, GOOD, status=PEERS.get(name, "RUNNING"))

    assert not make(name).judge(last_of(history), history).stop


@every_policy
def test_the_goal_turns_the_judgement_round(name: str) -> None:
    hopeless = curves(BAD, MIDDLE, BAD, GOOD, goal="minimize", status=PEERS.get(name, "RUNNING"))
    leader = curves(GOOD, MIDDLE, GOOD, BAD, goal="minimize", status=PEERS.get(name, "RUNNING"))

    assert make(name).judge(last_of(hopeless), hopeless).stop
    assert not make(name).judge(last_of(leader), leader).stop


@every_policy
def test_a_trial_alone_goes_on(name: str) -> None:
    history = curves([0.5, 0.4, 0.6])

    assert not make(name).judge(last_of(history), history).stop


@every_policy
def test_trials_without_measurements_are_nobody_s_measure(name: str) -> None:
    history = curves([], [], [0.5])

    assert not make(name).judge(last_of(history), history).stop


@every_policy
def test_equal_trials_all_go_on(name: str) -> None:
    if name == "truncation_selection":
        return  # somebody has to be last
    history = curves(MIDDLE, MIDDLE, MIDDLE, MIDDLE)

    assert not make(name).judge(last_of(history), history).stop


@every_policy
def test_nothing_is_judged_before_the_delay(name: str) -> None:
    history = curves(GOOD, MIDDLE, GOOD, BAD)
    policy = make(name, delay_evaluation=4)

    assert not policy.due(last_of(history))
    assert not policy.review(last_of(history), history).stop


@every_policy
def test_only_every_so_manieth_measurement_is_judged(name: str) -> None:
    trial = last_of(curves([0.1] * 10))
    interval = 4 if name == "halving" else 3

    due = [
        step
        for step in range(11)
        if make(name, evaluation_interval=interval, delay_evaluation=6).due(trial.until(step))
    ]

    assert due == ([8] if name == "halving" else [6, 9])  # which has steps of its own


@every_policy
def test_an_interval_of_nought_is_an_interval_of_one(name: str) -> None:
    trial = last_of(curves([0.1, 0.2]))

    assert make(name, evaluation_interval=0).due(trial)


@every_policy
def test_measurements_that_arrive_together_are_judged_one_by_one(name: str) -> None:
    if name == "curve_fitting":
        return  # two measurements are no curve
    status = PEERS.get(name, "RUNNING")
    good, middle = [0.9, 0.9, 0.9, 0.9], [0.8, 0.8, 0.8, 0.8]
    history = curves(good, middle, good, [0.1, 0.1, 0.1, 0.99], status=status)
    policy = make(name, evaluation_interval=2)

    assert "after 2 measurements" in policy.review(last_of(history), history).reason
    assert not policy.review(last_of(history), history, judged=2).stop


@every_policy
def test_a_declaration_is_read_back(name: str) -> None:
    policy = make(name, delay_evaluation=5, evaluation_interval=2)

    document = json.loads(json.dumps(policy.to_dict()))

    assert document["name"] == name
    assert from_dict(document) == policy


@every_policy
@pytest.mark.parametrize(
    "wrong",
    [{"delay_evaluation": -1}, {"evaluation_interval": 1.5}, {"delay_evaluation": True}, {"delay_evaluation": "5"}],
)
def test_nonsense_is_refused_with_the_argument_named(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        from_dict({"name": name, **ARGUMENTS.get(name, {}), **wrong})

    assert caught.value.path == f"policy.{next(iter(wrong))}"


@every_policy
def test_an_unknown_argument_is_refused(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_dict({"name": name, "slak": 1}, "job.policy")

    assert caught.value.path == "job.policy.slak"


def test_a_missing_argument_is_refused() -> None:
    with pytest.raises(SpecError, match="is required") as caught:
        from_dict({"name": "truncation_selection"}, "job.policy")

    assert caught.value.path == "job.policy.truncation_percentage"


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(SpecError, match="bandit, median_stopping"):
        from_dict({"name": "guess"})


@every_policy
@settings(deadline=None, max_examples=60)
@given(
    lists=st.lists(st.lists(st.floats(), max_size=6), min_size=1, max_size=6),
    goal=st.sampled_from(["minimize", "maximize"]),
    status=st.sampled_from(["RUNNING", "FINISHED", "FAILED", "EARLY_STOPPED"]),
)
def test_any_curves_are_borne_and_judged_the_same_again(
    name: str, lists: list[list[float]], goal: Goal, status: str
) -> None:
    history = curves(*lists, goal=goal, status=status)
    again = History.from_dict(json.loads(json.dumps(history.to_dict())))

    decision = make(name).review(last_of(history), history)

    assert decision == make(name).review(last_of(again), again)
    assert not decision.stop or decision.reason


@every_policy
@settings(deadline=None, max_examples=60)
@given(
    lists=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=6),
    goal=st.sampled_from(["minimize", "maximize"]),
)
def test_whoever_holds_the_best_value_is_never_stopped(name: str, lists: list[list[float]], goal: Goal) -> None:
    history = curves(*lists, goal=goal)
    mine = history.best_until(last_of(history), 3)
    if any(history.objective.is_better(history.best_until(other, 3), mine) for other in history.trials):
        return
    if name == "truncation_selection" and any(history.best_until(other, 3) == mine for other in history.trials[:-1]):
        return  # of equals, the earlier one stays

    assert not make(name).judge(last_of(history), history).stop
