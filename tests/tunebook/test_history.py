"""The history: which trials count as what, and what a policy may ask."""

import json
import math

from tunebook import Objective, Space, TrialStatus, Uniform
from tunebook.history import History, TrialView

SPACE = Space({"x": Uniform(0, 1)})


def trial(number: int, status: str, value: float | None = None, curve: list[float] | None = None) -> TrialView:
    steps = tuple(enumerate(curve or [], start=1))
    return TrialView(number, {"x": number / 10}, TrialStatus(status), value, steps)


PAST = History(
    SPACE,
    Objective("minimize"),
    (
        trial(0, "FINISHED", 3.0, [5.0, 3.0]),
        trial(1, "FINISHED", 1.0, [4.0, 1.0]),
        trial(2, "FINISHED", math.nan),
        trial(3, "FAILED", None, [9.0]),
        trial(4, "EARLY_STOPPED", None, [8.0, 7.0]),
        trial(5, "USER_CANCELED", 0.5, [0.5]),
        trial(6, "RUNNING", None, [2.0]),
        trial(7, "CREATED"),
        trial(8, "UNKNOWN"),
    ),
)


def numbers(trials: tuple[TrialView, ...]) -> list[int]:
    return [one.number for one in trials]


def test_trials_are_sorted_by_how_they_stand() -> None:
    assert numbers(PAST.finished) == [0, 1, 2]
    assert numbers(PAST.running) == [6, 7, 8]
    assert numbers(PAST.failed) == [2, 3]


def test_a_model_learns_from_finished_and_early_stopped_trials_with_a_number() -> None:
    assert [(one.number, value) for one, value in PAST.results] == [(0, 3.0), (1, 1.0), (4, 7.0)]


def test_a_trial_of_no_weight_teaches_nothing() -> None:
    ignored = TrialView(9, {"x": 1.0}, TrialStatus.FINISHED, 0.1, weight=0)

    assert PAST.extended(ignored).results == PAST.results


def test_the_best_trial_is_finished_and_has_a_finite_value() -> None:
    assert PAST.best is PAST.trials[1]
    assert History(SPACE, Objective()).best is None


def test_the_next_number_follows_the_largest() -> None:
    assert PAST.next_number == 9
    assert History(SPACE, Objective()).next_number == 0


def test_others_are_those_that_have_come_as_far() -> None:
    assert numbers(PAST.others(PAST.trials[6], reached=2)) == [0, 1, 4]


def test_the_best_and_the_mean_are_taken_of_the_first_measurements() -> None:
    mine = trial(9, "RUNNING", None, [4.0, 2.0, 6.0])

    assert [PAST.best_until(mine, step) for step in (1, 2, 3, 9)] == [4.0, 2.0, 2.0, 2.0]
    assert [PAST.mean_until(mine, step) for step in (1, 2, 3)] == [4.0, 3.0, 4.0]


def test_the_mean_of_equal_measurements_is_that_measurement() -> None:
    mine = trial(9, "RUNNING", None, [0.1, 0.1, 0.1])

    assert PAST.mean_until(mine, 3) == 0.1


def test_a_measurement_that_is_no_number_counts_as_the_worst() -> None:
    mine = trial(9, "RUNNING", None, [math.nan, 2.0])

    assert PAST.best_until(mine, 1) == math.inf
    assert PAST.best_until(mine, 2) == 2.0
    assert PAST.mean_until(mine, 2) == math.inf


def test_a_trial_can_be_seen_as_it_stood_earlier() -> None:
    mine = trial(9, "RUNNING", None, [4.0, 2.0, 6.0])

    assert (mine.step, mine.until(2).curve, mine.until(7)) == (3, ((1, 4.0), (2, 2.0)), mine)


def test_a_history_survives_json() -> None:
    curves = (trial(9, "RUNNING", None, [math.inf, -math.inf, 0.1]),)
    past = History(SPACE, Objective(), PAST.trials[:2] + curves, seed=7)

    again = History.from_dict(json.loads(json.dumps(past.to_dict(), allow_nan=False)))

    assert again == past
