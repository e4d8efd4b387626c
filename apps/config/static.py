"""Static files with their content's hash in the name, collected into the data folder when they have changed."""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from apps.config.bundles import ENTRIES, bundle

SETTLED_AFTER = 60.0
STAMP = ".collected"
# Folders and files that packages bring and no page of ours asks for; compressing them would take ten seconds.
UNUSED = ["rest_framework", "redoc", "ext", "htm*-4.*", "htmx-2.js", "oauth2-redirect.*", "*.map", "CVS", ".*", "*~"]


# `import ... from "./x.js"` and `export ... from "./x.js"`; then `import "./x.js"` and `import("./x.js")`
JAVASCRIPT_IMPORTS = (
    (
        r"""(?P<matched>(?P<head>\b(?:import|export)\b[^"'`;]*?\bfrom\s*)["'](?P<url>\.{1,2}/[^"'`]+)["'])""",
        '%(head)s"%(url)s"',
    ),
    (r"""(?P<matched>(?P<head>\bimport\s*\(?\s*)["'](?P<url>\.{1,2}/[^"'`]+)["'])""", '%(head)s"%(url)s"'),
)


LARGE = 128 * 1024
"""Bytes from which on a file is packed quickly: only the API explorer has such, and packing it well would take longer than
everything else of a first start."""


class Packer(Compressor):
    """Packs what every page loads as tightly as brotli can."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        packed: bytes = brotli.compress(data, quality=11 if len(data) < LARGE else 9)
        return packed


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Hash names in imports of our JavaScript modules too, so that a page never mixes two releases.

    References inside files of other packages are left alone: some name files that the package does not ship.
    """

    patterns = (
        ("css/*.css", dict(HashedFilesMixin.patterns)["*.css"]),
        ("js/*.js", JAVASCRIPT_IMPORTS),
    )

    def create_compressor(self, **options: Any) -> Compressor:
        return Packer(**options)

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Write into each entry what it imports, then name everything after its content."""
        sources = dict(paths)
        for entry in () if dry_run else ENTRIES:
            if entry in sources:
                self._replace(entry, bundle(entry, lambda name: _text(*sources[name])))
                paths = {**paths, entry: (self, entry)}
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _replace(self, name: str, text: str) -> None:
        self.delete(name)
        self._save(name, ContentFile(text.encode()))


def _text(storage: Storage, path: str) -> str:
    with storage.open(path) as file:
        return bytes(file.read()).decode()


def collect() -> bool:
    """Collect the files if any differs from those collected last. False: nothing had changed.

    Costs one stat per file and one per collected file (some ten milliseconds) when nothing has changed.
    """
    root, fingerprint = Path(settings.STATIC_ROOT), _fingerprint()
    if _is_collected(root, fingerprint):
        return False
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(
        root.with_name(f".{root.name}.lock"), "w"
    ) as lock:  # two that collect at once would lose each other's files
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_collected(root, fingerprint):
            return False
        if _is_torn(root):
            shutil.rmtree(root)
        call_command(
            "collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED, use_default_ignore_patterns=False
        )
        (root / STAMP).write_text(fingerprint, encoding="ascii")
    return True


def _is_collected(root: Path, fingerprint: str) -> bool:
    stamp = root / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint and not _is_torn(root)


def _is_torn(folder: Path) -> bool:
    """Whether a power cut or a broken disk has left files without what was in them. No file of ours is empty.

    One that is new may be a sibling's that starts at the same time.
    """
    settled = time.time() - SETTLED_AFTER
    states = (path.stat() for path in folder.rglob("*") if path.is_file())
    return any(not state.st_size and state.st_mtime < settled for state in states)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in ("static.py", "bundles.py"):  # how files are written counts as much as what is in them
        digest.update((Path(__file__).parent / name).read_bytes())
    for finder in get_finders():
        for path, storage in finder.list(UNUSED):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
