"""The files of a trial on its page, their previews and downloads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from apps.artifacts import artifacts, remarks
from apps.dashboard import previews
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tests.dashboard.conftest import queries_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture(autouse=True)
def data(settings: object, tmp_path: Path) -> Path:
    settings.TUNEBOOK_DATA = tmp_path  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture
def trial(make_experiment: Callable[..., Experiment], add_trials: Callable[..., list[Trial]]) -> Trial:
    (made,) = add_trials(make_experiment(), "FINISHED")
    return made


def add(trial: Trial, path: str, content: bytes) -> None:
    artifacts.add(trial.experiment, trial, path, content)


def address(trial: Trial, path: str = "") -> str:
    return f"/w/lab/e/{trial.experiment.key}/t/{trial.number}/files{path}"


def test_a_trials_page_lists_its_files_and_what_its_script_wrote_down(as_ben: Client, trial: Trial) -> None:
    add(trial, "outputs/model.pkl", b"12345")
    add(trial, "notes.txt", b"x" * 2345)
    remarks.write(trial, 1, remarks.PARAM, {"optimizer": "adam <b>"})
    remarks.write(trial, 1, remarks.TAG, {"stage": "final"})

    page = as_ben.get(f"/w/lab/e/{trial.experiment.key}/t/{trial.number}")

    assertContains(page, f'<a href="{address(trial, "/outputs")}">outputs/</a>', html=True)
    assertContains(page, f"{address(trial, '/notes.txt')}?download")
    assertContains(page, "2.35 kB")
    assertContains(page, "adam &lt;b&gt;")
    assertContains(page, "stage")


def test_a_folder_has_a_page(as_ben: Client, trial: Trial) -> None:
    add(trial, "outputs/deep/a.txt", b"a")

    page = as_ben.get(address(trial, "/outputs/deep"))

    assertContains(page, ">a.txt</a>")
    assertContains(page, ">1 byte<")
    assertContains(page, f'<a href="{address(trial, "/outputs")}">outputs</a>', html=True)
    assertContains(as_ben.get(address(trial)), ">outputs/</a>")


def test_text_is_shown_as_text(as_ben: Client, trial: Trial) -> None:
    add(trial, "page.html", b"<script>alert(1)</script>")

    page = as_ben.get(address(trial, "/page.html"))

    assertContains(page, "&lt;script&gt;alert(1)&lt;/script&gt;")
    assertNotContains(page, "<script>alert(1)")


def test_json_is_shown_with_line_breaks(as_ben: Client, trial: Trial) -> None:
    add(trial, "a.json", json.dumps({"a": [1, 2]}).encode())

    assertContains(as_ben.get(address(trial, "/a.json")), "&quot;a&quot;: [\n    1,")


def test_a_table_is_shown_as_one(as_ben: Client, trial: Trial) -> None:
    add(trial, "a.csv", b"epoch,loss\n" + b"".join(b"%d,0.5\n" % row for row in range(500)))

    page = as_ben.get(address(trial, "/a.csv"))

    assertContains(page, '<th scope="col">loss</th>', html=True)
    assertContains(page, "<td>98</td>", html=True)
    assertNotContains(page, "<td>100</td>", html=True)
    assertContains(page, "The beginning")


def test_a_picture_is_shown_by_what_it_is_and_not_by_its_name(as_ben: Client, trial: Trial) -> None:
    add(trial, "plot.dat", PNG)
    add(trial, "evil.png", b"<svg onload='alert(1)'>")

    page, picture = as_ben.get(address(trial, "/plot.dat")), as_ben.get(address(trial, "/plot.dat") + "?picture")

    assertContains(page, f'src="{address(trial, "/plot.dat")}?picture"')
    assert picture["Content-Type"] == "image/png"
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in picture["Content-Security-Policy"]
    assert b"".join(picture.streaming_content) == PNG
    assert as_ben.get(address(trial, "/evil.png") + "?picture").status_code == 404
    assertNotContains(as_ben.get(address(trial, "/evil.png")), "?picture")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("model.bin", b"\0\1\2", "no text"),
        ("latin.txt", "ä".encode("latin-1"), "no text in UTF-8"),
        ("empty.txt", b"", "The file is empty."),
        ("bomb.json", b"[" * 100_000, "[[[["),
        ("long.txt", b"x" * 300_000, "The beginning"),
        ("cut.txt", "ä".encode() * 200_000, "The beginning"),
    ],
)
def test_whatever_a_file_holds_it_has_a_page(
    as_ben: Client, trial: Trial, name: str, content: bytes, says: str
) -> None:
    add(trial, name, content)

    assertContains(as_ben.get(address(trial, f"/{name}")), says)


def test_a_file_is_downloaded_as_it_is(as_ben: Client, trial: Trial) -> None:
    add(trial, "outputs/page.html", b"<script>alert(1)</script>")

    response = as_ben.get(address(trial, "/outputs/page.html") + "?download")

    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response["Content-Disposition"] == 'attachment; filename="page.html"'
    assert response["Content-Type"] == "application/octet-stream"


def test_strangers_and_wrong_paths_find_nothing(as_cleo: Client, as_ben: Client, trial: Trial) -> None:
    add(trial, "a.txt", b"a")

    assert as_cleo.get(address(trial, "/a.txt")).status_code == 404
    assert Client().get(address(trial, "/a.txt")).status_code == 302
    for path in ("/b.txt", "/../a.txt", "/a.txt/b", "/%00", "/" + "x" * 2000):
        assert as_ben.get(address(trial, path)).status_code == 404


def test_pages_keep_their_number_of_queries(as_ben: Client, trial: Trial) -> None:
    add(trial, "a.txt", b"a")
    few = queries_of(as_ben, address(trial))
    for number in range(20):
        add(trial, f"more/{number}.txt", b"a")
        add(trial, f"{number}.txt", b"a")

    assert queries_of(as_ben, address(trial)) == few


def test_a_file_that_the_store_has_lost_says_so(as_ben: Client, trial: Trial) -> None:
    add(trial, "a.txt", b"a")
    row = artifacts.find(trial.experiment, trial, "a.txt")
    assert row is not None
    artifacts.store.places.place().remove(row.sha256)

    assertContains(as_ben.get(address(trial, "/a.txt")), "The store has lost this file.")
    assert as_ben.get(address(trial, "/a.txt") + "?download").status_code == 404


def test_a_wide_table_is_cut(trial: Trial) -> None:
    rows = previews._table(",".join("x" * 1000 for _ in range(100)) + "\n1,2", ",")

    assert {len(row) for row in rows} == {previews.MOST_COLUMNS}
    assert len(rows[0][0]) == previews.MOST_CELL
