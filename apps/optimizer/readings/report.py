"""What a training script reports by `tunebook.run.log`: one JSON object per line in its spool."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice

from apps.optimizer.readings.base import Offsets, Request, number, read_lines, steps_done
from apps.tuning.measuring import MAX_POINTS, MAX_STEP, Reading


def read_report(request: Request) -> tuple[list[Reading], Offsets]:
    """Every metric of every whole line; lines and values that are none are left out.

    An attempt that goes on from earlier ones begins with what the steps had reported that are not run again.
    """
    offsets = dict(request.offsets)
    readings: list[Reading] = []
    if request.earlier and not offsets.get("carried"):
        carried = (reading for folder in request.earlier for reading in _of_finished_steps(folder))
        readings = list(islice(carried, MAX_POINTS + 1))
        offsets["carried"] = True
    offset = int(offsets.get("spool", 0))
    lines, after = read_lines(f"{request.folder}/metrics.jsonl", offset, final=request.final)
    readings += [reading for line in lines for reading in _readings(line)]
    return readings, {**offsets, "spool": after} if after != offset else offsets


def _of_finished_steps(folder: str) -> Iterator[Reading]:
    """What was reported before the last successful step of an attempt ended, by the times that the script wrote down."""
    ends = [float(line["ended"]) for line in steps_done(folder) if line["code"] == 0 and "ended" in line]
    if not ends:
        return
    at, lines = 0, [b""]
    while lines:
        lines, at = read_lines(f"{folder}/metrics.jsonl", at, final=True)
        for line in lines:
            if _time_of(line) <= max(ends):
                yield from _readings(line)


def _time_of(line: bytes) -> float:
    """When a line was reported; never, where it does not tell."""
    try:
        return float(json.loads(line)["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return math.inf


def _readings(line: bytes) -> Iterator[Reading]:
    try:
        record = json.loads(line)
        step, metrics = record["step"], record["metrics"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= MAX_STEP:
        return
    for name, value in metrics:
        found = number(value)
        if found is not None:
            yield Reading(name, step, found)
