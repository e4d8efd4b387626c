"""The live view of `tunebook watch`."""

from __future__ import annotations

import io
from typing import Any

from tests.tunebook.native_server import an_experiment
from tunebook.cli.watching import Screen, line, picture


def a_trial(number: int, **changes: Any) -> dict[str, Any]:
    return {"number": number, "value": 0.5, "last_value": 0.25, "params": {"lr": 0.001, "opt": "adam"}, **changes}


def test_the_line_has_a_bar_and_what_counts() -> None:
    assert line(an_experiment()) == "[###.....................]  3/24  RUNNING  running 2  best 0.9716"


def test_the_picture_has_what_runs_and_what_is_best() -> None:
    lines = picture(an_experiment(), [a_trial(4)], [a_trial(2, value=0.9716), a_trial(1, value=None)])

    assert lines[0] == "Digits"
    assert lines[3:5] == ["RUNNING  VALUE  lr     opt", "4        0.25   0.001  adam"]
    assert lines[6:] == ["BEST  VALUE   lr     opt", "2     0.9716  0.001  adam"]


def test_the_reason_of_the_end_is_told() -> None:
    assert picture(an_experiment(reason="stopped by ada"), [], [])[-1] == "stopped by ada"


def test_the_screen_is_drawn_over_and_cut_to_its_size() -> None:
    out = io.StringIO()
    screen = Screen(out, lambda: (6, 4))

    screen.draw(["a long line", "b", "c", "d", "e"])
    screen.draw(["f"])

    assert out.getvalue() == "\r\033[Ja lon\nb\nc\n\033[3A\r\033[Jf\n"
