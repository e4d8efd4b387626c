"""An experiment of MLflow, from a tracking server, the SQLite file of its store, or a folder `mlruns`."""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import listed
from tunebook.imports.document import Document, Point, chosen, document, goal_of, job, moment, plain, seen_space, trial
from tunebook.imports.store import opened
from tunebook.wire.text import parse

TABLES = ("experiments", "runs", "metrics", "params", "tags")
STATES = {
    "FINISHED": "FINISHED",
    "FAILED": "FAILED",
    "KILLED": "USER_CANCELED",
    "RUNNING": "RUNNING",
    "SCHEDULED": "WAITING",
}
FILE_STATES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
PAGE = 1_000
PATIENCE = 60.0
_Sample = tuple[int, int, float]
"""(time in milliseconds, step, value)"""


@dataclass
class Run:
    """One run, whatever it was kept in."""

    name: str
    status: str
    started: int | None
    ended: int | None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[_Sample]] = field(default_factory=lambda: defaultdict(list))


def read_mlflow(source: str, *, name: str = "", metric: str = "", goal: str = "") -> Document:
    """One experiment: a trial per run, with parameters, metrics, their curves and states.

    metric: the one that counts; without it the only one, or the one that most runs have. goal: its direction; without it
    what the name suggests. MLflow keeps no search space: the ranges are those of the values there are.
    """
    if source.startswith(("http://", "https://")):
        experiment, runs = _from_server(source.rstrip("/"), name)
    elif Path(source).is_dir():
        experiment, runs = _from_folder(Path(source), name)
    else:
        experiment, runs = _from_database(source, name)
    runs.sort(key=lambda run: run.started or 0)
    counted = _metric(runs, metric)
    trials = [_trial(number, run, counted) for number, run in enumerate(runs)]
    declared = job(
        seen_space(one["params"] for one in trials),
        counted,
        goal_of(counted, goal),
        origin="MLflow",
        trials=len(trials),
    )
    return document(name=experiment, origin="MLflow", job=declared, trials=trials)


def _metric(runs: list[Run], metric: str) -> str:
    counts = Counter(name for run in runs for name in run.metrics)
    if metric and metric not in counts:
        raise SpecError("metric", f"no run has a metric {metric!r}; there are: {listed(sorted(counts)[:50]) or 'none'}")
    if not metric and not counts:
        raise SpecError("source", "its runs have no metrics, so there is nothing to compare")
    return metric or counts.most_common(1)[0][0]


def _trial(number: int, run: Run, metric: str) -> dict[str, Any]:
    series = {name: _points(samples) for name, samples in run.metrics.items()}
    last = max(run.metrics.get(metric, []), default=None, key=lambda one: (one[1], one[0]))
    notes = [f"{name}: {value}" for name, value in sorted(run.tags.items()) if not name.startswith("mlflow.")]
    return trial(
        number,
        {name: plain(value) for name, value in run.params.items()},
        STATES.get(run.status, "UNKNOWN"),
        value=None if last is None else last[2],
        series=series,
        started=moment(run.started / 1000 if run.started else None),
        ended=moment(run.ended / 1000 if run.ended else None),
        note="\n".join([f"MLflow run {run.name}", *notes])[:4000],
    )


def _points(samples: list[_Sample]) -> list[Point]:
    """A curve. What was always logged at step 0 is numbered in the order of its times."""
    ordered = sorted(samples)
    if len({step for _, step, _ in ordered}) < len(ordered):
        return [(place, value, moment(at / 1000)) for place, (at, _, value) in enumerate(ordered)]
    return [(step, value, moment(at / 1000)) for at, step, value in sorted(ordered, key=lambda one: one[1])]


def _from_server(address: str, name: str) -> tuple[str, list[Run]]:
    found = _asked(address, "experiments/search", {"max_results": PAGE}).get("experiments", [])
    there = {one["name"]: one["experiment_id"] for one in found}
    experiment = chosen(name, there, "experiment")
    runs, token = [], ""
    while True:
        page = {"experiment_ids": [there[experiment]], "max_results": PAGE, **({"page_token": token} if token else {})}
        answer = _asked(address, "runs/search", page)
        runs += [_told(address, one) for one in answer.get("runs", [])]
        token = answer.get("next_page_token", "")
        if not token:
            return experiment, runs


