"""What a script that logs with MLflow is told of its trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apps.optimizer import tracking
from apps.optimizer.work import Live, Work
from apps.trials.models import Attempt
from apps.workspaces.models import hash_token
from tunebook.command import Command
from tunebook.limits import Limits

pytestmark = pytest.mark.django_db
URL = "http://tunebook.example:8000"


@pytest.fixture
def launched(theatre):
    """The work of an experiment with one running trial, on a server whose address is known, and that trial's attempt."""

    def make(url: str = URL, **job: object) -> tuple[Work, Attempt]:
        stage = theatre(limits=Limits(max_trials=1), **job)
        stage.turn()
        work = stage.driver.work
        work.place = replace(work.place, url=url)
        live: Live = next(iter(work.live.values()))
        return work, live.attempt

    return make


def test_a_script_is_told_address_run_and_token(launched) -> None:
    work, attempt = launched()

    told = tracking.environment(work, attempt)

    assert told["MLFLOW_TRACKING_URI"] == URL
    assert told["MLFLOW_RUN_ID"] == attempt.trial.key
    assert told["MLFLOW_EXPERIMENT_ID"] == work.lease.key
    assert hash_token(told["MLFLOW_TRACKING_TOKEN"]) == Attempt.objects.get().token_hash
    assert told["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_nothing_is_told_where_the_address_is_not_known_or_the_job_has_a_server_of_its_own(launched) -> None:
    work, attempt = launched(url="")
    assert tracking.environment(work, attempt) == {}

    own = Command(steps=("true",), environment={"MLFLOW_TRACKING_URI": "http://other"})
    work, attempt = launched(command=own)
    assert tracking.environment(work, attempt) == {}


def test_an_attempt_that_another_process_made_gets_a_new_token(launched) -> None:
    work, attempt = launched()
    found = Attempt.objects.select_related("trial").get()

    told = tracking.environment(work, found)

    assert told["MLFLOW_TRACKING_TOKEN"] not in ("", attempt.token)
    assert hash_token(told["MLFLOW_TRACKING_TOKEN"]) == Attempt.objects.get().token_hash


def test_the_installations_own_authority_is_named_for_https_only(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text("certificate")

    assert tracking.authority(tmp_path, "https://here") == str(tmp_path / "tls" / "ca.pem")
    assert tracking.authority(tmp_path, "http://here") == ""
    assert tracking.authority(tmp_path / "elsewhere", "https://here") == ""
