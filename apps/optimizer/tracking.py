"""How a script that logs with MLflow finds its trial: the variables that MLflow's client reads."""

from __future__ import annotations

import os
from pathlib import Path

from apps.optimizer.work import Work
from apps.trials.models import Attempt
from apps.tuning import attempts

OWN = "MLFLOW_TRACKING_URI"


def environment(work: Work, attempt: Attempt) -> dict[str, str]:
    """The server's address, the run and its token; nothing where the server's address is not known, or the job has its own.

    One query where another process had made the attempt, as only that one knew the token.
    """
    if not work.place.url or OWN in work.job.command.environment:
        return {}
    if not attempt.token:
        attempts.renew_token(attempt)
    return {
        OWN: work.place.url,
        "MLFLOW_TRACKING_TOKEN": attempt.token,
        "MLFLOW_RUN_ID": attempt.trial.key,
        "MLFLOW_EXPERIMENT_ID": work.lease.key,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # those of its own pages
        **({"MLFLOW_TRACKING_SERVER_CERT_PATH": work.place.authority} if work.place.authority else {}),
    }


def authority(data: Path, url: str) -> str:
    """The file of this installation's own certificate authority, where the server is reached by https; empty if none."""
    file = data / "tls" / "ca.pem"
    return os.fspath(file) if url.startswith("https://") and file.is_file() else ""
