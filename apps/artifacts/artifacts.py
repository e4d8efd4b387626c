"""The files of trials: added by their path, listed like a folder, read."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from django.db import connection, transaction
from django.db.models import Q, QuerySet
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

    Raises BadPath, TooLarge, Full. Not inside a transaction. Six queries.
    """
    path = paths.checked(path)
    refer(experiment, trial, {path: store.put(file, most=MOST_FILE_BYTES)})
    return of(experiment, trial).get(path=path)


def refer(experiment: Experiment, trial: Trial | None, files: Mapping[str, Blob]) -> None:
    """Give paths to bytes that were put into the store; all or none. Raises BadPath and Full.

    Five queries, a few more for thousands of files, and a read of the paths that are there.
    """
    own, now = of(experiment, trial), timezone.now()
    with transaction.atomic():
        _lock(experiment, trial)
        _check_room(dict(own.values_list("path", "size")), files)
        rows = [
            Artifact(
                experiment=experiment,
                trial=trial,
                path=path,
                blob=blob,
                size=blob.size,
                content_type=mimetypes.guess_type(path, strict=False)[0] or UNKNOWN_TYPE,
                created=now,
            )
            for path, blob in files.items()
        ]
        own.filter(path__in=list(files)).delete()
        Artifact.objects.bulk_create(rows, batch_size=500)


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
        if not row.path.startswith(prefix):  # SQLite compares without case
            continue
        name, _, below = row.path[len(prefix) :].partition("/")
        if below:
            folders[prefix + name] = folders.get(prefix + name, 0) + row.size
        else:
            files.append(Entry(row.path, row.size, row))
    return [*(Entry(path, size) for path, size in sorted(folders.items())), *files]


def remove(experiment: Experiment, trial: Trial | None, path: str) -> int:
    """Forget a file, or a folder with all below it; how many files went. Their bytes go when nothing else refers to them."""
    path = paths.checked(path)
    near = of(experiment, trial).filter(Q(path=path) | Q(path__startswith=f"{path}/")).values_list("pk", "path")
    gone = [pk for pk, found in near if found == path or found.startswith(f"{path}/")]  # SQLite compares without case
    return Artifact.objects.filter(pk__in=gone).delete()[0]


def open(artifact: Artifact) -> IO[bytes]:
    """The bytes of an artifact, to be read. Raises FileNotFoundError when the store has lost them."""
    return store.open(artifact.blob_id)


def _check_room(there: Mapping[str, int], files: Mapping[str, Blob]) -> None:
    """Refuse what is too much, and a file in the place of a folder or the reverse. `there` are paths with their sizes."""
    after = {**there, **{path: blob.size for path, blob in files.items()}}
    if len(after) > MOST_FILES:
        raise Full(f"a trial keeps at most {MOST_FILES} files")
    if sum(after.values()) > MOST_BYTES:
        raise Full(f"a trial keeps at most {MOST_BYTES} bytes in its files")
    for path in after:
        for above in paths.parents(path):
            if above in after:
                raise BadPath(f"{path!r} cannot be beside {above!r}: one is a file where the other needs a folder")


def _lock(experiment: Experiment, trial: Trial | None) -> None:
    """Let others who add to the same trial wait. One query; SQLite's writers exclude each other anyway."""
    if connection.features.has_select_for_update:
        owner = Experiment.objects.filter(pk=experiment.pk) if trial is None else Trial.objects.filter(pk=trial.pk)
        list(owner.select_for_update(no_key=True).values_list("pk"))
