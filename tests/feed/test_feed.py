"""The durable feed: gapless numbers, cursors that resume or are told to start anew, and wake-ups that may be lost."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.feed import reading, upkeep, wake
from apps.feed.models import Event, Stream, feed_id
from apps.feed.writing import append

pytestmark = pytest.mark.django_db


@pytest.fixture
def short_folder(settings, tmp_path_factory):
    """A data folder of the test's own, so that no other process's sockets are poked."""
    settings.TUNEBOOK_DATA = tmp_path_factory.mktemp("d")
    return settings.TUNEBOOK_DATA


def test_numbers_follow_each_other_within_and_across_appends():
    with transaction.atomic():
        append("exp:a", [("note", {"n": 1}), ("note", {"n": 2})])
        append("exp:b", [("note", {})])
        last = append("exp:a", [("note", {"n": 3})])

    assert last == 3
    assert [(event.seq, event.payload["n"]) for event in reading.after("exp:a", 0)] == [(1, 1), (2, 2), (3, 3)]


def test_an_event_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError):
        append("exp:a", [("note", {})])


def test_a_change_that_is_rolled_back_leaves_no_gap():
    def change_that_fails():
        with transaction.atomic():
            append("exp:a", [("note", {})])
            raise ValueError

    with transaction.atomic():
        append("exp:a", [("note", {})])
    with pytest.raises(ValueError):
        change_that_fails()
    with transaction.atomic():
        append("exp:a", [("note", {})])

    assert [event.seq for event in reading.after("exp:a", 0)] == [1, 2]


def test_racing_writers_leave_no_gap_and_no_double(transactional_db):
    def write():
        for _ in range(10):
            with transaction.atomic():
                append("exp:a", [("note", {})])
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [event.seq for event in reading.after("exp:a", 0)] == list(range(1, 41))


def test_a_cursor_survives_being_written_down():
    with transaction.atomic():
        append("exp:a", [("note", {})])

    here = reading.cursor("exp:a")

    assert reading.Cursor.parse(str(here)) == here == reading.Cursor(feed_id(), 1)


@pytest.mark.parametrize("text", ["", "5", ":5", "x:", "x:-1", "x:1.5", "x:٣٤x", "x:" + "9" * 30])
def test_a_forged_cursor_is_none(text):
    assert reading.Cursor.parse(text) is None


def test_resuming_is_possible_between_what_was_purged_and_the_head():
    Stream.objects.create(key="exp:a", head=10, floor=4)

    answers = [reading.can_resume("exp:a", seq) for seq in (3, 4, 10, 11)]

    assert answers == [False, True, True, False]


def test_a_purge_takes_old_events_but_keeps_the_newest_and_moves_the_floor():
    with transaction.atomic():
        append("exp:a", [("trial", {})] * 6)

    gone = upkeep.Purge(older_than=timedelta(0), keep=2).step()

    assert gone == 4
    assert list(Event.objects.order_by("seq").values_list("seq", flat=True)) == [5, 6]
    assert Stream.objects.get(pk="exp:a").floor == 4


def test_a_purge_leaves_what_people_are_told_in_words():
    with transaction.atomic():
        append("exp:a", [("note", {"text": "begun"}), *[("metrics", {})] * 5])

    upkeep.Purge(older_than=timedelta(0), keep=2).step()

    assert list(Event.objects.order_by("seq").values_list("seq", "kind")) == [
        (1, "note"),
        (5, "metrics"),
        (6, "metrics"),
    ]


def test_a_purge_leaves_young_events_and_what_is_behind_them():
    with transaction.atomic():
        append("exp:a", [("trial", {})] * 6)
    Event.objects.filter(seq__lte=2).update(at=timezone.now() - timedelta(days=8))

    gone = upkeep.Purge(keep=0).step()

    assert (gone, Stream.objects.get(pk="exp:a").floor) == (2, 2)


def test_many_short_streams_do_not_keep_a_purge_from_the_long_ones(monkeypatch):
    monkeypatch.setattr(upkeep, "STREAMS", 3)
    with transaction.atomic():
        for number in range(9):
            append(f"exp:{number}", [("trial", {})] * (2 if number < 8 else 5))
    purge = upkeep.Purge(older_than=timedelta(0), keep=2)

    gone = [purge.step(), purge.step()]

    assert gone == [3, 0]


def test_a_purge_comes_round_to_every_stream(monkeypatch):
    monkeypatch.setattr(upkeep, "STREAMS", 2)
    with transaction.atomic():
        for number in range(3):
            append(f"exp:{number}", [("trial", {})] * 3)
    purge = upkeep.Purge(older_than=timedelta(0), keep=2)

    assert [purge.step() for _ in range(3)] == [2, 1, 0]


def test_a_poke_wakes_everybody_who_waits(short_folder):
    ears = [wake.Receiver("web"), wake.Receiver("optimizer")]

    wake.poke()

    assert [ear.wait(1) for ear in ears] == [True, True]
    assert [ear.wait(0) for ear in ears] == [False, False]
    for ear in ears:
        ear.close()


def test_the_socket_of_a_dead_process_is_removed(short_folder):
    ear = wake.Receiver("web")
    ear.socket.close()

    wake.poke()

    assert list(wake.folder().iterdir()) == []


def test_a_folder_with_a_long_name_works_too(settings, tmp_path):
    settings.TUNEBOOK_DATA = tmp_path / ("long" * 30)
    ear = wake.Receiver("web")

    wake.poke()

    assert ear.wait(1)
    ear.close()


def test_a_full_ear_does_not_hold_up_the_writer(short_folder):
    ear = wake.Receiver("web")
    ear.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    for _ in range(2_000):
        wake.poke()

    assert ear.wait(0)
    ear.close()


def test_a_transaction_pokes_once_after_its_commit(short_folder, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        append("exp:a", [("note", {})])
        append("exp:b", [("note", {})])

    assert callbacks.count(wake.poke) == 1
