"""How many requests one caller may send in a minute, counted by each web process for itself."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from django.conf import settings

from apps.tuning.errors import LimitReached

MINUTE = 60.0


class TooMany(LimitReached):
    """The caller has had its share of this minute; `wait` is the seconds to its end."""

    def __init__(self, message: str, wait: int) -> None:
        self.wait = wait
        super().__init__(message)


class Pace:
    """Counts by caller and kind; everything is forgotten when a minute is over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = 0.0
        self._counts: Counter[tuple[str, str]] = Counter()

    def take(self, caller: str, kind: str, limits: Mapping[str, int]) -> None:
        """Count one request of a kind (reads, writes, reports). Raises TooMany above the limit; no limit, no count."""
        most = limits.get(kind)
        if most is None:
            return
        with self._lock:
            now = self._clock()
            if now >= self._ends:
                self._counts.clear()
                self._ends = now + MINUTE
            self._counts[caller, kind] += 1
            if self._counts[caller, kind] > most:
                raise TooMany(f"at most {most} {kind} a minute", max(1, round(self._ends - now)))


PACE = Pace()


def of_token(token: str) -> str:
    """The caller behind a token that belongs to no person: a trial."""
    return f"token {token}"


def keep(caller: str, kind: str) -> None:
    """Count one request against the limits of this installation."""
    PACE.take(caller, kind, settings.TUNEBOOK_RATE_LIMITS)
