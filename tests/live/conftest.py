"""The live machinery for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.live.hub import Hub
from tests.live.sockets import PATIENCE


@pytest.fixture
def live(transactional_db: None) -> Iterator[Callable[[Callable[[], Awaitable[None]]], None]]:
    """Run a coroutine function with the live machinery, and put that away after."""

    def run(story: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await asyncio.wait_for(story(), timeout=2 * PATIENCE)
            finally:
                if Hub.current is not None:
                    await asyncio.get_running_loop().run_in_executor(None, Hub.current.close)

        with ThreadPoolExecutor(1) as thread:  # the browser tests keep a loop on the main thread
            thread.submit(asyncio.run, whole()).result()

    yield run
    assert Hub.current is None
