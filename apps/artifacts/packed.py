"""Tar and zip files read member by member, every byte counted as it comes out and nothing taken on trust."""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

from apps.artifacts import tar

BLOCK = 64 * 1024
XZ_MEMORY = 128 << 20
CENTRAL_PER_MEMBER = 1024  # bytes of a zip's directory for each member that would be allowed
END_OF_ZIP, LONGEST_COMMENT = 22, 65_535
ZIP64_LOCATOR = b"PK\x06\x07"
TAKEN_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
ENCRYPTED = 0x1
ON_UNIX = 3
RATIO_FROM = 1 << 20
# what readers of damaged files raise; ValueError and RuntimeError are zipfile's words as well
DAMAGED = (tar.BrokenTar, zipfile.BadZipFile, zlib.error, EOFError, OverflowError, ValueError, RuntimeError)


class BadArchive(ValueError):
    """An archive that is not taken; the text is one sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may come to. Sizes are bytes, of what really comes out of it.

    ratio: how many times its packed size it may have, counted from the first MiB on. depth: folders below each other.
    name, path: bytes of one name and of a whole path.
    """

    members: int = 10_000
    total: int = 2 << 30
    each: int = 1 << 30
    ratio: int = 100
    seconds: float = 60.0
    depth: int = 16
    name: int = 255
    path: int = 1024


@dataclass(frozen=True)
class Member:
    """One entry. `oddity` says what it is if it is neither a file nor a folder."""

    path: str
    is_folder: bool
    is_executable: bool
    content: Callable[[], Iterator[bytes]]
    oddity: str = ""

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces; BadArchive where the archive does not give it."""
        with reading():
            yield from self.content()

    def called(self, path: str) -> Member:
        return replace(self, path=path)


@contextmanager
def reading() -> Iterator[None]:
    """Turn what readers raise over a damaged file into BadArchive."""
    try:
        yield
    except BadArchive:
        raise
    except DAMAGED as error:
        raise BadArchive(f"it is damaged: {error}") from None


class Meter:
    """Compares what came out with what went in."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def check(self, out: int, packed: int) -> None:
        if out > RATIO_FROM and out > self.limits.ratio * packed:
            raise BadArchive(f"it unpacks to more than {self.limits.ratio} times its size")


def packing_of(file: IO[bytes]) -> str:
    """Which of MAGIC the content begins like, "tar" for a plain one; empty for no archive. Leaves the file at 0."""
    file.seek(0)
    head = file.read(tar.BLOCK)
    file.seek(0)
    found = next((name for name, magic in MAGIC.items() if head.startswith(magic)), "")
    return found or ("tar" if tar.is_header(head) else "")


def members_of(file: IO[bytes], meter: Meter) -> Iterator[Member]:
    """The entries of an archive, each to be read before the next one is asked for."""
    packing = packing_of(file)
    if not packing:
        raise BadArchive("it is neither a tar nor a zip file")
    if "zip" in packing.split():
        yield from _zipped(file, meter)
        return
    stream = Unpacking(file, UNPACKERS[packing], meter) if packing in UNPACKERS else file
    with reading():
        for entry in tar.entries(stream):
            is_executable = bool(entry.mode & stat.S_IXUSR)
            yield Member(entry.path, entry.is_folder, is_executable, entry.chunks, entry.oddity)


@dataclass(frozen=True)
class Packing:
    """How to begin with one kind of packed stream; `step` unpacks some bytes up to a limit."""

    begin: Callable[[], Any]
    step: Callable[[Any, bytes], bytes]


