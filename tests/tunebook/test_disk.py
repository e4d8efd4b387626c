"""Whether there is room on the disk that trials write to."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tunebook import disk


def test_a_disk_with_room_has_nothing_to_tell(tmp_path: Path) -> None:
    assert disk.notice(tmp_path) == ""


@pytest.mark.parametrize(
    ("low", "full", "trouble"), [(1 << 60, 0, "disk_low"), (1 << 60, 1 << 60, "disk_full"), (0, 0, "")]
)
def test_the_room_that_is_left_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, low: int, full: int, trouble: str
) -> None:
    for name, value in (("LEAST_FREE", low), ("FULL", full), ("LEAST_SHARE", 1.0), ("FULL_SHARE", 1.0)):
        monkeypatch.setattr(disk, name, value)

    assert disk.trouble(tmp_path) == trouble
    assert disk.notice(tmp_path) == disk.NOTICES.get(trouble, "")


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    assert disk.trouble(tmp_path / "unplugged") == "disk_missing"


@pytest.mark.parametrize(("number", "trouble"), [(errno.EROFS, "disk_read_only"), (errno.EPERM, "")])
def test_a_disk_that_takes_nothing_need_not_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, trouble: str
) -> None:
    def refuse(folder: str) -> None:
        raise OSError(number, os.strerror(number), folder)

    monkeypatch.setattr(os, "utime", refuse)

    assert disk.trouble(tmp_path) == trouble


def test_a_folder_that_another_user_has_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trials").mkdir()
    before = disk.trouble(tmp_path)

    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "trials")

    assert (before, disk.trouble(tmp_path)) == ("", "disk_forbidden")


def test_every_trouble_has_words_and_a_notice() -> None:
    assert set(disk.WORDS) == set(disk.NOTICES)
