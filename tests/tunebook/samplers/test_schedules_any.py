"""Hyperband, halving, BOHB and populations through any course of events: ends, failures, restarts, excluded trials."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tunebook.samplers.rungs import LINE
from tunebook import Choice, Objective, Space, TrialStatus, Uniform
from tunebook.history import History, TrialView
from tunebook.samplers import build
from tunebook.sampling import Sampling

SMALL: dict[str, Any] = {"max_resource": 9, "eta": 3}
OPTIONS: dict[str, dict[str, Any]] = {
    "hyperband": SMALL,
    "halving": SMALL,
    "bohb": {**SMALL, "random_fraction": 0.2},
    "pbt": {"population_size": 4},
}
SPACES = {
    "line": LINE,
    "finite": Space({"x": Choice([0.1, 0.2, 0.3, 0.4, 0.5])}),
    "mixed": Space({"x": Uniform(0, 1), "c": Choice(["a", "b", "c"])}),
}
ENDS = [TrialStatus.FINISHED] * 5 + [TrialStatus.FAILED, TrialStatus.USER_CANCELED, TrialStatus.EARLY_STOPPED]


@pytest.mark.parametrize("name", list(OPTIONS))
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), space=st.sampled_from(list(SPACES)), slots=st.integers(1, 6))
def test_nothing_gets_stuck_and_no_trial_is_asked_twice(name: str, seed: int, space: str, slots: int) -> None:
    draw = random.Random(seed)
    declared = Sampling(name, OPTIONS[name])
    kept = build(declared, SPACES[space], Objective(), 3)
    trials: list[TrialView] = []
    for _ in range(60):
        past = History(SPACES[space], Objective(), tuple(trials))
        asked = kept.ask(past, slots - len(past.running))
        assert asked == build(declared, SPACES[space], Objective(), 3).ask(past, slots - len(past.running))
        assert asked or past.running or kept.exhausted(past)
        for suggestion in asked:
            if suggestion.parent is not None:
                assert trials[suggestion.parent].has_ended
            trials.append(TrialView(len(trials), suggestion.params, TrialStatus.RUNNING, parent=suggestion.parent))
        for trial in [trial for trial in trials if trial.is_running and draw.random() < 0.5]:
            status = draw.choice(ENDS)
            value = trial.params["x"] if status is TrialStatus.FINISHED else None
            trials[trial.number] = replace(trial, status=status, value=value, weight=draw.choice([1, 1, 1, 0]))
            if status is TrialStatus.FAILED and draw.random() < 0.3:
                again = TrialView(len(trials), trial.params, TrialStatus.RUNNING, parent=trial.parent)
                trials.append(again)
    promoted = [(trial.parent, trial.params.get("budget")) for trial in trials if trial.parent is not None]
    if name != "pbt" and not any(trial.status is TrialStatus.FAILED for trial in trials):
        assert len(promoted) == len(set(promoted))
