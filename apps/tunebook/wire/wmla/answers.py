"""What WMLA answers: the record of a task, of one experiment of it, of a training, of an algorithm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tunebook.wire.wmla.statuses import exec_state, task_state, trial_state

BASE = "/platform/rest/deeplearning/v1"
PREFIX = "wmla-"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is known of one experiment of a task; `number` counts from 0."""

    number: int
    key: str
    status: str
    params: Mapping[str, Any]
    value: float | None = None
    step: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    metrics: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the server knows of a task beside its document. `complete` counts failed ones too."""

    name: str
    status: str
    creator: str
    created: datetime
    now: datetime
    started: datetime | None = None
    ended: datetime | None = None
    running: int = 0
    complete: int = 0
    failed: int = 0
    total: int = 0
    best: int | None = None
    reason: str = ""
    trials: Sequence[Trial] = field(default_factory=tuple)


def submitted(name: str, *, as_object: bool) -> Any:
    """The answer to a submission: the bare name for old clients, an object for those with a token."""
    return {"uid": name, "href": f"{BASE}/hypersearch/{name}"} if as_object else name


def task(document: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The record of a task (HpoTaskState), with what was asked for beside it."""
    types = _types(document)
    rows = [experiment(trial, types) for trial in facts.trials]
    found = [row for trial, row in zip(facts.trials, rows, strict=True) if trial.number == facts.best]
    record: dict[str, Any] = {
        "hpoName": facts.name,
        "state": task_state(facts.status, has_started=bool(facts.trials), has_result=facts.best is not None),
        "progress": f"{facts.complete}/{facts.total}",
        "duration": _duration(facts),
        "creator": facts.creator,
        "createtime": moment(facts.created),
        "running": facts.running,
        "complete": facts.complete,
        "failed": facts.failed,
        "experiments": rows,
        "algoDef": document.get("algoDef", {}),
    }
    if found:
        record["best"] = found[0]
    if facts.reason:
        record["message"] = facts.reason
    if document.get("hyperParams"):
        record["hyperParams"] = [
            {**entry, "type": str(entry.get("type", "")).lower()} for entry in document["hyperParams"]
        ]
    return record


def experiment(trial: Trial, types: "_Types") -> dict[str, Any]:
    """One experiment of a task. Without a result there is no metricVal."""
    record: dict[str, Any] = {
        "id": trial.number,
        "state": trial_state(trial.status),
        "maxiteration": trial.step or 0,
        "appId": app_id(trial.key),
        "driverId": f"driver-{trial.key}",
        "hyperParams": types.rows(trial.params),
    }
    if trial.value is not None:
        record["metricVal"] = trial.value
    for name, at in (("startTime", trial.started), ("endTime", trial.ended)):
        if at is not None:
            record[name] = moment(at)
    if trial.metrics:
        record["metrics"] = list(trial.metrics)
    return record


def training(key: str, **known: Any) -> dict[str, Any]:
    """A training's record, flat, under the names of both generations."""
    group, status, args = known["group"], known["status"], known["args"]
    return {
        "id": app_id(key),
        "appId": app_id(key),
        "submissionId": app_id(key),
        "appName": known["name"],
        "args": args,
        "state": exec_state(status),
        "framework": known["framework"],
        "creator": known["creator"],
        "userName": known["creator"],
        "executionUserName": known["creator"],
        "sigName": group,
        "sigId": group,
        "nameSpace": group,
        "masterURL": "",
        "createTime": known["created"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "elastic": False,
        "numWorker": 1,
        "workDir": "",
    }


def algorithm(name: str, *, is_built_in: bool, **installed: Any) -> dict[str, Any]:
    """The description of an algorithm (HpoAlgorithmDesc)."""
    described = {"name": name, "type": "BUILD_IN" if is_built_in else "USER_PLUGIN", "remoteExec": False}
    return described | installed


def app_id(key: str) -> str:
    """The id under which a trial's training is found."""
    return f"{PREFIX}{key}"


def moment(at: datetime) -> str:
    """A moment as these clients read it: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


class _Types:
    """The data types of a task's parameters, by name."""

    def __init__(self, of: Mapping[str, str], *, is_fixed: bool) -> None:
        self._of, self._is_fixed = of, is_fixed

    def rows(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A parameter set as the record lists it; values are always text.

        In the order of the request, which a database may not keep; listed experiments come sorted by name.
        """
        asked = [name for name in self._of if name in params]
        names = sorted(params) if self._is_fixed else [*asked, *(name for name in params if name not in self._of)]
        more = {"type": "fix"} if self._is_fixed else {}
        return [
            {
                "name": name,
                "dataType": self._of.get(name, "str"),
                "fixedVal": str(params[name]),
                "userDefined": False,
                **more,
            }
            for name in names
        ]


def _types(document: Mapping[str, Any]) -> _Types:
    """The types by what was submitted; what an algorithm adds, as Hyperband's resource, is `str`."""
    experiments = document.get("experiments") or []
    listed = [one for entry in experiments for one in entry.get("hyperParams", ())]
    entries = listed or document.get("hyperParams") or []
    words = {"string": "str"}
    found = {one["name"]: str(one["dataType"]).lower() for one in entries}
    return _Types({name: words.get(word, word) for name, word in found.items()}, is_fixed=bool(listed))


def _duration(facts: Facts) -> str:
    begun = facts.started or facts.created
    seconds = int(max((facts.ended or facts.now) - begun, timedelta(0)).total_seconds())
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"
