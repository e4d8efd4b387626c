"""Requests of one process run one after another, unless one takes long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.config.turns import Turns


@pytest.mark.parametrize("places", [1, 3])
def test_so_many_quick_requests_run_at_once_and_no_more(places):
    turns, inside, most = Turns(places, patience=60.0), set(), 0
    full = threading.Barrier(places)

    def request(number: int) -> None:
        nonlocal most
        with turns.take():
            inside.add(number)
            most = max(most, len(inside))
            full.wait(60)
            inside.discard(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(request, range(42)))

    assert most == places


def test_a_long_request_loses_its_turn_and_holds_up_nobody():
    turns, done = Turns(patience=0.01), threading.Event()

    def long_request() -> None:
        with turns.take():
            assert done.wait(60)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(long_request)
        for _ in range(3):
            with turns.take():
                pass
        done.set()
        waiting.result(timeout=60)

    assert done.is_set()


def test_a_request_that_fails_gives_its_turn_back():
    turns = Turns(patience=60.0)

    with pytest.raises(ValueError), turns.take():
        raise ValueError

    second = threading.Thread(target=lambda: turns.take().__enter__())
    second.start()
    second.join(timeout=60)
    assert not second.is_alive()
