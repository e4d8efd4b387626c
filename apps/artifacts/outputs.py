"""What a trial has left in its folders becomes artifacts: read first, which may take long, then written down at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.artifacts import artifacts, store, walking
from apps.artifacts.artifacts import Full
from apps.artifacts.paths import BadPath
from apps.artifacts.store import Draft, TooLarge
from apps.trials.models import Trial

MOST_SAID = 5


@dataclass
class Found:
    """The outputs of a trial, ready to be kept, and which of its files cannot be and why."""

    files: dict[str, Draft] = field(default_factory=dict)
    size: int = 0
    left_out: list[str] = field(default_factory=list)

    def words(self) -> str:
        """What is left out, in a sentence; empty when nothing is."""
        if not self.left_out:
            return ""
        more = len(self.left_out) - MOST_SAID
        rest = f" and {more} more" if more > 0 else ""
        return f"not kept: {'; '.join(self.left_out[:MOST_SAID])}{rest}"


def exist(work: str | Path, folders: Sequence[str]) -> bool:
    """Whether there is anything to read. One look at the disk per folder."""
    return any(os.path.isdir(os.path.join(work, name)) for name in folders)


def read(work: Path, folders: Sequence[str]) -> Found:
    """Read the files in these folders below `work`, under their paths from there. Makes no query.

    Links lead nowhere here. What is too much, or has a name that cannot be, is left out and named.
    """
    found = Found()
    for name in folders:
        for file in walking.files(work / name):
            path = f"{name}/{file.path}"
            problem = file.problem or _take(found, path, file)
            if problem:
                found.left_out.append(f"{path!r} ({problem})")
            if len(found.files) + len(found.left_out) >= artifacts.MOST_FILES:
                found.left_out.append(f"everything beyond {artifacts.MOST_FILES} files")
                return found
    return found


def keep(trial: Trial, found: Found) -> None:
    """Write down what was read; doing it twice changes nothing. A fixed number of queries per 500 files."""
    if not found.files:
        return
    blobs = store.keep(list(found.files.values()))
    try:
        artifacts.refer(trial.experiment, trial, dict(zip(found.files, blobs, strict=True)))
    except (Full, BadPath) as error:  # together with what it has uploaded itself
        found.left_out.append(str(error))


def _take(found: Found, path: str, file: walking.Found) -> str:
    """Read one file; why it cannot be, else an empty text."""
    most = min(artifacts.MOST_FILE_BYTES, artifacts.MOST_BYTES - found.size)
    try:
        draft = store.draft(file.chunks(), most=most)
    except TooLarge as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)
    found.files[path] = draft
    found.size += draft.size
    return ""
