"""Pages of log files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.trials import logs


def log(tmp_path: Path, content: bytes, name: str = "out.log") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("block", [1, 3, 7, 256])
def test_pages_are_the_same_whatever_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(logs, "BLOCK", block)
    path = log(tmp_path, b"one\ntwo\r\n\nfour \xc3\xa9\nfive")

    assert logs.page([path], None, 10) == logs.Page(5, ["one", "two", "", "four é", "five"])
    assert logs.page([path], 2, 2) == logs.Page(5, ["", "four é"])
    assert logs.page([path], 3, 2) == logs.Page(5, ["five"])
    assert logs.page([path], 4, 2) == logs.Page(5, [])


def test_several_files_read_as_one(tmp_path: Path) -> None:
    paths = [log(tmp_path, b"a\nb", "out.log"), tmp_path / "missing", log(tmp_path, b"c\n", "err.log")]

    assert logs.page(paths, None, 10) == logs.Page(3, ["a", "b", "c"])


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert logs.page([tmp_path / "out.log"], 1, 10) == logs.Page(0, [])


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    path = log(tmp_path, b"x" * 300_000 + b"\nnext\n")

    page = logs.page([path], None, 10)

    assert page.total == 2
    assert [len(line) for line in page.lines] == [logs.LONGEST_LINE, 4]


def test_bytes_that_are_no_text_are_shown(tmp_path: Path) -> None:
    assert logs.page([log(tmp_path, b"\xff\x00\n")], None, 10).lines == ["\ufffd\N{SYMBOL FOR NULL}"]


def test_a_hole_reads_as_one_line(tmp_path: Path) -> None:
    path = log(tmp_path, b"head\n")
    with path.open("r+b") as file:
        file.seek(8 * 1024 * 1024)
        file.write(b"tail\n")

    page = logs.page([path], None, 10)

    assert page.lines[0] == "head" and page.lines[-1].endswith("tail")
    assert any("no longer kept" in line for line in page.lines)
    assert os.stat(path).st_size > sum(len(line) for line in page.lines)


def test_a_link_or_a_pipe_in_place_of_a_log_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out.log").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "err.log")

    page = logs.page([tmp_path / "out.log", tmp_path / "err.log"], 1, 10)

    assert page == logs.Page(0, [])


def test_a_whole_log_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST_ANSWER", 10)

    with pytest.raises(logs.TooLong, match="by pages"):
        logs.page([log(tmp_path, b"12345\n67890\n")], None, 10)


def test_a_piece_is_what_stands_between_two_offsets(tmp_path: Path) -> None:
    path = log(tmp_path, b"one\ntwo\nthree\n")

    assert logs.piece(path, 4, 8) == "two\n"
    assert logs.piece(path, 4, 4) == ""
    assert logs.piece(tmp_path / "missing", 0, 4) == ""


def test_the_steps_of_an_attempt_are_those_its_runner_noted(tmp_path: Path) -> None:
    log(tmp_path, b'{"event": "started"}\n{"event": "ended", "id": 1}\n[1]\n{"event": "ended", "i', "attempt.jsonl")

    assert logs.commands(tmp_path) == [{"event": "ended", "id": 1}]
    assert logs.commands(tmp_path / "missing") == []
