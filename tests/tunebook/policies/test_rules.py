"""The rule of each policy, on curves small enough to reckon by hand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.tunebook.policies.curves import curves, last_of
from tunebook import SpecError
from tunebook.history import History
from tunebook.objective import Goal
from tunebook.policies import (
    BanditPolicy,
    CurveFittingPolicy,
    HalvingPolicy,
    MedianStoppingPolicy,
    NniMedianstopPolicy,
    PaiAssessorPolicy,
    Policy,
    TruncationSelectionPolicy,
)


def stops(policy: Policy, history: History) -> bool:
    return policy.review(last_of(history), history, judged=last_of(history).step - 1).stop


# bandit


@pytest.mark.parametrize(("value", "stopped"), [(0.66, True), (0.67, False)])
def test_a_bandit_with_a_factor_divides_the_best(value: float, stopped: bool) -> None:
    assert stops(BanditPolicy(slack_factor=0.2), curves([0.8], [value])) is stopped


@pytest.mark.parametrize(("value", "stopped"), [(0.97, True), (0.95, False)])
def test_a_bandit_with_a_factor_multiplies_the_best_loss(value: float, stopped: bool) -> None:
    assert stops(BanditPolicy(slack_factor=0.2), curves([0.8], [value], goal="minimize")) is stopped


@pytest.mark.parametrize(("value", "stopped"), [(0.59, True), (0.61, False)])
def test_a_bandit_with_an_amount_subtracts_it(value: float, stopped: bool) -> None:
    assert stops(BanditPolicy(slack_amount=0.2), curves([0.8], [value])) is stopped


@pytest.mark.parametrize(("value", "stopped"), [(1.01, True), (0.99, False)])
def test_a_bandit_with_an_amount_adds_it_to_a_loss(value: float, stopped: bool) -> None:
    assert stops(BanditPolicy(slack_amount=0.2), curves([0.8], [value], goal="minimize")) is stopped


@pytest.mark.parametrize(
    ("goal", "best", "value", "stopped"),
    [
        ("maximize", -1.0, -1.0, False),
        ("maximize", -1.0, -1.1, False),
        ("maximize", -1.0, -1.2, True),
        ("minimize", -1.0, -0.9, False),
        ("minimize", -1.0, -0.7, True),
        ("minimize", 0.0, 0.0, False),
    ],
)
def test_a_bandit_is_safe_below_nought(goal: Goal, best: float, value: float, stopped: bool) -> None:
    assert stops(BanditPolicy(slack_factor=0.2), curves([best], [value], goal=goal)) is stopped


def test_a_bandit_compares_over_as_many_measurements() -> None:
    assert not stops(BanditPolicy(slack_amount=0.1), curves([0.5, 0.6, 0.9], [0.45, 0.55]))


def test_a_bandit_looks_at_the_best_so_far_not_at_the_latest() -> None:
    assert not stops(BanditPolicy(slack_amount=0.1), curves([0.8, 0.8], [0.8, 0.1]))


@pytest.mark.parametrize(
    "slacks",
    [
        {},
        {"slack_factor": 0, "slack_amount": 0.0},
        {"slack_factor": 0.1, "slack_amount": 1},
        {"slack_factor": -0.1},
        {"slack_amount": "1"},
        {"slack_factor": math.nan},
        {"slack_factor": math.inf},
        {"slack_amount": 10**400},
    ],
)
def test_a_bandit_needs_exactly_one_slack(slacks: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        BanditPolicy(**slacks)

    assert caught.value.path in ("slack_factor", "slack_amount")


def test_a_slack_of_nought_counts_as_not_given() -> None:
    assert stops(BanditPolicy(slack_factor=0, slack_amount=0.1), curves([0.8], [0.6]))


# median stopping


def test_median_stopping_compares_the_best_with_the_median_of_means() -> None:
    others = ([0.2, 0.4], [0.4, 0.8], [0.6, 1.0])

    assert stops(MedianStoppingPolicy(), curves(*others, [0.1, 0.29]))
    assert not stops(MedianStoppingPolicy(), curves(*others, [0.1, 0.61]))


def test_a_trial_at_the_median_goes_on() -> None:
    assert not stops(MedianStoppingPolicy(), curves([0.5], [0.5], [0.5]))


def test_trials_with_fewer_measurements_count_with_what_they_have() -> None:
    assert stops(MedianStoppingPolicy(), curves([0.9], [0.9], [0.5, 0.5]))


def test_means_reach_no_further_than_the_trial_has_come() -> None:
    assert not stops(MedianStoppingPolicy(), curves([0.3, 9.0], [0.3, 9.0], [0.4]))


def test_finished_trials_count_in_the_median() -> None:
    assert stops(MedianStoppingPolicy(), curves([0.9], [0.8], [0.1], status="FINISHED"))


# truncation selection


@pytest.mark.parametrize(("value", "stopped"), [(0.05, True), (0.15, True), (0.25, False)])
def test_truncation_cuts_the_worst_share_rounded_down(value: float, stopped: bool) -> None:
    others = [[0.1], [0.2], [0.3], [0.4], [0.5], [0.6], [0.7], [0.8], [0.9]]

    assert stops(TruncationSelectionPolicy(truncation_percentage=29), curves(*others, [value])) is stopped


def test_truncation_ranks_only_those_that_have_come_as_far() -> None:
    history = curves([0.9], [0.9], [0.9], [0.5, 0.5])

    assert not stops(TruncationSelectionPolicy(truncation_percentage=50), history)


def test_truncation_can_leave_finished_trials_out() -> None:
    history = curves([0.9], [0.9], [0.9], [0.5], status="FINISHED")

    assert stops(TruncationSelectionPolicy(truncation_percentage=50), history)
    assert not stops(TruncationSelectionPolicy(truncation_percentage=50, exclude_finished_jobs=True), history)


def test_of_equals_the_later_trial_is_cut() -> None:
    history = curves([0.5], [0.5])
    first, second = history.trials
    policy = TruncationSelectionPolicy(truncation_percentage=50)

    assert (policy.judge(first, history).stop, policy.judge(second, history).stop) == (False, True)


@pytest.mark.parametrize("percentage", [0, 100, 20.5, "20", True, None])
def test_a_share_outside_1_to_99_is_refused(percentage: Any) -> None:
    with pytest.raises(SpecError, match="from 1 to 99"):
        TruncationSelectionPolicy(truncation_percentage=percentage)


# PAI's assessor


def test_the_assessor_compares_with_the_others_values_at_the_step() -> None:
    others = ([0.9, 0.1], [0.9, 0.2], [0.9, 0.3])

    assert not stops(PaiAssessorPolicy(), curves(*others, [0.1, 0.25]))
    assert stops(PaiAssessorPolicy(moving_avg=True), curves(*others, [0.1, 0.25]))


@pytest.mark.parametrize(("goal", "lenient"), [("maximize", 0.4), ("minimize", 0.6)])
def test_of_two_middles_the_assessor_takes_the_lenient_one(goal: Goal, lenient: float) -> None:
    others = ([0.2], [0.4], [0.6], [0.8])
    step = 0.01 if goal == "minimize" else -0.01

    assert not stops(PaiAssessorPolicy(), curves(*others, [lenient], goal=goal))
    assert stops(PaiAssessorPolicy(), curves(*others, [lenient + step], goal=goal))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_others_without_a_number_at_the_step_are_the_worst(value: float, goal: Goal) -> None:
    best, worse = (0.5, 0.4) if goal == "maximize" else (0.4, 0.5)

    assert not stops(PaiAssessorPolicy(), curves([value], [value], [best], [worse], goal=goal))
    assert stops(PaiAssessorPolicy(), curves([value], [best], [best], [worse], goal=goal))


@pytest.mark.parametrize(("proportion", "bar"), [(0.0, 0.1), (0.25, 0.2), (1.0, 0.5)])
def test_another_proportion_moves_the_bar(proportion: float, bar: float) -> None:
    others = ([0.1], [0.2], [0.3], [0.4], [0.5])
    policy = PaiAssessorPolicy(proportion=proportion)

    assert not stops(policy, curves(*others, [bar]))
    assert stops(policy, curves(*others, [bar - 0.01]))


def test_a_reason_counts_measurements_whatever_steps_a_script_gives_them() -> None:
    history = curves([0.8, 0.8], [0.1])
    alone = last_of(history)
    late = replace(history, trials=(history.trials[0], replace(alone, curve=((500, 0.1),))))

    reason = PaiAssessorPolicy().judge(last_of(late), late).reason

    assert reason == "best 0.1 is worse than the median 0.8 of 1 other trial after 1 measurement"


def test_nothing_is_assessed_before_the_start_step() -> None:
    history = curves([0.9, 0.9, 0.9], [0.1, 0.1])

    assert not stops(PaiAssessorPolicy(start_step=3), history)
    assert stops(PaiAssessorPolicy(start_step=2), history)


def test_patience_ends_a_trial_that_does_not_improve() -> None:
    policy = PaiAssessorPolicy(patience=2, earlystop=False)

    assert not stops(policy, curves([0.5, 0.6, 0.6]))
    assert stops(policy, curves([0.5, 0.6, 0.6, 0.6]))


def test_without_earlystop_only_patience_counts() -> None:
    assert not stops(PaiAssessorPolicy(earlystop=False), curves([0.9], [0.9], [0.1]))


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"start_step": -1}, "start_step"),
        ({"proportion": 1.5}, "proportion"),
        ({"moving_avg": "true"}, "moving_avg"),
        ({"earlystop": 1}, "earlystop"),
        ({"patience": -1}, "patience"),
    ],
)
def test_the_assessor_refuses_nonsense(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        PaiAssessorPolicy(**wrong)

    assert caught.value.path == path


# NNI's Medianstop


def test_nni_s_median_counts_finished_trials_only() -> None:
    good = ([0.9], [0.8], [0.7])

    assert not stops(NniMedianstopPolicy(), curves(*good, [0.1]))
    assert stops(NniMedianstopPolicy(), curves(*good, [0.1], status="FINISHED"))


def test_nni_s_median_is_of_running_averages() -> None:
    others = ([0.2, 0.4], [0.4, 0.8], [0.6, 1.0])

    assert stops(NniMedianstopPolicy(), curves(*others, [0.1, 0.59], status="FINISHED"))
    assert not stops(NniMedianstopPolicy(), curves(*others, [0.1, 0.61], status="FINISHED"))


@pytest.mark.parametrize(("goal", "lenient"), [("maximize", 0.4), ("minimize", 0.6)])
def test_of_two_middles_nni_takes_the_lower_one_upwards_and_the_upper_one_downwards(goal: Goal, lenient: float) -> None:
    others = ([0.2], [0.4], [0.6], [0.8])
    step = 0.01 if goal == "minimize" else -0.01

    assert not stops(NniMedianstopPolicy(), curves(*others, [lenient], goal=goal, status="FINISHED"))
    assert stops(NniMedianstopPolicy(), curves(*others, [lenient + step], goal=goal, status="FINISHED"))


def test_nni_s_median_needs_peers_that_came_this_far_and_a_start() -> None:
    assert not stops(NniMedianstopPolicy(), curves([0.9], [0.9], [0.1, 0.1], status="FINISHED"))
    assert not stops(NniMedianstopPolicy(start_step=3), curves([0.9] * 3, [0.1, 0.1], status="FINISHED"))
    assert stops(NniMedianstopPolicy(start_step=2), curves([0.9] * 3, [0.1, 0.1], status="FINISHED"))


# curve fitting


def rising(level: float, speed: float, count: int) -> list[float]:
    return [level * (1 - math.exp(-speed * (step + 1))) for step in range(count)]


def test_a_curve_that_levels_off_below_the_best_is_stopped() -> None:
    policy = CurveFittingPolicy(epoch_num=20, start_step=6)

    assert stops(policy, curves(rising(0.9, 0.3, 20), rising(0.5, 0.6, 8), status="FINISHED"))


def test_a_slow_curve_that_will_get_there_goes_on() -> None:
    policy = CurveFittingPolicy(epoch_num=20, start_step=6)

    assert not stops(policy, curves(rising(0.9, 0.3, 20), rising(0.95, 0.2, 10), status="FINISHED"))


def test_a_trial_beyond_the_last_measurement_is_judged_where_it_stands() -> None:
    history = curves(rising(0.9, 0.3, 20), rising(0.5, 0.6, 8), status="FINISHED")

    decision = CurveFittingPolicy(epoch_num=7).judge(last_of(history), history)

    assert decision.stop
    assert "predicted after 8:" in decision.reason


def test_long_curves_are_drawn_on_as_well() -> None:
    policy = CurveFittingPolicy(epoch_num=20_000)
    best, flat = rising(0.9, 0.0003, 20_000), rising(0.5, 0.0006, 8_000)

    assert stops(policy, curves(best, flat, status="FINISHED"))


def test_a_falling_loss_is_judged_as_well() -> None:
    best = [2 / step + 0.1 for step in range(1, 21)]
    flat = [1 / step + 1.0 for step in range(1, 9)]
    slow = [3 / step + 0.02 for step in range(1, 9)]
    policy = CurveFittingPolicy(epoch_num=20, start_step=6, threshold=0.8)

    assert stops(policy, curves(best, flat, goal="minimize", status="FINISHED"))
    assert not stops(policy, curves(best, slow, goal="minimize", status="FINISHED"))


def test_a_share_of_a_negative_best_lies_below_it() -> None:
    policy = CurveFittingPolicy(epoch_num=6, start_step=6, threshold=0.5)

    assert not stops(policy, curves([-1.0] * 6, [-1.4] * 6, status="FINISHED"))
    assert stops(policy, curves([-1.0] * 6, [-1.6] * 6, status="FINISHED"))


def test_curves_are_judged_from_the_start_step_on_at_every_gap() -> None:
    policy = CurveFittingPolicy(start_step=6, gap=2)
    trial = last_of(curves([0.1] * 12))

    assert [step for step in range(13) if policy.due(trial.until(step))] == [6, 8, 10, 12]


def test_curves_wait_for_a_finished_trial_and_enough_numbers() -> None:
    policy = CurveFittingPolicy(start_step=1)

    assert not stops(policy, curves([0.9] * 20, [0.1] * 8))
    assert not stops(policy, curves([0.9] * 20, [math.nan] * 5 + [0.1, 0.1], status="FINISHED"))


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"epoch_num": 0}, "epoch_num"),
        ({"start_step": 0}, "start_step"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.1}, "threshold"),
        ({"gap": 0}, "gap"),
    ],
)
def test_curve_fitting_refuses_nonsense(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        CurveFittingPolicy(**wrong)

    assert caught.value.path == path


# asynchronous halving


def test_halving_compares_at_powers_of_eta_only() -> None:
    policy = HalvingPolicy(min_steps=2, eta=3)
    trial = last_of(curves([0.1] * 60))

    assert [step for step in range(61) if policy.due(trial.until(step))] == [2, 6, 18, 54]


def test_halving_keeps_the_best_share_of_those_that_came_as_far() -> None:
    others = ([0.1], [0.2], [0.3], [0.4], [0.5])

    assert not stops(HalvingPolicy(eta=3), curves(*others, [0.45]))
    assert stops(HalvingPolicy(eta=3), curves(*others, [0.35]))
    assert stops(HalvingPolicy(eta=3), curves(*others, [0.35], status="EARLY_STOPPED"))


def test_the_first_trial_at_a_step_goes_on() -> None:
    assert not stops(HalvingPolicy(eta=2), curves([0.9], [0.9], [0.1, 0.1]))


@pytest.mark.parametrize(("wrong", "path"), [({"min_steps": 0}, "min_steps"), ({"eta": 1.5}, "eta")])
def test_halving_refuses_nonsense(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        HalvingPolicy(**wrong)

    assert caught.value.path == path
