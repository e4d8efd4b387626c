"""What an optimizer notes about an experiment beside its events: when it took it, what failed with which traceback, what
could not be launched. A text file beside the experiment's trials, of which about the newest half megabyte is kept.

A turn in which all is well writes nothing. A line that cannot be written is lost, for nothing may fail by it.
"""

from __future__ import annotations

import logging
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

from apps.trials import logs

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
"""At this size the file becomes the older one, and the one that was older goes."""
LONGEST = 16 * 1024


def write(data: Path, experiment: str, text: str, *, level: str = "info", error: BaseException | None = None) -> None:
    """Add a line to an experiment's log, with the traceback of an error behind it."""
    if error is not None:
        text += "\n" + "".join(traceback.format_exception(error)).rstrip()
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = text.replace("\0", "\N{SYMBOL FOR NULL}")[:LONGEST].splitlines() or [""]
    entry = f"{moment} {level:<7} {lines[0]}\n" + "".join(f"    {line}\n" for line in lines[1:])
    try:
        _append(logs.optimizer_log(data, experiment), entry.encode("utf-8", "replace"))
    except OSError as problem:
        log.warning("the log of experiment %s is not written: %s", experiment, problem)


def _append(path: Path, entry: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, flags, 0o600)
    try:
        os.write(handle, entry)
        size = os.fstat(handle).st_size
    finally:
        os.close(handle)
    if size > MOST_BYTES:
        os.replace(path, logs.older(path))
