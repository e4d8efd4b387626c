"""Folders of code: stored once, and laid out for each attempt that runs them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from apps.artifacts import paths, places, walking
from apps.artifacts import store as blobs
from apps.artifacts.models import Blob, Snapshot
from apps.artifacts.paths import BadPath
from apps.experiments.models import Experiment
from apps.workspaces.models import Workspace

MOST_FILES = 10_000
MOST_BYTES = 2 << 30
KEY_LENGTH = 32
KEEP_UNUSED = timedelta(days=7)
"""So long a snapshot is kept that no experiment runs and nothing else refers to."""
COLLECT_AT_ONCE = 50
WRITES = 0o222


def store(workspace: Workspace, source: Path | Mapping[str, bytes | Path]) -> Snapshot:
    """Keep a folder's regular files, or files given by their paths. The same content again is the same snapshot.

    Links and special files in a folder are left out. Raises BadPath for what cannot be kept, also for too many files or
    bytes. Not inside a transaction. One query per file and three more.
    """
    pieces = _of_folder(source) if isinstance(source, Path) else _of_mapping(source)
    files, kept = _kept(pieces)
    key = _key(workspace, files)
    now = timezone.now()
    with transaction.atomic():
        row = Snapshot(workspace=workspace, key=key, files=files, size=sum(one["size"] for one in files), created=now)
        row.touched = now
        Snapshot.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["touched"])
        found = Snapshot.objects.get(key=key)
        found.blobs.set(kept)
    return found


def find(workspace: Workspace | int, key: str) -> Snapshot | None:
    """The snapshot of that key in a workspace (or its id). One query."""
    owner = workspace if isinstance(workspace, int) else workspace.pk
    return Snapshot.objects.filter(workspace_id=owner, key=key).first() if len(key) <= 40 else None


def lay(snapshot: Snapshot, folder: Path, *, writable: bool = True) -> None:
    """Make a folder that holds the files of a snapshot: copies, so that nothing done there touches the store.

    It appears whole or not at all, and a folder that is there stays as it is; so doing it twice is harmless. Raises
    FileNotFoundError when the store has lost a file.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder.parent / f".{folder.name}-{secrets.token_hex(6)}"
    try:
        _copy_all(snapshot, draft, 0 if writable else WRITES)
        try:
            os.rename(draft, folder)
        except OSError:
            if not folder.is_dir():  # somebody else has laid it meanwhile
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def shared(snapshot: Snapshot) -> Path:
    """A folder with the files of a snapshot that everybody may read and nobody changes; it goes when the snapshot goes.

    Made the first time that it is asked for. Raises FileNotFoundError when the store has lost a file.
    """
    folder = _shared(snapshot)
    lay(snapshot, folder, writable=False)
    return folder


def _shared(snapshot: Snapshot) -> Path:
    return places.root().resolve() / "shared" / snapshot.key


def collect(*, unused_for: timedelta = KEEP_UNUSED) -> int:
    """Remove snapshots that were put in long ago and that nothing refers to; how many went. Call it now and then."""
    old = Snapshot.objects.filter(touched__lt=timezone.now() - unused_for).order_by("touched")
    rows = list(old.only("pk", "key")[:COLLECT_AT_ONCE])
    if not rows:
        return 0
    keys = [row.key for row in rows]
    running = Experiment.objects.filter(job__command__code__in=keys)  # in whatever workspace they are by now
    in_use = set(running.values_list("job__command__code", flat=True))
    kept = [row.pk for row in rows if row.key in in_use or not _delete(row)]
    Snapshot.objects.filter(pk__in=kept).update(touched=timezone.now())  # not to be asked about again for a while
    return len(rows) - len(kept)


def _delete(row: Snapshot) -> bool:
    try:
        row.delete()
    except ProtectedError:
        return False
    shutil.rmtree(_shared(row), ignore_errors=True)
    return True


def _of_folder(folder: Path) -> Iterator[tuple[str, int, blobs.Source]]:
    for found in walking.files(folder):
        if found.problem:
            raise BadPath(f"{found.path!r}: {found.problem}")
        yield found.path, found.mode, found.chunks()


def _of_mapping(files: Mapping[str, bytes | Path]) -> Iterator[tuple[str, int, blobs.Source]]:
    for path, source in files.items():
        runs = isinstance(source, Path) and os.access(source, os.X_OK)
        yield paths.checked(path), walking.EXECUTABLE if runs else walking.PLAIN, source


def _kept(pieces: Iterable[tuple[str, int, blobs.Source]]) -> tuple[list[dict[str, object]], list[Blob]]:
    """What each file is, in order of path, and the blobs of them all."""
    files: dict[str, dict[str, object]] = {}
    kept: dict[str, Blob] = {}
    left = MOST_BYTES
    for path, mode, source in pieces:
        if len(files) >= MOST_FILES:
            raise BadPath(f"a folder of code may have at most {MOST_FILES} files")
        try:
            blob = blobs.put(source, most=left)
        except blobs.TooLarge:
            raise BadPath(f"a folder of code may have at most {MOST_BYTES} bytes") from None
        left -= blob.size
        kept[blob.sha256] = blob
        files[path] = {"path": path, "sha256": blob.sha256, "size": blob.size, "mode": mode}
    for path in files:
        for above in paths.parents(path):
            if above in files:
                raise BadPath(f"{above!r} is a file and a folder")
    return [files[path] for path in sorted(files)], list(kept.values())


def _key(workspace: Workspace, files: list[dict[str, object]]) -> str:
    manifest = json.dumps([workspace.pk, files], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(manifest.encode()).hexdigest()[:KEY_LENGTH]


def _copy_all(snapshot: Snapshot, folder: Path, without: int) -> None:
    made = {folder}
    folder.mkdir(mode=0o700)
    for one in snapshot.files:
        target = folder / paths.checked(one["path"])
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        shutil.copyfile(blobs.local(one["sha256"]), target)
        os.chmod(target, one["mode"] & ~without)
