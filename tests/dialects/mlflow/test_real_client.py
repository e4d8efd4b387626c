"""MLflow's own client, in a process of its own, against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.artifacts.models import Artifact, Remark
from apps.trials.models import Measurement
from tests.dialects.mlflow.conftest import Running

HERE = Path(__file__).parent
PYTHONS = [sys.executable, *filter(None, os.environ.get("TUNEBOOK_TEST_MLFLOW", "").split(os.pathsep))]
"""Interpreters with an MLflow: the suite's own, and others, say one with 2.22, that the variable names."""


def environment(served: str, running: Running) -> dict[str, str]:
    """What the launch step sets for a script."""
    return {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"http://{served}",
        "MLFLOW_TRACKING_TOKEN": running.token,
        "MLFLOW_RUN_ID": running.id,
        "MLFLOW_EXPERIMENT_ID": running.experiment.key,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "GIT_PYTHON_REFRESH": "quiet",
    }


def run(script: str, served: str, running: Running, python: str = sys.executable) -> dict[str, Any]:
    done = subprocess.run(
        [python, str(HERE / script)],
        env=environment(served, running),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS)
def test_a_script_written_for_mlflow_lands_on_its_trial(served: str, running: Running, python: str) -> None:
    seen = run("story.py", served, running, python)

    one_run = {seen[name] for name in ("joined", "second", "nested")}
    assert one_run == {running.id}
    assert seen["params"] == {"x": "0.5", "lr": "0.1", "batch": "32", "kind": "svm", "many": "1"}
    assert seen["metrics"] == {
        "loss": "0.2",
        "val/acc": "0.9",
        "train acc": "0.95",
        "warm up": "-0.5",
        "strange": "inf",
        "batched": "999.0",
    }
    assert {"team": "vision", "stage": "final", "empty": "", "batch": "yes"}.items() <= seen["tags"].items()
    assert seen["history"] == [[0, 1.0], [1, 0.5], [2, 1 / 3], [3, 0.25], [4, 0.2]]
    assert seen["below"] == [[-3, -1.5], [-2, -1.0], [-1, -0.5]]
    assert (seen["long"], seen["stepless"]) == (1000, [[0, 0.5], [1, 0.25]])
    assert seen["files"] == ["all", "config.json", "deep", "notes"]
    assert seen["in all"] == [["all/empty", 0], ["all/häßlich name.bin", 3]]
    assert seen["text"] == "hello"
    assert {"all/empty", "config.json", "deep/er/häßlich name.bin"} <= set(seen["downloaded"])
    assert (seen["changed"], seen["unknown"]) == ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
    folds = {"fold": "0", "seed 0": "7", "seed 1": "7"}
    assert seen["after"] == {"params": {**seen["params"], **folds}, "name": "second", "parent": None}
    assert seen["registry"] == "ENDPOINT_NOT_FOUND"
    assert seen["found"] == [running.id]
    assert seen.get("models", ["one"]) == ["one"]

    running.trial.refresh_from_db()
    assert (running.trial.last_value, running.trial.best_value) == (0.2, 0.2)
    assert Measurement.objects.filter(trial=running.trial, name="loss").count() == 5
    assert Artifact.objects.filter(trial=running.trial).count() == 5
    assert Remark.objects.filter(trial=running.trial, kind="param").count() == 7


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS)
def test_lightnings_logger_lands_on_its_trial_though_it_makes_a_run_of_its_own(
    served: str, running: Running, python: str
) -> None:
    seen = run("logger.py", served, running, python)

    assert (seen["run"], seen["experiment"]) == (running.id, running.experiment.key)
    assert seen["metrics"] == {"train_loss": 1 / 3, "epoch": 2.0, "loss": 0.5 / 3}
    running.trial.refresh_from_db()
    assert running.trial.last_value == 0.5 / 3
    assert Artifact.objects.get().path == "model/checkpoints/epoch=2/epoch=2.ckpt"
