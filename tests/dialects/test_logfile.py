"""Pages of log files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.dialects import logfile
from apps.dialects.refusal import Refusal


def log(tmp_path: Path, content: bytes, name: str = "out.log") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("block", [1, 3, 7, 256])
def test_pages_are_the_same_whatever_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(logfile, "BLOCK", block)
    path = log(tmp_path, b"one\ntwo\r\n\nfour \xc3\xa9\nfive")

    assert logfile.page([path], None, 10) == logfile.Page(5, ["one", "two", "", "four é", "five"])
    assert logfile.page([path], 2, 2) == logfile.Page(5, ["", "four é"])
    assert logfile.page([path], 3, 2) == logfile.Page(5, ["five"])
    assert logfile.page([path], 4, 2) == logfile.Page(5, [])


def test_several_files_read_as_one(tmp_path: Path) -> None:
    paths = [log(tmp_path, b"a\nb", "out.log"), tmp_path / "missing", log(tmp_path, b"c\n", "err.log")]

    assert logfile.page(paths, None, 10) == logfile.Page(3, ["a", "b", "c"])


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert logfile.page([tmp_path / "out.log"], 1, 10) == logfile.Page(0, [])


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    path = log(tmp_path, b"x" * 300_000 + b"\nnext\n")

    page = logfile.page([path], None, 10)

    assert page.total == 2
    assert [len(line) for line in page.lines] == [logfile.LONGEST_LINE, 4]


def test_bytes_that_are_no_text_are_shown(tmp_path: Path) -> None:
    assert logfile.page([log(tmp_path, b"\xff\x00\n")], None, 10).lines == ["\ufffd\N{SYMBOL FOR NULL}"]


def test_a_hole_reads_as_one_line(tmp_path: Path) -> None:
    path = log(tmp_path, b"head\n")
    with path.open("r+b") as file:
        file.seek(8 * 1024 * 1024)
        file.write(b"tail\n")

    page = logfile.page([path], None, 10)

    assert page.lines[0] == "head" and page.lines[-1].endswith("tail")
    assert any("no longer kept" in line for line in page.lines)
    assert os.stat(path).st_size > sum(len(line) for line in page.lines)


def test_a_link_or_a_pipe_in_place_of_a_log_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out.log").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "err.log")

    page = logfile.page([tmp_path / "out.log", tmp_path / "err.log"], 1, 10)

    assert page == logfile.Page(0, [])


def test_a_whole_log_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LARGEST_ANSWER", 10)

    with pytest.raises(Refusal, match="by pages"):
        logfile.page([log(tmp_path, b"12345\n67890\n")], None, 10)


def test_a_piece_is_what_stands_between_two_offsets(tmp_path: Path) -> None:
    path = log(tmp_path, b"one\ntwo\nthree\n")

    assert logfile.piece(path, 4, 8) == "two\n"
    assert logfile.piece(path, 4, 4) == ""
    assert logfile.piece(tmp_path / "missing", 0, 4) == ""
