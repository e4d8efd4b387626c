"""What the loop may ask of an executor, and what it gets to see of a running attempt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

HANDLE_VERSION = 1


class ExecutorError(Exception):
    """An executor could not do what it was asked; the text can be shown to a user."""


class Refused(ExecutorError):
    """This attempt can never be started as it is: the trial fails."""


class Busy(ExecutorError):
    """No room just now: the trial goes on waiting."""


class Unavailable(ExecutorError):
    """The executor cannot be reached: the experiment waits."""


class State(StrEnum):
    """What is known of an attempt. QUEUED waits for room on a cluster; NO_ROOM has waited in vain. UNREACHABLE is not dead:
    nothing is known."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    EXITED = "EXITED"
    SIGNALED = "SIGNALED"
    OOM = "OOM"
    TIMEOUT = "TIMEOUT"
    STOPPED = "STOPPED"
    NOT_LAUNCHED = "NOT_LAUNCHED"
    NO_ROOM = "NO_ROOM"
    LOST = "LOST"
    UNREACHABLE = "UNREACHABLE"


ENDED = frozenset(State) - {State.QUEUED, State.PENDING, State.RUNNING, State.UNREACHABLE}
INFRASTRUCTURE = frozenset({State.OOM, State.NOT_LAUNCHED, State.NO_ROOM, State.LOST})
"""Ends that are not the command's doing, so that another attempt may go better."""


@dataclass(frozen=True, kw_only=True)
class LaunchSpec:
    """One attempt, ready to run: every placeholder filled, nothing to look up.

    key: the launch key; launching twice with one key runs once.
    place: (experiment key, trial number, attempt number).
    steps: shell lines (text) or argument lists, run one after another until one fails.
    first_step: how many steps an earlier attempt has done already.
    work_of: the attempt whose work folder this one goes on in; None for its own.
    working_dir: where the steps run; None for the attempt's work folder.
    files: (path below the working directory or absolute, content) written before the first step.
    time_limit, grace: seconds; no time limit is None.
    memory: bytes that it may use; None for no limit.
    cpus, gpus: how many of a cluster's it takes. token: what it reports with from another machine.
    follows: files and folders that are read while it runs. outputs: folders that are kept when it has ended.
    """

    key: str
    place: tuple[str, int, int]
    steps: Sequence[str | Sequence[str]]
    params: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    first_step: int = 0
    work_of: int | None = None
    working_dir: str | None = None
    files: Sequence[tuple[str, str]] = ()
    time_limit: float | None = None
    grace: float = 15.0
    memory: int | None = None
    cpus: float = 1
    gpus: float = 0
    token: str = field(default="", repr=False)
    follows: Sequence[str] = ()
    outputs: Sequence[str] = ()


@dataclass(frozen=True)
class Handle:
    """Enough to find an attempt again from another process in the executor's scope. Holds no secrets."""

    executor: str
    scope: str
    key: str
    place: tuple[str, int, int]

    def to_dict(self) -> dict[str, Any]:
        """The handle as plain JSON."""
        return {
            "version": HANDLE_VERSION,
            "executor": self.executor,
            "scope": self.scope,
            "key": self.key,
            "place": list(self.place),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Handle:
        """Read what `to_dict` wrote."""
        experiment, trial, attempt = document["place"]
        return cls(document["executor"], document["scope"], document["key"], (experiment, trial, attempt))


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an executor sees of one attempt. Times are the trial machine's clock, for information only."""

    handle: Handle
    state: State
    code: int | None = None
    signal: int | None = None
    step: str | None = None
    message: str = ""
    by_limit: bool = False
    """Whether it was out of the memory that the job lets a trial have, not the machine out of its own."""
    started: float | None = None
    ended: float | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def reason(self) -> str:
        """The end in one stable word: exit:1, signal:9, timeout, stopped, oom, launch_error, no_room, lost."""
        words = {
            State.EXITED: f"exit:{self.code}",
            State.SIGNALED: f"signal:{self.signal}",
            State.NOT_LAUNCHED: "launch_error",
        }
        return words.get(self.state, self.state.lower())


@dataclass(frozen=True)
class LogChunk:
    """A piece of a log. `offset` is where it begins, which is later than asked when a gap was skipped."""

    text: str
    offset: int
    next_offset: int
    size: int

    @property
    def at_end(self) -> bool:
        return self.next_offset >= self.size


@dataclass(frozen=True)
class Health:
    """Whether new attempts may be launched, and if not, why not."""

    ready: bool
    reason: str = ""


class Executor(Protocol):
    """Runs attempts. No call takes longer than a few seconds; none knows of models."""

    name: str
    scope: str
    is_remote: bool
    """Whether attempts run on other machines, which need a token to report with."""

    def launch(self, spec: LaunchSpec) -> Handle:
        """Start an attempt; once per launch key, however often it is called."""

    def find(self, spec_key: str, place: tuple[str, int, int]) -> Handle | None:
        """The handle of an attempt that was launched, None when it never was."""

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """What is known of each attempt, in the same order."""

    def stop(self, handle: Handle, grace: float) -> None:
        """Ask an attempt to end, and force it after `grace` seconds. Returns at once; asking twice is harmless."""

    def adopt(self, handle: Handle) -> Observation:
        """What has become of an attempt that another process launched. Does not disturb it."""

    def logs(self, handle: Handle, stream: str, offset: int, limit: int) -> LogChunk:
        """Up to `limit` bytes of "out" or "err" from a byte offset, cut between characters."""

    def list_owned(self) -> Iterable[Handle]:
        """Every attempt that this installation still runs here."""

    def forget(self, handle: Handle) -> None:
        """Remove the files of an attempt that has ended; one that lives is left alone."""

    def health(self) -> Health:
        """Whether launching makes sense now."""

    def close(self) -> None:
        """Give back connections; attempts go on."""
