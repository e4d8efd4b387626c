"""Metrics that a script reports by NNI's own client, which writes them to a file of frames.

Such a trial finds its parameters in `parameter.cfg`, and the client appends to `.nni/metrics` beside it: `ME`, six digits
that say how many bytes follow, and so many bytes of JSON, whose member `value` is JSON inside a text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from apps.optimizer.readings.base import MOST_BYTES, Offsets, ReadingError, Request, number
from apps.tuning.measuring import MAX_STEP, Reading

FOLDER = "nni"
"""Where an attempt's files for NNI lie, below its own folder."""
METRICS = f"{FOLDER}/.nni/metrics"
DEFAULT = "default"
_HEAD = 8


def environment(folder: str, experiment: str, trial: str, number: int) -> dict[str, str]:
    """The variables by which NNI's client finds its trial; with REUSE_MODE off it leaves the script's output alone."""
    return {
        "NNI_PLATFORM": "local",
        "REUSE_MODE": "false",
        "NNI_SYS_DIR": f"{folder}/{FOLDER}",
        "NNI_EXP_ID": experiment,
        "NNI_TRIAL_JOB_ID": trial,
        "NNI_TRIAL_SEQ_ID": str(number),
    }


def parameter_file(folder: str, number: int, params: Mapping[str, Any]) -> tuple[str, str]:
    """The path and the text of the file from which NNI's client takes the parameters."""
    whole = {
        "parameter_id": number,
        "parameter_source": "algorithm",
        "parameters": params,
        "parameter_index": 0,
    }
    return f"{folder}/{FOLDER}/parameter.cfg", json.dumps(whole)


def read_nni(request: Request) -> tuple[list[Reading], Offsets]:
    """The reported numbers: intermediate results by their own number, final ones behind the last of them.

    A plain number is the metric "default"; of a dictionary every member that is a number counts under its name.
    Raises ReadingError when the file is not what NNI's client writes.
    """
    known = dict(request.offsets.get("nni", {}))
    at, step = int(known.get("at", 0)), int(known.get("step", 0))
    readings: list[Reading] = []
    for frame, after in _frames(os.path.join(request.folder, METRICS), at):
        record = _parsed(frame)
        value = _parsed(record.get("value")) if isinstance(record, Mapping) else None
        if isinstance(record, Mapping) and record.get("type") in ("PERIODICAL", "FINAL"):
            own = record.get("sequence")
            periodical = record["type"] == "PERIODICAL" and isinstance(own, int) and 0 <= own < MAX_STEP
            place = own if periodical and isinstance(own, int) else step
            readings += [Reading(name, place, found) for name, found in _numbers(value)]
            step = max(step, place + 1)
        at = after
    if at == int(known.get("at", 0)):
        return [], dict(request.offsets)
    return readings, {**request.offsets, "nni": {"at": at, "step": step}}


def _frames(path: str, at: int) -> Iterator[tuple[bytes, int]]:
    """Whole frames from an offset on, some MiB at most, each with the offset behind it; the last may still be written."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        data = os.pread(file, MOST_BYTES, at)
    finally:
        os.close(file)
    start = 0
    while start + _HEAD <= len(data):
        head = data[start : start + _HEAD]
        if not (head.startswith(b"ME") and head[2:].isdigit()):
            raise ReadingError("the file of NNI's metrics is damaged: a frame does not begin with ME and a length")
        end = start + _HEAD + int(head[2:])
        if end > len(data):
            return
        yield data[start + _HEAD : end], at + end
        start = end


def _numbers(value: object) -> Iterator[tuple[str, float]]:
    members = value if isinstance(value, Mapping) else {DEFAULT: value}
    for name, one in members.items():
        found = number(one)
        if found is not None and isinstance(name, str) and name:
            yield name, found


def _parsed(data: object) -> object:
    try:
        return json.loads(data) if isinstance(data, bytes | str) else None
    except (ValueError, RecursionError):
        return None
