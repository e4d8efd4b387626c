"""Runs one attempt of a trial; as the resident keeper, forks such a runner for each attempt without an interpreter start.

Standard library only, and little of it: the keeper stays in memory for as long as trials are launched.
`python -I -S runner.py DATA_FOLDER` starts the keeper of a data folder and returns when it listens on `run/keeper.sock`.
A request is a frame: four bytes length, one byte verb, JSON. An answer is a frame of JSON.
The keeper knows nothing that its death would lose: what a runner does stands in the attempt's folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Record = dict[str, Any]

PROTOCOL = 1
MIB = 1024 * 1024
LOG_LIMIT = 64 * MIB
LOG_HEAD = 8 * MIB
IDLE_SECONDS = 20.0
LEFTOVER_GRACE = 3.0
LOCK_PATIENCE = 5.0
CAP_LOGS_EVERY = 1.0
ATTEMPTS_PER_RUNNER = 250
RUNNER_IDLE_SECONDS = 5.0
OOM_SCORE = 500
SAYS_NO_MEMORY = (
    b"\nMemoryError",
    b"ArrayMemoryError",
    b"annot allocate memory",
    b"bad_alloc",
    b"lang.OutOfMemoryError",
)
"""How commands say that they were refused memory: Python, numpy, C, C++, Java. A full graphics card says it otherwise."""
LAST_WORDS = 8192
JOURNAL = "attempt.jsonl"
LOGS = ("out.log", "err.log")
SYNCED_FROM = 1.0  # seconds: what took less is sooner done again than synced
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})
LOOK_FOR_ROOM_EVERY = 0.5
LEAST_FREE, LEAST_FREE_SHARE = 256 * MIB, 0.005
LOG_LIMIT_WHEN_FULL = 2 * MIB
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2
HELLO, LAUNCH, RETIRE = b"H", b"L", b"R"

libc = ctypes.CDLL(None, use_errno=True)
encode = json.JSONEncoder(separators=(",", ":")).encode


# What a process is


def read_file(path: str, size: int = 65536) -> bytes:
    """The first bytes of a file, without the cost of a text layer."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, size)
    finally:
        os.close(handle)


def boot_id() -> str:
    return read_file("/proc/sys/kernel/random/boot_id").decode().strip()


def start_ticks(pid: int) -> int | None:
    """When a process started, in ticks since boot; None when there is no such process or it is a zombie."""
    try:
        fields = read_file(f"/proc/{pid}/stat").rpartition(b") ")[2].split(None, 20)
    except OSError:
        return None
    return None if fields[0] in b"ZX" else int(fields[19])


def identity(boot: str) -> Record:
    """What tells this very process from any other that ever has its number."""
    return {"boot": boot, "runner": os.getpid(), "runner_ticks": start_ticks(os.getpid())}


def children(pid: int) -> list[int]:
    """The direct children of one of our own processes."""
    try:
        return [int(word) for word in read_file(f"/proc/{pid}/task/{pid}/children").split()]
    except OSError:
        return [child for child in processes() if parent(child) == pid]


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parent(pid: int) -> int | None:
    try:
        return int(read_file(f"/proc/{pid}/stat").rpartition(b") ")[2].split(None, 2)[1])
    except OSError:
        return None


def send_signal(pid: int, number: int) -> None:
    """Signal a child of ours (its pid cannot be taken by another before we have waited for it)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def set_oom_score(score: int) -> None:
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(score))


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot."""
    try:
        return int(read_file("/proc/vmstat").rpartition(b"oom_kill ")[2].split(None, 1)[0])
    except (OSError, ValueError, IndexError):
        return 0


# Limits of memory


