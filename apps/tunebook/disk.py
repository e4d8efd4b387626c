"""Whether the disk that trials write to has room, in a stable word and in words for people."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path

MIB = 1024 * 1024
LEAST_FREE, LEAST_SHARE = 1024 * MIB, 0.02
"""Below both no trial starts."""
FULL, FULL_SHARE = 256 * MIB, 0.005
"""Below both logs are cut as well; runners measure it by the same numbers, which they must hold themselves."""

TRY_EVERY = 2.0
"""Seconds between two tries to write."""
BROKEN = frozenset({errno.EROFS, errno.EIO})
_TRIED: dict[str, tuple[float, bool]] = {}

WORDS: Mapping[str, str] = {
    "disk_missing": "the data folder cannot be reached",
    "disk_read_only": "the disk that trials write to is read-only",
    "disk_forbidden": "the folder that trials write to may not be written by the user who runs Tunebook",
    "disk_full": "the disk that trials write to is full; the logs of running trials are cut",
    "disk_low": "the disk that trials write to is nearly full",
}
NOTICES: Mapping[str, str] = {
    "disk_missing": "The data folder cannot be reached. No trial starts until it can.",
    "disk_read_only": "The disk of the data folder is read-only. Nothing can be stored, and no trial starts, until it can be written to.",
    "disk_forbidden": "The user who runs Tunebook may not write the data folder or trials/ in it. No trial starts, and those that run cannot keep what they measure, until that is given back.",
    "disk_full": "The disk of the data folder is full. No trial starts, and logs are cut short, until there is room again.",
    "disk_low": "The disk of the data folder is nearly full. No trial starts until there is room again; those that run go on.",
}


def trouble(data: Path) -> str:
    """One of the words of WORDS, empty when all is well. A system call, and now and then one that writes."""
    try:
        state = os.statvfs(data)
    except OSError:
        return "disk_missing"
    if state.f_flag & os.ST_RDONLY or _refuses(os.fspath(data)):
        return "disk_read_only"
    folders = [folder for folder in (data, data / "trials") if os.path.exists(folder)]
    if not all(os.access(folder, os.W_OK | os.X_OK) for folder in folders):
        return "disk_forbidden"
    free, size = state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize
    if free < min(FULL, FULL_SHARE * size):
        return "disk_full"
    return "disk_low" if free < min(LEAST_FREE, LEAST_SHARE * size) else ""


def _refuses(folder: str) -> bool:
    """Whether the disk takes nothing any more: one that has met an error does not always say that it is read-only."""
    moment = time.monotonic()
    tried, refuses = _TRIED.get(folder, (-TRY_EVERY, False))
    if moment - tried >= TRY_EVERY:
        refuses = False
        try:
            os.utime(folder)
        except OSError as error:
            refuses = error.errno in BROKEN
        _TRIED[folder] = moment, refuses
    return refuses


def notice(data: Path) -> str:
    """What pages say about it, empty when all is well."""
    return NOTICES.get(trouble(data), "")
