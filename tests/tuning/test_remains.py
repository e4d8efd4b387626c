"""What is deleted for good is out of reach at once; its rows go in pieces that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.asserts import assertContains

from apps.artifacts import store
from apps.artifacts.models import Blob
from apps.experiments import tally
from apps.experiments.models import Experiment
from apps.optimizer import upkeep
from apps.trials.models import Measurement, Trial
from apps.tuning import experiments, remains, trash
from apps.workspaces.access import Actor, OutOfReach

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remains, "ROWS", 4)
    monkeypatch.setattr(remains, "TRIALS", 2)


@pytest.fixture
def large(make_experiment: Make, actor_ada: Actor) -> Experiment:
    """Three trials of seven measurements each, in the trash."""
    experiment = make_experiment()
    for number in range(3):
        trial = Trial.objects.create(experiment=experiment, number=number, params={}, status="FINISHED")
        Measurement.objects.bulk_create(
            Measurement(trial=trial, name="loss", step=step, value=1.0) for step in range(7)
        )
    return trash.delete(actor_ada, experiment)


def test_what_is_deleted_for_good_is_out_of_reach_before_it_is_gone(
    large: Experiment, actor_ada: Actor, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "AT_ONCE", -1.0)

    trash.purge(actor_ada, large)

    assert Measurement.objects.exists()
    assert not Experiment.objects.visible_to(actor_ada).exists()
    assert tally.totals(actor_ada, trashed=True) == {}
    for verb in (trash.restore, trash.purge, experiments.resume):
        with pytest.raises(OutOfReach):
            verb(actor_ada, large)


def test_it_goes_in_small_pieces(
    large: Experiment, actor_ada: Actor, make_experiment: Make, small_pieces: None
) -> None:
    stays = make_experiment()
    Trial.objects.create(experiment=stays, number=0, params={})
    remains.set_aside(large)

    left = [21]
    while not remains.remove(seconds=-1.0):
        left.append(Measurement.objects.count())

    assert all(before - after <= 4 for before, after in pairwise(left))
    assert list(Experiment.objects.all()) == [stays]
    assert Trial.objects.count() == 1


def test_who_deletes_something_small_does_not_wait_for_what_others_have_left(
    large: Experiment, actor_ada: Actor, make_experiment: Make
) -> None:
    small = make_experiment()
    Trial.objects.create(experiment=small, number=0, params={}, status="FINISHED")
    remains.set_aside(large)

    trash.purge(actor_ada, trash.delete(actor_ada, small))

    assert Measurement.objects.count() == 21
    assert list(Experiment.objects.all()) == [large]


def test_the_rows_of_many_that_are_deleted_for_good_together_go_later(
    large: Experiment, ada: User, client: Client
) -> None:
    client.force_login(ada)

    response = client.post("/w/lab/act", {"act": "purge", "key": [large.key]}, follow=True)

    assertContains(response, "1 experiment deleted for good")
    assert Measurement.objects.count() == 21
    assert remains.remove(seconds=60)
    assert not Experiment.objects.exists()


def test_the_trash_does_not_count_twice_what_is_being_removed(large: Experiment, settings: Any) -> None:
    settings.TUNEBOOK_TRASH_DAYS = 1
    Experiment.objects.update(trashed_at="2020-01-01T00:00Z")

    emptied = [trash.empty(), trash.empty()]

    assert emptied == [1, 0]


def test_files_of_a_large_experiment_are_collected_without_a_pause(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    monkeypatch.setattr(store, "COLLECT_AT_ONCE", 2)
    for number in range(5):
        store.put(str(number).encode())
    Blob.objects.update(touched="2020-01-01T00:00Z")

    left = []
    while upkeep.due("artifacts", upkeep.COLLECT_EVERY):
        upkeep.collect_files()
        left.append(Blob.objects.count())

    assert left == [3, 1, 0]
