"""Small files, written whole or not at all, and locks on them."""

from __future__ import annotations

import errno
import fcntl
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from collections.abc import Callable
    from typing import Any

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})
LOOK_FOR_ROOM_EVERY = 0.5


def read_file(path: str, size: int = 65536) -> bytes:
    """The first bytes of a file, without the cost of a text layer."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, size)
    finally:
        os.close(handle)


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


def make_folder(path: str) -> None:
    """A folder for its owner only, and those above it."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        make_folder(path)
    except FileExistsError:
        pass


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


def is_locked(path: str) -> bool:
    """Whether somebody holds the lock of a file. Whoever comes for it at this moment has to wait for it to be let go."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:  # a disk that is read-only for now
        handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
