"""What waits to be sent on one socket: bounded, so that a slow client costs its own connection and nothing else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

LIMIT = 256


class Lagging(Exception):
    """The client takes events more slowly than they come."""


class Outbox:
    """A queue of texts, counted in events."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.waiting: deque[tuple[str, int]] = deque()
        self.events = 0
        self.filled = asyncio.Event()
        self.emptied = asyncio.Event()
        self.emptied.set()

    def put(self, texts: Sequence[str], events: int = 1) -> None:
        """Add texts that together stand for so many events. Lagging when too many wait; an empty box takes any number."""
        if self.waiting and self.events + events > self.limit:
            raise Lagging
        share = -(-events // len(texts)) if texts else 0
        for text in texts:
            self.waiting.append((text, share))
            self.events += share
        if self.waiting:
            self.filled.set()
            self.emptied.clear()

    async def get(self) -> str:
        """The next text; waits for one."""
        await self.filled.wait()
        text, events = self.waiting.popleft()
        self.events -= events
        if not self.waiting:
            self.filled.clear()
            self.emptied.set()
        return text

    async def drained(self) -> None:
        """Wait until nothing waits: a reader of the past goes no faster than its client."""
        await self.emptied.wait()
