"""Bytes by their hash: put in once however often they come, read, and collected when nothing refers to them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TypeAlias

from django.db import transaction
from django.utils import timezone

from apps.artifacts import places
from apps.artifacts.models import Blob

CHUNK = 1 << 20
KEEP_UNUSED = timedelta(hours=1)
DRAFT_SECONDS = 86_400.0
COLLECT_AT_ONCE = 200

Source: TypeAlias = "IO[bytes] | bytes | Path | Iterable[bytes]"


class TooLarge(Exception):
    """More bytes came than are allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"a file may have at most {most} bytes")
        self.most = most


@dataclass(frozen=True)
class Draft:
    """Bytes on disk that are not in the store yet."""

    path: Path
    sha256: str
    size: int


def put(source: Source, *, most: int | None = None) -> Blob:
    """Keep the bytes of a file, a text, a path or chunks, and say under which hash and with which size.

    Not inside a transaction: it writes to disk. What no row refers to within the hour is collected. Raises TooLarge
    beyond `most` bytes, and then nothing is kept. One query.
    """
    return keep([draft(source, most=most)])[0]


def draft(source: Source, *, most: int | None = None) -> Draft:
    """The first half of `put`: write and hash, without a query. Raises TooLarge, and whatever the source does."""
    path = places.new_draft(places.root())
    try:
        return Draft(path, *_write(source, path, most))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def keep(drafts: Sequence[Draft]) -> list[Blob]:
    """The other half: take drafts into the store. One query for 500 of them."""
    place, now = places.place(), timezone.now()
    blobs = {one.sha256: Blob(sha256=one.sha256, size=one.size, touched=now) for one in drafts}
    try:
        Blob.objects.bulk_create(
            [
                blobs[sha256] for sha256 in sorted(blobs)
            ],  # in one order, so that two who do this cannot wait for each other
            batch_size=500,
            update_conflicts=True,
            unique_fields=["sha256"],
            update_fields=["touched"],
        )
        for one in drafts:
            if not place.has(one.sha256):
                place.add(one.sha256, one.path)
    finally:
        discard(drafts)
    return [blobs[one.sha256] for one in drafts]


def discard(drafts: Iterable[Draft]) -> None:
    """Remove drafts that were not, or are, kept."""
    for one in drafts:
        one.path.unlink(missing_ok=True)


def has(sha256: str) -> bool:
    """Whether the bytes are there."""
    return places.place().has(sha256)


def open(sha256: str) -> IO[bytes]:
    """The bytes of a blob, to be read. Raises FileNotFoundError."""
    return places.place().open(sha256)


def local(sha256: str) -> Path:
    """A blob as a file of this machine. It must not be written to: copy it. Raises FileNotFoundError."""
    return places.place().local(sha256)


def collect(*, unused_for: timedelta = KEEP_UNUSED) -> int:
    """Remove blobs that nothing refers to, and drafts that nobody finished; how many blobs went. Call it now and then."""
    _remove_old_drafts(time.time() - DRAFT_SECONDS)
    before = timezone.now() - unused_for
    unused = Blob.objects.filter(touched__lt=before, artifacts=None, snapshots=None)
    keys = list(unused.values_list("sha256", flat=True)[:COLLECT_AT_ONCE])
    return sum(_remove(sha256, before) for sha256 in keys)


def _remove(sha256: str, before: datetime) -> bool:
    # the file goes before the commit: whoever puts the same bytes waits for the row, then finds the file missing and adds it
    with transaction.atomic():
        held = Blob.objects.select_for_update().filter(sha256=sha256, touched__lt=before).first()
        if held is None or held.artifacts.exists() or held.snapshots.exists():
            return False
        held.delete()
        places.place().remove(sha256)
    return True


def _write(source: Source, draft: Path, most: int | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target:
        for chunk in _chunks(source):
            size += len(chunk)
            if most is not None and size > most:
                raise TooLarge(most)
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest(), size


def _chunks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
    elif isinstance(source, Path):
        with source.open("rb") as file:
            yield from _chunks(file)
    elif hasattr(source, "read"):
        while chunk := source.read(CHUNK):
            yield chunk
    else:
        yield from source


def _remove_old_drafts(before: float) -> None:
    drafts = places.root() / "drafts"
    for draft in drafts.iterdir() if drafts.is_dir() else ():
        try:
            if draft.stat().st_mtime < before:
                draft.unlink()
        except FileNotFoundError:
            continue  # finished meanwhile
