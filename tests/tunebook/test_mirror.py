"""The folder of an attempt that runs elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook import mirror


def test_a_piece_sent_twice_is_there_once(tmp_path: Path) -> None:
    folder = str(tmp_path)

    sizes = [mirror.take(folder, "out.log", at, text) for at, text in ((0, b"one\n"), (4, b"two\n"), (4, b"two\n"))]

    assert sizes == [4, 8, 8]
    assert (tmp_path / "out.log").read_bytes() == b"one\ntwo\n"


def test_a_piece_behind_a_gap_is_not_taken(tmp_path: Path) -> None:
    mirror.take(str(tmp_path), "metrics.jsonl", 0, b"12")

    size = mirror.take(str(tmp_path), "metrics.jsonl", 5, b"67")

    assert size == 2
    assert (tmp_path / "metrics.jsonl").read_bytes() == b"12"


def test_a_log_may_have_lost_its_middle(tmp_path: Path) -> None:
    mirror.take(str(tmp_path), "out.log", 0, b"head")

    size = mirror.take(str(tmp_path), "out.log", 1 << 30, b"tail")

    assert size == (1 << 30) + 4
    assert (tmp_path / "out.log").stat().st_blocks * 512 < 1 << 20


def test_a_file_that_is_sent_anew_is_replaced(tmp_path: Path) -> None:
    for text in (b"a longer first version", b"second"):
        mirror.take(str(tmp_path), "work/outputs/model.json", 0, text)

    assert (tmp_path / "work/outputs/model.json").read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "work/outputs").iterdir()] == ["model.json"]


@pytest.mark.parametrize(
    "path",
    ["order.json", "stop", "work", "work/", "work/../stop", "/etc/passwd", "work//x", "a/b", "work/\0", "work/" + "x" * 300],
)  # fmt: skip
def test_other_files_are_not_taken(tmp_path: Path, path: str) -> None:
    with pytest.raises(mirror.BadFile):
        mirror.take(str(tmp_path), path, 0, b"x")

    assert list(tmp_path.iterdir()) == []


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("untouched")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/out.log").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError):
        mirror.take(str(tmp_path / "folder"), "out.log", 0, b"x")

    assert (tmp_path / "elsewhere").read_text() == "untouched"


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "attempt"
    outside.mkdir()
    (folder / "work").mkdir(parents=True)
    (folder / "work/there").symlink_to(outside)

    for path in ("work/there/new.txt", "work/there/deeper/new.txt"):
        with pytest.raises(mirror.BadFile, match="behind a link"):
            mirror.take(str(folder), path, 0, b"text")

    assert list(outside.iterdir()) == []


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    mirror.take(str(tmp_path), "work/outputs", 0, b"a file")

    with pytest.raises(mirror.BadFile):
        mirror.take(str(tmp_path), "work/outputs/model", 0, b"x")


def test_the_wish_to_stop_tells_how_long_it_may_take(tmp_path: Path) -> None:
    before = mirror.wish(str(tmp_path))

    mirror.mark(str(tmp_path), mirror.STOP, '{"grace": 2.5}')

    assert before == {"stop": False, "grace": None}
    assert mirror.wish(str(tmp_path)) == {"stop": True, "grace": 2.5}
