"""Metrics from TensorBoard event files, read without TensorBoard: a record format and four protobuf fields.

A record is: length (8 bytes), its checksum (4), the data, its checksum (4). The data is an Event: wall_time (1), step (2),
summary (5) with values (1) of tag (1) and simple_value (2) or tensor (8).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from apps.optimizer.readings.base import MOST_AT_ONCE, MOST_BYTES, Offsets, Request, leave_out
from apps.tuning.measuring import Reading

DOUBLE, FLOAT = 2, 1
MOST_FILES = 1_000
AROUND = 16
"""Bytes of a record beside its data."""


def read_summary(request: Request) -> tuple[list[Reading], Offsets]:
    """The scalars of the named tags in all event files below each source; a source may be a file or a folder."""
    offsets = dict(request.offsets)
    wanted = frozenset(request.metrics)
    readings: list[Reading] = []
    for index, source in enumerate(request.sources):
        root = request.path(source)
        files = event_files(root)
        if len(files) > MOST_FILES:
            leave_out(offsets, f"summary:{index}", f"of {source} only {MOST_FILES} event files are read")
        for path in files[:MOST_FILES]:
            name = f"summary:{index}:{path.relative_to(root) if path != root else path.name}"
            at = int(offsets.get(name, 0))
            records, after = whole_records(path, at)
            for record in records:
                for tag, step, value in scalars(record):
                    if tag in wanted and step >= 0:
                        readings.append(Reading(tag, step, value, index))
            if after != at:
                offsets[name] = after
    return readings, offsets


def event_files(root: Path) -> list[Path]:
    """The event files at or below a path, oldest name first."""
    if root.is_file():
        return [root]
    return sorted(path for path in root.glob("**/*tfevents*") if path.is_file()) if root.is_dir() else []


def whole_records(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The complete records from an offset, some MiB at most, and the offset behind them.

    A record that is longer than that, as of pictures, is read alone; one of more than MOST_AT_ONCE is passed over.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(offset)
        data = file.read(MOST_BYTES)
        if len(data) == MOST_BYTES:
            whole = struct.unpack_from("<Q", data)[0] + AROUND
            if MOST_AT_ONCE < whole <= size - offset:
                return [], offset + whole
            if MOST_BYTES < whole <= size - offset:
                data += file.read(whole - MOST_BYTES)
    records, at = [], 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        if at + AROUND + length > len(data):
            break
        records.append(data[at + 12 : at + 12 + length])
        at += AROUND + length
    return records, offset + at


def scalars(event: bytes) -> Iterator[tuple[str, int, float]]:
    """(tag, step, value) of each scalar in an event; an event that cannot be read has none."""
    try:
        step = 0
        summaries = []
        for field, value in fields(event):
            if field == 2 and isinstance(value, int):
                step = value
            elif field == 5 and isinstance(value, bytes):
                summaries.append(value)
        for summary in summaries:
            for field, value in fields(summary):
                if field == 1 and isinstance(value, bytes):
                    yield from _scalar(value, step)
    except (IndexError, struct.error, UnicodeDecodeError):
        return


def _scalar(value: bytes, step: int) -> Iterator[tuple[str, int, float]]:
    tag, number = "", None
    for field, content in fields(value):
        if field == 1 and isinstance(content, bytes):
            tag = content.decode()
        elif field == 2 and isinstance(content, bytes):
            (number,) = struct.unpack("<f", content)
        elif field == 8 and isinstance(content, bytes):
            number = _tensor(content)
    if tag and number is not None:
        yield tag, step, number


def _tensor(tensor: bytes) -> float | None:
    """The number of a tensor that holds one float or double."""
    kind, found = 0, None
    for field, content in fields(tensor):
        if field == 1 and isinstance(content, int):
            kind = content
        elif isinstance(content, bytes) and field in (4, 5, 6) and content:
            found = (field, content)
    if found is None or kind not in (FLOAT, DOUBLE):
        return None
    layout, size = ("<d", 8) if kind == DOUBLE else ("<f", 4)
    return float(struct.unpack(layout, found[1])[0]) if len(found[1]) == size else None


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: whole numbers as such, everything else as bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise IndexError("not a field")
        if at + size > len(message):
            raise IndexError("cut off")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("too long")
