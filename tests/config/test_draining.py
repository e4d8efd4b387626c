"""A web process that has been told to end is unready for a while, and serves meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from apps.config import draining
from apps.config.health import leaving
from tests.optimizer.waiting import until


@pytest.fixture
def term() -> Iterator[list[int]]:
    """What uvicorn's handler of TERM has been told, in the place of which a handler may be put."""
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    yield told
    signal.signal(signal.SIGTERM, before)
    leaving.clear()


def test_after_term_it_is_unready_and_goes_on(term: list[int], client) -> None:
    draining.obey(60.0)

    os.kill(os.getpid(), signal.SIGTERM)
    answer = client.get("/readyz")

    assert (answer.status_code, term) == (503, [])
    assert answer.json() == {"status": "unavailable", "reason": "leaving"}
    assert client.get("/healthz").status_code == 200


def test_when_its_time_is_over_it_ends_and_the_same_wish_told_twice_is_one(
    term: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "ONE_WISH", 60.0)
    draining.obey(0.01)

    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)

    until(lambda: term)
    time.sleep(0.1)  # ten times as long as it waits: a second end would have come
    assert term == [signal.SIGTERM]


def test_where_uvicorn_does_not_run_nothing_is_changed(term: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)

    thread = threading.Thread(target=draining.obey, args=(0.0,))
    thread.start()
    thread.join()

    assert signal.getsignal(signal.SIGTERM) is before
