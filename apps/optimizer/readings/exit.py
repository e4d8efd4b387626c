"""That an attempt ended well, as a number: 0, its exit status. For commands that measure nothing."""

from __future__ import annotations

from apps.optimizer.readings.base import Offsets, Request
from apps.tuning.measuring import Reading


def read_exit(request: Request) -> tuple[list[Reading], Offsets]:
    """0 for each metric once the attempt has ended; where it ended badly, no value is looked at."""
    if not request.final or request.offsets.get("exit"):
        return [], dict(request.offsets)
    return [Reading(name, 0, 0.0) for name in request.metrics], {**request.offsets, "exit": True}
