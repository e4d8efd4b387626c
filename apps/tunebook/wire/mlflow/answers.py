"""What MLflow's clients take for an answer: runs, experiments, metrics, errors."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunebook.status import TrialStatus

STATUSES = {
    TrialStatus.CREATED: "SCHEDULED",
    TrialStatus.WAITING: "SCHEDULED",
    TrialStatus.RUNNING: "RUNNING",
    TrialStatus.UNKNOWN: "RUNNING",
    TrialStatus.FINISHED: "FINISHED",
    TrialStatus.EARLY_STOPPED: "FINISHED",
    TrialStatus.FAILED: "FAILED",
    TrialStatus.USER_CANCELED: "KILLED",
    TrialStatus.SYS_CANCELED: "KILLED",
}
"""A trial's status in MLflow's words, which know nothing of stopping early."""
RUN_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True)
class Point:
    """One measurement on its way out; `timestamp` in milliseconds."""

    key: str
    value: float
    step: int
    timestamp: int


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """A trial as a run. Times are in milliseconds since 1970."""

    run_id: str
    experiment_id: str
    name: str
    user: str
    status: str
    started: int | None
    ended: int | None
    is_deleted: bool = False
    metrics: Sequence[Point] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, Any]] = ()
    models: Sequence[Mapping[str, Any]] = ()


def run_status(status: str) -> str:
    """A trial's status as a run's."""
    return STATUSES[TrialStatus(status)]


def artifact_root(experiment_id: str, run_id: str) -> str:
    """Where a run's files lie, as clients are told: by way of this server."""
    return f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts"


def run(facts: RunFacts) -> dict[str, Any]:
    """A run with all that is known of it."""
    return {
        "info": run_info(facts),
        "data": {
            "metrics": [metric(point) for point in facts.metrics],
            "params": _pairs(facts.params),
            "tags": _pairs({**facts.tags, "mlflow.runName": facts.name, "mlflow.user": facts.user}),
        },
        "inputs": {"dataset_inputs": list(facts.datasets)} if facts.datasets else {},
        "outputs": {"model_outputs": list(facts.models)} if facts.models else {},
    }


def run_info(facts: RunFacts) -> dict[str, Any]:
    """The head of a run."""
    info: dict[str, Any] = {
        "run_id": facts.run_id,
        "run_uuid": facts.run_id,
        "experiment_id": facts.experiment_id,
        "run_name": facts.name,
        "user_id": facts.user,
        "status": facts.status,
        "artifact_uri": artifact_root(facts.experiment_id, facts.run_id),
        "lifecycle_stage": "deleted" if facts.is_deleted else "active",
    }
    times = {"start_time": facts.started, "end_time": facts.ended}
    return info | {name: time for name, time in times.items() if time is not None}


def experiment(
    key: str, name: str, *, created: int, modified: int, is_deleted: bool, tags: Mapping[str, str]
) -> dict[str, Any]:
    """An experiment. Its name here is unique only together with its id."""
    return {
        "experiment_id": key,
        "name": name,
        "artifact_location": f"mlflow-artifacts:/{key}",
        "lifecycle_stage": "deleted" if is_deleted else "active",
        "creation_time": created,
        "last_update_time": modified,
        "tags": _pairs(tags),
    }


def metric(point: Point) -> dict[str, Any]:
    """A measurement; what is no finite number is written as a word."""
    return {"key": point.key, "value": number(point.value), "timestamp": point.timestamp, "step": point.step}


def metric_history(points: Iterable[Point], run_id: str = "") -> list[dict[str, Any]]:
    """Measurements of one metric, each with its run where several are asked for."""
    return [{**metric(point), "run_id": run_id} if run_id else metric(point) for point in points]


def number(value: float) -> float | str:
    """A float as JSON can carry it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def problem(code: str, message: str) -> dict[str, str]:
    """The envelope of everything that goes wrong."""
    return {"error_code": code, "message": message}


def _pairs(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]
