"""Requests of one process run one after another, unless one takes long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.config.turns import Turns


def test_quick_requests_run_one_at_a_time():
    turns, inside, most = Turns(patience=60.0), 0, 0

    def request(_: int) -> None:
        nonlocal inside, most
        with turns.take():
            inside += 1
            most = max(most, inside)
            threading.Event().wait(0.001)
            inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(request, range(40)))

    assert most == 1


def test_a_long_request_loses_its_turn_and_holds_up_nobody():
    turns, done = Turns(patience=0.01), threading.Event()

    def long_request() -> None:
        with turns.take():
            assert done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(long_request)
        for _ in range(3):
            with turns.take():
                pass
        done.set()
        waiting.result(timeout=10)

    assert done.is_set()


def test_a_request_that_fails_gives_its_turn_back():
    turns = Turns(patience=60.0)

    with pytest.raises(ValueError), turns.take():
        raise ValueError

    second = threading.Thread(target=lambda: turns.take().__enter__())
    second.start()
    second.join(timeout=10)
    assert not second.is_alive()
