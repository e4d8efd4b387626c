"""What all sockets of a process share: the tailer, the threads that ask the database, the re-checks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Protocol, TypeVar

from django.db import close_old_connections, connections

from apps.feed.wake import Receiver
from apps.live.tailer import Tailer

RECHECK = 60.0
REVOKED = 0.05
"""Seconds between a revocation and the look at it, so that several at once are one."""
THREADS = 2

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class Socket(Protocol):
    """What the hub needs of a consumer."""

    async def recheck(self) -> None: ...


class Hub:
    """One per process (and event loop). `Hub.here()` makes it at the first socket."""

    current: ClassVar[Hub | None] = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.tailer = Tailer(loop, receiver=_receiver())
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="live-database")
        self.sockets: set[Socket] = set()
        self.rechecking: asyncio.Task[None] | None = None
        self.asked: asyncio.TimerHandle | None = None

    @classmethod
    def here(cls) -> Hub:
        """The hub of the running loop; one that a finished loop left behind is put away."""
        loop = asyncio.get_running_loop()
        if cls.current is None or cls.current.loop is not loop:
            if cls.current is not None:
                cls.current.close()
            cls.current = cls(loop)
            cls.current.start()
        return cls.current

    def start(self) -> None:
        self.tailer.start()
        self.rechecking = self.loop.create_task(self._recheck_for_ever())

    def close(self) -> None:
        self.tailer.close()
        together = threading.Barrier(THREADS)
        for _ in range(THREADS):
            self.pool.submit(_hang_up, together)
        self.pool.shutdown(wait=True)
        if self.rechecking is not None and not self.loop.is_closed():
            self.rechecking.cancel()
        if Hub.current is self:
            Hub.current = None

    async def ask(self, question: Callable[..., Answer], *arguments: Any) -> Answer:
        """Run a function that uses the database, off the loop."""
        return await self.loop.run_in_executor(self.pool, _fresh, question, *arguments)

    async def recheck(self) -> None:
        """Look again at everybody's rights."""
        for socket in tuple(self.sockets):
            try:
                await socket.recheck()
            except Exception:
                log.exception("rights of a socket could not be checked")

    async def _recheck_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RECHECK)
            await self.recheck()

    def revoked(self) -> None:
        """Something was revoked in this process (any thread): look at everybody's rights in a moment."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._recheck_soon)

    def _recheck_soon(self) -> None:
        if self.asked is None:
            self.asked = self.loop.call_later(REVOKED, self._recheck_now)

    def _recheck_now(self) -> None:
        self.asked = None
        self.loop.create_task(self.recheck())


def _fresh(question: Callable[..., Answer], *arguments: Any) -> Answer:
    close_old_connections()
    try:
        return question(*arguments)
    finally:
        close_old_connections()


def _hang_up(together: threading.Barrier) -> None:
    """Close this thread's connection; the barrier makes sure that each thread does."""
    with contextlib.suppress(threading.BrokenBarrierError):
        together.wait(timeout=1)
    connections.close_all()


def _receiver() -> Receiver | None:
    """The process's ear; without one (a full or read-only disk) polling alone has to do."""
    try:
        return Receiver("web")
    except OSError:
        log.warning("no wake-up socket; live updates come up to a quarter of a second later", exc_info=True)
        return None
