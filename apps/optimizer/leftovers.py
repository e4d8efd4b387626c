"""Folders of experiments that were deleted for good: they go too, a little at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from itertools import islice
from pathlib import Path

from apps.experiments.models import Experiment
from apps.trials import logs

BATCH = 500
LONGEST = 0.3
"""Seconds that one round may take; the trials of others wait meanwhile."""


def find(data: Path) -> int:
    """Set aside the folders whose experiment is not in the database; how many. One query per 500 folders.

    Deleting for good does this at once where web and optimizer share the data folder.
    """
    found = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(data / "trials") as entries:
        while keys := [entry.name for entry in islice(entries, BATCH)]:
            known = set(Experiment.objects.filter(key__in=keys).values_list("key", flat=True))
            for key in keys:
                found += key not in known and logs.discard(data, key)
    return found


def remove(data: Path, *, seconds: float = LONGEST) -> bool:
    """Delete what was set aside, trial by trial, until the time is over; whether nothing is left."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(FileNotFoundError):
        for experiment in list((data / logs.GONE).iterdir()):
            for trial in list(experiment.iterdir()):
                if time.monotonic() > deadline:
                    return False
                if trial.is_dir() and not trial.is_symlink():
                    shutil.rmtree(trial, ignore_errors=True)
                else:
                    trial.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                experiment.rmdir()
    return True
