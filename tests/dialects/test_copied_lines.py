"""The lines of the section Connect, run by the real clients as somebody who copied them would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.experiments.models import Experiment
from tests.dashboard.test_connecting import CONNECT, snippets
from tests.dashboard.trials import with_trials

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}


@pytest.fixture
def copied(served: str, ada: User) -> dict[str, str]:
    """The lines with a fresh key, as the running server's own page shows them."""
    browser = Client(headers={"host": served})
    browser.force_login(ada)
    return snippets(browser.post(CONNECT, {"act": "issue"}))


def run(lines: str, folder: Path) -> str:
    (folder / "copied.py").write_text(lines)
    done = subprocess.run(
        [sys.executable, "copied.py"],
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_the_lines_for_pais_sdk_create_an_experiment(copied: dict[str, str], tmp_path: Path) -> None:
    said = run(copied["pai"], tmp_path)

    made = Experiment.objects.get()
    assert (said.strip(), made.dialect, made.name) == (made.key, "native", "first")


def test_the_lines_for_wmla_submit_a_task(copied: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")

    said = run(copied["wmla"], tmp_path)

    made = Experiment.objects.get()
    assert made.dialect == "wmla" and made.name in said


def test_the_lines_for_mlflow_read_trials_as_runs(
    copied: dict[str, str], tmp_path: Path, make_experiment: Callable[..., Experiment]
) -> None:
    trial = with_trials(make_experiment(name="resnet"), "FINISHED")[0]

    said = run(copied["mlflow"], tmp_path)

    assert "resnet" in said and trial.key in said and "FINISHED" in said
