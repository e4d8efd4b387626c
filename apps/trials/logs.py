"""What attempts left on disk: their folders, pages of their logs by line, pieces of them by offset.

No reader holds more than a block of a log in memory, beside the lines it was asked for.

A log may be larger than what is kept of it: the runner frees the middle of a long one, which leaves a hole in the file.
A hole reads as one line that says how much is gone.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

BLOCK = 256 * 1024
LONGEST_LINE = 8 * 1024
LARGEST_ANSWER = 16 * 1024 * 1024
MOST_COMMANDS = 200
GONE = "gone"
"""The folder below the data folder for what belongs to experiments that were deleted for good."""


class TooLong(Exception):
    """The whole log does not fit in one answer; ask for pages."""


@dataclass
class Page:
    """Some lines of a log, and how many it has."""

    total: int = 0
    lines: list[str] = field(default_factory=list)


def attempt_folder(experiment: str, trial: int, attempt: int) -> Path:
    """Where an attempt keeps its files: by the experiment's key, the trial's number and the attempt's."""
    return Path(settings.TUNEBOOK_DATA) / "trials" / experiment / str(trial) / str(attempt)


def optimizer_log(data: Path, experiment: str) -> Path:
    """What optimizers note about an experiment: beside its trials, so that it goes with them."""
    return data / "trials" / experiment / "optimizer.log"


def older(path: Path) -> Path:
    """Where the earlier lines of a log that was cut are."""
    return path.with_name(f"{path.name}.1")


def discard(data: Path, experiment: str) -> bool:
    """Set all folders of an experiment aside, for the optimizer's upkeep to delete; whether there were any."""
    try:
        (data / GONE).mkdir(mode=0o700, exist_ok=True)
        os.rename(data / "trials" / experiment, data / GONE / experiment)
    except OSError:
        return False
    return True


def commands(folder: Path) -> list[dict[str, Any]]:
    """The steps an attempt has run, as its runner noted them; lines that are cut off are left out."""
    found = []
    for line in page([folder / "attempt.jsonl"], 1, 2 * MOST_COMMANDS).lines:
        try:
            step = json.loads(line)
        except ValueError:
            continue
        if isinstance(step, dict) and step.get("event") == "ended":
            found.append(step)
    return found


def page(paths: list[Path], number: int | None, size: int) -> Page:
    """Page `number` (from 1) of the files read as one; None gives all lines, up to a limit that is refused.

    A file that is not there has no lines: a trial writes its logs when it starts.
    """
    first = 0 if number is None else (number - 1) * size
    last = None if number is None else first + size
    reader = _Reader(first, last)
    for path in paths:
        with _opened(path) as handle:
            for block in _blocks(handle) if handle is not None else ():
                reader.feed(block)
            reader.end_file()
    return Page(reader.seen, [_text(line) for line in reader.kept])


def piece(path: Path, start: int, end: int, *, most: int = 64 * 1024) -> str:
    """The text between two offsets, at most the last `most` bytes of it."""
    start = max(start, end - most, 0)
    with _opened(path) as handle:
        if handle is None:
            return ""
        return _text(os.pread(handle, max(end - start, 0), start))


class _Reader:
    """Counts lines block by block and keeps those of one page."""

    def __init__(self, first: int, last: int | None) -> None:
        self.first, self.last = first, last
        self.seen = 0
        self.kept: list[bytes] = []
        self.held = b""
        self.size = 0

    def feed(self, block: bytes) -> None:
        ends = block.count(b"\n")
        outside = self.seen + ends < self.first or (self.last is not None and self.seen >= self.last)
        if outside and ends:
            self.seen += ends
            self.held = block[block.rfind(b"\n") + 1 :][:LONGEST_LINE]
            return
        *whole, rest = block.split(b"\n")
        for line in whole:
            self._line(self.held + line if self.held else line)
            self.held = b""
        self.held = (self.held + rest)[: LONGEST_LINE + 1]

    def end_file(self) -> None:
        if self.held:
            self._line(self.held)
            self.held = b""

    def _line(self, line: bytes) -> None:
        if self.seen >= self.first and (self.last is None or self.seen < self.last):
            line = line[:LONGEST_LINE]
            self.size += len(line) + 1
            if self.size > LARGEST_ANSWER:
                raise TooLong("the log is too long for one answer; ask for it by pages")
            self.kept.append(line)
        self.seen += 1


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        yield None
        return
    try:
        # a trial could leave a pipe where its log was
        yield handle if stat.S_ISREG(os.fstat(handle).st_mode) else None
    finally:
        os.close(handle)


def _blocks(handle: int) -> Iterator[bytes]:
    position, size = 0, os.fstat(handle).st_size
    while position < size:
        data = _next_data(handle, position, size)
        if data - position >= BLOCK:
            yield f"\n[{data - position} bytes are no longer kept]\n".encode()
            position = data
            continue
        block = os.pread(handle, min(BLOCK, size - position), position)
        if not block:
            return
        yield block
        position += len(block)


def _next_data(handle: int, position: int, size: int) -> int:
    """Where the next byte that is kept stands; `position` itself where a file system knows no holes."""
    try:
        return os.lseek(handle, position, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else position


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace").replace("\0", "\N{SYMBOL FOR NULL}")
