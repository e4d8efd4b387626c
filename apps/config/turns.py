"""Requests of one process take turns, because Python runs one of them at a time anyway.

Threads that all want the interpreter hand it to and fro many times per request, and the server's own loop waits in the
same queue: measured, eight clients got half as many answers a second as with turns. A request that takes long (it waits
for the database, or for news) loses its turn to the next one and goes on beside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection

PATIENCE = 0.03  # seconds; many times what a usual request takes
PLACES: Mapping[str, int] = {"postgresql": 3}
"""By database: while one request waits for the server, others run. The embedded one answers in this process."""


def turns() -> Turns:
    """The turns of this process's requests."""
    return Turns(PLACES.get(connection.vendor, 1))


class Turns:
    """`with turns.take():` runs with few others, as long as it is quick.

    places: how many may run at once; more than one where a request waits for another process in between.
    """

    def __init__(self, places: int = 1, patience: float = PATIENCE) -> None:
        self.places, self.patience = places, patience
        self._free = threading.Condition()
        self._since: dict[object, float] = {}

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait until a place is free, or somebody has had one for too long."""
        me = object()
        with self._free:
            while (left := self._until_free()) > 0:
                self._free.wait(left)
            self._since[me] = time.monotonic()
        try:
            yield
        finally:
            with self._free:
                if self._since.pop(me, None) is not None:
                    self._free.notify()

    def _until_free(self) -> float:
        """Seconds until one loses its place if none gives it back; 0 when there is a place now."""
        if len(self._since) < self.places:
            return 0.0
        oldest = min(self._since, key=self._since.__getitem__)
        left = self._since[oldest] + self.patience - time.monotonic()
        if left <= 0:
            del self._since[oldest]
        return max(left, 0.0)
