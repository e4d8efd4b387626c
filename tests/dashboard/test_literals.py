from __future__ import annotations

from typing import Any

import pytest

from apps.dashboard import literals
from apps.dashboard.declared import read_steps, written_steps, written_time
from apps.dashboard.tagging import read_tags


@pytest.mark.parametrize(
    "pairs",
    [
        {},
        {"n_startup": 20, "rule": "linear", "on": True, "none": None, "x": 0.5},
        {"experiments": [{"lr": 0.1}, {"lr": 0.2}]},
        {"arguments": {"a": 1}, "path": "/a, b"},
        {"text": "12"},
    ],
)
def test_options_read_back_as_they_were_written(pairs: dict[str, Any]) -> None:
    assert literals.read_pairs(literals.write_pairs(pairs)) == pairs


@pytest.mark.parametrize("text", ["what", "a=1, what", "{", "[1]"])
def test_options_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        literals.read_pairs(text)


@pytest.mark.parametrize(
    "values",
    [[1, 2.5, "adam", True, None], ["a, b", "1", ""], ["adam", {"_name": "svm", "C": [1, 2]}], [[1, 2]], ["x\ny"], []],
)
def test_choices_read_back_as_they_were_written(values: list[Any]) -> None:
    assert literals.read_list(literals.write_list(values)) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('adam, {"_name": "sgd", "m": [0, 1]}', ["adam", {"_name": "sgd", "m": [0, 1]}]),
        ('{"a": 1}\n{"b":\n 2}', [{"a": 1}, {"b": 2}]),
        ("[1, 2], [3]", [[1, 2], [3]]),
        (' "a, b" ,c,, 3 ', ["a, b", "c", 3]),
        ('5" disk, "a"b', ['5" disk', '"a"b']),
    ],
)
def test_objects_and_lists_stand_among_plain_choices(text: str, values: list[Any]) -> None:
    assert literals.read_list(text) == values


@pytest.mark.parametrize("text", ['adam, {"_name": "sgd"', "{a}", '{"a": 1} b', "[1, 2"])
def test_choices_that_do_not_end_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a JSON"):
        literals.read_list(text)


@pytest.mark.parametrize("steps", [[], ["a b"], [["python", "x y.py"], "one\ntwo", '"quoted"', "[not json"]])
def test_commands_read_back_as_they_were_written(steps: list[Any]) -> None:
    assert read_steps(written_steps(steps)) == steps


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (90, "90 s"), (5400, "90 m"), (86400, "1 d"), (7200, "2 h")])
def test_a_time_is_written_in_its_largest_whole_unit(seconds: float | None, text: str) -> None:
    assert written_time(seconds) == text


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", []),
        ("vision", [("vision", "")]),
        ("team=a b, x:y=z, , q", [("team", "a b"), ("x", "y=z"), ("q", "")]),
        ("=odd", [("=odd", "")]),
    ],
)
def test_tags_are_parted_by_commas(text: str, tags: list[tuple[str, str]]) -> None:
    assert read_tags(text) == tags