def _told(address: str, given: Mapping[str, Any]) -> Run:
    """A run of a server's answer, with the whole history of each of its metrics."""
    info, data = given["info"], given.get("data", {})
    run = Run(
        name=info.get("run_name") or info["run_id"],
        status=info.get("status", ""),
        started=_whole(info.get("start_time")),
        ended=_whole(info.get("end_time")),
        params={one["key"]: one["value"] for one in data.get("params", [])},
        tags={one["key"]: one["value"] for one in data.get("tags", [])},
    )
    for one in data.get("metrics", []):
        for sample in _history(address, info["run_id"], one["key"]):
            run.metrics[one["key"]].append(sample)
    return run


def _history(address: str, run: str, metric: str) -> Iterator[_Sample]:
    token = ""
    while True:
        query = {"run_id": run, "metric_key": metric, "max_results": 25_000} | ({"page_token": token} if token else {})
        answer = _asked(address, f"metrics/get-history?{urllib.parse.urlencode(query)}")
        for one in answer.get("metrics", []):
            yield int(one["timestamp"]), int(one.get("step", 0)), float(one["value"])
        token = answer.get("next_page_token", "")
        if not token:
            return


def _asked(address: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/{path}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answer = json.load(response)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise SpecError("source", f"MLflow does not answer at {address}: {error}") from None
    return answer if isinstance(answer, dict) else {}


def _from_database(source: str, name: str) -> tuple[str, list[Run]]:
    with opened(source, TABLES, "store of MLflow") as store:
        found = store.rows("SELECT * FROM experiments WHERE lifecycle_stage = 'active'")
        there = {row["name"]: row["experiment_id"] for row in found}
        experiment = chosen(name, _with_runs(there, store.rows("SELECT experiment_id FROM runs")), "experiment")
        key = there[experiment]
        rows = store.rows("SELECT * FROM runs WHERE experiment_id = ? AND lifecycle_stage = 'active'", key)
        runs = {
            row["run_uuid"]: Run(row["name"] or row["run_uuid"], row["status"], row["start_time"], row["end_time"])
            for row in rows
        }
        of_runs = "WHERE run_uuid IN (SELECT run_uuid FROM runs WHERE experiment_id = ?)"
        for row in store.rows(f"SELECT * FROM params {of_runs}", key):
            if row["run_uuid"] in runs:
                runs[row["run_uuid"]].params[row["key"]] = row["value"]
        for row in store.rows(f"SELECT * FROM tags {of_runs}", key):
            if row["run_uuid"] in runs:
                runs[row["run_uuid"]].tags[row["key"]] = row["value"]
        for row in store.rows(f"SELECT * FROM metrics {of_runs}", key):
            if row["run_uuid"] in runs:
                value = math.nan if row["is_nan"] else row["value"]
                runs[row["run_uuid"]].metrics[row["key"]].append((row["timestamp"], row["step"], value))
        return experiment, list(runs.values())


def _with_runs(there: Mapping[str, Any], runs: list[Any]) -> list[str]:
    """The experiments that have runs, where some have; MLflow makes an empty one called Default."""
    used = {row["experiment_id"] for row in runs}
    return [name for name, key in there.items() if key in used] or list(there)


def _from_folder(folder: Path, name: str) -> tuple[str, list[Run]]:
    there: dict[str, Path] = {}
    for path in sorted(folder.glob("*/meta.yaml")):
        meta = _meta(path)
        if "name" in meta and any(path.parent.glob("*/meta.yaml")):
            there[str(meta["name"])] = path.parent
    experiment = chosen(name, there, "experiment")
    runs = []
    for path in sorted(there[experiment].glob("*/meta.yaml")):
        meta = _meta(path)
        if "run_id" not in meta or meta.get("lifecycle_stage") == "deleted":
            continue
        status = str(meta.get("status"))
        run = Run(
            name=str(meta.get("run_name") or meta["run_id"]),
            status=FILE_STATES.get(status, status),
            started=_whole(meta.get("start_time")),
            ended=_whole(meta.get("end_time")),
            params=dict(_files(path.parent / "params")),
            tags=dict(_files(path.parent / "tags")),
        )
        for metric, text in _files(path.parent / "metrics"):
            run.metrics[metric] += [_sample(line.split()) for line in text.splitlines() if len(line.split()) >= 2]
        runs.append(run)
    return experiment, runs


def _sample(parts: list[str]) -> _Sample:
    return int(parts[0]), int(parts[2]) if len(parts) > 2 else 0, float(parts[1])


def _meta(path: Path) -> Mapping[str, Any]:
    found = parse(path.read_bytes())
    return found if isinstance(found, Mapping) else {}


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file below a folder by its relative path, and what it says."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
