"""What the folder of an attempt says of it, whether its runner writes there or sends what it writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.optimizer import folders, runner
from apps.optimizer.executors.base import Handle, LogChunk, Observation, State

STATES = {
    "exit": State.EXITED,
    "signal": State.SIGNALED,
    "timeout": State.TIMEOUT,
    "stopped": State.STOPPED,
    "oom": State.OOM,
    "launch_error": State.NOT_LAUNCHED,
}


@dataclass(frozen=True)
class Journal:
    """An attempt as its runner tells of it: who the runner is, when its latest step began, how it ended."""

    size: int = 0
    runner: Mapping[str, Any] | None = None
    started: float | None = None
    end: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, folder: str) -> Journal:
        size, notes = runner.read_journal(folder)
        latest = {note["event"]: note for note in notes}
        started = latest["started"]["started"] if "started" in latest else None
        return cls(size, latest.get("claimed"), started, latest.get("exit"))


NOTHING = Journal()


class Records:
    """The attempts' folders below a data folder."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.journals: dict[str, Journal] = {}
        """What was last read of attempts that have not been seen to end."""

    def folder(self, handle: Handle) -> str:
        return folders.attempt_path(self.root, handle.place)

    def journal(self, handle: Handle) -> Journal:
        """What its runner has noted so far; the file is read when it has grown."""
        known = self.journals.get(handle.key, NOTHING)
        folder = self.folder(handle)
        try:
            if os.stat(f"{folder}/{runner.JOURNAL}").st_size > known.size:
                known = self.journals[handle.key] = Journal.of(folder)
        except OSError:
            pass  # nothing has been noted yet
        return known

    def forget(self, handle: Handle) -> None:
        self.journals.pop(handle.key, None)

    def logs(self, handle: Handle, stream: str, offset: int, limit: int) -> LogChunk:
        """Where the runner has given back the middle of a log, reading goes on behind the gap."""
        try:
            file = os.open(f"{self.folder(handle)}/{stream}.log", os.O_RDONLY)
        except OSError:
            return LogChunk("", 0, 0, 0)
        try:
            size = os.fstat(file).st_size
            start = data_from(file, min(max(offset, 0), size), size)
            data = os.pread(file, limit, start)
            if not whole_characters(data):
                data = os.pread(file, 4, start)  # a single character that is longer than the limit
        finally:
            os.close(file)
        head = next((at for at, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0) if start else 0
        whole = data[head : head + whole_characters(data[head:])]
        return LogChunk(whole.decode("utf-8", "replace"), start + head, start + head + len(whole), size)


def ended(handle: Handle, end: Mapping[str, Any]) -> Observation:
    """The end that a runner has noted."""
    return Observation(
        handle=handle,
        state=STATES.get(end["reason"], State.LOST),
        code=end["code"],
        signal=end["signal"],
        step=end["step"],
        message=end["message"],
        by_limit=end.get("by_limit", False),
        started=end["started"],
        ended=end["ended"],
    )


def data_from(file: int, offset: int, size: int) -> int:
    """The next offset that is not in a hole."""
    try:
        return os.lseek(file, offset, os.SEEK_DATA)
    except OSError:
        return size


def whole_characters(data: bytes) -> int:
    """How many bytes are left when a character that is cut off at the end is not counted."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        wanted = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return len(data) - back if wanted > back else len(data)
    return len(data)
