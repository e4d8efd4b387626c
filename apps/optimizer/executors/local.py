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
from pathlib import Path
from typing import Any

from apps.optimizer import folders, runner
from apps.optimizer.executors import orders
from apps.optimizer.executors.base import (
    Handle,
    Health,
    LaunchSpec,
    LogChunk,
    Observation,
    State,
)
from apps.optimizer.executors.keeper import KeeperClient
from apps.optimizer.executors.records import Journal, Records, ended
from apps.optimizer.folders import Place
from tunebook import disk

PASSED_ON = ("HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME")
NEVER_STARTED = "its runner never started"
STUCK_AFTER = 30.0
BEGINS_WITHIN = 10.0
"""Seconds that a runner whose process is not known may take from its order to its lock."""


class LocalExecutor:
    """Attempts on this machine. Everything it knows stands in the attempts' folders."""

    name = "local"
    is_remote = False

    def __init__(self, data: Path) -> None:
        self.data = data
        self.root = os.fspath(data)
        self.wake = os.fspath(folders.wake(data))
        self.scope = host_name(data)
        self.keeper = KeeperClient(data)
        self.boot = runner.boot_id()
        self.base_environment = base_environment(data)
        self.runners: dict[str, int] = {}
        self.missed: dict[str, float] = {}
        """Since when attempts are looked for whose runner this process has not started and has not found."""
        self.asked: dict[str, float] = {}
        """Since when attempts are asked to stop."""
        self.records = Records(self.root)

    def launch(self, spec: LaunchSpec) -> Handle:
        """Have an attempt run by the keeper; what cannot be started becomes its exit record. No file work here."""
        handle = Handle(self.name, self.scope, spec.key, spec.place)
        pid = self.keeper.launch(self.order(spec))
        if runner.start_ticks(pid) is not None:  # else the keeper lives in another container
            self.runners[spec.key] = pid
        return handle

    def find(self, key: str, place: Place) -> Handle | None:
        """The handle of an attempt whose runner has taken its lock, or has noted that it once did."""
        handle = Handle(self.name, self.scope, key, place)
        return handle if self.journal(handle).runner or runner.is_locked(self.journal_path(handle)) else None

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """A look at a file's size and a small read for each attempt that lives."""
        return [self.observe(handle) for handle in handles]

    def adopt(self, handle: Handle) -> Observation:
        """The same as a poll: the folder says all there is to know."""
        return self.observe(handle)

    def stop(self, handle: Handle, grace: float) -> None:
        """Leave a stop file, which the runner looks at before each step and while it waits, and tell it to look now."""
        folder = self.folder(handle)
        if self.journal(handle).end is not None:
            return
        asked = self.asked.setdefault(handle.key, time.monotonic())
        with contextlib.suppress(OSError):  # it is there already, or the disk is full: the signal does without
            os.makedirs(folder, mode=0o700, exist_ok=True)
            runner.write_file(f"{folder}/stop", json.dumps({"grace": grace}).encode(), os.O_EXCL)
        one = self.journal(handle).runner
        if one is None:
            return
        if time.monotonic() - asked > grace + STUCK_AFTER:
            send(one["runner"], one["runner_ticks"], signal.SIGKILL)
        send(one["runner"], one["runner_ticks"], signal.SIGTERM)

    def logs(self, handle: Handle, stream: str, offset: int, limit: int) -> LogChunk:
        """A piece of what the runner has kept of a stream."""
        return self.records.logs(handle, stream, offset, limit)

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
            self.records.forget(handle)
            shutil.rmtree(self.folder(handle), ignore_errors=True)

    def close(self) -> None:
        """Let go of the keeper; attempts go on."""
        self.keeper.close()

    def health(self) -> Health:
        """Not ready when the disk is nearly full or read-only. The words stay the same while that lasts."""
        trouble = disk.trouble(self.data)
        return Health(False, f"{trouble}: {disk.WORDS[trouble]}") if trouble else Health(True)

    def folder(self, handle: Handle) -> str:
        return self.records.folder(handle)

    def journal(self, handle: Handle) -> Journal:
        return self.records.journal(handle)

    def journal_path(self, handle: Handle) -> str:
        return f"{self.folder(handle)}/{runner.JOURNAL}"

    def order(self, spec: LaunchSpec) -> dict[str, Any]:
        """The spec as the runner takes it."""
        return {**orders.order(self.root, spec, self.base_environment), "wake": self.wake}

    def observe(self, handle: Handle) -> Observation:
        """What the folder and the process table say of an attempt."""
        seen = self.journal(handle)
        if seen.end is None:
            if seen.runner is None:
                return self.not_begun(handle)
            if self.lives(seen.runner) or runner.is_locked(self.journal_path(handle)):
                return Observation(handle=handle, state=State.RUNNING, started=seen.started)
            seen = self.journal(handle)  # it may have ended between the two looks
        if seen.end is None:
            return self.lost(handle)
        self.runners.pop(handle.key, None)
        self.missed.pop(handle.key, None)
        self.asked.pop(handle.key, None)
        self.records.forget(handle)
        return ended(handle, seen.end)

    def not_begun(self, handle: Handle) -> Observation:
        """Given to a runner that has not got so far, or to one that died on the way.

        Whoever holds the lock will write. Nobody does: the runner may still be on its way to it, so that LOST is said
        only when no runner can begin any more.
        """
        if self.may_still_come(handle) or not self.give_up(handle):
            return Observation(handle=handle, state=State.PENDING)
        return self.observe(handle)

    def may_still_come(self, handle: Handle) -> bool:
        """Whether the process that has the order lives; of one that another optimizer gave, whether it is still early."""
        pid = self.runners.get(handle.key)
        if pid is not None and runner.start_ticks(pid) is not None:
            return True
        now = time.monotonic()
        return pid is None and now - self.missed.setdefault(handle.key, now) < BEGINS_WITHIN

    def give_up(self, handle: Handle) -> bool:
        """Note in a runner's place that none came, so that none begins later. False: one holds the lock, or no room."""
        moment = time.time()
        end = {"event": "exit", "code": None, "signal": None, "reason": "lost", "step": None, "message": NEVER_STARTED}
        line = f"\n{runner.encode({**end, 'started': moment, 'ended': moment})}\n"  # behind whatever a power cut left
        try:
            runner.make_folder(self.folder(handle))
            mine = runner.lock(self.journal_path(handle))
            if mine is None:
                return False
            try:
                if Journal.of(self.folder(handle)).runner is None:
                    runner.write_file(self.journal_path(handle), line.encode(), os.O_APPEND)
            finally:
                os.close(mine)
        except OSError:
            return False
        return True

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

    def lives(self, identity: Mapping[str, Any]) -> bool:
        """Whether a runner's process is seen to live. Others may share the data folder: their runners hold a lock."""
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
