"""Code: kept once, laid out as often as it is run."""

import os
import stat
from datetime import timedelta

import pytest

from apps.artifacts import snapshots, store
from apps.artifacts.models import Blob, Snapshot
from apps.artifacts.paths import BadPath
from tests.people import a_job
from tunebook.command import Command

NOW = timedelta(0)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "code"
    (made / "package").mkdir(parents=True)
    (made / "train.py").write_text("print(1)")
    (made / "run.sh").write_text("#!/bin/sh")
    (made / "run.sh").chmod(0o755)
    (made / "package" / "model.py").write_text("x = 1")
    (made / "link").symlink_to("/etc/passwd")
    return made


def test_a_folder_comes_out_as_it_went_in_without_its_links(workspace, folder, tmp_path):
    made = snapshots.store(workspace, folder)

    snapshots.lay(made, tmp_path / "work")

    found = {path.relative_to(tmp_path / "work").as_posix() for path in (tmp_path / "work").rglob("*")}
    assert found == {"train.py", "run.sh", "package", "package/model.py"}
    assert (tmp_path / "work/train.py").read_text() == "print(1)"
    assert os.access(tmp_path / "work/run.sh", os.X_OK)
    assert not os.access(tmp_path / "work/train.py", os.X_OK)


def test_the_same_content_is_the_same_snapshot(workspace, folder):
    first = snapshots.store(workspace, folder)
    second = snapshots.store(workspace, {path.name: path for path in ()} | {})

    assert snapshots.store(workspace, folder).key == first.key
    assert second.key != first.key
    assert Snapshot.objects.count() == 2


def test_a_trial_cannot_change_the_store_through_what_was_laid(workspace, tmp_path):
    made = snapshots.store(workspace, {"data.txt": b"original"})
    snapshots.lay(made, tmp_path / "one")

    (tmp_path / "one/data.txt").chmod(0o666)
    (tmp_path / "one/data.txt").write_text("spoilt")
    snapshots.lay(made, tmp_path / "two")

    assert (tmp_path / "two/data.txt").read_text() == "original"
    assert (tmp_path / "two/data.txt").stat().st_nlink == 1


def test_laying_twice_leaves_what_the_trial_has_done_in_between(workspace, tmp_path):
    made = snapshots.store(workspace, {"a": b"1"})
    snapshots.lay(made, tmp_path / "work")
    (tmp_path / "work/a").write_text("changed")

    snapshots.lay(made, tmp_path / "work")

    assert (tmp_path / "work/a").read_text() == "changed"
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_a_snapshot_whose_bytes_are_lost_is_not_laid_in_part(workspace, tmp_path):
    made = snapshots.store(workspace, {"a": b"1", "b": b"2"})
    store.places.place().remove(made.files[1]["sha256"])

    with pytest.raises(FileNotFoundError):
        snapshots.lay(made, tmp_path / "work")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../a", "/a", "a\0b", ""])
def test_a_snapshot_with_a_hostile_path_is_refused(workspace, path):
    with pytest.raises(BadPath):
        snapshots.store(workspace, {path: b"x"})

    assert not Snapshot.objects.exists()


def test_a_file_that_is_a_folder_too_is_refused(workspace):
    with pytest.raises(BadPath, match="a file and a folder"):
        snapshots.store(workspace, {"a": b"", "a/b": b""})


def test_too_many_files_or_bytes_are_refused(workspace, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_FILES", 2)
    monkeypatch.setattr(snapshots, "MOST_BYTES", 10)

    with pytest.raises(BadPath, match="at most 2 files"):
        snapshots.store(workspace, {"a": b"1", "b": b"2", "c": b"3"})
    with pytest.raises(BadPath, match="at most 10 bytes"):
        snapshots.store(workspace, {"a": b"123456", "b": b"654321"})


def test_a_snapshot_that_an_experiment_runs_is_kept(workspace, make_experiment):
    used = snapshots.store(workspace, {"a.py": b"1"})
    snapshots.store(workspace, {"b.py": b"2"})
    make_experiment(job=a_job(command=Command(steps=("python a.py",), code=used.key)))

    gone = snapshots.collect(unused_for=NOW)

    assert gone == 1
    assert list(Snapshot.objects.values_list("key", flat=True)) == [used.key]
    store.collect(unused_for=NOW)
    assert Blob.objects.count() == 1


def test_another_workspaces_snapshot_is_not_found(workspace, cleo):
    made = snapshots.store(workspace, {"a": b"1"})
    elsewhere = cleo.memberships.get().workspace

    assert snapshots.find(workspace, made.key) == made
    assert snapshots.find(elsewhere, made.key) is None


def test_what_is_laid_belongs_to_its_owner_alone(workspace, tmp_path):
    snapshots.lay(snapshots.store(workspace, {"a": b"1"}), tmp_path / "work")

    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o700
