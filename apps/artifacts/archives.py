"""Archives from strangers, unpacked file by file: refused whole with the first reason, and then nothing is kept.

Nothing is extracted by the standard library's extractors: every member is looked at first and written by us, as a
regular file or folder below the one that is made for it. What an archive says about sizes is never believed.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from apps.artifacts.packed import BadArchive, Limits, Member, Meter, members_of, packing_of

__all__ = ["LIMITS", "BadArchive", "Limits", "Unpacked", "is_archive", "unpack"]

LIMITS = Limits()
DRIVE = re.compile(r"[A-Za-z]:")
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Unpacked:
    """A file that was written: its path below the folder with slashes, its bytes, and 0o644 or 0o755."""

    path: str
    size: int
    mode: int


def is_archive(file: IO[bytes]) -> bool:
    """Whether the content is that of a tar, packed or not, or a zip, whatever its name says. Leaves the file at 0."""
    return packing_of(file) != ""


def unpack(
    file: IO[bytes],
    folder: Path | str,
    limits: Limits = LIMITS,
    *,
    skip: Callable[[str], bool] = lambda path: False,
) -> list[Unpacked]:
    """Unpack a tar (plain, gzip, bzip2, xz) or a zip into a folder that does not exist yet; the files in their order.

    file: opened for reading bytes, able to seek. skip: paths that are looked at like all others but not written.
    Raises BadArchive with the first reason; then, and on any other error, the folder does not exist.
    """
    target = Path(folder)
    draft = target.with_name(f".{target.name[:40]}-{secrets.token_hex(6)}")
    draft.mkdir(mode=0o700)
    try:
        with Writer(draft, limits) as writer:
            meter = Meter(limits)
            written = [
                writer.write(member.path, member.is_executable, member.chunks(), skip(member.path))
                for member in named(members_of(file, meter), limits)
            ]
        if target.exists():
            raise FileExistsError(f"{target.name} is there already")
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return [one for one in written if one is not None]


def named(members: Iterable[Member], limits: Limits) -> Iterator[Member]:
    """The regular files among the members, each under a path that is safe below any folder."""
    tree = Tree()
    for count, member in enumerate(members, start=1):
        if count > limits.members:
            raise BadArchive(f"it has more than {limits.members} members")
        if member.oddity:
            raise BadArchive(f"{shown(member.path)} is {member.oddity}; only files and folders are taken")
        parts = parts_of(member.path, limits)
        tree.add(parts, is_folder=member.is_folder)
        if member.is_folder:
            continue
        if not parts:
            raise BadArchive("a file has no name")
        yield member.called("/".join(parts))


def parts_of(path: str, limits: Limits) -> list[str]:
    """The names along a member's path, empty for the top itself. Raises BadArchive for what could lead elsewhere."""
    name = shown(path)
    if any(unicodedata.category(mark) in ("Cc", "Cs") for mark in path):
        raise BadArchive(f"{name} has a control character in its name, or one that is no text")
    if "\\" in path:
        raise BadArchive(f"{name} has a backslash in its name")
    if path.startswith("/") or DRIVE.match(path):
        raise BadArchive(f"{name} is an absolute path")
    if len(path.encode()) > limits.path:
        raise BadArchive(f"{name} is longer than {limits.path} bytes")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadArchive(f"{name} leads out of the archive")
    if len(parts) > limits.depth:
        raise BadArchive(f"{name} lies deeper than {limits.depth} folders")
    if any(len(part.encode()) > limits.name for part in parts):
        raise BadArchive(f"{name} has a name longer than {limits.name} bytes")
    return parts


class Tree:
    """The paths so far, as a file system would know them that tells neither case nor composition of letters apart."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, bool]] = {}

    def add(self, parts: list[str], *, is_folder: bool) -> None:
        """Take in a path with the folders above it. Raises BadArchive where two would be one."""
        for depth in range(1, len(parts) + 1):
            path, is_whole = "/".join(parts[:depth]), depth == len(parts)
            here = (path, is_folder or not is_whole)
            before = self._known.get(folded(path))
            if before is None:
                self._known[folded(path)] = here
            elif before[0] != path:
                raise BadArchive(f"{shown(path)} and {shown(before[0])} would be one on some machines")
            elif before != here:
                raise BadArchive(f"{shown(path)} is a file and a folder at once")
            elif is_whole and not is_folder:
                raise BadArchive(f"{shown(path)} is in it twice")


def folded(path: str) -> str:
    """The path as such a file system compares it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def shown(path: str) -> str:
    """A member's name as it may stand in a sentence."""
    text = ascii(path)[1:-1] if not path.isprintable() else path
    return f"{text[:80]}..." if len(text) > 80 else text or "a member"


class Writer:
    """Writes files below one folder through its descriptor, so that nothing on the way can be swapped for a link."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._opened: dict[str, int] = {}
        self._total = 0
        self._until = time.monotonic() + limits.seconds

    def __enter__(self) -> Writer:
        self._opened[""] = os.open(self._folder, OPEN_FOLDER)
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._opened.values():
            os.close(descriptor)

    def write(self, path: str, is_executable: bool, chunks: Iterable[bytes], skipped: bool) -> Unpacked | None:
        """One file from its bytes, which are counted as they come; None for one that is only counted."""
        mode = 0o755 if is_executable else 0o644
        handle = None if skipped else self._create(path, mode)
        size = 0
        try:
            for chunk in chunks:
                size += len(chunk)
                self._count(path, len(chunk), size)
                if handle is not None:
                    handle.write(chunk)
        finally:
            if handle is not None:
                handle.close()
        return None if skipped else Unpacked(path, size, mode)

    def _count(self, path: str, more: int, size: int) -> None:
        limits = self._limits
        self._total += more
        if size > limits.each:
            raise BadArchive(f"{shown(path)} has more than {limits.each} bytes")
        if self._total > limits.total:
            raise BadArchive(f"it unpacks to more than {limits.total} bytes")
        if time.monotonic() > self._until:
            raise BadArchive(f"it takes longer than {limits.seconds:g} seconds to unpack")

    def _create(self, path: str, mode: int) -> IO[bytes]:
        above, _, name = path.rpartition("/")
        descriptor = os.open(name, CREATE_FILE, 0o600, dir_fd=self._folder_of(above))
        os.fchmod(descriptor, mode)
        return os.fdopen(descriptor, "wb")

    def _folder_of(self, path: str) -> int:
        """The descriptor of a folder, which is made if it is not there; a few stay open."""
        if path in self._opened:
            return self._opened[path]
        above, _, name = path.rpartition("/")
        parent = self._folder_of(above)
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=parent)
        if len(self._opened) > 64:
            self._close_others(above)
        self._opened[path] = os.open(name, OPEN_FOLDER, dir_fd=self._opened[above])
        return self._opened[path]

    def _close_others(self, path: str) -> None:
        """Close all folders but those above a path."""
        for known in [known for known in self._opened if known and not f"{path}/".startswith(f"{known}/")]:
            os.close(self._opened.pop(known))
