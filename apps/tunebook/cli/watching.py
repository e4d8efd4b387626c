"""`tunebook watch`: an experiment while it runs."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from tunebook.cli.codes import DONE, NOT_WELL
from tunebook.cli.printing import best_value, client_of, numbers, progress, table
from tunebook.client import Client, Json
from tunebook.status import ENDED_EXPERIMENT

GOOD_ENDS = frozenset({"FINISHED", "EARLY_STOPPED"})
BAR = 24
RUNNING, BEST = 8, 5  # rows of the live table
MOST_PARAMS = 6


def watch(options: argparse.Namespace) -> int:
    """`tunebook watch`."""
    return follow(client_of(options), options.key, options)


def follow(client: Client, key: str, options: argparse.Namespace) -> int:
    """Until it has ended: a line per change, or on a terminal a table that is drawn anew; 0 when it ended well."""
    if sys.stdout.isatty() and not options.json:
        experiment = _live(client, key)
    else:
        experiment = _lines(client, key, as_json=options.json)
    return DONE if experiment.get("status") in GOOD_ENDS else NOT_WELL


def _lines(client: Client, key: str, *, as_json: bool) -> Json:
    experiment: Json = {}
    shown = ""
    for experiment in client.watch(key):
        text = json.dumps(experiment, ensure_ascii=False) if as_json else line(experiment)
        if text != shown:
            print(text, flush=True)
        shown = text
    return experiment


def _live(client: Client, key: str) -> Json:
    experiment: Json = {}
    screen = Screen(sys.stdout)
    for experiment in client.watch(key):
        screen.draw(picture(experiment, *_trials(client, experiment)))
    return experiment


def _trials(client: Client, experiment: Mapping[str, Any]) -> tuple[list[Json], list[Json]]:
    """The trials that run and the best ones: two requests, one once it has ended."""
    key, order = experiment["key"], "asc" if experiment.get("goal") == "minimize" else "desc"
    best = client.trials(key, page_size=BEST, sort="value", order=order)["items"]
    if experiment["status"] in ENDED_EXPERIMENT:
        return [], best
    return client.trials(key, page_size=RUNNING, status="RUNNING", order="desc")["items"], best


def picture(experiment: Mapping[str, Any], running: Sequence[Json], best: Sequence[Json]) -> list[str]:
    """The lines of the live view: the bar, then what runs, then what is best."""
    valued = [trial for trial in best if trial.get("value") is not None]
    lines = [f"{experiment.get('name') or experiment['key']}", line(experiment)]
    for head, trials, value in (("running", running, "last_value"), ("best", valued, "value")):
        if trials:
            names = list(trials[0].get("params") or {})[:MOST_PARAMS]
            rows = [[str(trial["number"]), _number(trial.get(value)), *_params(trial, names)] for trial in trials]
            lines += ["", *table([[head.upper(), "VALUE", *names], *rows])]
    if experiment.get("reason"):
        lines += ["", str(experiment["reason"])]
    return lines


def line(experiment: Mapping[str, Any]) -> str:
    """One experiment in one line: a bar, how many trials, what runs, what is best."""
    total, ended, running = numbers(experiment)
    full = round(BAR * min(ended / total, 1)) if total else 0
    bar = f"[{'#' * full}{'.' * (BAR - full)}]"
    parts = [bar, progress(experiment), str(experiment.get("status")), f"running {running}"]
    return "  ".join([*parts, f"best {best_value(experiment) or '-'}"])


class Screen:
    """Draws lines over those it has drawn before, cut to the terminal's size."""

    def __init__(self, out: TextIO, size: Callable[[], tuple[int, int]] = shutil.get_terminal_size) -> None:
        self._out = out
        self._size = size
        self._drawn = 0

    def draw(self, lines: Sequence[str]) -> None:
        """Replace what was drawn."""
        columns, rows = self._size()
        cut = [one[: max(columns - 1, 1)] for one in lines[: max(rows - 1, 1)]]
        up = f"\033[{self._drawn}A" if self._drawn else ""
        self._out.write(f"{up}\r\033[J" + "".join(f"{one}\n" for one in cut))
        self._out.flush()
        self._drawn = len(cut)


def _params(trial: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield _number((trial.get("params") or {}).get(name))


def _number(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
