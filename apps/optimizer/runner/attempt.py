"""The runner: one attempt, its steps one after another, its limits, its end."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import time

from .files import lock, make_folder, patiently, read_file, write_file
from .journal import JOURNAL, PROTOCOL, encode
from .limits import memory_group, own_groups, remove_group, says_no_memory, times_over
from .logs import LOG_HEAD, LOG_LIMIT, LOG_LIMIT_WHEN_FULL, LOGS, cap, is_nearly_full
from .processes import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    children,
    identity,
    libc,
    oom_kills,
    posix_spawn,
    send_signal,
    start_ticks,
)
from .sockets import receive_frame, wake

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from typing import Any, NoReturn

    Record = dict[str, Any]

LEFTOVER_GRACE = 3.0
LOCK_PATIENCE = 5.0
LOOK_PATIENCE = 0.5  # an optimizer may be looking whether the lock is held
CAP_LOGS_EVERY = 1.0
LOOK_FOR_STOP_EVERY = 2.0
ATTEMPTS_PER_RUNNER = 250
SYNCED_FROM = 1.0  # seconds: what took less is sooner done again than synced


class LaunchError(Exception):
    """The attempt cannot be started; the text says why."""


class Runner:
    """One attempt: its steps one after another, its limits, its end. The attempt's folder is its current directory."""

    def __init__(self, order: Record, me: Record) -> None:
        self.order = order
        self.folder = order["folder"]
        self.grace = order.get("grace", 15.0)
        self.began = time.monotonic()
        seconds = order.get("time_limit")
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.identity = me
        self.look_at_logs = time.monotonic() + CAP_LOGS_EVERY
        self.look_for_stop = time.monotonic() + LOOK_FOR_STOP_EVERY
        self.command = 0
        self.cause: str | None = None
        self.kill_at: float | None = None
        self.locks: list[int] = []
        self.logs: list[int] = []
        self.memory = order.get("memory")
        self.group: str | None = None

    def run(self) -> bool:
        """Run the attempt to its exit record; whether all went so smoothly that this process may run another one.

        Does nothing when the attempt has been started before.
        """
        if not self.claim():
            return False
        end = {"code": None, "signal": None, "reason": "launch_error", "step": None, "message": ""}
        try:
            self.prepare()
            end = self.run_steps(end)
        except LaunchError as error:
            end["message"] = str(error)
        except Exception as error:
            end["message"] = f"{type(error).__name__}: {error}"
        finally:
            alone = self.finish_off(LEFTOVER_GRACE)
        if self.group:
            remove_group(self.group)
        self.record_end(end)
        return alone and end["reason"] == "exit"

    def claim(self) -> bool:
        """Take the lock of the attempt; False: it runs, or has run, elsewhere."""
        make_folder(self.folder)
        os.chdir(self.folder)
        mine = lock(JOURNAL, LOOK_PATIENCE)
        if mine is None or os.fstat(mine).st_size:
            return False
        self.locks.append(mine)
        self.note("claimed", {**self.identity, "protocol": PROTOCOL, "key": self.order["key"]})
        return True

    def note(self, event: str, record: Record, durable: bool = False) -> None:
        line = encode({"event": event, **record}).encode() + b"\n"
        patiently(write_file, JOURNAL, line, os.O_APPEND, durable=durable)

    def prepare(self) -> None:
        """Everything that must be there before the first step: locks, folders, files, logs."""
        trial = lock("..", self.order.get("lock_patience", LOCK_PATIENCE), os.O_RDONLY)
        if trial is None:
            raise LaunchError("another attempt of this trial is still running")
        self.locks.append(trial)
        self.oom_kills = oom_kills()
        make_folder("work")
        order = self.order
        if self.memory:
            self.group = memory_group(order["key"], self.memory, own_groups())
        patiently(write_file, "params.json", encode(order.get("params", {})).encode())
        self.work = order.get("cwd") or "work"
        if self.work != "work" and not os.path.isdir(self.work):
            raise LaunchError(f"the working directory does not exist: {self.work}")
        for destination, text in order.get("files", ()):
            target = os.path.join(self.work, destination)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            patiently(write_file, target, text.encode())
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.logs = [os.open(name, flags, 0o600) for name in LOGS]

    def run_steps(self, end: Record) -> Record:
        steps = self.order["steps"]
        for index in range(self.order.get("first_step", 0), len(steps)):
            end = self.run_step(steps[index])
            if end["code"] != 0 or end["reason"] != "exit":
                break
        return end

    def run_step(self, step: Record) -> Record:
        """Run one step to its end."""
        end = {"code": None, "signal": None, "reason": "exit", "step": step["id"], "message": ""}
        if os.path.exists("stop"):
            return {**end, "reason": "stopped", "message": "stopped before it started"}
        began, since = time.time(), time.monotonic()
        before = [os.fstat(log).st_size for log in self.logs]
        end.update(self.execute(step, began, before))
        after = [os.fstat(log).st_size for log in self.logs]
        if max(after) > min(self.order.get("log_limit", LOG_LIMIT), LOG_LIMIT_WHEN_FULL):
            self.cap_logs()
        started, ended = span(since)
        done = {
            **step,
            "started": started,
            "ended": ended,
            "code": end["code"],
            "signal": end["signal"],
            "out": [before[0], after[0]],
            "err": [before[1], after[1]],
        }
        self.note("ended", done)
        return end

    def execute(self, step: Record, began: float, logs: list[int]) -> Record:
        """Start the command of a step, wait for it, and say what came of it."""
        command = step["command"]
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        try:
            self.command = pid = self.fork(argv) if self.memory else self.spawn(argv)
        except OSError as error:
            message = f"{argv[0]}: {error.strerror}"
            with contextlib.suppress(OSError):
                os.write(self.logs[1], f"{message}\n".encode())
            return {"reason": "launch_error", "message": message}
        self.note("started", {"step": step["id"], "pid": pid, "ticks": start_ticks(pid), "started": began})
        status = self.wait_for(pid)
        self.command = 0
        return self.verdict(status, logs)

    def spawn(self, argv: list[str]) -> int:
        """Start a command in a group of its own, without the cost of copying this process first.

        Only a copy could ask to die with the runner. So whoever finds the runner dead ends the command: the keeper at
        once, the optimizer where the keeper is dead too.
        """
        os.chdir(self.work)
        try:
            return posix_spawn(
                argv,
                self.order["environment"],
                file_actions=[(os.POSIX_SPAWN_DUP2, log, place) for place, log in enumerate(self.logs, 1)],
                setpgroup=0,
                setsigmask=(),
            )
        finally:
            os.chdir(self.folder)

    def fork(self, argv: list[str]) -> int:
        """The same for a command whose memory is limited before it starts."""
        me = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self.become(argv, me)
            except OSError as error:
                os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
                write_file(os.path.join(self.folder, "launch_error"), encode(f"{argv[0]}: {error.strerror}").encode())
            finally:
                os._exit(127)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid

    def become(self, argv: list[str], runner: int) -> NoReturn:
        """In the child: a group of its own, dying with the runner, and then the command."""
        os.setpgid(0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != runner:
            os._exit(127)
        os.dup2(self.logs[0], 1)
        os.dup2(self.logs[1], 2)
        if self.group:
            write_file(f"{self.group}/cgroup.procs", b"0")
        elif self.memory:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.chdir(self.work)
        os.execvpe(argv[0], argv, self.order["environment"])

    def wait_for(self, pid: int) -> int:
        """Wait for the command, obeying TERM, the time limit and the log limit meanwhile."""
        while True:
            done = self.reap(pid)
            if done is not None:
                return done
            info = signal.sigtimedwait({signal.SIGTERM, signal.SIGCHLD}, self.patience())
            now = time.monotonic()
            if (info is not None and info.si_signo == signal.SIGTERM) or self.is_to_stop(now):
                self.end_command("stopped")
            if self.deadline is not None and now >= self.deadline:
                self.deadline = None
                self.end_command("timeout")
            if self.kill_at is not None and now >= self.kill_at:
                self.kill_at = now + 1.0
                self.kill_all(signal.SIGKILL)
            if now >= self.look_at_logs:
                self.look_at_logs = now + CAP_LOGS_EVERY
                self.cap_logs()

    def is_to_stop(self, now: float) -> bool:
        """Look now and then whether somebody who cannot signal this process wants the end of it."""
        if now < self.look_for_stop:
            return False
        self.look_for_stop = now + LOOK_FOR_STOP_EVERY
        return os.path.exists("stop")

    def reap(self, wanted: int) -> int | None:
        """Wait for whatever has ended; the status of the wanted one, None while it lives."""
        found = None
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == wanted:
                    found = status
        return found

    def patience(self) -> float:
        marks = [mark for mark in (self.deadline, self.kill_at) if mark is not None]
        return max(0.0, min([1.0, *(mark - time.monotonic() for mark in marks)]))

    def end_command(self, cause: str) -> None:
        """Ask the command to end; who asked first stays the cause."""
        if self.cause is not None:
            return
        self.cause = cause
        self.kill_at = time.monotonic() + self.stop_grace()
        self.kill_group(signal.SIGTERM)
        self.kill_group(signal.SIGCONT)

    def stop_grace(self) -> float:
        """The grace that the stop file asks for, else the order's."""
        try:
            return float(json.loads(read_file("stop"))["grace"])
        except (OSError, ValueError, KeyError, TypeError):
            return self.grace

    def kill_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.command, number)

    def kill_all(self, number: int) -> None:
        if self.command:
            self.kill_group(number)
        if self.group and number == signal.SIGKILL:
            with contextlib.suppress(OSError):
                write_file(f"{self.group}/cgroup.kill", b"1")
        for pid in children(os.getpid()):
            send_signal(pid, number)

    def finish_off(self, grace: float) -> bool:
        """End everything the attempt has left behind: asked once, then forced until nothing is left. True: nothing was."""
        kill_at = time.monotonic() + grace
        asked = False
        while True:
            try:
                pid, _status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return not asked
            if pid:
                continue
            late = time.monotonic() >= kill_at or self.cause is not None
            if late or not asked:
                self.kill_all(signal.SIGKILL if late else signal.SIGTERM)
                asked = True
            signal.sigtimedwait({signal.SIGCHLD}, 0.05 if late else max(0.01, kill_at - time.monotonic()))

    def cap_logs(self) -> None:
        """Free the middle of a log above its limit."""
        cap(self.logs, self.order.get("log_limit", LOG_LIMIT), self.order.get("log_head", LOG_HEAD))

    def verdict(self, status: int, logs: list[int]) -> Record:
        """What a wait status means. `logs`: where the step's output begins."""
        if self.cause is not None:
            code = os.waitstatus_to_exitcode(status)
            return {"code": max(code, 0) if code >= 0 else None, "signal": -code or None, "reason": self.cause}
        if self.memory and status and self.met_its_limit(logs):
            code = os.waitstatus_to_exitcode(status)
            ended = {"code": code, "signal": None} if code >= 0 else {"code": None, "signal": -code}
            message = f"a trial may use {self.memory // 2**20} MiB"
            return {**ended, "reason": "oom", "by_limit": True, "message": message}
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            starved = number == signal.SIGKILL and oom_kills() > self.oom_kills
            return {"code": None, "signal": number, "reason": "oom" if starved else "signal"}
        code = os.WEXITSTATUS(status)
        if code == 127 and os.path.exists("launch_error"):
            return {"code": None, "reason": "launch_error", "message": json.loads(read_file("launch_error"))}
        # a full disk is why many a command fails, and it could not write down that it was
        return {"code": code, "reason": "exit", "message": "the disk was full" if code and is_nearly_full(".") else ""}

    def met_its_limit(self, logs: list[int]) -> bool:
        """Whether a step that failed wanted more memory than it may have.

        The kernel counts that of a control group. Of a limited address space only the command itself can tell.
        """
        if self.group:
            return times_over(self.group) > 0
        return any(
            says_no_memory(name, start, os.fstat(log).st_size)
            for name, log, start in zip(LOGS, self.logs, logs, strict=True)
        )

    def record_end(self, end: Record) -> None:
        started, ended = span(self.began)
        self.note("exit", {**end, "started": started, "ended": ended}, durable=ended - started >= SYNCED_FROM)
        for handle in (*self.logs, *reversed(self.locks)):
            os.close(handle)
        if self.order.get("wake"):
            wake(self.order["wake"])


def span(began: float) -> tuple[float, float]:
    """When something began, by the clock as it is now, and now; the clock may have been set meanwhile."""
    ended = time.time()
    return ended - (time.monotonic() - began), ended


def take_orders(channel: socket.socket, body: bytes | None, boot: str) -> None:
    """The life of a runner process: one attempt, and another one for as long as nothing unusual happens."""
    me = identity(boot)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for left in range(ATTEMPTS_PER_RUNNER - 1, -1, -1):
        while signal.sigtimedwait({signal.SIGTERM, signal.SIGCHLD}, 0):
            pass  # what an earlier attempt was told is not meant for this one
        if body is None or not Runner(json.loads(body), me).run() or not left:
            return  # without a word, so that no further order is on its way
        try:
            channel.sendall(b".", socket.MSG_NOSIGNAL)
            body = receive_frame(channel)
        except OSError:
            return
