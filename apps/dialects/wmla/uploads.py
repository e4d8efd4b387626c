"""The files of a form as files on disk: a tar is unpacked, a script lies there under its name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from apps.artifacts import archives, paths, snapshots
from apps.artifacts.archives import BadArchive
from apps.artifacts.models import Snapshot
from apps.artifacts.paths import BadPath
from apps.dialects.forms import Part
from apps.dialects.refusal import Refusal
from apps.workspaces.models import Workspace

FIELD = "file"


@contextmanager
def laid_out(parts: Sequence[Part], script: str) -> Iterator[Mapping[str, Path]]:
    """Path -> file, for everything in these parts; gone behind the block.

    script: what a single file is called, whatever name it came under. Raises Refusal for a hostile archive, with its
    first reason, for a name that cannot be, and for two files of one path.
    """
    home = Path(settings.TUNEBOOK_DATA) / "uploads"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
        found: dict[str, Path] = {}
        for index, part in enumerate(parts):
            name = script if script and len(parts) == 1 else _name(part) or script or FIELD
            for path, file in _files_of(part, Path(folder) / str(index), name):
                if path in found:
                    raise Refusal("bad_archive", f"{path[:80]!r} was sent twice", field=FIELD)
                found[path] = file
        yield found


def keep(place: Workspace, files: Mapping[str, Path]) -> Snapshot:
    """The files as a snapshot. Raises Refusal for too many or too large ones."""
    try:
        return snapshots.store(place, files)
    except BadPath as error:
        raise Refusal("bad_archive", str(error), field=FIELD) from None


def is_litter(path: str) -> bool:
    """What a Mac puts into archives beside the files."""
    name = path.rpartition("/")[2]
    return name.startswith("._") or name == ".DS_Store" or path.startswith("__MACOSX/")


def _files_of(part: Part, folder: Path, name: str) -> list[tuple[str, Path]]:
    if not part.size:
        raise Refusal("bad_archive", "must not be empty", field=FIELD)
    try:
        if archives.is_archive(part.file):
            unpacked = archives.unpack(part.file, folder, skip=is_litter)
            return [(paths.checked(one.path), folder / one.path) for one in unpacked]
        path = paths.checked(name)
    except (BadArchive, BadPath) as error:
        raise Refusal("bad_archive", str(error), field=FIELD) from None
    folder.mkdir(mode=0o700)
    with open(folder / "one", "wb") as target:
        part.file.seek(0)
        shutil.copyfileobj(part.file, target)
    return [(path, folder / "one")]


def _name(part: Part) -> str:
    """The file name that a part came with, without folders; empty where it says nothing."""
    name = part.filename.replace("\\", "/").rpartition("/")[2]
    return "" if name == FIELD else name
