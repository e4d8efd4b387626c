"""Where blobs lie: a folder of this installation, or a bucket. Both know bytes by their hash only."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import IO, Protocol, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages

BUCKET = "artifacts"
"""The name in STORAGES under which a bucket is configured."""


class Place(Protocol):
    """Keeps blobs. Adding the same one twice, and removing one that is not there, is harmless."""

    def has(self, sha256: str) -> bool:
        """Whether the blob is there."""

    def add(self, sha256: str, draft: Path) -> None:
        """Take a finished file over; the draft is gone or may be removed afterwards."""

    def open(self, sha256: str) -> IO[bytes]:
        """The blob, to be read. Raises FileNotFoundError."""

    def local(self, sha256: str) -> Path:
        """The blob as a file of this machine that nobody may write to. Raises FileNotFoundError."""

    def remove(self, sha256: str) -> None:
        """Forget the blob."""


class Folder:
    """Blobs as read-only files below a folder; a file appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def add(self, sha256: str, draft: Path) -> None:
        path = self.path(sha256)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(draft, 0o400)
        os.replace(draft, path)
        sync_folder(path.parent)

    def open(self, sha256: str) -> IO[bytes]:
        return self.path(sha256).open("rb")

    def local(self, sha256: str) -> Path:
        path = self.path(sha256)
        if not path.is_file():
            raise FileNotFoundError(sha256)
        return path

    def remove(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)


class Bucket:
    """Blobs in a Django storage, as of an S3-compatible service; files of this machine are kept copies."""

    def __init__(self, storage: Storage, kept: Folder) -> None:
        self.storage, self.kept = storage, kept

    def has(self, sha256: str) -> bool:
        return bool(self.storage.exists(sha256))

    def add(self, sha256: str, draft: Path) -> None:
        with draft.open("rb") as file:
            self.storage.save(sha256, File(file))

    def open(self, sha256: str) -> IO[bytes]:
        if not self.has(sha256):
            raise FileNotFoundError(sha256)
        return cast(IO[bytes], self.storage.open(sha256, "rb"))

    def local(self, sha256: str) -> Path:
        with contextlib.suppress(FileNotFoundError):
            return self.kept.local(sha256)
        draft = new_draft(self.kept.root)
        try:
            with self.open(sha256) as source, draft.open("xb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            self.kept.add(sha256, draft)
        finally:
            draft.unlink(missing_ok=True)
        return self.kept.local(sha256)

    def remove(self, sha256: str) -> None:
        self.storage.delete(sha256)
        self.kept.remove(sha256)


def place() -> Place:
    """Where this installation keeps its blobs."""
    own = Folder(root())
    return Bucket(storages[BUCKET], own) if BUCKET in settings.STORAGES else own


def root() -> Path:
    """The folder of this installation's blobs, or of its copies of a bucket's."""
    return Path(settings.TUNEBOOK_DATA) / "artifacts"


def new_draft(folder: Path) -> Path:
    """A name for a file that is still being written, on the same disk as where it will lie."""
    drafts = folder / "drafts"
    drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
    return drafts / secrets.token_hex(16)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
