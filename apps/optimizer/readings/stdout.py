"""Metrics that are found in a command's output by regular expressions; the expression is the metric's name."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from apps.optimizer.readings.base import Offsets, ReadingError, Request, read_lines, step_running, steps_done
from apps.tuning.measuring import Reading

MAX_LINE = 8192
PATIENCE = 5.0
COMMAND = re.compile(r"cmd(\d*)(?:,.*)?")
STREAMS = ("out", "err")


def read_stdout(request: Request) -> tuple[list[Reading], Offsets]:
    """One measurement per match, numbered from 0 on per expression and source. No source means the whole output."""
    offsets = dict(request.offsets)
    patterns = {name: re.compile(name) for name in request.metrics}
    readings: list[Reading] = []
    for index, source in enumerate(request.sources or ("",)):
        for path, start, end in _files(request, source):
            known = offsets.get(f"stdout:{index}:{path.name}", {})
            at = max(int(known.get("at", 0)), start)
            lines, after = read_lines(path, at, final=request.final or end is not None, end=end)
            if after == at:
                continue
            seen = dict(offsets.get(f"stdout:{index}", {}))
            with time_limit(PATIENCE, "the regular expressions of the metrics take too long on this output"):
                readings += list(_matches(lines, patterns, seen, index))
            offsets[f"stdout:{index}:{path.name}"] = {"at": after}
            offsets[f"stdout:{index}"] = seen
    return readings, offsets


def _matches(
    lines: list[bytes], patterns: dict[str, re.Pattern[str]], seen: dict[str, int], source: int
) -> Iterator[Reading]:
    for line in lines:
        text = line[:MAX_LINE].decode("utf-8", "replace")
        for name, pattern in patterns.items():
            for match in pattern.finditer(text):
                try:
                    value = float(match[1])
                except (ValueError, TypeError, IndexError):
                    continue
                step = seen.get(name, 0)
                seen[name] = step + 1
                yield Reading(name, step, value, source)


def _files(request: Request, source: str) -> Iterator[tuple[Path, int, int | None]]:
    """(file, first byte, last byte or None) of a source: a step's part of both logs, or a file of its own."""
    named = COMMAND.fullmatch(source)
    if source and not named:
        yield request.path(source), 0, None
        return
    step = f"cmd{(named and named[1]) or 1}" if named else None
    for folder in request.earlier if step else ():
        for line in steps_done(folder):
            if line["id"] == step and line["code"] == 0:
                for stream in STREAMS:
                    yield Path(folder, f"{stream}.log"), int(line[stream][0]), int(line[stream][1])
                return
    for stream in STREAMS:
        start, end = (0, None) if step is None else _part(request.folder, step, stream)
        if start is not None:
            yield Path(request.folder, f"{stream}.log"), start, end


def _part(folder: str, step: str, stream: str) -> tuple[int | None, int | None]:
    """Where a step's output begins and ends in a log; no end while it runs, no beginning before it does."""
    done = steps_done(folder)
    for line in done:
        if line["id"] == step:
            first, last = line[stream]
            return int(first), int(last)
    if step_running(folder) != step:
        return None, None
    return (int(done[-1][stream][1]) if done else 0), None


@contextmanager
def time_limit(seconds: float, message: str) -> Iterator[None]:
    """Raise ReadingError when the block takes longer. Works in the main thread; elsewhere it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _stack: FrameType | None) -> None:
        raise ReadingError(message)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
