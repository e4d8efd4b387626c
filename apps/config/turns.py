"""Requests of one process take turns, because Python runs one of them at a time anyway.

Threads that all want the interpreter hand it to and fro many times per request, and the server's own loop waits in the
same queue: measured, eight clients got half as many answers a second as with turns. A request that takes long (it waits
for the database, or for news) loses its turn to the next one and goes on beside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 0.03  # seconds; many times what a usual request takes


class Turns:
    """`with turns.take():` runs alone, as long as it is quick."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._free = threading.Condition()
        self._holder: object | None = None
        self._since = 0.0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait until nobody has the turn, or whoever has it has had it for too long."""
        me = object()
        with self._free:
            while self._holder is not None and (left := self._since + self.patience - time.monotonic()) > 0:
                self._free.wait(left)
            self._holder, self._since = me, time.monotonic()
        try:
            yield
        finally:
            with self._free:
                if self._holder is me:
                    self._holder = None
                    self._free.notify()
