"""Keeps a few processes running together, and ends them together.

Standard library only: `up` turns into this module, so that watching costs ten megabytes and no processor time.
Run as `python -m apps.config.supervisor '<JSON list of [name, command]>' [<host> <port> <what to say when it answers> [tls]]`.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.config import readiness

GRACE = 30.0  # seconds from the first TERM to KILL; the web process asks for 20, an optimizer for 10
LONGEST_PAUSE = 30.0  # seconds between two starts of a process that keeps failing
LOOK_EVERY = 1.0  # seconds; where the process has other threads, a signal of a child's end may be one of theirs
HEALTHY = 60.0  # seconds after which a start counts as a good one
CANNOT_START = os.EX_CONFIG  # a child's exit code (78) for "starting me again will not help"
WATCHED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
PR_SET_PDEATHSIG = 1
TLS = ("tls",)
ROOT = str(Path(__file__).resolve().parent.parent.parent)
START = "import sys; sys.path[0] = sys.argv.pop(1); from apps.config import supervisor; sys.exit(supervisor.main(*sys.argv[1:]))"


@dataclass
class Child:
    """One process that shall run, and how its starts went."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = field(default=0.0)

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start: 0 at first, then 1, 2, 4 ... 30."""
        return min(2.0 ** (self.failures - 1), LONGEST_PAUSE) if self.failures else 0.0


class Supervisor:
    """Starts the children, starts a crashed one again, and passes the wish to end on to all.

    The first TERM or INT is passed on as TERM, a second one again, and whatever is left after the grace is killed.
    Children end too when the supervisor is killed: the kernel sends them TERM.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        say: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.children = list(children)
        self.say = say
        self.clock = clock
        self.is_ready: Callable[[], bool] | None = None

    def run(
        self,
        until: Callable[[], int | None] | None = None,
        interval: float = 0.5,
        is_ready: Callable[[], bool] | None = None,
    ) -> int:
        """Keep them running until told to end. The exit status: 0 after TERM or INT.

        `until` is asked about every `interval` seconds and ends everything with the number that it returns.
        `is_ready` is asked more often, until it says yes.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        self.is_ready = is_ready
        try:
            status = self._watch(until, interval)
            self._end()
            return status
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self, until: Callable[[], int | None] | None, interval: float) -> int:
        while True:
            for child in self.children:
                if child.process is None and child.due <= self.clock():
                    self._start(child)
            info = signal.sigtimedwait(WATCHED, self._patience(interval if until else LOOK_EVERY))
            if info and info.si_signo != signal.SIGCHLD:
                return 0
            if self.is_ready is not None and self.is_ready():
                self.is_ready = None
            for child in self.children:
                if self._has_crashed(child) and self._refuses(child):
                    return 1
            status = until() if until else None
            if status is not None:
                return status

    def _patience(self, longest: float) -> float:
        """Seconds until something is due."""
        dues = [child.due - self.clock() for child in self.children if child.process is None]
        dues += [readiness.ASK_EVERY] if self.is_ready is not None else []
        return max(0.0, min([longest, *dues]))

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C reaches only the supervisor, which passes it on once
            preexec_fn=_obey_parent,  # safe: this process has one thread
        )
        child.started = self.clock()

    def _has_crashed(self, child: Child) -> bool:
        """Whether the child has ended unasked; then its next start is due after a pause."""
        if child.process is None or child.process.poll() is None:
            return False
        lived = self.clock() - child.started
        child.failures = 1 if lived >= HEALTHY else child.failures + 1
        child.due = self.clock() + child.pause
        return True

    def _refuses(self, child: Child) -> bool:
        assert child.process is not None
        code, child.process = child.process.returncode, None
        if code == CANNOT_START:
            return True
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        self.say(f"The {child.name} process {how}; starting it again in {child.pause:g} s.")
        return False

    def _end(self) -> None:
        """TERM to all; a second wish to end, or the end of the grace, hurries them."""
        running = [
            child.process for child in self.children if child.process is not None and child.process.poll() is None
        ]
        _signal(running, signal.SIGTERM)
        deadline = self.clock() + GRACE
        while running := [process for process in running if process.poll() is None]:
            left = deadline - self.clock()
            if left <= 0:
                _signal(running, signal.SIGKILL)
            info = signal.sigtimedwait(WATCHED, max(0.1, min(left, 1.0)))
            if info and info.si_signo != signal.SIGCHLD:
                _signal(running, signal.SIGTERM)


def _signal(processes: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for process in processes:
        process.send_signal(number)


def _obey_parent() -> None:
    """In the child, before its program starts: take signals again, and get TERM when the supervisor dies."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def said_when_answering(host: str, port: int, say: Callable[[], None], tls: bool = False) -> Callable[[], bool]:
    """For `is_ready`: whether the web process answers; the first time that it does, `say` is called."""

    def look() -> bool:
        found = readiness.answers(host, port, tls)
        if found:
            say()
        return found

    return look


def become(children: Sequence[Child], host: str, port: int, text: str, tls: bool = False) -> None:
    """Replace this process by a supervisor of these children, which prints the text when somebody answers there.

    Does not return. Works from any folder: `-m` would look for this module below the current one.
    """
    listed = json.dumps([[child.name, list(child.command)] for child in children])
    os.execv(sys.executable, [sys.executable, "-c", START, ROOT, listed, host, str(port), text, *TLS[:tls]])


def main(listed: str, host: str = "", port: str = "", text: str = "", tls: str = "") -> int:
    supervisor = Supervisor([Child(name, command) for name, command in json.loads(listed)])
    announce = said_when_answering(host, int(port), lambda: print(text, flush=True), bool(tls)) if port else None
    return supervisor.run(is_ready=announce)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
