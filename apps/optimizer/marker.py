"""Which experiment an optimizer is busy with, kept where it outlives the process: whoever finds it dead knows the suspect."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

WIDTH = 32
NOBODY = ""


class Marker:
    """A small file of one optimizer, rewritten in place each time it turns to another experiment."""

    def __init__(self, data: Path, worker: str) -> None:
        self.path = place(data, worker)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.shown = NOBODY

    def show(self, experiment: str) -> None:
        """Note whose turn it is now; NOBODY between the turns."""
        if experiment != self.shown:
            self.shown = experiment
            with contextlib.suppress(OSError):  # a full disk costs only the suspicion
                os.pwrite(self.file, experiment.encode().ljust(WIDTH), 0)

    def close(self) -> None:
        os.close(self.file)
        self.path.unlink(missing_ok=True)


def last_of(data: Path, worker: str) -> str:
    """The experiment that a dead optimizer was busy with, NOBODY if none; its file goes."""
    path = place(data, worker)
    try:
        found = path.read_text().strip()
        path.unlink()
    except (OSError, UnicodeDecodeError):
        return NOBODY
    return found


def place(data: Path, worker: str) -> Path:
    return data / "run" / f"turn-{worker}"
