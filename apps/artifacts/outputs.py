"""What a trial has left in its folders becomes artifacts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.artifacts import artifacts, walking
from apps.artifacts.paths import BadPath
from apps.artifacts.store import TooLarge
from apps.trials.models import Trial

log = logging.getLogger(__name__)

OUTPUTS = "outputs"
"""The folder, below where a trial works, whose files are kept when it ends."""
MOST_SAID = 5


@dataclass
class Kept:
    """How many files were kept, and which were not and why."""

    files: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)

    def words(self) -> str:
        """What was left out, in a sentence; empty when nothing was."""
        if not self.left_out:
            return ""
        more = len(self.left_out) - MOST_SAID
        rest = f" and {more} more" if more > 0 else ""
        return f"not kept: {'; '.join(self.left_out[:MOST_SAID])}{rest}"


def exist(work: Path, folders: Sequence[str] = (OUTPUTS,)) -> bool:
    """Whether there is anything to keep. One look at the disk per folder."""
    return any((work / name).is_dir() for name in folders)


def keep(trial: Trial, work: Path, folders: Sequence[str] = (OUTPUTS,)) -> Kept:
    """Keep the files in these folders below `work`, under their paths from there. Doing it twice changes nothing.

    Links lead nowhere here. What is too much, or has a name that cannot be, is left out and named.
    """
    result = Kept()
    for name in folders:
        for found in walking.files(work / name):
            path = f"{name}/{found.path}"
            if len(result.left_out) > artifacts.MOST_FILES:
                return result
            if found.problem:
                result.left_out.append(f"{path!r} ({found.problem})")
                continue
            try:
                kept = artifacts.add(trial.experiment, trial, path, found.chunks())
            except (BadPath, TooLarge, artifacts.Full, OSError) as error:
                result.left_out.append(f"{path!r} ({error})")
                continue
            result.files += 1
            result.bytes += kept.size
    return result
