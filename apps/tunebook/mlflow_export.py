"""An experiment to an MLflow server: one run per trial, with its parameters, curves, tags and state."""

import base64
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from tunebook.errors import ClientError, SpecError
from tunebook.placeholders import active, text_of
from tunebook.wire import mlflow

METRICS_AT_ONCE, PAIRS_AT_ONCE, RUNS_AT_ONCE = 1_000, 100, 1_000
TIMEOUT = 120.0
TRIES = 4
EXPERIMENT, TRIAL, DONE = "tunebook.experiment", "tunebook.trial", "tunebook.exported"
"""Tags of a run: what it was exported from, and that it is complete, so that an export can be done again."""
_STRANGE = re.compile(r"[^\w\-./: ]")
Json = dict[str, Any]
Point = Sequence[Any]


@dataclass(frozen=True)
class Exported:
    """What came of it: the experiment there, and how many runs were made and were there before."""

    experiment_id: str
    name: str
    made: int
    kept: int


def export(
    document: Mapping[str, Any], key: str, uri: str, *, say: Callable[[str], None] = lambda line: None
) -> Exported:
    """Write an experiment, as `Client.export` gives it, to the MLflow server at `uri`.

    Done again it adds what has come since, and begins anew with runs that were left unfinished. The credentials are
    those of MLflow's own client: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
    Raises SpecError for an address that is none, ClientError for what the server refuses.
    """
    server = Server(uri)
    about = document["experiment"]
    name = about.get("name") or key
    experiment_id = _experiment(server, name)
    known = _known(server, experiment_id, key)
    made = kept = 0
    for trial in document["trials"]:
        number = str(trial["number"])
        before = known.get(number)
        status = mlflow.run_status(trial["status"])
        if before is not None and before.is_done:
            kept += 1
            continue
        if before is not None:
            server.call("runs/delete", {"run_id": before.run_id})
        _write(server, experiment_id, key, about, trial, status)
        made += 1
        say(f"trial {number}: {status.lower()}")
    return Exported(experiment_id, name, made, kept)


