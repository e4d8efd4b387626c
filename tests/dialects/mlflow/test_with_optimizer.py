"""Trials that the optimizer runs, whose script logs with MLflow's own client and with nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.artifacts.models import Artifact, Remark
from apps.experiments.models import Experiment
from apps.trials.models import Measurement, Trial
from tests.optimizer.processes import optimizer
from tests.people import a_job
from tunebook import Space
from tunebook.command import Command
from tunebook.distributions import Choice
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.sampling import Sampling

HERE = Path(__file__).parent


@pytest.mark.slow
def test_metrics_logged_with_mlflow_are_what_the_sweep_is_about(
    served: str, make_experiment: Callable[..., Experiment], tmp_path: Path
) -> None:
    job = a_job(
        space=Space({"alpha": Choice([0.0001, 1000.0])}),
        objective=Objective("maximize", (Metric("accuracy"),), mode="best"),
        sampling=Sampling("grid"),
        limits=Limits(max_concurrent=2, retries=0),
        command=Command(steps=([sys.executable, str(HERE / "train.py"), "${alpha}"],)),
    )
    experiment = make_experiment(job=job)

    with optimizer(tmp_path, "--exit-when-idle", "--url", f"http://{served}") as process:
        process.wait(240)

    experiment.refresh_from_db()
    trials = list(Trial.objects.filter(experiment=experiment).order_by("number"))
    assert [trial.status for trial in trials] == ["FINISHED", "FINISHED"], [trial.reason for trial in trials]
    good, bad = sorted(trials, key=lambda trial: trial.params["alpha"])
    assert good.value is not None and bad.value is not None and good.value > bad.value
    assert (experiment.best_trial, experiment.best_value) == (good.number, good.value)
    steps = Measurement.objects.filter(trial=good, name="accuracy").order_by("step").values_list("step", flat=True)
    assert list(steps) == [0, 1, 2]
    said = {(row.kind, row.name): row.text for row in Remark.objects.filter(trial=good)}
    assert said["param", "alpha"] == "0.0001"
    assert said["param", "max_iter"] == "5"  # by autolog
    assert Measurement.objects.filter(trial=good, name="training_score").exists()
    paths = set(Artifact.objects.filter(trial=good).values_list("path", flat=True))
    assert "outline.txt" in paths
    (model,) = [json.loads(text) for (kind, _), text in said.items() if kind == "model"]
    assert model["info"]["status"] == "LOGGED_MODEL_READY"
    assert f"models/{model['info']['model_id']}/MLmodel" in paths
