"""Logs that are too long: their middle is given back to the disk, head and tail stay."""

from __future__ import annotations

import ctypes
import os

from .processes import libc

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from collections.abc import Sequence

MIB = 1024 * 1024
LOG_LIMIT = 64 * MIB
LOG_HEAD = 8 * MIB
LOGS = ("out.log", "err.log")
LEAST_FREE, LEAST_FREE_SHARE = 256 * MIB, 0.005
LOG_LIMIT_WHEN_FULL = 2 * MIB
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2


def cap(logs: Sequence[int], limit: int, head: int) -> None:
    """Free the middle of each log above the limit: head and tail stay, and so do all byte offsets.

    Where the disk is nearly full, little more than the last words are kept. The logs lie in the current directory.
    """
    if is_nearly_full("."):
        limit, head = min(limit, LOG_LIMIT_WHEN_FULL), min(head, LOG_LIMIT_WHEN_FULL // 2)
    for name, log in zip(LOGS, logs, strict=True):
        state = os.fstat(log)
        if state.st_blocks * 512 > limit:
            punch(name, head, state.st_size - (limit - head) // 2)


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
