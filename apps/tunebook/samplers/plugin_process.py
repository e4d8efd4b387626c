"""The outside of a plugin's process: starts it, asks it by lines of JSON, and ends it when it does not behave.

Standard library only. Nothing of a plugin is ever imported here; whatever it does, it does in its own process.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = Path(__file__).with_name("plugin_host.py")
KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LAST_LINES = 12
LONGEST_LINE = 240


class PluginFailed(Exception):
    """A plugin crashed, hung, flooded or answered nonsense; the text says which, with the last lines it printed."""


@dataclass(frozen=True)
class Bounds:
    """What a plugin may use.

    seconds: for one call. start: for the interpreter and what the plugin imports, before the first one. memory: bytes of address space. output: bytes printed within
    one call. answer: bytes of one answer.
    """

    seconds: float = 60.0
    start: float = 60.0
    memory: int = 2 << 30
    output: int = 1 << 20
    answer: int = 8 << 20


class PluginProcess:
    """A plugin that runs. Questions are answered in their order; every trouble ends the process and is raised."""

    def __init__(self, bounds: Bounds, python: str = "") -> None:
        self._bounds = bounds
        self._process = subprocess.Popen(
            [python or sys.executable, os.fspath(HOST), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        self._finalizer = weakref.finalize(self, _end, self._process)
        self._out, self._in = bytearray(), bytearray()
        self._printed: deque[str] = deque(maxlen=LAST_LINES)
        self._rest = b""
        self._flood = 0
        self._allowed = self._deadline = 0.0
        self._is_started = False
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            if stream is not self._process.stdin:
                self._selector.register(stream.fileno(), selectors.EVENT_READ)
        weakref.finalize(self, self._selector.close)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, question: Mapping[str, Any]) -> None:
        """Put a question to it; the time for its answer begins when it has answered those before, the first when it starts."""
        if not self._deadline:
            self._begin(self._bounds.seconds if self._is_started else self._bounds.start)
        self._out += json.dumps(question).encode() + b"\n"
        self._write()

    def _begin(self, seconds: float) -> None:
        """A call begins, which may take so long."""
        self._allowed, self._deadline, self._flood = seconds, time.monotonic() + seconds, 0

    def receive(self, patience: float) -> dict[str, Any] | None:
        """The next answer; None when there is none within so many seconds."""
        until = min(time.monotonic() + patience, self._deadline)
        while (line := self._line()) is None:
            self._exchange(max(until - time.monotonic(), 0.0))
            moment = time.monotonic()
            if b"\n" in self._in:
                continue
            if moment >= self._deadline:
                raise self.trouble(f"did not answer within {self._allowed:g} seconds")
            if moment >= until:
                return None
        self._is_started = True
        self._begin(self._bounds.seconds)
        return self._read(line)

    def rest(self) -> None:
        """Say that no question is open, so that no time runs."""
        self._deadline = 0.0

    def close(self) -> None:
        """End it and everything it started."""
        self._finalizer()

    def _exchange(self, seconds: float) -> None:
        """Move bytes both ways, waiting so long for the first of them."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if self._out:
            self._selector.register(self._process.stdin.fileno(), selectors.EVENT_WRITE)
        ready = {key.fd for key, _ in self._selector.select(seconds)}
        if self._out:
            self._selector.unregister(self._process.stdin.fileno())
            self._write()
        self._hear()
        if self._process.stdout.fileno() not in ready:
            return
        try:
            found = os.read(self._process.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not found:
            raise self.trouble(self._end_in_words())
        self._in += found
        if len(self._in) > self._bounds.answer:
            raise self.trouble(f"answered with more than {self._bounds.answer} bytes")

    def _write(self) -> None:
        assert self._process.stdin is not None
        try:
            del self._out[: os.write(self._process.stdin.fileno(), self._out)]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._out.clear()  # its end is noticed where answers are read

    def _hear(self) -> None:
        """Take what it prints; the last lines are kept."""
        assert self._process.stderr is not None
        for _ in range(64):
            try:
                found = os.read(self._process.stderr.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not found:
                if self._process.stderr.fileno() in self._selector.get_map():
                    self._selector.unregister(self._process.stderr.fileno())
                return
            self._flood += len(found)
            *lines, self._rest = (self._rest + found).split(b"\n")
            self._rest = self._rest[-LONGEST_LINE:]
            self._printed += [line.decode("utf-8", "replace")[:LONGEST_LINE] for line in lines[-LAST_LINES:]]
            if self._flood > self._bounds.output:
                raise self.trouble(f"printed more than {self._bounds.output} bytes within one call")

    def _line(self) -> bytes | None:
        end = self._in.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._in[:end])
        del self._in[: end + 1]
        return line

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise self.trouble(f"answered with something that is not JSON: {line[:80]!r}") from None
        if not isinstance(answer, dict):
            raise self.trouble(f"answered with something that is no object: {line[:80]!r}")
        if "error" in answer:
            raise self.trouble(f"raised {answer['error']}")
        return answer

    def trouble(self, what: str) -> PluginFailed:
        """The error about something, with the last lines it printed, after ending it."""
        self._process.poll()
        if self._flood <= self._bounds.output:
            self._hear()
        self.close()
        lines = [line for line in (*self._printed, self._rest.decode("utf-8", "replace")) if line.strip()]
        printed = "; its last lines:\n" + "\n".join(lines[-LAST_LINES:]) if lines else ""
        return PluginFailed(f"the plugin {what}{printed}")

    def _end_in_words(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "closed the pipe of its answers"
        if code < 0:
            return f"was ended by signal {signal.Signals(-code).name}"
        return f"ended with status {code}"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("LC_")}
    return {**kept, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its group, and take its status."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        pass
