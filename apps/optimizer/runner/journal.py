"""What a runner notes of its attempt, a line of JSON for each event; whoever adopts the attempt reads it there."""

from __future__ import annotations

import contextlib
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from typing import Any

    Record = dict[str, Any]

PROTOCOL = 1
JOURNAL = "attempt.jsonl"
encode = json.JSONEncoder(separators=(",", ":")).encode


def read_journal(folder: str) -> tuple[int, list[Record]]:
    """How long an attempt's journal is, and what its runner has noted; what is no whole line is left out.

    Each note has an "event": "claimed" by a runner (who it is), a step "started" and "ended", the attempt's "exit".
    """
    handle = os.open(f"{folder}/{JOURNAL}", os.O_RDONLY)
    try:
        data = os.read(handle, os.fstat(handle).st_size)
    finally:
        os.close(handle)
    notes = []
    for line in data.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):  # a power cut may leave anything
            notes.append(json.loads(line))
    return len(data), notes
