"""Whether an experiment still gets anywhere."""

import pytest

from tunebook import Objective, Space, SpecError, TrialStatus, Uniform
from tunebook.history import History, TrialView
from tunebook.limits import Limits
from tunebook.objective import Goal
from tunebook.plateau import without_gain


def past(*values: float | None, goal: Goal = "minimize", status: str = "FINISHED") -> History:
    trials = tuple(TrialView(number, {"x": 0.5}, TrialStatus(status), value) for number, value in enumerate(values))
    return History(Space({"x": Uniform(0, 1)}), Objective(goal), trials)


@pytest.mark.parametrize(
    ("values", "waited"),
    [((), 0), ((3,), 0), ((3, 2, 1), 0), ((1, 2, 3), 2), ((3, 3), 1), ((2, 3, 1, 1.5), 1), ((None, None), 2)],
)
def test_trials_in_a_row_that_brought_nothing_are_counted(values: tuple[float | None, ...], waited: int) -> None:
    assert without_gain(past(*values)) == waited


def test_the_goal_says_what_is_better() -> None:
    assert without_gain(past(1, 2, 3, goal="maximize")) == 0


def test_a_gain_must_be_large_enough_in_all() -> None:
    assert without_gain(past(1.0, 0.95, 0.9, 0.8), 0.15) == 0
    assert without_gain(past(1.0, 0.95, 0.9), 0.15) == 2


def test_failed_and_excluded_trials_do_not_count() -> None:
    history = past(1.0).extended(
        TrialView(1, {}, TrialStatus.FAILED),
        TrialView(2, {}, TrialStatus.USER_CANCELED),
        TrialView(3, {}, TrialStatus.FINISHED, 0.5, weight=0.0),
        TrialView(4, {}, TrialStatus.EARLY_STOPPED, None, ((1, 0.1),)),
    )

    assert without_gain(history) == 1


def test_a_least_gain_without_patience_is_refused() -> None:
    with pytest.raises(SpecError) as refused:
        Limits(min_gain=0.1)

    assert refused.value.path == "min_gain"


@pytest.mark.parametrize(("name", "value"), [("patience", 0), ("patience", 1.5), ("min_gain", -1), ("min_gain", "1")])
def test_patience_out_of_its_bounds_is_refused(name: str, value: object) -> None:
    given: dict[str, object] = {"patience": 3, name: value}
    with pytest.raises(SpecError) as refused:
        Limits(**given)  # type: ignore[arg-type]

    assert refused.value.path == name
