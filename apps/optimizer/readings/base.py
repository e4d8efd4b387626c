"""What every reader of metrics gets, and the pieces they share."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apps.optimizer import runner

Offsets = dict[str, Any]
"""How far each source has been read; plain JSON, kept in the attempt's row."""

MOST_BYTES = 4 << 20
"""So much of a file is read at a look while the attempt runs."""
MOST_AT_ONCE = 32 << 20
"""So long may be what can only be read whole: once, when the attempt has ended."""
MAX_NAME = 255
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

LEFT_OUT = "left_out"


class ReadingError(Exception):
    """A metric source cannot be read at all; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One look at one attempt.

    folder: the attempt's. work: where its commands run. metrics: the names to look for.
    sources: paths, statements or step names with every placeholder filled. final: the attempt has ended.
    earlier: folders of the attempts that this one goes on from; what they finished is not run again.
    """

    type: str
    folder: str
    work: Path
    metrics: Sequence[str]
    sources: Sequence[str] = ()
    offsets: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False
    earlier: Sequence[str] = ()
    table_url: str = ""

    def with_offsets(self, offsets: Offsets) -> Request:
        return replace(self, offsets=offsets)

    def path(self, source: str) -> Path:
        """A source that is a file or folder: relative ones lie where the commands run."""
        return self.work / source


def leave_out(offsets: Offsets, key: str, words: str) -> None:
    """Note beside the offsets that something is not read, and why; people are told at the attempt's end."""
    offsets[LEFT_OUT] = {**offsets.get(LEFT_OUT, {}), key: words}


def left_out(offsets: Mapping[str, Any]) -> list[str]:
    """What was not read of the sources, in words for people."""
    return list(offsets.get(LEFT_OUT, {}).values())


def is_to_be_read(path: Path, size: int, key: str, request: Request, offsets: Offsets) -> bool:
    """Whether a file that can only be read whole is read at this look; one that is too large is noted at the end."""
    if request.final and size > MOST_AT_ONCE:
        leave_out(offsets, key, f"{path.name} is not read: it is longer than {MOST_AT_ONCE >> 20} MiB ({size:,} bytes)")
    return size <= (MOST_AT_ONCE if request.final else MOST_BYTES)


def read_lines(
    path: Path | str, offset: int, *, final: bool = False, end: int | None = None
) -> tuple[list[bytes], int]:
    """Whole lines from an offset on, some MiB at most, and the offset behind them.

    The last line counts without its line end only when nothing can follow. A file that is shorter than the offset was
    cut, and is read from its end.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return [], offset
    try:
        size = os.fstat(file).st_size
        stop = size if end is None else min(size, end)
        if stop <= offset:
            return [], min(offset, stop)
        offset = min(_behind_hole(file, offset), stop)
        data = os.pread(file, min(stop - offset, MOST_BYTES), offset)
    finally:
        os.close(file)
    complete = len(data) if final and offset + len(data) >= stop else data.rfind(b"\n") + 1
    if complete == 0 and len(data) == MOST_BYTES:
        return [], offset + len(data)  # a line of several MiB is no line
    return data[:complete].splitlines(), offset + complete


def steps_done(folder: str) -> list[dict[str, Any]]:
    """The steps that have ended, as the runner noted them."""
    return [note for note in _journal(folder) if note["event"] == "ended"]


def step_running(folder: str) -> str | None:
    """The step that began last and has not ended."""
    begun = [note for note in _journal(folder) if note["event"] in ("started", "ended")]
    return begun[-1]["step"] if begun and begun[-1]["event"] == "started" else None


def _journal(folder: str) -> list[dict[str, Any]]:
    try:
        return runner.read_journal(folder)[1]
    except OSError:
        return []


def is_name(name: str) -> bool:
    """Whether a metric may be called that: some letters, and none that a database refuses."""
    if not 1 <= len(name) <= MAX_NAME or "\0" in name:
        return False
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _behind_hole(file: int, offset: int) -> int:
    """Where a file goes on: the runner frees the middle of a log that is too long."""
    try:
        return os.lseek(file, offset, os.SEEK_DATA)
    except OSError as error:
        return os.fstat(file).st_size if error.errno == errno.ENXIO else offset


def number(value: object) -> float | None:
    """A measured value: a number, or the word for one that JSON lacks; None for anything else."""
    if isinstance(value, str):
        return WORDS.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