class Unpacking(io.RawIOBase):
    """A packed file as its content, in order. Several packed streams after one another read as one."""

    def __init__(self, file: IO[bytes], packing: Packing, meter: Meter) -> None:
        self._file, self._packing, self._meter = file, packing, meter
        self._unpacker: Any = packing.begin()
        self._held = b""
        self._rest = b""
        self._packed = self._out = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes, at least one unless it is the end."""
        while not self._held:
            if not self._more():
                return b""
        found, self._held = self._held[:size], self._held[size:]
        return found

    def _more(self) -> bool:
        """Unpack another piece; False at the end."""
        if self._unpacker.eof:
            self._rest = self._unpacker.unused_data or self._next()
            if not self._rest.strip(b"\0"):
                return False
            self._unpacker = self._packing.begin()
        source = self._rest if self._rest or not _is_hungry(self._unpacker) else self._next()
        if not source and _is_hungry(self._unpacker):
            raise BadArchive("its packed data ends too early")
        self._rest = b""
        try:
            self._held = self._packing.step(self._unpacker, source)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:  # OSError is bz2's word for it
            raise BadArchive(f"it is damaged: {error}") from None
        self._out += len(self._held)
        self._meter.check(self._out, self._packed)
        return True

    def _next(self) -> bytes:
        found = self._file.read(BLOCK)
        self._packed += len(found)
        return found


def _is_hungry(unpacker: Any) -> bool:
    """Whether it has used up what it was given."""
    if hasattr(unpacker, "needs_input"):
        return bool(unpacker.needs_input)
    return not unpacker.unconsumed_tail


def _inflate(unpacker: Any, source: bytes) -> bytes:
    return bytes(unpacker.decompress(unpacker.unconsumed_tail + source, BLOCK))


def _decompress(unpacker: Any, source: bytes) -> bytes:
    return bytes(unpacker.decompress(source, BLOCK))


MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0", "zip": b"PK\x03\x04", "empty zip": b"PK\x05\x06"}
UNPACKERS = {
    "gzip": Packing(lambda: zlib.decompressobj(wbits=31), _inflate),
    "bzip2": Packing(bz2.BZ2Decompressor, _decompress),
    "xz": Packing(lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY), _decompress),
}


def _zipped(file: IO[bytes], meter: Meter) -> Iterator[Member]:
    packed = _check_end(file, meter.limits)
    out = 0
    with reading():
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():

                def chunks(info: zipfile.ZipInfo = info) -> Iterator[bytes]:
                    nonlocal out
                    own = 0
                    with archive.open(info) as member:
                        while chunk := _read(member):
                            out, own = out + len(chunk), own + len(chunk)
                            meter.check(own, max(info.compress_size, 1))
                            meter.check(out, packed)
                            yield chunk

                yield _zip_member(info, chunks)


def _read(member: IO[bytes]) -> bytes:
    try:
        return member.read(BLOCK)
    except OSError as error:  # bz2's word for damaged data
        raise BadArchive(f"it is damaged: {error}") from None


def _zip_member(info: zipfile.ZipInfo, chunks: Callable[[], Iterator[bytes]]) -> Member:
    mode = info.external_attr >> 16 if info.create_system == ON_UNIX else 0
    kind = stat.S_IFMT(mode)
    path = info.orig_filename
    oddity = ""
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        oddity = "a link" if kind == stat.S_IFLNK else "a device or another special file"
    elif info.flag_bits & ENCRYPTED:
        oddity = "encrypted"
    elif info.compress_type not in TAKEN_METHODS:
        oddity = f"packed in a way that is not taken (method {info.compress_type})"
    return Member(path, path.endswith("/"), bool(mode & stat.S_IXUSR), chunks, oddity)


def _check_end(file: IO[bytes], limits: Limits) -> int:
    """The file's size. Raises BadArchive when the directory at its end is larger than any that would be taken.

    zipfile reads that directory as a whole, so its size is looked at before, where zipfile will find it.
    """
    size = file.seek(0, io.SEEK_END)
    start = max(size - LONGEST_COMMENT - END_OF_ZIP, 0)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = len(tail) - END_OF_ZIP
    if at < 0 or not (tail[at:].startswith(b"PK\x05\x06") and tail.endswith(b"\0\0")):
        at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END_OF_ZIP:
        raise BadArchive("it is damaged: the directory of the zip file is missing")
    if tail[max(at - 20, 0) : at].startswith(ZIP64_LOCATOR):
        raise BadArchive("it is a zip file of the form for more than 4 GiB")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory > limits.members * CENTRAL_PER_MEMBER:
        raise BadArchive(f"it has more than {limits.members} members")
    return size
