"""Static files with their content's hash in the name, collected into the data folder when they have changed."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.base import ContentFile
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

SHEET = "css/site.css"
IMPORT = re.compile(r'@import url\("(?P<part>[\w.]+)"\) layer\((?P<layer>\w+)\);')


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Hash names in imports of JavaScript modules too, so that a page never mixes two releases.

    The style sheet's parts are written into it, so that a visitor asks for one file.
    """

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if SHEET in paths and not dry_run:
            joined = self._joined(paths)
            self.delete(SHEET)
            self._save(SHEET, ContentFile(joined.encode()))
            paths = {**paths, SHEET: (self, SHEET)}
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _joined(self, paths: dict[str, Any]) -> str:
        def part(match: re.Match[str]) -> str:
            return f"@layer {match['layer']} {{\n{text('css/' + match['part'])}}}"

        def text(name: str) -> str:
            storage, path = paths[name]
            return Path(storage.path(path)).read_text(encoding="utf-8")

        return IMPORT.sub(part, text(SHEET))


def collect() -> bool:
    """Collect the files if any differs from those collected last. False: nothing had changed.

    Costs one stat per file (some ten milliseconds) when nothing has changed.
    """
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    fingerprint = _fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint:
        return False
    call_command("collectstatic", interactive=False, clear=False, verbosity=0)
    stamp.write_text(fingerprint, encoding="ascii")
    return True


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=["CVS", ".*", "*~"]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
