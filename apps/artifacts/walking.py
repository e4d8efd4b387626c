"""Reading a folder that somebody else has filled: regular files only, through no link, and never more than is allowed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.artifacts import paths
from apps.artifacts.paths import BadPath

CHUNK = 1 << 20
PLAIN, EXECUTABLE = 0o644, 0o755


@dataclass(frozen=True)
class Found:
    """One regular file below the folder. `problem` says why it cannot be kept, and is empty when it can."""

    path: str
    mode: int
    size: int
    where: Path
    problem: str = ""

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, opened so that no link is followed on the way. Raises OSError when it is no such file any more."""
        handle = open_below(self.where, self.path)
        with os.fdopen(handle, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


def files(folder: Path) -> Iterator[Found]:
    """The regular files below a folder, by name. Links, devices, sockets and pipes are passed by, as is what vanishes."""
    if folder.is_symlink() or not folder.is_dir():
        return
    yield from _files(folder, "", 1)


def open_below(folder: Path, path: str) -> int:
    """A descriptor of a regular file below a folder, with no link in any part of the path. Raises OSError."""
    *above, name = path.split("/")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for part in above:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = inner
        # not to wait for the writer of a pipe that took the file's place
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
    finally:
        os.close(handle)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is no regular file")
    return file


def _files(root: Path, below: str, depth: int) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(root / below), key=lambda entry: entry.name)
    except OSError:
        return  # gone, or not ours to read
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if entry.is_dir(follow_symlinks=False):
            if depth < paths.MOST_DEPTH:
                yield from _files(root, path, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield _found(root, path, entry)


def _found(root: Path, path: str, entry: os.DirEntry[str]) -> Found:
    state = entry.stat(follow_symlinks=False)
    mode = EXECUTABLE if state.st_mode & stat.S_IXUSR else PLAIN
    try:
        problem = "" if paths.checked(path) == path else "its name is not in composed form (NFC)"
    except BadPath as error:
        problem = str(error)
    return Found(path, mode, state.st_size, root, problem)
