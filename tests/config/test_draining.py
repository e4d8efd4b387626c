"""A web process that has been told to end is unready for a while, and serves meanwhile."""

from __future__ import annotations

import os
import re
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.config import draining
from apps.config.health import leaving
from tests.optimizer.waiting import until
from tests.running import Running


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

    until(lambda: term == [signal.SIGTERM])


def test_where_uvicorn_does_not_run_nothing_is_changed(term: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)

    thread = threading.Thread(target=draining.obey, args=(0.0,))
    thread.start()
    thread.join()

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Running]:
    """Two web processes that go on serving for a minute, below a parent."""
    Running(tmp_path, "migrate", "-v0").process.communicate(timeout=120)
    running = Running(tmp_path, "serve", "--port", "0", "--workers", "2", TUNEBOOK_DRAIN_SECONDS="60")
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.communicate()


def status(address: str, path: str) -> int:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address + path, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_all_processes_of_a_server_are_unready_and_a_second_term_ends_them(serve: Running) -> None:
    found = re.search(r"http://[^/]+", serve.line("Tunebook is at"))
    assert found is not None
    ready = status(found[0], "/readyz")

    serve.process.terminate()
    until(lambda: {status(found[0], "/readyz") for _ in range(8)} == {503}, what="all are unready")
    page = status(found[0], "/login")
    until(lambda: serve.process.send_signal(signal.SIGTERM) or serve.process.poll() is not None, what="they end")

    assert (ready, page) == (200, 200)
