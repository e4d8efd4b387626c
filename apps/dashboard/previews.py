"""What a page may show of a file that a stranger has made: text, tables and pictures, never anything that acts."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import IO

from apps.artifacts.models import Artifact

MOST_TEXT = 256 * 1024
MOST_JSON = 1024 * 1024
MOST_ROWS, MOST_COLUMNS, MOST_CELL = 100, 30, 200
MOST_PICTURE = 20 * 1024 * 1024
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""The first bytes of what is shown as a picture; by them and not by the name, and SVG is none: it can hold scripts."""
TABLES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Preview:
    """How a file is shown: "text", "table", "picture", or "none" with the reason in `words`."""

    kind: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    words: str = ""
    is_cut: bool = False


def picture_type(head: bytes) -> str:
    """The type of a picture by its first bytes; empty for anything else."""
    found = next((kind for magic, kind in PICTURES.items() if head.startswith(magic)), "")
    return found or ("image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else "")


def preview(row: Artifact, file: IO[bytes]) -> Preview:
    """What to show of a file, reading no more of it than that needs."""
    head = file.read(MOST_TEXT)
    if picture_type(head):
        if row.size > MOST_PICTURE:
            return Preview("none", words="This picture is too large to be shown.")
        return Preview("picture")
    if b"\0" in head:
        return Preview("none", words="This is no text, and no picture that can be shown.")
    if row.name.lower().endswith(".json") and row.size <= MOST_JSON:
        document = _json(head + file.read(MOST_JSON))
        if document:
            return Preview("text", text=document[:MOST_TEXT], is_cut=len(document) > MOST_TEXT)
    is_cut = row.size > MOST_TEXT
    try:
        text = head.decode("utf-8") if not is_cut else head.decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return Preview("none", words="This is no text in UTF-8, and no picture that can be shown.")
    delimiter = next((mark for end, mark in TABLES.items() if row.name.lower().endswith(end)), "")
    rows = _table(text, delimiter) if delimiter else []
    if rows:
        return Preview("table", rows=rows[:MOST_ROWS], is_cut=is_cut or len(rows) > MOST_ROWS)
    return Preview("text", text=text, is_cut=is_cut)


def _json(data: bytes) -> str:
    """The document with line breaks, empty when it is none."""
    try:
        return json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _table(text: str, delimiter: str) -> list[list[str]]:
    """The first rows of a table, one more than are shown; empty when it is none."""
    rows = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            rows.append([cell[:MOST_CELL] for cell in row[:MOST_COLUMNS]])
            if len(rows) > MOST_ROWS:
                break
    except csv.Error:
        return []
    width = max((len(row) for row in rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows] if width > 1 else []
