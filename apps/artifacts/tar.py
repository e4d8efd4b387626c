"""The tar format, read in order: old, ustar, GNU and pax headers. What a header says is checked, what it costs bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

BLOCK = 512
CHUNK = 128 * BLOCK
LONGEST_TEXT = 256 * 1024  # of a long name or of pax members
MOST_TEXTS = 8  # headers that only prepare the one after them
FILES, FOLDER, LINKS = frozenset({0, ord("0"), ord("7")}), ord("5"), frozenset({ord("1"), ord("2")})
LONG_NAME, LONG_LINK, PAX, GLOBAL_PAX = ord("L"), ord("K"), ord("x"), ord("g")
ODD = {ord("3"): "a device", ord("4"): "a device", ord("6"): "a named pipe", ord("S"): "a sparse file"}
CHECKSUM = slice(148, 156)


class BrokenTar(ValueError):
    """The bytes are no tar, or not all of one."""


class Source(Protocol):
    """What bytes are read from; a read may give fewer than asked, and gives none at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass
class Entry:
    """One member. Its content must be read, or left, before the next is asked for."""

    path: str
    mode: int
    size: int
    is_folder: bool
    oddity: str
    source: Source
    left: int = field(default=0)

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces."""
        while self.left:
            piece = self.source.read(min(self.left, CHUNK))
            if not piece:
                raise BrokenTar(f"it ends {self.left} bytes before its last file does")
            self.left -= len(piece)
            yield piece


def is_header(block: bytes) -> bool:
    """Whether these bytes begin with the header of a member."""
    return len(block) >= BLOCK and any(block[:BLOCK]) and _sum_is_right(block[:BLOCK])


def entries(source: Source) -> Iterator[Entry]:
    """The members in their order. Raises BrokenTar for anything that is not a whole tar file."""
    common: dict[str, str] = {}
    own: dict[str, str] = {}
    waiting = 0
    while (block := _whole(source, BLOCK, may_end=True)) and any(block):
        if not _sum_is_right(block):
            raise BrokenTar("a header's checksum is wrong")
        kind, size = block[156], _number(block[124:136])
        if kind in (LONG_NAME, LONG_LINK, PAX, GLOBAL_PAX):
            waiting += 1
            if waiting > MOST_TEXTS or size > LONGEST_TEXT:
                raise BrokenTar("its headers are too long")
            text = _padded(source, size)
            if kind == GLOBAL_PAX:
                common |= _pax(text)
            elif kind == PAX:
                own |= _pax(text)
            elif kind == LONG_NAME:
                own["path"] = _text(text)
            continue
        entry = _entry(block, kind, size, common | own, source)
        own, waiting = {}, 0
        yield entry
        for _ in entry.chunks():
            pass
        _whole(source, -entry.size % BLOCK)
    if waiting:
        raise BrokenTar("it ends behind a header without its file")


def _entry(block: bytes, kind: int, size: int, more: dict[str, str], source: Source) -> Entry:
    path = more.get("path") or _name(block)
    if "size" in more:
        size = _decimal(more["size"])
    is_folder = kind == FOLDER or (kind in FILES and path.endswith("/"))
    oddity = "" if kind in FILES or is_folder else ODD.get(kind, f"of an unknown kind ({kind})")
    if kind in LINKS:
        oddity = "a link"
    if any(name.startswith("GNU.sparse") for name in more):
        oddity = ODD[ord("S")]
    if is_folder or oddity:
        size = 0 if not oddity else size
    return Entry(path, _number(block[100:108]), size, is_folder, oddity, source, left=size)


def _name(block: bytes) -> str:
    name = _text(block[0:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _pax(text: bytes) -> dict[str, str]:
    """The members of a pax header: `length key=value` and a line end, each."""
    found = {}
    while text.strip(b"\0"):
        length = text.partition(b" ")[0]
        if not length.isdigit() or len(length) > 7 or not len(length) + 4 <= int(length) <= len(text):
            raise BrokenTar("a pax header is damaged")
        name, equals, value = text[len(length) + 1 : int(length)].partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise BrokenTar("a pax header is damaged")
        found[name.decode("utf-8", "replace")] = value[:-1].decode("utf-8", "surrogateescape")
        text = text[int(length) :]
    return found


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BrokenTar(f"a size is no number: {text[:20]!r}")
    return int(text)


def _number(field: bytes) -> int:
    """A header's number: octal digits, or base 256 where the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        if field[0] != 0x80 or value >= 1 << 62:
            raise BrokenTar("a number in a header is out of range")
        return value
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise BrokenTar(f"a number in a header is none: {digits[:12]!r}")
    return int(digits or b"0", 8)


def _sum_is_right(block: bytes) -> bool:
    """Whether the header's checksum is that of its bytes, counted without or, as some old ones do, with signs."""
    try:
        wanted = _number(block[CHECKSUM])
    except BrokenTar:
        return False
    blank = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(blank)
    return wanted in (unsigned, unsigned - 256 * sum(1 for byte in blank if byte > 127))


def _padded(source: Source, size: int) -> bytes:
    return _whole(source, size + -size % BLOCK)[:size]


def _whole(source: Source, size: int, *, may_end: bool = False) -> bytes:
    """Exactly so many bytes; none where the source may end here."""
    found = b""
    while len(found) < size:
        piece = source.read(size - len(found))
        if not piece:
            if may_end and not found:
                return b""
            raise BrokenTar("it ends in the middle of a block")
        found += piece
    return found
