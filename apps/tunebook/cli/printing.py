"""How the commands print what they found."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.cli.codes import DONE
from tunebook.client import Client
from tunebook.status import ENDED_TRIAL


def client_of(options: argparse.Namespace) -> Client:
    """The server that the command is about."""
    return Client(options.server)


def numbers(experiment: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many trials there will be (those there are, without a limit), have ended, and run."""
    counts = experiment.get("counts") or {}
    ended = sum(number for status, number in counts.items() if status in ENDED_TRIAL)
    return experiment.get("max_trials") or sum(counts.values()), ended, counts.get("RUNNING", 0)


def progress(experiment: Mapping[str, Any]) -> str:
    """How far it is: `3/24`."""
    total, ended, _ = numbers(experiment)
    return f"{ended}/{total}"


def best_value(experiment: Mapping[str, Any]) -> str:
    """The best value in a few digits, empty when there is none."""
    best = experiment.get("best") or {}
    value = best.get("value")
    return "" if value is None else f"{value:.6g}" if isinstance(value, int | float) else str(value)


def say(options: argparse.Namespace, found: Mapping[str, Any], words: str) -> None:
    """The words, or with --json what was found."""
    print(json.dumps(found, ensure_ascii=False) if options.json else words)


def print_json(found: Any) -> int:
    """Print JSON, indented for people."""
    print(json.dumps(found, ensure_ascii=False, indent=None if not sys.stdout.isatty() else 2))
    return DONE


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print cells below each other."""
    for row in table(rows):
        print(row)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, each column as wide as its longest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
