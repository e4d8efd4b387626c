"""What a process is, so that it is never taken for another one, and who belongs to it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os

from .files import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from typing import Any

    Record = dict[str, Any]

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

libc = ctypes.CDLL(None, use_errno=True)


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
