"""Sweep files: read, refused with a path, and written back."""

import os

import pytest
import yaml

from tunebook import SpecError
from tunebook.sweep import (
    BanditPolicy,
    Choice,
    LogUniform,
    RandomSamplingAlgorithm,
    SweepJobLimits,
    Uniform,
    load_job,
    to_job,
)
from tunebook.sweep.loading import load_document

SWEEP = """
$schema: https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json
type: sweep
name: digits
experiment_name: vision
tags: {team: vision, size: 3}
trial:
  command: >-
    python train.py --lr ${{search_space.lr}} --opt ${{search_space.opt}} --n ${{inputs.n}}
  code: ./src
  environment: azureml:env@latest
  environment_variables: {DEBUG: 1}
inputs:
  n: 3
  data: {type: uri_folder, path: ./data}
outputs:
  model: {type: uri_folder}
compute: azureml:cpu
sampling_algorithm: {type: random, seed: 999, rule: sobol, logbase: e}
search_space:
  lr: {type: loguniform, min_value: -6, max_value: -1.5}
  opt: {type: choice, values: [adam, {name: sgd, momentum: {type: uniform, min_value: 0, max_value: 1}}]}
objective: {goal: Maximize, primary_metric: accuracy}
early_termination: {type: bandit, slack_factor: 0.1, delay_evaluation: 5}
limits: {max_total_trials: 20, max_concurrent_trials: 4, timeout: 7200, trial_timeout: 600}
"""
OLD = """
type: sweep_job
algorithm: random
trial:
  command: python train.py --lr {search_space.lr} --data {inputs.data}
  code: {local_path: ./src}
  environment: azureml:env:1
inputs: {data: 5}
compute: {target: azureml:cpu}
search_space:
  lr: {spec: uniform, min_value: 0.001, max_value: 0.1}
objective: {primary_metric: accuracy, goal: maximize}
max_total_trials: 10
max_concurrent_trials: 2
timeout_minutes: 30
"""


def changed(**members):
    document = yaml.safe_load(SWEEP)
    for name, value in members.items():
        document[name] = value
        if value is ...:
            del document[name]
    return document


def test_a_file_becomes_a_sweep(tmp_path):
    path = tmp_path / "sweep.yml"
    path.write_text(SWEEP)

    job = load_job(path)

    assert (job.name, job.compute, job.tags) == ("digits", "cpu", {"team": "vision", "size": "3"})
    assert job.search_space["lr"] == LogUniform(-6, -1.5)
    assert job.search_space["opt"] == Choice(["adam", {"name": "sgd", "momentum": Uniform(0, 1)}])
    assert (job.objective.goal, job.objective.primary_metric) == ("maximize", "accuracy")
    assert vars(job.sampling_algorithm) == vars(RandomSamplingAlgorithm(rule="sobol", seed=999, logbase="e"))
    assert job.early_termination == BanditPolicy(slack_factor=0.1, delay_evaluation=5)
    assert job.limits == SweepJobLimits(max_total_trials=20, max_concurrent_trials=4, timeout=7200, trial_timeout=600)
    assert job.trial.environment_variables == {"DEBUG": "1"}
    assert job.base_path == str(tmp_path)


def test_what_was_read_is_written_and_read_again(tmp_path):
    first = load_document(yaml.safe_load(SWEEP))

    first.dump(tmp_path / "again.yml")

    assert yaml.safe_load((tmp_path / "again.yml").read_text())["search_space"] == yaml.safe_load(SWEEP)["search_space"]
    assert load_job(tmp_path / "again.yml").to_wire() == first.to_wire()


