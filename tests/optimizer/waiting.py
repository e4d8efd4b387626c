"""Waiting for real processes: until something holds, with a deadline, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0


def until(look: Callable[[], T], *, seconds: float = PATIENCE, what: str = "") -> T:
    """What `look` gives as soon as it is true; AssertionError when it never is."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still not so after {seconds} seconds: {what or look}"
        time.sleep(pause)
        pause = min(1.1 * pause, 0.02)  # every look takes the processor from what is waited for
