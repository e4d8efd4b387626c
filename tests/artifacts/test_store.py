"""Bytes by their hash: once, whole, and gone when nothing refers to them."""

import hashlib
import os
import stat
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import InMemoryStorage
from django.db import connection

from apps.artifacts import artifacts, places, snapshots, store
from apps.artifacts.models import Blob

NOW = timedelta(0)


@pytest.fixture
def own_root(settings, tmp_path):
    """A folder that no other test process writes to."""
    settings.TUNEBOOK_DATA = tmp_path / "data"
    return places.root()


@pytest.fixture
def bucket(monkeypatch, own_root):
    """Blobs in a Django storage instead of the folder."""
    made = places.Bucket(InMemoryStorage(), places.Folder(own_root))
    monkeypatch.setattr(places, "place", lambda: made)
    return made


@pytest.fixture(params=["folder", "bucket"])
def somewhere(request, db, own_root):
    return request.getfixturevalue("bucket") if request.param == "bucket" else places.place()


def content(blob):
    with store.open(blob.sha256) as file:
        return file.read()


def drafts():
    folder = places.root() / "drafts"
    return list(folder.iterdir()) if folder.is_dir() else []


def test_what_was_put_in_comes_out(somewhere):
    blob = store.put([b"one", b"two"])

    assert content(blob) == b"onetwo"
    assert blob.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert blob.size == 6
    assert store.local(blob.sha256).read_bytes() == b"onetwo"


def test_the_same_bytes_are_kept_once(somewhere, tmp_path):
    (tmp_path / "file").write_bytes(b"same")

    first, second = store.put(b"same"), store.put(tmp_path / "file")

    assert first.sha256 == second.sha256
    assert Blob.objects.filter(sha256=first.sha256).count() == 1


def test_a_file_too_large_is_refused_and_leaves_nothing(somewhere):
    with pytest.raises(store.TooLarge):
        store.put([b"x" * 10, b"x" * 10], most=15)

    assert not Blob.objects.exists()
    assert not drafts()


def test_a_source_that_fails_half_way_leaves_nothing(somewhere):
    def broken():
        yield b"half"
        raise OSError("the line is down")

    with pytest.raises(OSError, match="the line is down"):
        store.put(broken())

    assert not Blob.objects.exists()
    assert not drafts()


def test_a_blob_can_be_read_by_its_owner_only_and_written_by_nobody(db):
    blob = store.put(b"secret")

    assert stat.S_IMODE(store.local(blob.sha256).stat().st_mode) == 0o400


def test_what_nothing_refers_to_is_collected(somewhere, make_experiment):
    kept, unused = store.put(b"kept"), store.put(b"unused")
    artifacts.refer(make_experiment(), None, {"a.txt": kept})

    gone = store.collect(unused_for=NOW)

    assert gone == 1
    assert places.place().has(kept.sha256)
    assert not places.place().has(unused.sha256)
    with pytest.raises(FileNotFoundError):
        store.open(unused.sha256)


def test_a_snapshot_keeps_its_files_from_being_collected(somewhere, workspace):
    made = snapshots.store(workspace, {"a.py": b"print(1)"})

    assert store.collect(unused_for=NOW) == 0

    made.delete()
    assert store.collect(unused_for=NOW) == 1


def test_what_was_just_put_in_is_not_collected(somewhere):
    store.put(b"somebody is about to refer to this")

    assert store.collect() == 0


def test_bytes_that_were_collected_can_be_put_in_again(somewhere):
    store.put(b"again")
    store.collect(unused_for=NOW)

    blob = store.put(b"again")

    assert content(blob) == b"again"


def test_drafts_that_nobody_finished_go_after_a_day(db):
    old, new = places.new_draft(places.root()), places.new_draft(places.root())
    for draft in (old, new):
        draft.write_bytes(b"half a file")
    os.utime(old, (0, 0))

    store.collect()

    assert not old.exists()
    assert new.exists()
    new.unlink()


def test_a_file_that_is_missing_from_the_store_is_put_back_by_whoever_brings_it(somewhere):
    blob = store.put(b"lost and found")
    places.place().remove(blob.sha256)

    store.put(b"lost and found")

    assert content(blob) == b"lost and found"


@pytest.mark.django_db(transaction=True)
def test_bytes_put_in_while_they_are_being_collected_are_there_afterwards(monkeypatch):
    blob = store.put(b"contested")
    place = places.place()
    remove, others = place.remove, []

    def put():
        try:
            store.put(b"contested")
        finally:
            connection.close()

    def remove_slowly(sha256):
        others.append(threading.Thread(target=put))
        others[0].start()
        others[0].join(0.2)  # it waits for the row, or is done already
        remove(sha256)

    monkeypatch.setattr(places, "place", lambda: place)
    monkeypatch.setattr(place, "remove", remove_slowly)

    store.collect(unused_for=NOW)
    others[0].join()

    assert place.has(blob.sha256)
    assert Blob.objects.filter(sha256=blob.sha256).exists()