def memory_group(name: str, most: int, above: list[str]) -> str | None:
    """A control group of its own that may use so many bytes, below the first of `above` that allows it; else None."""
    for folder in above:
        group = os.path.join(folder, name)
        try:
            if b"memory" not in read_file(f"{folder}/cgroup.subtree_control").split():
                write_file(f"{folder}/cgroup.subtree_control", b"+memory")
            os.mkdir(group)
        except OSError:
            continue
        try:
            write_file(f"{group}/memory.max", b"%d" % most)
            for file, word in (("memory.swap.max", b"0"), ("memory.oom.group", b"1")):
                with contextlib.suppress(OSError):
                    write_file(f"{group}/{file}", word)
            return group
        except OSError:
            remove_group(group)
    return None


def own_groups() -> list[str]:
    """The control group that this process is in, and the one above where that is ours too (systemd's DelegateSubgroup)."""
    try:
        mounts = [line.split() for line in read_file("/proc/mounts", MIB).decode().splitlines()]
        top = next(fields[1] for fields in mounts if fields[2] == "cgroup2")
        lines = read_file("/proc/self/cgroup").decode().splitlines()
        own = top + next(line[3:] for line in lines if line.startswith("0::")).rstrip("/")
    except (OSError, StopIteration):
        return []
    above = os.path.dirname(own)
    return [own, above] if own != top and is_delegated(above) else [own]


def is_delegated(folder: str) -> bool:
    """Whether a control group was handed to us, rather than merely not being shut."""
    for mark in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, mark) == b"1":
                return True
    try:
        return os.geteuid() != 0 and os.stat(folder).st_uid == os.geteuid()
    except OSError:
        return False


def times_over(group: str) -> int:
    """How often a control group has met its limit with nothing left to give back."""
    try:
        words = read_file(f"{group}/memory.events").split()
        return int(words[words.index(b"oom") + 1])
    except (OSError, ValueError, IndexError):
        return 0


