"""Where the files of an attempt lie below the data folder."""

from __future__ import annotations

from pathlib import Path

Place = tuple[str, int, int]
"""(experiment key, trial number, attempt number)"""


def attempt(data: Path, place: Place) -> Path:
    """The folder of one attempt."""
    experiment, trial, number = place
    return data / "trials" / experiment / str(trial) / str(number)


def wake(data: Path) -> Path:
    """The folder in which those who wait for news keep their sockets."""
    return data / "run" / "wake"
