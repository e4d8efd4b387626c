"""Keep: what an attempt has left in its output folders becomes artifacts, before its end is written down.

An optimizer that dies in between leaves the attempt open, and the next one does this again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

from apps.artifacts import outputs
from apps.optimizer.work import Live, Work

READERS = ThreadPoolExecutor(2, thread_name_prefix="outputs")
"""Read and hash files, which may take minutes; they make no query."""
PATIENCE = 0.05
"""Seconds that the usual few files are waited for, which saves a turn."""


def outputs_are_kept(work: Work, live: Live) -> bool:
    """Whether all outputs of an ended attempt are kept; False while they are read. One look at the disk if none."""
    if live.outputs is None:
        folder, names = work.work_path(live.attempt), work.output_folders(live.attempt)
        if not outputs.exist(folder, names):
            return True
        live.outputs = READERS.submit(outputs.read, Path(folder), names)
    try:
        found = live.outputs.result(timeout=PATIENCE)
        outputs.keep(live.trial, found)
    except NotYet:
        return False
    except OSError as error:
        live.notes.append(f"its outputs are not kept: {error}")
        return True
    if found.words():
        live.notes.append(found.words())
    return True
