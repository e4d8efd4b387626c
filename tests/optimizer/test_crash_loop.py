"""An experiment that takes its optimizers with it is given up, and the others are not blamed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.experiments.models import Experiment, Worker
from apps.feed.models import Event
from apps.optimizer import census, marker
from apps.trials.models import Attempt, Trial
from apps.tuning import blame, driving, leases
from tunebook.samplers.base import Suggestion

pytestmark = pytest.mark.django_db

Make = Callable[..., Experiment]


@pytest.fixture
def crash(tmp_path: Path) -> Callable[[str], None]:
    """An optimizer that dies in the turn of an experiment, and is found dead."""
    deaths = iter(range(1, 100))

    def die(key: str) -> None:
        name = f"here-{next(deaths)}-1-{census.view()}"
        Worker.objects.create(name=name, host="here", pid=2**22 + 1, slots=1)
        leases.claim(name, most=10)
        marker.Marker(tmp_path, name).show(key)
        assert census.bury("here", tmp_path) == 1

    return die


def test_five_deaths_in_ten_minutes_fail_the_experiment_and_no_other(
    make_experiment: Make, crash: Callable[[str], None], tmp_path: Path
) -> None:
    poisoned, sound = make_experiment(), make_experiment()
    seen = []

    for _ in range(5):
        crash(poisoned.key)
        poisoned.refresh_from_db()
        seen.append(poisoned.status)

    sound.refresh_from_db()
    assert seen == ["WAITING"] * 4 + ["FAILED"]
    assert poisoned.reason == blame.GIVEN_UP
    assert (sound.status, sound.driver) == ("WAITING", "")
    assert [lease.key for lease in leases.claim("next", most=10)] == [sound.key]
    assert list((tmp_path / "run").glob("turn-*")) == []


def test_deaths_long_ago_do_not_count(make_experiment: Make, crash: Callable[[str], None]) -> None:
    experiment = make_experiment()
    for _ in range(4):
        crash(experiment.key)
    Event.objects.filter(kind="note").update(at=timezone.now() - timedelta(minutes=11))

    crash(experiment.key)

    experiment.refresh_from_db()
    assert experiment.status == "WAITING"


def test_what_still_runs_of_it_is_cancelled_and_fenced(make_experiment: Make, crash: Callable[[str], None]) -> None:
    experiment = make_experiment()
    for _ in range(4):
        crash(experiment.key)
    (lease,) = leases.claim("one", most=1)
    with driving.tick(lease, driving.Job.from_dict(experiment.job)) as tick:
        place = {"instance": "t", "executor": "local", "host": "here", "slots": 4}
        tick.begin([Suggestion({"x": 0.5}, "random")], **place)
        tick.suggest([Suggestion({"x": 0.25}, "random")])
    leases.release_all("one")

    crash(experiment.key)

    experiment.refresh_from_db()
    assert experiment.counts == {"SYS_CANCELED": 2}
    assert set(Trial.objects.values_list("status", "reason")) == {("SYS_CANCELED", blame.GIVEN_UP)}
    assert Attempt.objects.get().fenced
    assert not Attempt.objects.filter(ended=None).exists()


def test_an_optimizer_that_dies_between_turns_blames_nobody(
    make_experiment: Make, crash: Callable[[str], None]
) -> None:
    experiment = make_experiment()

    for _ in range(6):
        crash(marker.NOBODY)

    experiment.refresh_from_db()
    assert experiment.status == "WAITING"
    assert not Event.objects.filter(kind="note", payload__text=blame.DIED).exists()


def test_the_marker_follows_the_turns_and_goes_with_its_optimizer(tmp_path: Path) -> None:
    mark = marker.Marker(tmp_path, "one")
    mark.show("a-rather-long-key")
    mark.show("short")
    seen = mark.path.read_text().strip()

    mark.close()

    assert seen == "short"
    assert marker.last_of(tmp_path, "one") == marker.NOBODY
