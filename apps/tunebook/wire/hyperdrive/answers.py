"""What HyperDrive answers: an experiment created, one asked to stop, an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tunebook.status import ENDED_EXPERIMENT, ExperimentStatus
from tunebook.wire.hyperdrive.documents import plain
from tunebook.wire.run_words import experiment_status

NO_MORE = ENDED_EXPERIMENT | {ExperimentStatus.NO_MORE_TRIAL}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the server knows of an experiment beside the document.

    run_id: the key. url: its page, or None.
    """

    run_id: str
    created: datetime
    modified: datetime
    status: str = ExperimentStatus.CREATED
    desired: str = "run"
    user_id: int = 0
    url: str | None = None


def created(document: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The answer to a creation: what was sent, without the user, and where it stands.

    The v1 client takes the run's id from `result.platform_config.ParentRunId`.
    """
    return {"code": 201, "result": experiment(document, facts)}


def experiment(document: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """One experiment in full; limits that were left out are told with the values that count."""
    total = document.get("max_total_jobs") or 1000
    return {
        "description": None,
        "study_id": 0,
        "max_total_jobs": total,
        "max_concurrent_jobs": min(total, 100),
        "max_duration_minutes": 10_080,
        **{name: value for name, value in plain(document, "user").items() if value is not None},
        "platform_config": {**(document.get("platform_config") or {}), "ParentRunId": facts.run_id},
        "all_jobs_generated": ExperimentStatus(facts.status) in NO_MORE,
        "cancellation_requested": facts.desired == "stop" or facts.status == ExperimentStatus.USER_CANCELED,
        "created": _instant(facts.created),
        "modified": _instant(facts.modified),
        "created_by_user_id": facts.user_id,
        "experiment_id": facts.run_id,
        "experiment_uri": facts.url,
        "hyperdrive_run_id": facts.run_id,
        "status": experiment_status(facts.status, facts.desired),
        "study_uri": None,
    }


def cancelled(run_id: str) -> dict[str, Any]:
    """The answer to a cancellation."""
    return {"code": 200, "result": f"Cancellation requested for {run_id}"}


def problem(status: int, message: str) -> dict[str, Any]:
    """The answer to anything that went wrong; the code repeats the HTTP status."""
    return {"code": status, "message": message}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
