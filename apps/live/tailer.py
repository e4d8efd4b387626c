"""One thread per process that watches the feed and hands each new event, read once, to all who listen.

It sleeps on the process's wake-up socket. Wake-ups may be lost, so it looks at the heads of all watched streams every
quarter of a second anyway; with nobody listening it asks the database nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from django.db import connection

from apps.feed import reading
from apps.feed.wake import Receiver
from apps.live.frames import Frame, frame

POLL = 0.25
IDLE = 2.0
PACE = 0.02
"""The shortest time between two looks: a burst of commits becomes one message per listener."""
PAGE = 500
RETRY = 1.0

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who wants the events of a stream; called on the event loop's thread, in order."""

    def hear(self, frame: Frame) -> None: ...


class Tailer:
    """Watches streams for listeners. `join` and `leave` belong to the event loop's thread, the reading to its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, receiver: Receiver | None = None) -> None:
        self.loop = loop
        self.receiver = receiver
        self.listeners: dict[str, set[Listener]] = {}
        self.delivered: dict[str, int] = {}
        self.cursors: dict[str, int] = {}
        self.lock = threading.Lock()
        self.bell, self.rope = os.pipe()
        self.closing = False
        self.is_blind = False
        self.thread = threading.Thread(target=self._run, name="live-tailer", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        """End the thread and give its connection back."""
        self.closing = True
        self._ring()
        self.thread.join(timeout=5)
        if self.receiver is not None:
            self.receiver.close()
        os.close(self.bell)
        os.close(self.rope)

    def join(self, stream: str, listener: Listener, seq: int) -> bool:
        """Listen from seq on. False: others have been told more already, so read up to where they are first."""
        if seq < self.delivered.get(stream, seq):
            return False
        listeners = self.listeners.setdefault(stream, set())
        listeners.add(listener)
        if len(listeners) == 1:
            with self.lock:
                self.cursors[stream] = self.delivered[stream] = seq
            self._ring()
        return True

    def leave(self, stream: str, listener: Listener) -> None:
        listeners = self.listeners.get(stream, set())
        listeners.discard(listener)
        if listeners or stream not in self.listeners:
            return
        del self.listeners[stream]
        with self.lock:
            self.cursors.pop(stream, None)
            self.delivered.pop(stream, None)

    def look(self) -> None:
        """Read what is new in every watched stream, once, and hand it over. One query, and one or two per stream with news."""
        with self.lock:
            watched = dict(self.cursors)
        if not watched:
            return
        for stream, head in reading.heads(watched).items():
            if head > watched[stream]:
                self._read(stream, watched[stream], head)

    def _read(self, stream: str, seq: int, head: int) -> None:
        while seq < head and (events := reading.after(stream, seq, PAGE)):
            news = frame(stream, events)
            with self.lock:
                if self.cursors.get(stream) != seq:
                    return  # everybody left, or left and came back, while this was read
                self.cursors[stream] = seq = news.last
            self.loop.call_soon_threadsafe(self._deliver, news)

    def _deliver(self, news: Frame) -> None:
        known = self.delivered.get(news.stream)
        if known is None or known >= news.last:
            return
        self.delivered[news.stream] = news.last
        for listener in tuple(self.listeners.get(news.stream, ())):
            listener.hear(news)

    def _ring(self) -> None:
        os.write(self.rope, b"!")

    def _run(self) -> None:
        looked = 0.0
        while not self.closing:
            self._sleep(POLL if self.cursors else IDLE)
            pause = looked + PACE - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            looked = time.monotonic()
            self._attempt(self.look)
        connection.close()

    def _sleep(self, seconds: float) -> None:
        ears: list[Any] = [self.bell] if self.receiver is None else [self.bell, self.receiver]
        ready, _, _ = select.select(ears, [], [], seconds)
        if self.bell in ready:
            os.read(self.bell, 4096)
        if self.receiver is not None and self.receiver in ready:
            self.receiver.drain()

    def _attempt(self, look: Callable[[], None]) -> None:
        """One look. Whatever goes wrong is logged and tried again a little later; a loop that is gone ends the thread."""
        try:
            look()
            if self.is_blind:
                self.is_blind = False
                log.info("the feed can be read again")
        except Exception:
            if self.loop.is_closed():
                self.closing = True
                return
            if not self.is_blind:
                self.is_blind = True
                log.warning("the feed cannot be read; trying again until it can", exc_info=True)
            connection.close()
            time.sleep(RETRY)
