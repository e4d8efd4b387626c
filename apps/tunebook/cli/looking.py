"""Commands that look at experiments, and stop them."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunebook import mlflow_export
from tunebook.cli.codes import DONE, NOT_WELL
from tunebook.cli.printing import best_value, client_of, print_json, print_table, progress, say
from tunebook.client import Client, Json
from tunebook.errors import SpecError
from tunebook.export import FORMATS, trials_text
from tunebook.mlflow_files import Files
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL

LINES = 1000  # of a log, in one request
PAGE = 100  # trials or experiments, in one request


def listed(options: argparse.Namespace) -> int:
    """`tunebook list`."""
    found = _first(client_of(options), options.limit, _filters(options.query))
    if options.json:
        return print_json(found)
    rows = [[one["key"], one["status"], progress(one), best_value(one), one["name"]] for one in found["items"]]
    print_table([["KEY", "STATUS", "TRIALS", "BEST", "NAME"], *rows])
    if len(rows) < found["total"] and sys.stdout.isatty():
        print(f"{len(rows)} of {found['total']}; --limit shows more", file=sys.stderr)
    return DONE


def show(options: argparse.Namespace) -> int:
    """`tunebook show`."""
    found = client_of(options).experiment(options.key)
    if options.json:
        return print_json(found)
    facts = {
        "key": found["key"],
        "name": found["name"],
        "status": found["status"],
        "reason": found.get("reason"),
        "trials": progress(found),
        "best": best_value(found),
        "goal": found.get("goal"),
    }
    print_table([[name, str(value)] for name, value in facts.items() if value])
    return DONE


def best(options: argparse.Namespace) -> int:
    """`tunebook best`."""
    client = client_of(options)
    experiment = client.experiment(options.key)
    best = experiment.get("best")
    if not best:
        print("tunebook: no trial has a value yet", file=sys.stderr)
        return NOT_WELL
    trial = client.trial(options.key, best["trial"])
    if options.json:
        return print_json(trial)
    print(f"trial {best['trial']}: {best['value']}")
    print_table([[name, json.dumps(value, ensure_ascii=False)] for name, value in trial["params"].items()])
    return DONE


def stop(options: argparse.Namespace) -> int:
    """`tunebook stop`."""
    found = client_of(options).stop(options.key)
    became = "it has ended" if found["status"] in ENDED_EXPERIMENT else "asked to stop"
    say(options, found, f"{options.key}: {found['status']}, {became}")
    return DONE


def logs(options: argparse.Namespace) -> int:
    """`tunebook logs`."""
    client, seen = client_of(options), 0
    stream = "stderr" if options.stderr else "stdout"
    while True:
        ended = not options.follow or client.trial(options.key, options.trial)["status"] in ENDED_TRIAL
        found = client.logs(options.key, options.trial, stream=stream, page=seen // LINES + 1, page_size=LINES)
        lines = found["items"][seen % LINES :]
        for line in lines:
            print(json.dumps(line, ensure_ascii=False) if options.json else line, flush=True)
        seen += len(lines)
        if seen < found["total"] and lines:
            continue
        if ended:
            return DONE
        time.sleep(1.0)


def export(options: argparse.Namespace) -> int:
    """`tunebook export`."""
    suffix = Path(options.output or "").suffix[1:]
    form = options.format or ("json" if options.json else suffix if suffix in FORMATS else "csv")
    client = client_of(options)
    if options.to_mlflow:
        return _to_mlflow(client, options)
    if options.whole:
        return _write(options.output, json.dumps(client.export(options.key), ensure_ascii=False) + "\n")
    trials: list[Json] = []
    while True:
        page = client.trials(options.key, page=len(trials) // PAGE + 1, page_size=PAGE, sort="number", order="asc")
        trials += page["items"]
        if len(trials) >= page["total"] or not page["items"]:
            break
    return _write(options.output, trials_text(trials, form))


def _to_mlflow(client: Client, options: argparse.Namespace) -> int:
    files = Files(client, options.key)
    done = mlflow_export.export(client.export(options.key), options.key, options.to_mlflow, files=files)
    words = f"{done.made} runs written to experiment {done.name!r} ({done.experiment_id}), {done.kept} were there"
    facts = {"experiment_id": done.experiment_id, "made": done.made, "kept": done.kept, "files": done.files}
    say(options, facts, f"{words}; {done.files} files")
    return DONE


def _write(path: str | None, text: str) -> int:
    """Put a text into a new file, or print it."""
    if not path:
        print(text, end="")
        return DONE
    with open(path, "x", encoding="utf-8", newline="") as file:
        file.write(text)
    return DONE


def _first(client: Client, limit: int, filters: Json) -> Json:
    """The first experiments of a list, in as many requests as they take."""
    found = client.experiments(page_size=min(limit, PAGE), **filters)
    items = found["items"]
    while len(items) < min(limit, found["total"]):
        page = client.experiments(page=len(items) // PAGE + 1, page_size=PAGE, **filters)
        if not page["items"]:
            break
        items += page["items"]
    return {**found, "items": items[:limit]}


def _filters(query: Sequence[str]) -> dict[str, Any]:
    """The terms as the API's filters: alternatives of one field, and all the plain words, joined by commas."""
    filters: dict[str, Any] = {}
    for term in query:
        field, colon, value = term.partition(":")
        field, value = (field, value) if colon else ("word", term)
        if field in ("page", "page_size"):
            raise SpecError(field, "is no filter; --limit says how many are shown")
        filters[field] = f"{filters[field]},{value}" if field in filters else value
    return filters
