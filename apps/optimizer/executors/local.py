"""Runs attempts on this machine, each under a runner that outlives the optimizer."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.optimizer import folders, runner
from apps.optimizer.executors.base import (
    Handle,
    Health,
    LaunchSpec,
    LogChunk,
    Observation,
    State,
)
from apps.optimizer.executors.keeper import KeeperClient
from apps.optimizer.folders import Place
from tunebook import disk

STATES = {
    "exit": State.EXITED,
    "signal": State.SIGNALED,
    "timeout": State.TIMEOUT,
    "stopped": State.STOPPED,
    "oom": State.OOM,
    "launch_error": State.NOT_LAUNCHED,
}
PASSED_ON = ("HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME")
STUCK_AFTER = 30.0


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


class LocalExecutor:
    """Attempts on this machine. Everything it knows stands in the attempts' folders."""

    name = "local"

    def __init__(self, data: Path) -> None:
        self.data = data
        self.root = os.fspath(data)
        self.wake = os.fspath(folders.wake(data))
        self.scope = host_name(data)
        self.keeper = KeeperClient(data)
        self.boot = runner.boot_id()
        self.base_environment = base_environment(data)
        self.runners: dict[str, int] = {}
        self.journals: dict[str, Journal] = {}
        """What was last read of attempts that have not been seen to end."""

    def launch(self, spec: LaunchSpec) -> Handle:
        """Have an attempt run by the keeper; what cannot be started becomes its exit record. No file work here."""
        handle = Handle(self.name, self.scope, spec.key, spec.place)
        self.runners[spec.key] = self.keeper.launch(self.order(spec))
        return handle

    def find(self, key: str, place: Place) -> Handle | None:
        """The handle of an attempt whose runner has taken its lock file."""
        handle = Handle(self.name, self.scope, key, place)
        return handle if self.journal(handle).runner else None

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """A look at a file's size and a small read for each attempt that lives."""
        return [self.observe(handle) for handle in handles]

    def adopt(self, handle: Handle) -> Observation:
        """The same as a poll: the folder says all there is to know."""
        return self.observe(handle)

    def stop(self, handle: Handle, grace: float) -> None:
        """Leave a stop file, which holds back an attempt that has not begun, and tell the runner to look."""
        folder = self.folder(handle)
        if self.journal(handle).end is not None:
            return
        asked = time.time()
        with contextlib.suppress(OSError):  # it is there already, or the disk is full: the signal does without
            os.makedirs(folder, mode=0o700, exist_ok=True)
            runner.write_file(f"{folder}/stop", json.dumps({"grace": grace}).encode(), os.O_EXCL)
        with contextlib.suppress(OSError):
            asked = os.stat(f"{folder}/stop").st_mtime
        one = self.journal(handle).runner
        if one is None:
            return
        if time.time() - asked > grace + STUCK_AFTER:
            send(one["runner"], one["runner_ticks"], signal.SIGKILL)
        send(one["runner"], one["runner_ticks"], signal.SIGTERM)

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

    def list_owned(self) -> Iterator[Handle]:
        """Attempts of this data folder that have a process, found by the environment of their commands."""
        root = os.fsencode(self.data / "trials") + b"/"
        seen = set()
        for _pid, variables in environments():
            folder, key = variables.get(b"TUNEBOOK_ATTEMPT_FOLDER", b""), variables.get(b"TUNEBOOK_LAUNCH_KEY", b"")
            if not folder.startswith(root) or key in seen:
                continue
            parts = os.fsdecode(folder[len(root) :]).split("/")
            if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
                seen.add(key)
                yield Handle(self.name, self.scope, key.decode(), (parts[0], int(parts[1]), int(parts[2])))

    def forget(self, handle: Handle) -> None:
        """Remove the attempt's folder unless it lives."""
        self.runners.pop(handle.key, None)
        if self.observe(handle).has_ended:
            self.journals.pop(handle.key, None)
            shutil.rmtree(self.folder(handle), ignore_errors=True)

    def close(self) -> None:
        """Let go of the keeper; attempts go on."""
        self.keeper.close()

    def health(self) -> Health:
        """Not ready when the disk is nearly full or read-only. The words stay the same while that lasts."""
        trouble = disk.trouble(self.data)
        return Health(False, f"{trouble}: {disk.WORDS[trouble]}") if trouble else Health(True)

    def folder(self, handle: Handle) -> str:
        return folders.attempt_path(self.root, handle.place)

    def order(self, spec: LaunchSpec) -> dict[str, Any]:
        """The spec as the runner takes it."""
        folder = folders.attempt_path(self.root, spec.place)
        work = folder if spec.work_of is None else folders.attempt_path(self.root, (*spec.place[:2], spec.work_of))
        steps = [step if isinstance(step, str) else list(step) for step in spec.steps]
        return {
            "key": spec.key,
            "folder": folder,
            "steps": [{"id": f"cmd{number}", "command": step} for number, step in enumerate(steps, start=1)],
            "first_step": spec.first_step,
            "environment": {
                **self.base_environment,
                **spec.environment,
                "TUNEBOOK_LAUNCH_KEY": spec.key,
                "TUNEBOOK_ATTEMPT_FOLDER": folder,
                "TUNEBOOK_PARAMS_FILE": f"{folder}/params.json",
                "TUNEBOOK_SPOOL": f"{folder}/metrics.jsonl",
                "TUNEBOOK_STOP_FILE": f"{folder}/stop",
                "NNI_OUTPUT_DIR": f"{work}/work",
            },
            "cwd": spec.working_dir or (f"{work}/work" if spec.work_of is not None else None),
            "params": spec.params,
            "files": [list(file) for file in spec.files],
            "time_limit": spec.time_limit,
            "grace": spec.grace,
            "memory": spec.memory,
            "wake": self.wake,
        }

    def observe(self, handle: Handle) -> Observation:
        """What the folder and the process table say of an attempt."""
        seen = self.journal(handle)
        if seen.end is None:
            if seen.runner is None:
                return self.not_begun(handle)
            if self.lives(seen.runner):
                return Observation(handle=handle, state=State.RUNNING, started=seen.started)
            seen = self.journal(handle)  # it may have ended between the two looks
        end = seen.end
        if end is None:
            return self.lost(handle)
        self.runners.pop(handle.key, None)
        self.journals.pop(handle.key, None)
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

    def not_begun(self, handle: Handle) -> Observation:
        """Given to a runner that has not got so far, or to one that died on the way."""
        pid = self.runners.get(handle.key)
        if pid is not None and runner.start_ticks(pid) is not None:
            return Observation(handle=handle, state=State.PENDING)
        if self.journal(handle).runner is not None:
            return self.observe(handle)
        return Observation(handle=handle, state=State.LOST, message="its runner never started")

    def lost(self, handle: Handle) -> Observation:
        """The runner died without a word. LOST is said only when nothing of the attempt is left."""
        left = [
            pid for pid, variables in environments() if variables.get(b"TUNEBOOK_LAUNCH_KEY") == handle.key.encode()
        ]
        for pid in left:
            ticks = runner.start_ticks(pid)
            if ticks is not None:
                send(pid, ticks, signal.SIGKILL)
        if any(runner.start_ticks(pid) is not None for pid in left):
            return Observation(handle=handle, state=State.RUNNING, message="what its runner left is being ended")
        return Observation(handle=handle, state=State.LOST, message="its runner ended without a record")

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

    def lives(self, identity: Mapping[str, Any]) -> bool:
        if identity["boot"] != self.boot:
            return False
        return runner.start_ticks(identity["runner"]) == identity["runner_ticks"]


