"""An experiment of NNI, from its folder (usually ~/nni-experiments/<id>): its database of events and metrics."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunebook.errors import SpecError
from tunebook.imports.document import Document, Point, document, goal_of, job, moment, seen_space, trial
from tunebook.imports.store import Store, opened
from tunebook.sampling import Sampling
from tunebook.wire.nni.algorithms import TUNERS
from tunebook.wire.typed_value import load_space

TABLES = ("TrialJobEvent", "MetricData", "ExperimentProfile")
STATES = {"SUCCEEDED": "FINISHED"}
DEFAULT = "default"


def read_nni(source: str, *, name: str = "", metric: str = "", goal: str = "") -> Document:
    """One experiment: parameters, intermediate and final results, and states.

    metric: the member of reported dictionaries that counts; "default", as NNI has it, unless given.
    """
    folder = Path(source).expanduser()
    path = next((one for one in (folder / "db" / "nni.sqlite", folder / "nni.sqlite") if one.is_file()), folder)
    if path.is_dir():
        raise SpecError("source", f"is no folder of an NNI experiment: it has no db/nni.sqlite: {folder}")
    with opened(str(path), TABLES, "database of NNI") as store:
        return _experiment(store, name, metric or DEFAULT, goal)


def _experiment(store: Store, name: str, metric: str, goal: str) -> Document:
    profiles = store.rows("SELECT * FROM ExperimentProfile ORDER BY revision DESC LIMIT 1")
    if not profiles:
        raise SpecError("source", "has no experiment in it")
    profile = profiles[0]
    config: Mapping[str, Any] = json.loads(profile["params"] or "{}")
    jobs, results = _jobs(store), _results(store)
    _pair(store, jobs)
    trials = [
        trial(
            number,
            one["params"],
            STATES.get(one["status"], one["status"]),
            value=_final(results.get(key, {}), metric),
            series=results.get(key, {}),
            started=moment(one["started"]),
            ended=moment(one["ended"]),
            note=f"NNI trial {key}",
        )
        for number, (key, one) in enumerate(jobs.items())
    ]
    told = _algorithm(config)
    mode = str(told.get("classArgs", {}).get("optimize_mode") or "")
    default = TUNERS[tuner].goal if (tuner := str(told.get("name", "")).lower()) in TUNERS else None
    declared = job(
        _space(config, trials),
        metric,
        goal_of(metric, goal or mode or default or "maximize"),
        origin="NNI",
        trials=len(trials),
        command=str(config.get("trialCommand") or ""),
        sampling=Sampling(TUNERS[tuner].sampler)
        if tuner in TUNERS and TUNERS[tuner].sampler != "experiments"
        else None,
    )
    named = name or str(config.get("experimentName") or profile["id"])
    return document(
        name=named, origin="NNI", job=declared, trials=trials, description=f"NNI experiment {profile['id']}"
    )


def _jobs(store: Store) -> dict[str, dict[str, Any]]:
    """Each trial as its events tell it, in the order of their sequence numbers."""
    found: dict[str, dict[str, Any]] = {}
    for row in store.rows("SELECT * FROM TrialJobEvent ORDER BY timestamp, rowid"):
        one = found.setdefault(
            row["trialJobId"],
            {"id": "", "params": {}, "status": "WAITING", "started": None, "ended": None, "place": len(found)},
        )
        if row["sequenceId"] is not None:
            one["place"] = row["sequenceId"]
        if row["data"] and not one["params"]:
            one["id"], one["params"] = _parameters(row["data"])
        seconds = row["timestamp"] / 1000
        if row["event"] == "RUNNING":
            one["started"] = one["started"] or seconds
        elif row["event"] in ("SUCCEEDED", "FAILED", "USER_CANCELED", "SYS_CANCELED", "EARLY_STOPPED"):
            one["ended"] = seconds
        if row["event"] in (*STATES, "WAITING", "RUNNING", "FAILED", "USER_CANCELED", "SYS_CANCELED", "EARLY_STOPPED"):
            one["status"] = row["event"]
    return dict(sorted(found.items(), key=lambda item: item[1]["place"]))


def _parameters(text: str) -> tuple[str, dict[str, Any]]:
    """The id and the values of a parameter set as an event holds it."""
    try:
        found = json.loads(text)
    except ValueError:
        return "", {}
    params = found.get("parameters") if isinstance(found, dict) else None
    return str(found.get("parameter_id")) if isinstance(found, dict) else "", dict(params or {})


def _pair(store: Store, jobs: dict[str, dict[str, Any]]) -> None:
    """Give each trial the parameter set that its results name.

    NNI hands sets to trials in the order in which they ask, so the one of a trial's first event may have gone to another.
    """
    sets = {one["id"]: one["params"] for one in jobs.values() if one["id"]}
    for row in store.rows("SELECT DISTINCT trialJobId, parameterId FROM MetricData"):
        told = str(_unwrapped(row["parameterId"]))
        if row["trialJobId"] in jobs and told in sets:
            jobs[row["trialJobId"]]["params"] = sets[told]


def _results(store: Store) -> dict[str, dict[str, list[Point]]]:
    """Each trial's reported numbers by metric; final ones stand behind the last intermediate one."""
    found: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    order = "ORDER BY type = 'FINAL', sequence, timestamp"
    for row in store.rows(f"SELECT * FROM MetricData WHERE type IN ('PERIODICAL', 'FINAL') {order}"):
        series = found[row["trialJobId"]]
        for metric, value in _numbers(row["data"]).items():
            last = series[metric][-1][0] if series[metric] else -1
            step = row["sequence"] if row["type"] == "PERIODICAL" else last + 1
            series[metric].append((step, value, moment(row["timestamp"] / 1000)))
    return found


def _numbers(text: str) -> dict[str, float]:
    """The numbers of a result, which is JSON, sometimes inside a JSON text once more."""
    value = _unwrapped(text)
    members = value if isinstance(value, dict) else {DEFAULT: value}
    numbers = (int, float)
    return {name: float(one) for name, one in members.items() if isinstance(one, numbers) and not isinstance(one, bool)}


def _unwrapped(value: Any) -> Any:
    for _ in range(3):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except ValueError:
            break
    return value


def _final(series: Mapping[str, list[Point]], metric: str) -> float | None:
    points = series.get(metric)
    return points[-1][1] if points else None


def _algorithm(config: Mapping[str, Any]) -> Mapping[str, Any]:
    given = config.get("tuner") or config.get("advisor")
    return given if isinstance(given, Mapping) else {}


def _space(config: Mapping[str, Any], trials: list[dict[str, Any]]) -> Any:
    """The declared space; what the parameters show where it is not one that we know."""
    given = config.get("searchSpace")
    try:
        space, _ = load_space(json.loads(given) if isinstance(given, str) else given, "searchSpace")
    except (SpecError, ValueError):
        return seen_space(one["params"] for one in trials)
    return space
