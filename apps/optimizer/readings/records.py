"""Metrics in a JSON file that is a list of objects, one for each step, and is written anew as it grows: WMLA's results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from apps.optimizer.readings.base import Offsets, Request, is_to_be_read, number
from apps.tuning.measuring import MAX_STEP, Reading

STEPS = ("step", "steps")
LONGEST_NAME = 255


def read_records(request: Request) -> tuple[list[Reading], Offsets]:
    """Every number of the entries that are new since the last look, under its own name.

    An entry's step is what it says under `step` or `steps`, else its place in the list. The last entry counts when the
    attempt has ended: until then it may still change, as the only one does where a script keeps just the newest. A file
    that is just being written reads as nothing new, and one of more than MOST_BYTES is read at the attempt's end only.
    """
    offsets = dict(request.offsets)
    readings: list[Reading] = []
    for index, source in enumerate(request.sources):
        known = dict(offsets.get(f"records:{index}", {}))
        found = _entries(request.path(source), known, index, request, offsets)
        if found is None:
            continue
        entries, signature = found
        readings += [reading for place, entry in entries for reading in _numbers(entry, place, index)]
        count = entries[-1][0] + 1 if entries else known.get("count", 0)
        offsets[f"records:{index}"] = {"signature": signature, "count": count}
    return readings, offsets


def _entries(
    path: Path, known: Mapping[str, Any], source: int, request: Request, offsets: Offsets
) -> tuple[list[tuple[int, Mapping[str, Any]]], list[int]] | None:
    """The entries behind those already read with their places, and what the file is known by; None for no news."""
    try:
        state = path.stat()
        signature = [state.st_mtime_ns, state.st_size]
        if (signature == known.get("signature") and not request.final) or not path.is_file():
            return None
        if not is_to_be_read(path, state.st_size, f"records:{source}", request, offsets):
            return None
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    records = document if isinstance(document, list) else [document]
    settled = records if request.final else records[:-1]
    start = known.get("count", 0)
    return [(place, one) for place, one in enumerate(settled) if place >= start and isinstance(one, Mapping)], signature


def _numbers(entry: Mapping[str, Any], place: int, source: int) -> Iterator[Reading]:
    said = next((entry[name] for name in STEPS if _is_step(entry.get(name))), place)
    for name, value in entry.items():
        found = number(value)
        if found is not None and name not in STEPS and _is_name(name):
            yield Reading(name, int(said), found, source)


def _is_step(value: object) -> bool:
    """A whole number that a step can be, also as 3.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_STEP and value == int(value)


def _is_name(name: str) -> bool:
    return 1 <= len(name) <= LONGEST_NAME and name.isprintable()
