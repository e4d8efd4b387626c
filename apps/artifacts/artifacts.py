"""The files of trials: added by their path, listed like a folder, read."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from apps.artifacts import paths, store
from apps.artifacts.models import Artifact, Blob
from apps.artifacts.paths import BadPath
from apps.experiments.models import Experiment
from apps.trials.models import Trial

MOST_FILES = 10_000
MOST_BYTES = 2 << 30
"""So much one trial may keep, in all."""
MOST_FILE_BYTES = 1 << 30
UNKNOWN_TYPE = "application/octet-stream"


class Full(Exception):
    """The trial keeps as much as a trial may; the text says what the limit is."""


@dataclass(frozen=True)
class Entry:
    """One line of a listing: a file, or a folder with files below it (then there is no artifact)."""

    path: str
    size: int
    artifact: Artifact | None = None

    @property
    def is_folder(self) -> bool:
        return self.artifact is None


def add(experiment: Experiment, trial: Trial | None, path: str, file: store.Source) -> Artifact:
    """Keep a file of a trial, or of the experiment, under a path; what was there under that path is replaced.

    Raises BadPath, TooLarge, Full. Not inside a transaction. Five queries.
    """
    path = paths.checked(path)
    return refer(experiment, trial, path, store.put(file, most=MOST_FILE_BYTES))


def refer(experiment: Experiment, trial: Trial | None, path: str, blob: Blob) -> Artifact:
    """Give bytes that were put into the store a path. Raises BadPath and Full. Four queries."""
    path = paths.checked(path)
    row = Artifact(
        experiment=experiment,
        trial=trial,
        path=path,
        blob=blob,
        size=blob.size,
        content_type=mimetypes.guess_type(path, strict=False)[0] or UNKNOWN_TYPE,
        created=timezone.now(),
    )
    with transaction.atomic():
        own = of(experiment, trial)
        held = own.exclude(path=path).aggregate(files=Count("id"), bytes=Sum("size", default=0))
        if held["files"] >= MOST_FILES:
            raise Full(f"a trial keeps at most {MOST_FILES} files")
        if held["bytes"] + blob.size > MOST_BYTES:
            raise Full(f"a trial keeps at most {MOST_BYTES} bytes in its files")
        _check_room(own, path)
        if own.filter(path=path).update(blob=blob, size=row.size, content_type=row.content_type, created=row.created):
            return own.get(path=path)
        # two that add the same path at once: the later one wins, as if it had come later
        Artifact.objects.bulk_create([row], ignore_conflicts=True)
        own.filter(path=path).update(blob=blob, size=row.size, created=row.created)
        return own.get(path=path)


def of(experiment: Experiment, trial: Trial | None) -> QuerySet[Artifact]:
    """The artifacts of a trial; with None those of the experiment itself."""
    if trial is not None:
        return Artifact.objects.filter(trial=trial)
    return Artifact.objects.filter(experiment=experiment, trial=None)


def find(experiment: Experiment, trial: Trial | None, path: str) -> Artifact | None:
    """The artifact under exactly that path. One query; none for a path that cannot be."""
    try:
        return of(experiment, trial).filter(path=paths.checked(path)).first()
    except BadPath:
        return None


def listing(experiment: Experiment, trial: Trial | None, folder: str = "") -> list[Entry]:
    """What lies directly in a folder: folders first, then files, by name; empty when there is no such folder. One query."""
    prefix = f"{paths.checked(folder.strip('/'))}/" if folder.strip("/") else ""
    rows = of(experiment, trial).filter(path__startswith=prefix) if prefix else of(experiment, trial)
    files: list[Entry] = []
    folders: dict[str, int] = {}
    for row in rows.order_by("path"):
        name, _, below = row.path[len(prefix) :].partition("/")
        if below:
            folders[prefix + name] = folders.get(prefix + name, 0) + row.size
        else:
            files.append(Entry(row.path, row.size, row))
    return [*(Entry(path, size) for path, size in sorted(folders.items())), *files]


def remove(experiment: Experiment, trial: Trial | None, path: str) -> int:
    """Forget a file, or a folder with all below it; how many files went. Their bytes go when nothing else refers to them."""
    path = paths.checked(path)
    gone = of(experiment, trial).filter(Q(path=path) | Q(path__startswith=f"{path}/"))
    return gone.delete()[0]


def open(artifact: Artifact) -> IO[bytes]:
    """The bytes of an artifact, to be read. Raises FileNotFoundError when the store has lost them."""
    return store.open(artifact.blob_id)


def _check_room(own: QuerySet[Artifact], path: str) -> None:
    """Refuse a file in the place of a folder, and the reverse. One query."""
    above = paths.parents(path)
    other = own.filter(Q(path__in=above) | Q(path__startswith=f"{path}/")).values_list("path", flat=True).first()
    if other is not None:
        raise BadPath(f"{path!r} cannot be beside {other!r}: one is a file where the other needs a folder")


def total(rows: Sequence[Artifact]) -> int:
    """Bytes in all."""
    return sum(row.size for row in rows)
