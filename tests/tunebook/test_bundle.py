"""A folder of code as one archive."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from tunebook import SpecError, bundle


def packed(folder: Path) -> tuple[bytes, dict[str, int]]:
    """The archive, and the files in it with their modes."""
    file = io.BytesIO()
    bundle.write(folder, file)
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as archive:
        return file.getvalue(), {one.name: one.mode for one in archive}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train.py", "parts/data.py", ".git/config", "parts/__pycache__/data.pyc", "data/big.bin", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "train.py").chmod(0o755)
    return tmp_path


def test_files_are_packed_but_for_what_nobody_wants(folder: Path) -> None:
    (folder / "link.py").symlink_to("/etc/passwd")

    _, files = packed(folder)

    assert files == {"data/big.bin": 0o644, "notes.txt": 0o644, "parts/data.py": 0o644, "train.py": 0o755}


def test_the_folder_says_what_to_leave_out(folder: Path) -> None:
    (folder / ".gitignore").write_text("train.py\n")
    (folder / ".amlignore").write_text("# not these\ndata/\n*.txt\n!notes.txt\n")

    assert set(packed(folder)[1]) == {".amlignore", ".gitignore", "parts/data.py", "train.py"}


def test_the_same_files_give_the_same_bytes(folder: Path) -> None:
    first = packed(folder)[0]
    os.utime(folder / "train.py", (1, 1))

    assert packed(folder)[0] == first


def test_too_much_is_refused_with_a_way_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_FILES", 3)

    with pytest.raises(SpecError) as refused:
        packed(folder)

    assert refused.value.path == "code" and ".amlignore" in refused.value.message