def remove_group(group: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(group)


# Files and sockets


def write_file(path: str, data: bytes, flags: int = os.O_TRUNC, durable: bool = False) -> None:
    """Write a small file, or append to it with O_APPEND: all of the data or nothing of it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        before = os.fstat(handle).st_size
        if os.write(handle, data) < len(data):
            os.ftruncate(handle, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)


def patiently(write: Callable[..., object], *arguments: Any, **options: Any) -> None:
    """Write, and wait while the disk is full or read-only: what has happened must not be forgotten."""
    while True:
        try:
            write(*arguments, **options)
            return
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        time.sleep(LOOK_FOR_ROOM_EVERY)


def read_journal(folder: str) -> tuple[int, list[Record]]:
    """How long an attempt's journal is, and what its runner has noted; what is no whole line is left out.

    Each note has an "event": "claimed" by a runner (who it is), a step "started" and "ended", the attempt's "exit".
    """
    handle = os.open(f"{folder}/{JOURNAL}", os.O_RDONLY)
    try:
        data = os.read(handle, os.fstat(handle).st_size)
    finally:
        os.close(handle)
    notes = []
    for line in data.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):  # a power cut may leave anything
            notes.append(json.loads(line))
    return len(data), notes


def make_folder(path: str) -> None:
    """A folder for its owner only, and those above it."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        make_folder(path)
    except FileExistsError:
        pass


def wake(folder: str) -> None:
    """Poke every optimizer that listens in the folder; nobody there is fine."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith("optimizer") and name.endswith(".sock")]
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        for name in names:
            with contextlib.suppress(OSError), short(os.path.join(folder, name)) as address:
                sock.sendto(b"e", address)


@contextlib.contextmanager
def short(path: str) -> Iterator[str]:
    """A name for a socket file that fits the 107 bytes which the kernel allows."""
    if len(os.fsencode(path)) < 100:
        yield path
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


def lock(path: str, patience: float = 0.0, flags: int = os.O_RDWR | os.O_CREAT) -> int | None:
    """A descriptor that holds the lock of a file or folder, or None when somebody else has it."""
    handle = os.open(path, flags, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError:
            if time.monotonic() >= deadline:
                os.close(handle)
                return None
            time.sleep(0.01)


# The runner


class LaunchError(Exception):
    """The attempt cannot be started; the text says why."""


class Runner:
    """One attempt: its steps one after another, its limits, its end. The attempt's folder is its current directory."""

    def __init__(self, order: Record, me: Record) -> None:
        self.order = order
        self.folder = order["folder"]
        self.grace = order.get("grace", 15.0)
        self.started = time.time()
        seconds = order.get("time_limit")
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.identity = me
        self.look_at_logs = time.monotonic() + CAP_LOGS_EVERY
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
        mine = lock(JOURNAL)
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
        began = time.time()
        before = [os.fstat(log).st_size for log in self.logs]
        end.update(self.execute(step, began, before))
        after = [os.fstat(log).st_size for log in self.logs]
        if max(after) > min(self.order.get("log_limit", LOG_LIMIT), LOG_LIMIT_WHEN_FULL):
            self.cap_logs()
        done = {
            **step,
            "started": began,
            "ended": time.time(),
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
            if info is not None and info.si_signo == signal.SIGTERM:
                self.end_command("stopped")
            now = time.monotonic()
            if self.deadline is not None and now >= self.deadline:
                self.deadline = None
                self.end_command("timeout")
            if self.kill_at is not None and now >= self.kill_at:
                self.kill_at = now + 1.0
                self.kill_all(signal.SIGKILL)
            if now >= self.look_at_logs:
                self.look_at_logs = now + CAP_LOGS_EVERY
                self.cap_logs()

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
        """Free the middle of a log above its limit: head and tail stay, and so do all byte offsets.

        Where the disk is nearly full, little more than the last words are kept.
        """
        limit, head = self.order.get("log_limit", LOG_LIMIT), self.order.get("log_head", LOG_HEAD)
        if is_nearly_full("."):
            limit, head = min(limit, LOG_LIMIT_WHEN_FULL), min(head, LOG_LIMIT_WHEN_FULL // 2)
        for name, log in zip(LOGS, self.logs, strict=True):
            state = os.fstat(log)
            if state.st_blocks * 512 > limit:
                punch(name, head, state.st_size - (limit - head) // 2)

    def verdict(self, status: int, logs: list[int]) -> Record:
        """What a wait status means. `logs`: where the step's output begins."""
        if self.cause is not None:
            code = os.waitstatus_to_exitcode(status)
            return {"code": max(code, 0) if code >= 0 else None, "signal": -code or None, "reason": self.cause}
        if self.memory and status and self.met_its_limit(logs):
            code = os.waitstatus_to_exitcode(status)
            ended = {"code": code, "signal": None} if code >= 0 else {"code": None, "signal": -code}
            message = f"a trial may use {self.memory // MIB} MiB"
            return {**ended, "reason": "oom", "by_limit": True, "message": message}
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            starved = number == signal.SIGKILL and oom_kills() > self.oom_kills
            return {"code": None, "signal": number, "reason": "oom" if starved else "signal"}
        code = os.WEXITSTATUS(status)
        if code == 127 and os.path.exists("launch_error"):
            return {"code": None, "reason": "launch_error", "message": json.loads(read_file("launch_error"))}
        return {"code": code, "reason": "exit"}

    def met_its_limit(self, logs: list[int]) -> bool:
        """Whether a step that failed wanted more memory than it may have.

        The kernel counts that of a control group. Of a limited address space only the command itself can tell.
        """
        if self.group:
            return times_over(self.group) > 0
        for name, log, start in zip(LOGS, self.logs, logs, strict=True):
            size = os.fstat(log).st_size
            with open(name, "rb") as file:
                file.seek(max(start, size - LAST_WORDS))
                said = file.read(LAST_WORDS)
            if any(words in said for words in SAYS_NO_MEMORY):
                return True
        return False

    def record_end(self, end: Record) -> None:
        ended = time.time()
        self.note("exit", {**end, "started": self.started, "ended": ended}, durable=ended - self.started >= SYNCED_FROM)
        for handle in (*self.logs, *reversed(self.locks)):
            os.close(handle)
        if self.order.get("wake"):
            wake(self.order["wake"])


def posix_spawn(argv: list[str], environment: dict[str, str], **how: Any) -> int:
    """Start a program that is searched where its own environment says."""
    folders = [""] if "/" in argv[0] else environment.get("PATH", os.defpath).split(os.pathsep)
    missing: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        try:
            return os.posix_spawn(os.path.join(folder, argv[0]), argv, environment, **how)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            missing = error
    raise missing


def is_nearly_full(path: str) -> bool:
    """Whether so little room is left that logs must not take it."""
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize < min(LEAST_FREE, LEAST_FREE_SHARE * room.f_blocks * room.f_frsize)


def punch(path: str, start: int, end: int) -> None:
    """Give back the blocks of a file between two offsets; what the file system cannot do stays as it is."""
    if end <= start:
        return
    handle = os.open(path, os.O_RDWR)
    try:
        offset, length = ctypes.c_int64(start), ctypes.c_int64(end - start)
        libc.fallocate(handle, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length)
    finally:
        os.close(handle)


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


def receive_frame(channel: socket.socket) -> bytes | None:
    """The next whole frame of a stream; None when the other side has closed it."""
    data = bytearray()
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        piece = channel.recv(1 << 18)
        if not piece:
            return None
        data += piece
    return bytes(data[4:])


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


# The keeper


class Keeper:
    """Hands orders to runners, forks them, waits for them, and kills what a dead runner has left behind."""

    def __init__(self, data: str, umask: int) -> None:
        self.umask = umask
        self.run_folder = os.path.join(data, "run")
        self.socket_path = os.path.join(self.run_folder, "keeper.sock")
        self.boot = boot_id()
        self.clients: dict[int, tuple[socket.socket, bytearray]] = {}
        self.runners: dict[int, socket.socket] = {}
        self.idle: dict[int, float] = {}
        self.retired = False
        self.lock: int | None = None

    def listen(self) -> bool:
        """Become the keeper of the data folder; False when it has one."""
        os.makedirs(self.run_folder, mode=0o700, exist_ok=True)
        self.lock = lock(os.path.join(self.run_folder, "keeper.lock"), 1.0)
        if self.lock is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket_path)
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short(self.socket_path) as name:
            self.server.bind(name)
        self.server.listen(64)
        self.inode = os.stat(self.socket_path).st_ino
        return True

    def serve(self) -> None:
        """Answer until nobody needs this keeper any more."""
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        set_oom_score(OOM_SCORE)
        self.wake_out, self.wake_in = socket.socketpair()
        self.wake_in.setblocking(False)
        self.wake_out.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, stack: None)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)  # what runners, and so commands, inherit
        signal.set_wakeup_fd(self.wake_in.fileno(), warn_on_full_buffer=False)
        self.poll = select.poll()
        for channel in (self.server, self.wake_out):
            self.poll.register(channel, select.POLLIN)
        quiet_since = time.monotonic()
        while True:
            for handle, _event in self.poll.poll(5_000):
                self.attend(handle)
            self.dismiss_idle()
            if self.clients or self.runners:
                quiet_since = time.monotonic()
            elif self.retired or self.abandoned() or time.monotonic() - quiet_since > IDLE_SECONDS:
                return

    def abandoned(self) -> bool:
        try:
            return os.stat(self.socket_path).st_ino != self.inode
        except OSError:
            return True

    def attend(self, handle: int) -> None:
        if handle == self.wake_out.fileno():
            with contextlib.suppress(BlockingIOError):
                self.wake_out.recv(4096)
            self.reap()
        elif handle == self.server.fileno():
            client, _ = self.server.accept()
            self.clients[client.fileno()] = (client, bytearray())
            self.poll.register(client, select.POLLIN)
        elif handle in self.clients:
            self.read(*self.clients[handle])
        else:
            self.hear(handle)

    def reap(self) -> None:
        """Wait for ended children; a child that is no runner was left by a runner that died."""
        widowed = False
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                widowed = widowed or pid not in self.runners or os.WIFSIGNALED(status)
                self.bury(pid)
        if widowed:
            for pid in children(os.getpid()):
                if pid not in self.runners:
                    send_signal(pid, signal.SIGKILL)

    def bury(self, pid: int) -> None:
        channel = self.runners.pop(pid, None)
        self.idle.pop(pid, None)
        if channel is not None and channel.fileno() >= 0:
            self.poll.unregister(channel)
            channel.close()

    def hear(self, handle: int) -> None:
        """A runner says that it can take another order, or has closed its end and is about to go."""
        for pid, channel in self.runners.items():
            if channel.fileno() != handle:
                continue
            try:
                free = channel.recv(16) == b"."
            except OSError:
                free = False
            if free and not self.retired:
                self.idle[pid] = time.monotonic()
            else:
                self.dismiss(pid)
            return

    def dismiss(self, pid: int) -> None:
        """Let a runner go: it ends when it finds its channel closed."""
        self.idle.pop(pid, None)
        channel = self.runners[pid]
        if channel.fileno() >= 0:
            self.poll.unregister(channel)
            channel.close()

    def dismiss_idle(self) -> None:
        now = time.monotonic()
        for pid, since in list(self.idle.items()):
            if self.retired or now - since > RUNNER_IDLE_SECONDS:
                self.dismiss(pid)

    def read(self, client: socket.socket, buffer: bytearray) -> None:
        try:
            data = client.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            self.drop(client)
            return
        buffer += data
        while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "big"):
            size = int.from_bytes(buffer[:4], "big")
            request = bytes(buffer[4 : 4 + size])
            del buffer[: 4 + size]
            answer = encode(self.answer(request[:1], request[1:])).encode()
            try:
                client.sendall(frame(answer), socket.MSG_NOSIGNAL)
            except OSError:
                self.drop(client)
                return

    def drop(self, client: socket.socket) -> None:
        self.poll.unregister(client)
        del self.clients[client.fileno()]
        client.close()

    def answer(self, verb: bytes, body: bytes) -> Record:
        if verb == LAUNCH and not self.retired:
            return self.launch(body)
        if verb == RETIRE:
            self.retire()
        busy = len(self.runners) - len(self.idle)
        ids = {"pid": os.getpid(), "ticks": start_ticks(os.getpid()), "boot": self.boot}
        return {"protocol": PROTOCOL, "retired": self.retired, "busy": busy, **ids}

    def retire(self) -> None:
        """Make room for another keeper; the runners that live are kept to their end."""
        if not self.retired:
            self.retired = True
            self.poll.unregister(self.server)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.socket_path)
            if self.lock is not None:
                os.close(self.lock)

    def launch(self, body: bytes) -> Record:
        """Give an order to an idle runner, or to a new one; which process has it now."""
        while self.idle:
            pid, _since = self.idle.popitem()
            try:
                self.runners[pid].sendall(frame(body), socket.MSG_NOSIGNAL)
                return {"pid": pid}
            except OSError:
                self.dismiss(pid)
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError as error:
            return {"error": "busy", "message": error.strerror}
        if pid == 0:
            become_runner(theirs, body, self.boot, self.umask)
        theirs.close()
        self.runners[pid] = ours
        self.poll.register(ours, select.POLLIN)
        return {"pid": pid}


def become_runner(channel: socket.socket, body: bytes, boot: str, umask: int) -> NoReturn:
    """In the forked child: let go of what is the keeper's, run attempts, and never return."""
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
        gc.disable()
        os.setsid()
        os.umask(umask)  # what commands write may be for others too; our own files say their mode
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kept = channel.detach()
        os.closerange(3, kept)
        os.closerange(kept + 1, 1024)
        take_orders(socket.socket(fileno=kept), body, boot)
        code = 0
    except BaseException as error:
        os.write(2, f"runner {os.getpid()}: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def main(data: str) -> int:
    umask = os.umask(0o077)
    keeper = Keeper(os.path.abspath(data), umask)
    if not keeper.listen():
        return 0
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    gc.collect()
    gc.freeze()
    keeper.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
