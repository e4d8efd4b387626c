"""A JSON list of objects, one for each step, is read as it grows, and its last entry when nothing can follow."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from apps.optimizer import readings
from apps.optimizer.readings import Offsets, Reading, Request

FILE = "outputs/val_dict_list.json"


class Script:
    """A script that writes its file anew, and a reader that remembers how far it came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offsets: Offsets = {}
        (folder / "outputs").mkdir()

    def write(self, records: Any) -> None:
        text = records if isinstance(records, str) else json.dumps(records)
        (self.folder / FILE).write_text(text)

    def read(self, *, final: bool = False) -> list[Reading]:
        request = Request(
            type="records",
            folder=str(self.folder),
            work=self.folder,
            metrics=["loss"],
            sources=[FILE],
            offsets=self.offsets,
            final=final,
        )
        found, self.offsets = readings.read(request)
        json.dumps(self.offsets)
        return found


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def entries(count: int) -> list[dict[str, float]]:
    return [{"step": step, "loss": 1 / step} for step in range(1, count + 1)]


def test_entries_are_read_as_the_list_grows_each_once(script: Script) -> None:
    script.write(entries(3))
    first, again = script.read(), script.read()
    script.write(entries(5))
    second, last = script.read(), script.read(final=True)
    after = script.read(final=True)

    assert [one.step for one in first] == [1, 2]
    assert [one.step for one in second] == [3, 4]
    assert last == [Reading("loss", 5, 0.2)]
    assert (again, after) == ([], [])


def test_a_single_entry_that_is_written_over_counts_as_it_is_at_the_end(script: Script) -> None:
    found = []
    for loss in (0.1, 0.3, 0.2):
        script.write([{"loss": loss}])
        found += script.read()

    assert found == []
    assert script.read(final=True) == [Reading("loss", 0, 0.2)]


def test_every_number_is_read_under_its_own_name(script: Script) -> None:
    script.write(
        [{"steps": 3, "loss": 0.5, "accuracy": 1, "note": "fine", "on": True, "more": [1], "bad": float("nan")}]
    )

    found = {one.metric: one for one in script.read(final=True)}

    assert set(found) == {"loss", "accuracy", "bad"}
    assert {one.step for one in found.values()} == {3}
    assert math.isnan(found["bad"].value)


@pytest.mark.parametrize(
    ("entry", "step"),
    [
        ({"step": 4}, 4),
        ({"step": 4.0}, 4),
        ({"steps": 4}, 4),
        ({"step": "4"}, 1),
        ({"step": -1}, 1),
        ({"step": 1.5}, 1),
        ({"step": True}, 1),
        ({"step": 1e30}, 1),
        ({"step": None, "steps": 6}, 6),
    ],
)
def test_a_step_is_what_the_entry_says_else_its_place(script: Script, entry: dict[str, Any], step: int) -> None:
    script.write([{"loss": 1.0}, {"loss": 0.5, **entry}])

    assert script.read(final=True)[1] == Reading("loss", step, 0.5)


@pytest.mark.parametrize(
    "text", ["", "[", '[{"loss": 0.5}', "5", '"x"', "[1, null]", "{}", "[" * 100_000, "\0", "é" * 10]
)
def test_a_file_that_holds_nothing_is_nothing_new(script: Script, text: str) -> None:
    script.write(text)

    assert script.read() == script.read(final=True) == []


def test_one_object_alone_is_one_entry(script: Script) -> None:
    script.write({"loss": 0.5})

    assert script.read(final=True) == [Reading("loss", 0, 0.5)]


def test_names_of_metrics_are_bounded_and_none_is_lost(script: Script) -> None:
    script.write([{**{f"m{number}": number for number in range(100)}, "x" * 300: 1.0, "a\nb": 2.0, "": 3.0}])

    found = script.read(final=True)

    assert len(found) == 100
    assert all(one.metric.startswith("m") for one in found)


def test_a_folder_a_link_to_nowhere_and_a_missing_file_are_nothing(script: Script) -> None:
    assert script.read(final=True) == []
    (script.folder / FILE).mkdir()
    assert script.read(final=True) == []
    (script.folder / FILE).rmdir()
    (script.folder / FILE).symlink_to("nowhere")
    assert script.read(final=True) == []
