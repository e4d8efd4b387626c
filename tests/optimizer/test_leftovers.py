"""What is deleted for good leaves no folder behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from apps.experiments.models import Experiment
from apps.feed.models import Event
from apps.optimizer import leftovers
from apps.tuning import trash
from apps.workspaces.access import Actor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def data(settings, tmp_path: Path) -> Path:
    settings.TUNEBOOK_DATA = tmp_path
    return tmp_path


def with_folders(data: Path, key: str, trials: int = 3) -> Path:
    folder = data / "trials" / key
    for number in range(trials):
        (folder / str(number) / "1" / "work").mkdir(parents=True)
        (folder / str(number) / "1" / "out.log").write_text("said")
    return folder


def purged(actor: Actor, experiment: Experiment) -> None:
    trash.delete(actor, experiment)
    trash.purge(actor, experiment)


def test_deleting_for_good_removes_the_folders_of_the_attempts(
    data: Path, actor_ada: Actor, make_experiment: Callable[..., Experiment]
) -> None:
    gone, stays = make_experiment(), make_experiment()
    folders = [with_folders(data, one.key) for one in (gone, stays)]

    purged(actor_ada, gone)
    assert leftovers.remove(data)

    assert [folder.exists() for folder in folders] == [False, True]
    assert list((data / "gone").iterdir()) == []
    assert not Event.objects.filter(stream=f"exp:{gone.key}", kind="note").exists()
    assert Event.objects.filter(stream=f"exp:{stays.key}", kind="note").exists()


def test_folders_on_a_machine_that_was_not_told_are_found_later(
    data: Path, make_experiment: Callable[..., Experiment], django_assert_num_queries
) -> None:
    stays = with_folders(data, make_experiment().key)
    others = [with_folders(data, f"gone{number}") for number in range(20)]

    with django_assert_num_queries(1):
        found = leftovers.find(data)
    leftovers.remove(data)

    assert found == 20
    assert stays.exists() and not any(folder.exists() for folder in others)


def test_a_large_experiment_goes_a_little_at_a_time(data: Path) -> None:
    with_folders(data, "large")
    leftovers.find(data)

    rounds = [leftovers.remove(data, seconds=-1.0), leftovers.remove(data)]

    assert rounds == [False, True]


def test_a_folder_that_cannot_be_removed_does_not_keep_the_record(
    data: Path, actor_ada: Actor, make_experiment: Callable[..., Experiment]
) -> None:
    one = make_experiment()
    (data / "gone").write_text("in the way")

    purged(actor_ada, one)

    assert not Experiment.objects.filter(pk=one.pk).exists()
