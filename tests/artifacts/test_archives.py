"""Archives are unpacked whole or not at all, and nothing in them reaches outside the folder made for them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.artifacts.archives import BadArchive, Limits, is_archive, unpack

Entries = list[tuple[str, bytes]]
FILES: Entries = [("model/main.py", b"print(1)\n"), ("model/data/x.csv", b"a,b\n" * 500), ("README", b"")]


def a_tar(entries: Entries, form: int = tarfile.PAX_FORMAT, change: Callable[[tarfile.TarInfo], None] | None = None):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, data in entries:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            if change is not None:
                change(member)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def a_zip(entries: Entries, method: int = zipfile.ZIP_DEFLATED, mode: int | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            if mode is not None:
                info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
    return made.getvalue()


def found(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(data: bytes, folder: Path, limits: Limits | None = None) -> str:
    """The reason, after looking that nothing was kept."""
    with pytest.raises(BadArchive) as caught:
        unpack(io.BytesIO(data), folder / "out", limits or Limits())
    assert list(folder.iterdir()) == []
    return str(caught.value)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_is_unpacked_however_it_is_packed(form: int, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    long = ("/".join(["model", "n" * 90, "m" * 90, "file.txt"]), b"deep")

    written = unpack(io.BytesIO(pack(a_tar([*FILES, long], form))), tmp_path / "out")

    assert found(tmp_path / "out") == dict([*FILES, long])
    assert [(one.path, one.size, one.mode) for one in written] == [(n, len(d), 0o644) for n, d in [*FILES, long]]
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_zip_is_unpacked(method: int, tmp_path: Path) -> None:
    unpack(io.BytesIO(a_zip([("model/", b""), *FILES], method)), tmp_path / "out")

    assert found(tmp_path / "out") == dict(FILES)


def test_names_that_need_more_than_a_header_are_read(tmp_path: Path) -> None:
    entries: Entries = [("ünïcode/" + "ä" * 120, b"1"), ("x" * 200, b"2")]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = tmp_path / str(form)

        unpack(io.BytesIO(a_tar(entries, form)), out)

        assert found(out) == dict(entries)


def test_packed_streams_behind_one_another_are_one(tmp_path: Path) -> None:
    plain = a_tar(FILES)

    unpack(io.BytesIO(gzip.compress(plain[:700]) + gzip.compress(plain[700:])), tmp_path / "out")

    assert found(tmp_path / "out") == dict(FILES)


def test_folders_may_come_in_any_order_and_again(tmp_path: Path) -> None:
    def folders(member: tarfile.TarInfo) -> None:
        member.type = tarfile.DIRTYPE if member.name.endswith("/") else member.type

    entries: Entries = [("./", b""), ("./a/b/x", b"1"), ("a/", b""), ("a/b/", b""), ("a//b/y", b"2")]

    unpack(io.BytesIO(a_tar(entries, change=folders)), tmp_path / "out")

    assert found(tmp_path / "out") == {"a/b/x": b"1", "a/b/y": b"2"}


def test_modes_are_ours_but_for_what_may_run(tmp_path: Path) -> None:
    def wild(member: tarfile.TarInfo) -> None:
        member.mode, member.uid, member.gid = 0o7777, 0, 0

    unpack(io.BytesIO(a_tar([("run.sh", b"x")], change=wild)), tmp_path / "tar")
    unpack(io.BytesIO(a_zip([("run.sh", b"x")], mode=stat.S_IFREG | 0o6711)), tmp_path / "zip")

    for name in ("tar", "zip"):
        state = (tmp_path / name / "run.sh").stat()
        assert stat.S_IMODE(state.st_mode) == 0o755
        assert state.st_uid == os.getuid()


def test_what_is_skipped_is_counted_but_not_written(tmp_path: Path) -> None:
    entries: Entries = [("a.py", b"1"), ("._a.py", b"2"), (".DS_Store", b"3")]

    written = unpack(io.BytesIO(a_tar(entries)), tmp_path / "out", skip=lambda path: path != "a.py")

    assert (found(tmp_path / "out"), [one.path for one in written]) == ({"a.py": b"1"}, ["a.py"])


def test_what_is_skipped_counts_as_a_member(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="more than 1 members"):
        unpack(io.BytesIO(a_tar(FILES)), tmp_path / "out", Limits(members=1), skip=lambda path: True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil", "leads out"),
        ("a/../../evil", "leads out"),
        ("/etc/evil", "absolute"),
        ("C:evil", "absolute"),
        ("c:/evil", "absolute"),
        ("a\\..\\evil", "backslash"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
        ("a\x85b", "control character"),
        ("n" * 256, "longer than 255"),
        ("/".join(["é" * 100] * 6), "longer than 1024"),
        ("/".join(["d"] * 17), "deeper than 16"),
        (".", "no name"),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, words: str, tmp_path: Path) -> None:
    entries: Entries = [("good", b"1"), (name, b"2")]

    assert words in refused(a_tar(entries), tmp_path)
    assert words in refused(a_zip(entries), tmp_path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    data = bytearray(a_tar([("good", b""), ("bAd", b"")], tarfile.USTAR_FORMAT))
    data[513] = 0xFF
    data[512 + 148 : 512 + 156] = b"%06o\0 " % (sum(data[512 : 512 + 148]) + 256 + sum(data[512 + 156 : 1024]))

    assert "no text" in refused(bytes(data), tmp_path)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a named pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (b"Z", "unknown kind"),
    ],
)
def test_only_files_and_folders_are_taken(kind: bytes, words: str, tmp_path: Path) -> None:
    def odd(member: tarfile.TarInfo) -> None:
        if member.name == "odd":
            member.type, member.linkname = kind, "/etc/passwd"

    assert words in refused(a_tar([("good", b"1"), ("odd", b"")], change=odd), tmp_path)


def test_a_sparse_file_by_pax_members_is_refused(tmp_path: Path) -> None:
    def sparse(member: tarfile.TarInfo) -> None:
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "../../evil"}

    assert "sparse" in refused(a_tar([("x", b"1")], change=sparse), tmp_path)


@pytest.mark.parametrize(("mode", "words"), [(stat.S_IFLNK | 0o777, "a link"), (stat.S_IFCHR | 0o600, "a device")])
def test_a_zip_with_a_link_or_a_device_is_refused(mode: int, words: str, tmp_path: Path) -> None:
    assert words in refused(a_zip([("odd", b"/etc/passwd")], mode=mode), tmp_path)


def test_a_link_and_a_file_through_it_reach_nothing(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    place = tmp_path / "place"
    place.mkdir()

    def link(member: tarfile.TarInfo) -> None:
        if member.name == "a":
            member.type, member.linkname = tarfile.SYMTYPE, str(target)

    refused(a_tar([("a", b""), ("a/evil", b"1")], change=link), place)

    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["x", "x"], "twice"),
        (["x", "./x"], "twice"),
        (["x", "X"], "one on some machines"),
        (["straße", "STRASSE"], "one on some machines"),
        (["caf\u00e9", "cafe\u0301"], "one on some machines"),
        (["D/x", "d/y"], "one on some machines"),
        (["a", "a/b"], "a file and a folder"),
        (["a/b", "a"], "a file and a folder"),
    ],
)
def test_two_members_in_one_place_are_refused(names: list[str], words: str, tmp_path: Path) -> None:
    entries: Entries = [(name, b"1") for name in names]

    assert words in refused(a_tar(entries), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns whoever makes such a file
        assert words in refused(a_zip(entries), tmp_path)


@pytest.mark.parametrize("make", [a_tar, a_zip])
def test_limits_count_what_really_comes_out(make: Callable[[Entries], bytes], tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(50_000)
    entries: Entries = [("a", noise), ("b", noise[:40_000])]

    assert "more than 1 members" in refused(make(entries), tmp_path, Limits(members=1))
    assert "a has more than 49999 bytes" in refused(make(entries), tmp_path, Limits(each=49_999))
    assert "unpacks to more than 89999 bytes" in refused(make(entries), tmp_path, Limits(total=89_999))
    assert "takes longer" in refused(make(entries), tmp_path, Limits(seconds=-1.0))


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: gzip.compress(a_tar([("zeros", bytes(40 << 20))])),
        lambda: bz2.compress(a_tar([("zeros", bytes(40 << 20))])),
        lambda: lzma.compress(a_tar([("zeros", bytes(40 << 20))])),
        lambda: a_zip([("zeros", bytes(40 << 20))]),
        lambda: a_zip([(f"zeros{n}", bytes(1 << 20)) for n in range(40)]),
        lambda: a_zip([("zeros", bytes(40 << 20))], zipfile.ZIP_BZIP2),
    ],
)
def test_a_bomb_is_refused_by_its_ratio(bomb: Callable[[], bytes], tmp_path: Path) -> None:
    assert "times its size" in refused(bomb(), tmp_path)


def test_a_zip_whose_members_share_their_bytes_is_refused(tmp_path: Path) -> None:
    data = bytearray(a_zip([("a", random.Random(1).randbytes(5000)), ("b", b"x")], zipfile.ZIP_STORED))
    second = data.rfind(b"PK\x01\x02")
    data[second + 20 : second + 28] = (5000).to_bytes(4, "little") * 2
    data[second + 42 : second + 46] = bytes(4)

    assert "it is damaged" in refused(bytes(data), tmp_path)


def test_a_zip_that_lies_about_sizes_is_refused(tmp_path: Path) -> None:
    data = bytearray(a_zip([("a", b"x" * 5000)]))
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")

    assert "it is damaged" in refused(bytes(data), tmp_path)


def test_an_encrypted_zip_and_strange_methods_are_refused(tmp_path: Path) -> None:
    data = bytearray(a_zip([("a", b"secret")]))
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 8] |= 1
    assert "encrypted" in refused(bytes(data), tmp_path)

    assert "method 14" in refused(a_zip([("a", b"x")], zipfile.ZIP_LZMA), tmp_path)


def test_a_zip_with_a_giant_directory_is_not_read(tmp_path: Path) -> None:
    data = bytearray(a_zip(FILES))
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    assert "members" in refused(bytes(data), tmp_path)

    locator = b"PK\x06\x07" + bytes(16)
    assert "4 GiB" in refused(bytes(data[:end]) + locator + bytes(data[end:]), tmp_path)


def test_headers_that_only_announce_are_bounded(tmp_path: Path) -> None:
    def announcing(size: int) -> bytes:
        member = tarfile.TarInfo("x")
        member.type, member.size = tarfile.GNUTYPE_LONGNAME, size
        return member.tobuf(tarfile.GNU_FORMAT)

    assert "headers are too long" in refused(announcing(1 << 30), tmp_path)
    assert "headers are too long" in refused((announcing(1) + b"x" + bytes(511)) * 20, tmp_path)
    assert "without its file" in refused(announcing(1) + b"x" + bytes(511) + bytes(1024), tmp_path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_that_was_cut_is_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    whole = pack(a_tar([("a", random.Random(1).randbytes(4000)), ("b", random.Random(2).randbytes(4000))]))

    for share in (0.3, 0.5, 0.7):
        refused(whole[: int(len(whole) * share)], tmp_path)


@pytest.mark.parametrize("data", [b"", b"#!/usr/bin/env python\nprint(1)\n" * 40, b"PK", b"\x89PNG\r\n" * 200])
def test_what_is_no_archive_is_said_to_be_none(data: bytes, tmp_path: Path) -> None:
    assert "neither a tar nor a zip" in refused(data, tmp_path)
    assert not is_archive(io.BytesIO(data))


def test_what_is_an_archive_is_known_by_its_content() -> None:
    plain = a_tar(FILES)

    for data in (plain, gzip.compress(plain), bz2.compress(plain), lzma.compress(plain), a_zip(FILES), a_zip([])):
        assert is_archive(io.BytesIO(data))


def test_noise_in_an_archive_never_breaks_anything(tmp_path: Path) -> None:
    draw = random.Random(7)
    wholes = [a_tar(FILES), gzip.compress(a_tar(FILES)), a_zip(FILES), lzma.compress(a_tar(FILES))]
    for number in range(400):
        data = bytearray(draw.choice(wholes))
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        out = tmp_path / str(number)
        try:
            unpack(io.BytesIO(bytes(data)), out)
        except BadArchive:
            assert not out.exists()
    assert all(name.isdigit() for name in os.listdir(tmp_path))


def test_a_folder_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("1")

    with pytest.raises(FileExistsError):
        unpack(io.BytesIO(a_tar(FILES)), tmp_path / "out")

    assert found(tmp_path) == {"out/mine": b"1"}


def test_many_folders_do_not_use_up_the_descriptors(tmp_path: Path) -> None:
    entries: Entries = [(f"d{n}/{'/'.join('abcdefgh')}/f", b"%d" % n) for n in range(200)]

    unpack(io.BytesIO(a_tar(entries)), tmp_path / "out")

    assert found(tmp_path / "out") == dict(entries)
