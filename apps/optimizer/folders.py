"""Where the files of an attempt lie below the data folder."""

from __future__ import annotations

import os
from pathlib import Path

Place = tuple[str, int, int]
"""(experiment key, trial number, attempt number)"""


def attempt(data: Path, place: Place) -> Path:
    """The folder of one attempt."""
    return Path(attempt_path(os.fspath(data), place))


def attempt_path(data: str, place: Place) -> str:
    """The same as text, which costs a tenth."""
    experiment, trial, number = place
    return f"{data}/trials/{experiment}/{trial}/{number}"


def wake(data: Path) -> Path:
    """The folder in which those who wait for news keep their sockets."""
    return data / "run" / "wake"
