"""What a driver remembers of its trials is what it would read from the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording
from apps.optimizer.steps import ask
from apps.trials.history import history
from apps.tuning import trials
from apps.workspaces.access import Actor
from tests.optimizer.conftest import Theatre
from tunebook.limits import Limits
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db
Stage = Callable[..., Theatre]


def mixed(spec: LaunchSpec) -> Recording:
    """Trials of which every third fails."""
    return Recording(points=[{"loss": spec.params["x"]}], code=int(int(spec.params["x"] * 100) % 3 == 0))


def test_what_is_remembered_is_what_is_stored(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(
        sampling=Sampling("tpe", seed=1), recording=mixed, limits=Limits(max_trials=12, max_concurrent=3, retries=0)
    )
    for _ in range(4):
        stage.turn()
    trials.queue(actor_ada, stage.experiment, {"x": 0.25})
    for _ in range(6):
        stage.turn()

    assert stage.driver is not None
    work = stage.driver.work
    known = {trial.number: (trial.params, trial.status, trial.value) for trial in work.history().trials}
    stored = history(stage.experiment, work.job).trials
    assert {trial.number: (trial.params, trial.status, trial.value) for trial in stored}.items() <= known.items()
    assert len(stored) > 6


def test_what_was_asked_ahead_counts_until_something_else_has_its_number(theatre: Stage, actor_ada: Actor) -> None:
    stage = theatre(sampling=Sampling("tpe", seed=1), limits=Limits(max_trials=40, max_concurrent=2))
    for _ in range(3):
        stage.turn()
    assert stage.driver is not None
    work = stage.driver.work
    work.suggestions.clear()
    ask.ask(work, 3)

    first = max(work.views) + 1
    ahead = [trial.params for trial in work.foreseen().trials if trial.number >= first]
    assert ahead == [suggestion.params for suggestion in work.suggestions]

    del work.suggestions[0]
    left = [trial.params for trial in work.foreseen().trials if trial.number >= first]
    assert left == [suggestion.params for suggestion in work.suggestions]


@pytest.mark.parametrize(("at_once", "ahead"), [(1, 0), (2, 2)])
def test_one_short_trial_at_a_time_is_asked_when_the_one_before_has_ended(
    theatre: Stage, at_once: int, ahead: int
) -> None:
    limits = Limits(max_trials=12, max_concurrent=at_once)
    stage = theatre(sampling=Sampling("tpe", seed=1), limits=limits, recording=lambda spec: Recording(holds=True))
    stage.turn()
    assert stage.driver is not None
    work = stage.driver.work

    ask.ask_ahead(work, [0.1, 0.1, 0.1])

    assert len(work.live) == at_once
    assert len(work.suggestions) == ahead
