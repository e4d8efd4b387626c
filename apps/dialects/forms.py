"""Multipart forms read as bytes: what a part is, its reader decides, not whether it came with a file name.

Django takes a part without a file name for text, which spoils a tar that a client has sent without one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import (
    RAW,
    ChunkIter,
    InputStreamExhausted,
    LazyStream,
    MultiPartParserError,
    Parser,
)
from django.utils.http import parse_header_parameters

from apps.dialects.body import MOST_BYTES, check_text
from apps.dialects.refusal import Refusal

LARGEST_FORM = 512 * 1024 * 1024
MOST_PARTS = 50
IN_MEMORY = 1024 * 1024
BLOCK = 64 * 1024
MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
BOUNDARY = re.compile(rb"[ -~]{0,200}[!-~]")


@dataclass(frozen=True)
class Part:
    """One part: its name, the file name if it has one, its size, and its bytes from the start."""

    name: str
    filename: str
    size: int
    file: IO[bytes]


@dataclass
class Form:
    """The parts of a form in their order."""

    parts: list[Part] = field(default_factory=list)

    def text(self, name: str) -> str:
        """The first part of this name that is not empty, as text. Raises Refusal when there is none or it is none."""
        found = next((part for part in self.parts if part.name == name and part.size), None)
        if found is None:
            raise Refusal("missing_parameter", "is required", field=name)
        if found.size > MOST_BYTES:
            raise Refusal("too_large", f"must be at most {MOST_BYTES} bytes, got {found.size}", field=name, status=413)
        found.file.seek(0)
        try:
            return check_text(found.file.read().decode("utf-8"), name)
        except UnicodeDecodeError:
            raise Refusal("bad_text", "must be UTF-8 text", field=name) from None

    def digest(self) -> bytes:
        """The same for two forms with the same parts, whatever their boundary. Reads all of them."""
        whole = hashlib.sha256()
        for part in self.parts:
            part.file.seek(0)
            whole.update(f"{part.name!r} {part.filename!r} {part.size}\n".encode())
            while chunk := part.file.read(BLOCK):
                whole.update(chunk)
            part.file.seek(0)
        return whole.digest()

    def files(self, *, without: str) -> list[Part]:
        """The parts that are files: those called `file`, else all but the named one."""
        named = [part for part in self.parts if part.name == "file"]
        return named or [part for part in self.parts if part.name != without]


@contextmanager
def read_form(http: HttpRequest) -> Iterator[Form]:
    """The form in a request's body, which nobody may have read before; its files are gone behind the block."""
    kind, options = parse_header_parameters(http.META.get("CONTENT_TYPE", ""))
    length = http.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > LARGEST_FORM:
        raise _too_large()
    with ExitStack() as opened:
        form = Form()
        if not kind and length == "0":
            yield form  # there is no body
            return
        if kind == URLENCODED:
            _read_pairs(http, form, opened)
        elif kind == MULTIPART:
            _read_parts(http, _boundary(options), form, opened)
        else:
            raise Refusal("bad_type", f"must be {MULTIPART}, got {kind[:80]!r}", field="content-type", status=415)
        yield form


def _read_parts(http: HttpRequest, boundary: bytes, form: Form, opened: ExitStack) -> None:
    total = 0
    try:
        for kind, headers, stream in Parser(LazyStream(ChunkIter(http, BLOCK)), boundary):
            if kind == RAW:
                continue
            if len(form.parts) >= MOST_PARTS:
                raise Refusal("bad_form", f"the form must have at most {MOST_PARTS} parts")
            file = _held(opened)
            size = 0
            for chunk in stream:
                size, total = size + len(chunk), total + len(chunk)
                if total > LARGEST_FORM:
                    raise _too_large()
                file.write(chunk)
            file.seek(0)
            about = headers["content-disposition"][1]
            form.parts.append(Part(_word(about.get("name")), _word(about.get("filename")), size, file))
    except (MultiPartParserError, InputStreamExhausted, SuspiciousOperation, UnicodeError, ValueError) as error:
        raise Refusal("bad_form", f"the form cannot be read: {error}") from None


def _read_pairs(http: HttpRequest, form: Form, opened: ExitStack) -> None:
    body = http.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise _too_large()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARTS, errors="strict")
    except (UnicodeError, ValueError) as error:
        raise Refusal("bad_form", f"the form cannot be read: {error}") from None
    for name, value in pairs:
        file = _held(opened)
        file.write(value.encode())
        form.parts.append(Part(name, "", file.tell(), file))


def _held(opened: ExitStack) -> IO[bytes]:
    """A file for one part, gone when the form is."""
    return opened.enter_context(SpooledTemporaryFile(IN_MEMORY))


def _boundary(options: Any) -> bytes:
    boundary = str(options.get("boundary", "")).encode("ascii", "replace")
    if not BOUNDARY.fullmatch(boundary):
        raise Refusal("bad_form", "the content type names no boundary", field="content-type")
    return boundary


def _word(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return text.strip()[:255]


def _too_large() -> Refusal:
    return Refusal("too_large", f"the form must have at most {LARGEST_FORM} bytes", status=413)
