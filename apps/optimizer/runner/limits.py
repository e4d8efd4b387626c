"""Limits of memory: a control group of its own where that is possible, else the command says what it lacked."""

from __future__ import annotations

import contextlib
import os

from .files import read_file, write_file

SAYS_NO_MEMORY = (
    b"\nMemoryError",
    b"ArrayMemoryError",
    b"annot allocate memory",
    b"bad_alloc",
    b"lang.OutOfMemoryError",
)
"""How commands say that they were refused memory: Python, numpy, C, C++, Java. A full graphics card says it otherwise."""
LAST_WORDS = 8192


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
        mounts = [line.split() for line in read_file("/proc/mounts", 1 << 20).decode().splitlines()]
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


def says_no_memory(log: str, start: int, size: int) -> bool:
    """Whether the last words of a log, behind an offset, are of a command that was refused memory."""
    with open(log, "rb") as file:
        file.seek(max(start, size - LAST_WORDS))
        said = file.read(LAST_WORDS)
    return any(words in said for words in SAYS_NO_MEMORY)