class Server:
    """MLflow's REST API at one address."""

    def __init__(self, uri: str) -> None:
        parts = urllib.parse.urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SpecError("--to-mlflow", f"must be the address of an MLflow server, as http://host:5000, got {uri!r}")
        self.base = f"{uri.rstrip('/')}/api/2.0/mlflow/"
        self.headers = {"Content-Type": "application/json", **_credentials()}

    def call(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Json:
        """One request: a POST with a body, else a GET. Tried again when the server is away for a moment."""
        url = self.base + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        trouble: object = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(0.5 * 2**attempt)
            try:
                request = urllib.request.Request(url, data=data, headers=self.headers)
                with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                    return dict(json.loads(answer.read() or b"{}"))
            except urllib.error.HTTPError as error:
                with error:
                    refusal = _refusal(error.code, error.read())
                if error.code not in (429, 502, 503, 504):
                    raise refusal from None
                trouble = refusal
            except (OSError, ValueError) as error:
                trouble = getattr(error, "reason", error)
        raise ClientError(0, "unreachable", f"cannot reach MLflow at {self.base}: {trouble}")


@dataclass(frozen=True)
class _Run:
    run_id: str
    is_done: bool


def _experiment(server: Server, name: str) -> str:
    """The id of the experiment of that name, made if there is none."""
    try:
        found = server.call("experiments/get-by-name", experiment_name=name)["experiment"]
    except ClientError as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return str(server.call("experiments/create", {"name": name})["experiment_id"])
    if found.get("lifecycle_stage") == "deleted":
        raise ClientError(409, "deleted", f"there is a deleted experiment {name!r} in MLflow; restore it first")
    return str(found["experiment_id"])


def _known(server: Server, experiment_id: str, key: str) -> dict[str, _Run]:
    """The runs that were exported from this experiment before, by their trial's number."""
    found: dict[str, _Run] = {}
    asked: Json = {
        "experiment_ids": [experiment_id],
        "filter": f"tags.`{EXPERIMENT}` = '{key}'",
        "max_results": RUNS_AT_ONCE,
    }
    while True:
        page = server.call("runs/search", asked)
        for run in page.get("runs", ()):
            tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", ())}
            found[tags.get(TRIAL, "")] = _Run(run["info"]["run_id"], DONE in tags)
        if not page.get("next_page_token"):
            return found
        asked["page_token"] = page["next_page_token"]


def _write(
    server: Server, experiment_id: str, key: str, about: Mapping[str, Any], trial: Mapping[str, Any], status: str
) -> None:
    """One trial as a run; it is marked as exported when all of it is there and nothing more can come."""
    began = _milliseconds(trial.get("started") or trial.get("created"))
    tags = _pairs(_tags(key, about, trial), 5_000)
    created = {
        "experiment_id": experiment_id,
        "run_name": f"trial {trial['number']}",
        "start_time": began,
        "tags": tags,
    }
    run_id = server.call("runs/create", created)["run"]["info"]["run_id"]
    params = _pairs({name: text_of(value) for name, value in active(trial.get("params") or {})}, 6_000)
    for some in _parts(params, PAIRS_AT_ONCE):
        server.call("runs/log-batch", {"run_id": run_id, "params": some})
    for some in _parts(_metrics(trial), METRICS_AT_ONCE):
        server.call("runs/log-batch", {"run_id": run_id, "metrics": some})
    if trial.get("ended"):
        ended = {"status": status, "end_time": _milliseconds(trial["ended"])}
        server.call("runs/update", {"run_id": run_id, **ended})
        server.call("runs/set-tag", {"run_id": run_id, "key": DONE, "value": "yes"})


def _tags(key: str, about: Mapping[str, Any], trial: Mapping[str, Any]) -> dict[str, str]:
    said = {
        EXPERIMENT: key,
        TRIAL: trial["number"],
        "tunebook.status": trial["status"],
        "tunebook.reason": trial.get("reason"),
        "tunebook.source": trial.get("source"),
        "tunebook.value": trial.get("value"),
        "mlflow.note.content": trial.get("note"),
        **(about.get("tags") or {}),
    }
    return {name: str(value) for name, value in said.items() if value not in (None, "")}


def _metrics(trial: Mapping[str, Any]) -> Iterator[Json]:
    """Every measurement of the trial's last attempt that reported; MLflow has one curve per metric."""
    series = trial.get("series") or ()
    last = max((one["attempt"] for one in series), default=0)
    for one in series:
        if one["attempt"] != last:
            continue
        name = _name(one["name"]) + (f"/{one['source']}" if one.get("source") else "")
        for step, value, *at in one["points"]:
            yield {"key": name, "value": value, "step": step, "timestamp": _milliseconds(at[0] if at else None)}


def _pairs(texts: Mapping[str, str], longest: int) -> list[Json]:
    return [{"key": _name(name), "value": value[:longest]} for name, value in texts.items()]


def _name(name: str) -> str:
    """A name with the letters that MLflow takes."""
    return _STRANGE.sub("_", name)[:250]


def _parts(items: Sequence[Json] | Iterator[Json], size: int) -> Iterator[list[Json]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _milliseconds(moment: object) -> int:
    """A time as MLflow keeps it; what is not there is now."""
    if isinstance(moment, str):
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    return int(time.time() * 1000)


def _credentials() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if token:
        return {"Authorization": f"Bearer {token}"}
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    if not user:
        return {}
    pair = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _refusal(status: int, body: bytes) -> ClientError:
    try:
        said = json.loads(body)
        return ClientError(status, str(said["error_code"]), f"MLflow says: {said['message']}")
    except (ValueError, KeyError, TypeError):
        return ClientError(status, "refused", f"MLflow answers {status}: {body[:200].decode(errors='replace')}")
