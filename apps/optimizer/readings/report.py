"""What a training script reports by `tunebook.run.log`: one JSON object per line in its spool."""

from __future__ import annotations

import json
from collections.abc import Iterator

from apps.optimizer.readings.base import Offsets, Request, number, read_lines
from apps.tuning.measuring import MAX_STEP, Reading

MAX_NAME = 255


def read_report(request: Request) -> tuple[list[Reading], Offsets]:
    """Every metric of every whole line; lines and values that are none are left out."""
    offset = int(request.offsets.get("spool", 0))
    lines, after = read_lines(f"{request.folder}/spool/metrics.jsonl", offset, final=request.final)
    readings = [reading for line in lines for reading in _readings(line)]
    return readings, {**request.offsets, "spool": after} if after != offset else dict(request.offsets)


def _readings(line: bytes) -> Iterator[Reading]:
    try:
        record = json.loads(line)
        step, metrics = record["step"], record["metrics"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= MAX_STEP:
        return
    for name, value in metrics:
        found = number(value)
        if found is not None and 1 <= len(name) <= MAX_NAME and "\0" not in name:
            yield Reading(name, step, found)
