"""A folder of code as one archive, to be sent along with a job."""

import fnmatch
import gzip
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tunebook.errors import SpecError

MOST_FILES = 10_000
MOST_BYTES = 300 * 1024 * 1024
NEVER = (".git", ".hg", ".svn", ".venv", "__pycache__", "*.pyc", ".ipynb_checkpoints", ".tunebook")
# The first of these files that is there says what else to leave out, as Azure's client reads them.
IGNORE_FILES = (".amlignore", ".gitignore")


def write(folder: Path, file: IO[bytes]) -> int:
    """Pack the regular files below a folder as a gzipped tar; how many there are.

    Left out are links, what version control and Python keep beside code, and what `.amlignore`, or else `.gitignore`,
    in the folder names. The same files give the same bytes. Raises SpecError at `code` for too many files or bytes.
    """
    patterns = (*NEVER, *_ignored(folder))
    count = size = 0
    # no times and no names of ours inside, or the same code would look new each time
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path in _files(folder, patterns):
                name = path.relative_to(folder).as_posix()
                count, size = count + 1, size + path.stat().st_size
                if count > MOST_FILES or size > MOST_BYTES:
                    limits = f"{MOST_FILES} files and {MOST_BYTES >> 20} MiB"
                    raise SpecError("code", f"{folder} has more than {limits}; name what to leave out in .amlignore")
                with path.open("rb") as content:
                    archive.addfile(_entry(path, name), content)
    return count


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        place = Path(here)
        folders[:] = sorted(name for name in folders if not _is_left_out(folder, place / name, patterns))
        for name in sorted(names):
            path = place / name
            if path.is_file() and not path.is_symlink() and not _is_left_out(folder, path, patterns):
                yield path


def _is_left_out(folder: Path, path: Path, patterns: tuple[str, ...]) -> bool:
    whole = path.relative_to(folder).as_posix()
    return any(fnmatch.fnmatch(path.name, one) or fnmatch.fnmatch(whole, one.lstrip("/")) for one in patterns)


def _ignored(folder: Path) -> list[str]:
    """The patterns of the folder's own file; lines that take something back in are not understood and left out."""
    for name in IGNORE_FILES:
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        lines = [line.strip() for line in text.splitlines()]
        return [line.rstrip("/") for line in lines if line and line[0] not in "#!"]
    return []


def _entry(path: Path, name: str) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size = path.stat().st_size
    found.mode = 0o755 if os.access(path, os.X_OK) else 0o644
    return found
