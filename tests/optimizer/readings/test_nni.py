"""Scripts written for NNI, run as they are with the real package: their parameters, results and tuners."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.optimizer.readings import Request, read
from apps.optimizer.readings.base import ReadingError
from apps.optimizer.readings.nni import METRICS
from apps.trials.models import Measurement, Trial
from tests.optimizer.processes import optimizer
from tunebook.wire import nni

TRAINS = """
    import nni

    params = nni.get_next_parameter()
    print("trial", nni.get_sequence_id(), nni.get_trial_id())
    score = 0.0
    for epoch in range(5):
        score = params["lr"] * (1 - 0.5 ** (epoch + 1))
        nni.report_intermediate_result({"default": score, "loss": 1 - score})
    nni.report_final_result(score + 1)
"""
NESTED = """
    import nni

    layer = nni.get_next_parameter()["layer0"]
    nni.report_intermediate_result(0.5)
    nni.report_final_result(layer.get("kernel_size", 0) if layer["_name"] == "Conv" else -1)
"""
TUNER = """
    from nni.tuner import Tuner

    class Counting(Tuner):
        def __init__(self, step):
            self.step, self.best = step, None

        def update_search_space(self, search_space):
            self.low, self.high = search_space["lr"]["_value"]

        def generate_parameters(self, parameter_id, **kwargs):
            return {"lr": min(self.low + parameter_id * self.step, self.high)}

        def receive_trial_result(self, parameter_id, parameters, value, **kwargs):
            self.best = max(self.best or value, value)
"""


@pytest.fixture
def run(make_experiment: Callable[..., Experiment], tmp_path: Path) -> Callable[..., list[Trial]]:
    """Run the trials of a configuration to their end, its script beside it."""

    def run(script: str, **members: Any) -> list[Trial]:
        (tmp_path / "train.py").write_text(textwrap.dedent(script))
        document = {
            "trialConcurrency": 2,
            "maxTrialNumber": 3,
            "searchSpace": {"lr": {"_type": "uniform", "_value": [0.1, 0.9]}},
            "trialCommand": f"{sys.executable} train.py",
            "tuner": {"name": "Random", "classArgs": {"seed": 1}},
            "trainingService": {"platform": "local"},
            **members,
        }
        experiment = make_experiment(job=nni.load(document, base_path=str(tmp_path)))
        with optimizer(tmp_path / "data", "--exit-when-idle") as process:
            assert process.wait(90) == 0
        return list(Trial.objects.filter(experiment=experiment).order_by("number"))

    return run


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_script_of_nni_runs_unmodified(run: Callable[..., list[Trial]]) -> None:
    trials = run(TRAINS)

    assert [(trial.number, trial.status) for trial in trials] == [(n, "FINISHED") for n in range(3)]
    for trial in trials:
        last = trial.params["lr"] * (1 - 0.5**5)
        assert trial.value == pytest.approx(last + 1)
        points = Measurement.objects.filter(trial=trial, name="default").order_by("step")
        assert [point.step for point in points] == [0, 1, 2, 3, 4, 5]
        assert Measurement.objects.filter(trial=trial, name="loss").count() == 5


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_nested_choice_reaches_the_script_as_nni_gives_it(run: Callable[..., list[Trial]]) -> None:
    options = [{"_name": "Empty"}, {"_name": "Conv", "kernel_size": {"_type": "choice", "_value": [3, 5]}}]

    trials = run(NESTED, searchSpace={"layer0": {"_type": "choice", "_value": options}}, tuner={"name": "GridSearch"})

    assert {trial.status for trial in trials} == {"FINISHED"}
    assert sorted(trial.value or 0 for trial in trials) == [-1, 3, 5]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_tuner_class_of_ones_own_asks(run: Callable[..., list[Trial]], tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(textwrap.dedent(TUNER))

    trials = run(TRAINS, tuner={"className": "counting.Counting", "codeDirectory": ".", "classArgs": {"step": 0.25}})

    assert [trial.params["lr"] for trial in trials] == pytest.approx([0.1, 0.35, 0.6])
    assert {trial.source for trial in trials} == {"plugin"}


def frame(kind: str, sequence: int, value: object) -> bytes:
    record = {"parameter_id": 1, "trial_job_id": "t", "type": kind, "sequence": sequence, "value": json.dumps(value)}
    body = json.dumps(record).encode() + b"\n"
    return b"ME%06d" % len(body) + body


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    path = tmp_path / METRICS
    path.parent.mkdir(parents=True)
    return path


def request_for(folder: Path, offsets: dict[str, Any] | None = None) -> Request:
    return Request(type="nni", folder=str(folder), work=folder, metrics=["default"], offsets=offsets or {})


def test_a_frame_that_is_still_being_written_waits(metrics: Path, tmp_path: Path) -> None:
    whole, second = frame("PERIODICAL", 0, 0.5), frame("PERIODICAL", 1, {"default": 0.75, "note": "x", "loss": 1})
    metrics.write_bytes(whole + second[:20])
    readings, offsets = read(request_for(tmp_path))
    metrics.write_bytes(whole + second)

    more, _ = read(request_for(tmp_path, offsets))

    assert [(one.metric, one.step, one.value) for one in readings] == [("default", 0, 0.5)]
    assert [(one.metric, one.step, one.value) for one in more] == [("default", 1, 0.75), ("loss", 1, 1.0)]


def test_a_final_result_stands_behind_the_intermediate_ones(metrics: Path, tmp_path: Path) -> None:
    metrics.write_bytes(frame("PERIODICAL", 0, 1) + frame("PERIODICAL", 1, 2) + frame("FINAL", 0, 9))

    readings, _ = read(request_for(tmp_path))

    assert [(one.step, one.value) for one in readings] == [(0, 1), (1, 2), (2, 9)]


def test_nan_is_told_as_it_is_and_what_is_no_number_is_left_out(metrics: Path, tmp_path: Path) -> None:
    metrics.write_bytes(frame("PERIODICAL", 0, float("nan")) + frame("PERIODICAL", 1, ["no"]) + frame("REQUEST", 0, 1))

    readings, _ = read(request_for(tmp_path))

    assert [(one.step, str(one.value)) for one in readings] == [(0, "nan")]


def test_a_damaged_file_is_told(metrics: Path, tmp_path: Path) -> None:
    metrics.write_bytes(b"nonsense that is no frame")

    with pytest.raises(ReadingError, match="damaged"):
        read(request_for(tmp_path))