def host_name(data: Path) -> str:
    """The name of the machine that a data folder belongs to; it stays when the machine is renamed."""
    path = data / "host"
    with contextlib.suppress(FileNotFoundError):
        if name := path.read_text().strip():
            return name
        path.unlink()  # emptied by a power cut: another name is no harm, none at all would be
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = data / f".host-{secrets.token_hex(4)}"
    name = f"{socket.gethostname()[:24]}-{secrets.token_hex(3)}\n"
    runner.write_file(os.fspath(draft), name.encode(), durable=True)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()


def base_environment(data: Path) -> dict[str, str]:
    """What every command may see of the optimizer's own environment."""
    path = os.environ.get("PATH", os.defpath)
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("LC_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}"}


def send(pid: int, ticks: int, number: int) -> None:
    """Signal exactly that process, never another one that got its number meanwhile."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if runner.start_ticks(pid) == ticks:
            signal.pidfd_send_signal(handle, number)
    except OSError:
        return
    finally:
        os.close(handle)


def environments() -> Iterator[tuple[int, dict[bytes, bytes]]]:
    """The variables of every process of ours that has a launch key."""
    for pid in runner.processes():
        try:
            data = runner.read_file(f"/proc/{pid}/environ", 1 << 20)
        except OSError:
            continue
        if b"TUNEBOOK_LAUNCH_KEY=" in data:
            pairs = (item.partition(b"=") for item in data.split(b"\0"))
            yield pid, {name: value for name, _, value in pairs}


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
