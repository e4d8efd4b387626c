"""A command that measures nothing has its exit status as its value."""

from __future__ import annotations

from pathlib import Path

from apps.optimizer import readings
from apps.optimizer.readings import Reading, Request


def request(folder: Path, *, final: bool) -> Request:
    return Request(type="exit", folder=str(folder), work=folder, metrics=["exit_status"], final=final)


def test_there_is_no_value_before_the_end(tmp_path: Path) -> None:
    assert readings.read(request(tmp_path, final=False))[0] == []


def test_the_value_is_there_once_it_has_ended(tmp_path: Path) -> None:
    found, offsets = readings.read(request(tmp_path, final=True))

    again, after = readings.read(request(tmp_path, final=True).with_offsets(offsets))

    assert found == [Reading("exit_status", 0, 0.0)]
    assert (again, after) == ([], offsets)
