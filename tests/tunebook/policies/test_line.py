"""The line that a policy draws is where its own judgement turns."""

from __future__ import annotations

import pytest

from tunebook import Space
from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.policies.bandit import BanditPolicy
from tunebook.policies.curve_fitting import CurveFittingPolicy
from tunebook.policies.line import line
from tunebook.policies.median_stopping import MedianStoppingPolicy
from tunebook.status import TrialStatus


def past(*curves: list[float], goal: str = "minimize") -> History:
    trials = [
        TrialView(number, {}, TrialStatus.FINISHED, curve[-1], tuple(enumerate(curve, start=1)))
        for number, curve in enumerate(curves)
    ]
    return History(Space({}), Objective(goal), tuple(trials))  # type: ignore[arg-type]  # a word of its two


def test_a_bandit_stops_at_its_slack_from_the_best():
    points = line(BanditPolicy(slack_amount=0.5), past([4.0, 3.0, 2.0], [5.0, 5.0, 5.0]))

    assert points == [
        (1, pytest.approx(4.5, abs=0.01)),
        (2, pytest.approx(3.5, abs=0.01)),
        (3, pytest.approx(2.5, abs=0.01)),
    ]


def test_a_bandit_that_maximizes_stops_below():
    (first, *_) = line(BanditPolicy(slack_amount=0.5), past([4.0, 6.0], goal="maximize"))

    assert first == (1, pytest.approx(3.5, abs=0.01))


def test_the_median_of_running_means_is_the_line_of_median_stopping():
    history = past([1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0], [9.0, 9.0])

    points = line(MedianStoppingPolicy(delay_evaluation=2), history)

    assert [step for step, _ in points] == [2]
    assert 2.9 < points[0][1] < 4.1


def test_policies_that_extrapolate_and_histories_without_curves_have_no_line():
    assert line(CurveFittingPolicy(epoch_num=10), past([1.0, 2.0])) == []
    assert line(BanditPolicy(slack_amount=1.0), History(Space({}), Objective("minimize"))) == []


def test_a_longer_curve_gives_steps_over_all_of_it():
    points = line(BanditPolicy(slack_factor=0.1), past([1.0 + 1 / step for step in range(1, 101)]), steps=10)

    assert [step for step, _ in points] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
