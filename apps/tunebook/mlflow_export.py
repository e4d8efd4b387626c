"""An experiment to an MLflow server: one run per trial, with its parameters, curves, tags, files and state."""

import base64
import json
import os
import posixpath
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any

from tunebook.errors import ClientError, SpecError
from tunebook.mlflow_files import Files
from tunebook.placeholders import active, text_of
from tunebook.wire import mlflow

METRICS_AT_ONCE, PAIRS_AT_ONCE, RUNS_AT_ONCE = 1_000, 100, 1_000
TIMEOUT = 120.0
TRIES = 4
EXPERIMENT, TRIAL, DONE = "tunebook.experiment", "tunebook.trial", "tunebook.exported"
"""Tags of a run: what it was exported from, and that it is complete, so that an export can be done again."""
MODELS = "mlflow.log-model.history"
"""What older clients write about models, which stay behind."""
_STRANGE = re.compile(r"[^\w\-./: ]")
Json = dict[str, Any]
Point = Sequence[Any]


@dataclass(frozen=True)
class Exported:
    """What came of it: the experiment there, how many runs were made and were there before, and how many files came along."""

    experiment_id: str
    name: str
    made: int
    kept: int
    files: int = 0


def export(
    document: Mapping[str, Any],
    key: str,
    uri: str,
    *,
    files: Files | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write an experiment, as `Client.export` gives it, to the MLflow server at `uri`; with `files` also its trials' files.

    Done again it adds what has come since, and begins anew with runs that were left unfinished. The credentials are
    those of MLflow's own client: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
    Raises SpecError for an address that is none, ClientError for what the server refuses.
    """
    server = Server(uri)
    about = document["experiment"]
    name = about.get("name") or key
    experiment_id = _experiment(server, name)
    known = _known(server, experiment_id, key)
    made = kept = copied = 0
    for trial in document["trials"]:
        number = str(trial["number"])
        before = known.get(number)
        status = mlflow.run_status(trial["status"])
        if before is not None and before.is_done:
            kept += 1
            continue
        if before is not None:
            server.call("runs/delete", {"run_id": before.run_id})
        run = _write(server, experiment_id, key, about, trial)
        if files is not None:
            copied += files.copy(trial["number"], server, run.get("artifact_uri", ""))
        _end(server, run["run_id"], trial, status)
        made += 1
        say(f"trial {number}: {status.lower()}")
    return Exported(experiment_id, name, made, kept, copied)


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
        return self._send(lambda: urllib.request.Request(url, data=data, headers=self.headers))

    def put(self, path: str, file: IO[bytes]) -> None:
        """Upload a file from its beginning, tried again as any request."""
        size = str(os.fstat(file.fileno()).st_size)
        headers = {**self.headers, "Content-Type": "application/octet-stream", "Content-Length": size}
        url = urllib.parse.urljoin(self.base, path)

        def request() -> urllib.request.Request:
            file.seek(0)
            return urllib.request.Request(url, data=file, headers=headers, method="PUT")

        self._send(request)

    def _send(self, make: Callable[[], urllib.request.Request]) -> Json:
        trouble: object = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(0.5 * 2**attempt)
            try:
                request = make()
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
    server: Server, experiment_id: str, key: str, about: Mapping[str, Any], trial: Mapping[str, Any]
) -> Mapping[str, Any]:
    """One trial as a run, with what its script has logged; the head of the run."""
    logged = trial.get("logged") or {}
    began = _milliseconds(trial.get("started") or trial.get("created"))
    tags = _pairs(_tags(key, about, trial), 5_000)
    created = {
        "experiment_id": experiment_id,
        "run_name": logged.get("name") or f"trial {trial['number']}",
        "start_time": began,
        "tags": tags,
    }
    run: Json = server.call("runs/create", created)["run"]["info"]
    run_id = run["run_id"]
    chosen = {name: text_of(value) for name, value in active(trial.get("params") or {})}
    params = _pairs({**chosen, **(logged.get("params") or {})}, 6_000)
    for some in _parts(params, PAIRS_AT_ONCE):
        server.call("runs/log-batch", {"run_id": run_id, "params": some})
    for some in _parts(_metrics(trial), METRICS_AT_ONCE):
        server.call("runs/log-batch", {"run_id": run_id, "metrics": some})
    if logged.get("datasets"):
        server.call("runs/log-inputs", {"run_id": run_id, "datasets": logged["datasets"]})
    return run


def _end(server: Server, run_id: str, trial: Mapping[str, Any], status: str) -> None:
    """Mark a run as exported when all of it is there and nothing more can come."""
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
    logged = (trial.get("logged") or {}).get("tags") or {}
    kept = {name: value for name, value in logged.items() if name != MODELS}
    return {**kept, **{name: str(value) for name, value in said.items() if value not in (None, "")}}


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
    named = {_name(name): value[:longest] for name, value in texts.items()}
    return [{"key": name, "value": value} for name, value in named.items()]


def _name(name: str) -> str:
    """A name with the letters that MLflow takes, and none that it takes for another path."""
    found = _STRANGE.sub("_", name)[:250]
    plain = posixpath.normpath(found)
    return found if plain == found and not found.startswith((".", "/")) else found.replace("/", "_").lstrip(".") or "_"


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
