"""Metrics that a command writes to JSON files: one object, a list of objects, or one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.optimizer.readings.base import Offsets, Request, is_to_be_read, number, read_lines
from apps.tuning.measuring import MAX_STEP, Reading


def read_json_files(request: Request) -> tuple[list[Reading], Offsets]:
    """The named members of each object. A file that is one object counts anew each time it is written anew.

    One of more than MOST_BYTES that is not written in lines is read at the attempt's end only.
    """
    offsets = dict(request.offsets)
    readings: list[Reading] = []
    for index, source in enumerate(request.sources):
        known = dict(offsets.get(f"json:{index}", {}))
        path = request.path(source)
        if not known.get("whole"):
            found, known = _lines(path, known, request, index)
            readings += found
        if known.get("whole"):
            found, known = _whole(path, known, request, index, offsets)
            readings += found
        if known:
            offsets[f"json:{index}"] = known
    return readings, offsets


def _lines(path: Path, known: dict[str, Any], request: Request, source: int) -> tuple[list[Reading], dict[str, Any]]:
    lines, after = read_lines(path, known.get("at", 0), final=request.final)
    readings: list[Reading] = []
    step = known.get("step", 0)
    for line in lines:
        if not line.strip():
            continue
        record = _parsed(line)
        if not isinstance(record, Mapping):
            if step == 0:
                return [], {"whole": True}
            continue
        readings += _members(record, step, request.metrics, source)
        step += 1
    return readings, {**known, "at": after, "step": step} if after else known


def _whole(
    path: Path, known: dict[str, Any], request: Request, source: int, offsets: Offsets
) -> tuple[list[Reading], dict[str, Any]]:
    try:
        state = path.stat()
        signature = [state.st_mtime_ns, state.st_size]
        if signature == known.get("signature"):
            return [], known
        if not is_to_be_read(path, state.st_size, f"json:{source}", request, offsets):
            return [], known
        document = _parsed(path.read_bytes())
    except OSError:
        return [], known
    step = known.get("step", 0)
    records = document if isinstance(document, list) else [document]
    readings: list[Reading] = []
    for record in records:
        if isinstance(record, Mapping):
            readings += _members(record, step, request.metrics, source)
            step += 1
    if not readings:
        return [], known
    return readings, {"whole": True, "signature": signature, "step": step}


def _members(record: Mapping[str, Any], step: int, metrics: Sequence[str], source: int) -> Iterator[Reading]:
    own = record.get("step")
    if isinstance(own, int) and not isinstance(own, bool) and 0 <= own <= MAX_STEP:
        step = own
    for name in metrics:
        value = record.get(name)
        for offset, one in enumerate(value if isinstance(value, list) else [value]):
            found = number(one)
            if found is not None:
                yield Reading(name, step + offset, found, source)


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