def test_the_shape_from_before_2022_is_read():
    job = load_document(yaml.safe_load(OLD))

    assert (job.sampling_algorithm, job.compute, job.trial.code) == ("random", "cpu", "./src")
    assert job.search_space == {"lr": Uniform(0.001, 0.1)}
    assert job.limits == SweepJobLimits(max_total_trials=10, max_concurrent_trials=2, timeout=1800)
    command = job.to_wire()["properties"]["trial"]["command"]
    assert command == "python train.py --lr ${{search_space.lr}} --data ${{inputs.data}}"


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"type": ...}, "type"),
        ({"type": "pipeline"}, "type"),
        ({"type": "pipeline", "jobs": {}, "trial": ...}, "type"),
        ({"type": 3, "command": "train"}, "type"),
        ({"banana": 1}, "banana"),
        ({"trial": ...}, "trial"),
        ({"trial": {"environment": "azureml:e:1"}}, "trial.command"),
        ({"trial": {"command": ""}}, "trial.command"),
        ({"trial": {"command": "a", "comand": "b"}}, "trial.comand"),
        ({"trial": {"command": "a", "environment": 3}}, "trial.environment"),
        ({"objective": ...}, "objective"),
        ({"objective": {"goal": "up", "primary_metric": "a"}}, "objective.goal"),
        ({"objective": {"goal": "maximize"}}, "objective.primary_metric"),
        ({"limits": {"max_total_trials": "many"}}, "limits.max_total_trials"),
        ({"limits": {"max_total_trials": -1}}, "limits.max_total_trials"),
        ({"limits": {"max_trials": 3}}, "limits.max_trials"),
        ({"search_space": []}, "search_space"),
        ({"search_space": {"lr": 3}}, "search_space.lr"),
        ({"search_space": {"lr": {"min_value": 0}}}, "search_space.lr.type"),
        ({"search_space": {"lr": {"type": "evenly"}}}, "search_space.lr.type"),
        ({"search_space": {"lr": {"type": "uniform", "min_value": 0}}}, "search_space.lr.max_value"),
        ({"search_space": {"lr": {"type": "quniform", "min_value": 0, "max_value": 1}}}, "search_space.lr.q"),
        (
            {"search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": "1"}}},
            "search_space.lr.max_value",
        ),
        (
            {"search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1, "q": 1}}},
            "search_space.lr.q",
        ),
        ({"search_space": {"lr": {"type": "choice", "values": 3}}}, "search_space.lr.values"),
        (
            {"search_space": {"m": {"type": "choice", "values": [{"lr": {"type": "randint"}}]}}},
            "search_space.m.values.0.lr.upper",
        ),
        ({"sampling_algorithm": "sobol"}, "sampling_algorithm"),
        ({"sampling_algorithm": {"seed": 1}}, "sampling_algorithm.type"),
        ({"sampling_algorithm": {"type": "random", "rule": "halton"}}, "sampling_algorithm.rule"),
        ({"early_termination": {"slack_factor": 1}}, "early_termination.type"),
        ({"early_termination": {"type": "bandit", "slack": 1}}, "early_termination.slack"),
        ({"early_termination": {"type": "truncation_selection"}}, "early_termination.truncation_percentage"),
        ({"identity": {"type": "robot"}}, "identity.type"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(members, path):
    with pytest.raises(SpecError) as refused:
        load_document(changed(**members))

    assert refused.value.path == path


def test_limits_may_be_left_out_as_the_documentation_does():
    job = load_document(changed(limits=...))

    assert job.limits == SweepJobLimits()
    assert to_job(job, here=False).limits.max_trials == 1000


def test_early_files_say_compute_inputs_and_code_inside_the_trial():
    document = yaml.safe_load(OLD) | {"inputs": {}}
    document["trial"] |= {
        "compute": {"target": "azureml:gpu"},
        "inputs": {"data": {"data": "azureml:d:1", "mode": "download"}},
    }
    del document["compute"]

    job = load_document(document)

    assert (job.compute, job.inputs["data"].path, job.inputs["data"].mode) == ("gpu", "azureml:d:1", "download")
    assert load_document(changed(trial={"command": "a", "code": {"local_path": "src"}})).trial.code == "src"


def test_the_path_of_an_old_file_is_the_one_in_the_file():
    document = yaml.safe_load(OLD) | {"algorithm": "simplex"}

    with pytest.raises(SpecError) as refused:
        load_document(document)

    assert refused.value.path == "algorithm"


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "sweep.yml"
    path.write_text("precious")

    with pytest.raises(FileExistsError):
        load_document(yaml.safe_load(SWEEP)).dump(path)

    assert path.read_text() == "precious"


def test_an_open_file_that_cannot_be_written_is_refused(tmp_path):
    path = tmp_path / "sweep.yml"
    path.write_text("")

    with open(path, encoding="utf-8") as file, pytest.raises(SpecError):
        load_document(yaml.safe_load(SWEEP)).dump(file)


def test_a_text_that_is_no_document_is_refused(tmp_path):
    path = tmp_path / "sweep.yml"
    path.write_text("type: [sweep")

    with pytest.raises(SpecError):
        load_job(os.fspath(path))
    with pytest.raises(SpecError):
        load_document(["type"])
