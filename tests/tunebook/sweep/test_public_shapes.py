"""Sweep files in the shapes in which they are found in public: tutorials, examples and tests of several years.

The files are ours; what they have in common with those is which members stand where.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tunebook import SpecError
from tunebook.job import Job
from tunebook.wire.recognise import recognise


@dataclass(frozen=True)
class Shape:
    """One file, and what is read of it."""

    text: str
    sampler: str
    parameters: tuple[str, ...]
    trials: int = 1000
    concurrent: int = 100
    policy: str = ""
    line: str = ""


OBJECTIVE = "objective: {goal: minimize, primary_metric: loss}\n"
SHAPES = {
    "first example of the documentation": Shape(
        """
$schema: https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json
type: sweep
trial:
  command: >-
    python hello.py --first ${{inputs.first}} --second ${{search_space.second}}
    --third ${{search_space.third}}
  code: src
  environment: azureml:sklearn-env@latest
inputs: {first: 0.25}
compute: azureml:cpu-cluster
sampling_algorithm: random
search_space:
  second: {type: choice, values: ["one", "two words"]}
  third: {type: uniform, min_value: 0.2, max_value: 0.9}
objective: {goal: minimize, primary_metric: random_number}
limits: {max_total_trials: 5, max_concurrent_trials: 2, timeout: 3600}
display_name: hello
experiment_name: hellos
description: Says hello a few times.
""",
        "random",
        ("second", "third"),
        5,
        2,
        line="python hello.py --first 0.25 --second ${second} --third ${third}",
    ),
    "no limits, data from the web": Shape(
        """
type: sweep
sampling_algorithm: {type: random}
search_space:
  rate: {type: uniform, min_value: 0.01, max_value: 0.9}
  kind: {type: choice, values: [gbdt, dart]}
objective: {goal: minimize, primary_metric: test-loss}
trial:
  code: ./src
  command: python train.py --data ${{inputs.table}} --rate ${{search_space.rate}} --kind ${{search_space.kind}}
  environment: azureml:minimal@latest
inputs:
  table: {type: uri_file, path: "https://example.org/table.csv", mode: download}
compute: azureml:cpu-cluster
""",
        "random",
        ("rate", "kind"),
        line="python train.py --data https://example.org/table.csv --rate ${rate} --kind ${kind}",
    ),
    "code as an object, image inline": Shape(
        """
type: sweep
trial:
  command: pip install mlflow && python train.py --size ${{search_space.size}}
  code: {local_path: src}
  environment: {image: "python:3.11"}
compute: azureml:cpu-cluster
sampling_algorithm: grid
search_space: {size: {type: choice, values: [1, 2, 3]}}
limits: {max_total_trials: 3}
"""
        + OBJECTIVE,
        "grid",
        ("size",),
        3,
        3,
    ),
    "outputs with nothing in them, properties": Shape(
        """
type: sweep
name: test1
trial: {command: "python a.py --lr ${{search_space.lr}}", environment: "azureml:env:1"}
compute: "azureml:somewhere"
sampling_algorithm: random
limits: {max_total_trials: 5}
properties: {_azureml.ComputeTargetType: amlcompute}
search_space: {lr: {type: uniform, min_value: 0.001, max_value: 0.1}}
outputs: {first: , second: {mode: upload}, third: {mode: rw_mount}}
"""
        + OBJECTIVE,
        "random",
        ("lr",),
        5,
        5,
    ),
    "single braces under the new type, code by name": Shape(
        """
type: sweep
trial:
  command: python ./a.py --lr {search_space.lr} --size {search_space.size}
  code: azureml:code:1
  environment: azureml:env:1
compute: azureml:somewhere
sampling_algorithm: random
search_space:
  lr: {type: uniform, min_value: 0.001, max_value: 0.1}
  size: {type: choice, values: [2, 5, 7]}
"""
        + OBJECTIVE,
        "random",
        ("lr", "size"),
        line="python ./a.py --lr ${lr} --size ${size}",
    ),
    "of 2021: sweep_job, compute in the trial": Shape(
        """
$schema: https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json
type: sweep_job
algorithm: grid
trial:
  code: {local_path: src}
  command: >-
    python main.py --rate {search_space.rate}
  environment: azureml:env:1
  compute: {target: azureml:aml-cluster}
search_space: {rate: {type: choice, values: [0.01, 0.1, 1.0]}}
objective: {primary_metric: auc, goal: maximize}
max_total_trials: 3
max_concurrent_trials: 3
experiment_name: churn
""",
        "grid",
        ("rate",),
        3,
        3,
        line="python main.py --rate ${rate}",
    ),
    "of 2021: inputs in the trial, minutes": Shape(
        """
experiment_name: crunching
algorithm: grid
type: sweep_job
search_space: {number: {type: choice, values: [0, 1, 2, 3]}}
objective: {primary_metric: done, goal: maximize}
trial:
  command: python process.py --number {search_space.number} --nodes 8 --data {inputs.table}
  inputs: {table: {data: "azureml:table:1", mode: download}}
  code: {local_path: .}
  environment: azureml:env:1
  compute: {target: "azureml:there"}
max_concurrent_trials: 8
timeout_minutes: 10000
""",
        "grid",
        ("number",),
        concurrent=8,
    ),
    "of 2021: data of an input in a member of its own": Shape(
        """
type: sweep
sampling_algorithm: grid
trial:
  code: {local_path: src}
  command: python main.py --rate ${{search_space.rate}}
  environment: azureml:env:1
inputs: {table: {data: "azureml:table:1"}}
compute: azureml:aml-cluster
search_space: {rate: {type: choice, values: [0.01, 0.1, 1.0]}}
limits: {max_total_trials: 6, max_concurrent_trials: 3, timeout: 3600}
"""
        + OBJECTIVE,
        "grid",
        ("rate",),
        6,
        3,
    ),
    "of the first preview: spec instead of type": Shape(
        """
type: sweep_job
algorithm: random
trial: {command: "python a.py --lr {search_space.lr}", environment: "azureml:env:1"}
search_space: {lr: {spec: uniform, min_value: 0.001, max_value: 0.1}}
objective: {primary_metric: loss, goal: minimize}
max_total_trials: 10
""",
        "random",
        ("lr",),
        10,
        10,
    ),
    "every distribution": Shape(
        """
type: sweep
trial: {command: python a.py, environment: "azureml:env:1"}
search_space:
  a: {type: choice, values: [1, two, 3.0, true]}
  b: {type: uniform, min_value: 0, max_value: 1}
  c: {type: quniform, min_value: 0, max_value: 100, q: 5}
  d: {type: loguniform, min_value: -6, max_value: -1}
  e: {type: qloguniform, min_value: 0, max_value: 5, q: 1}
  f: {type: normal, mu: 0, sigma: 1}
  g: {type: qnormal, mu: 0, sigma: 10, q: 2}
  h: {type: lognormal, mu: 0, sigma: 1}
  i: {type: qlognormal, mu: 0, sigma: 1, q: 1}
  j: {type: randint, upper: 10}
"""
        + OBJECTIVE,
        "random",
        tuple("abcdefghij"),
    ),
    "options that bring parameters of their own": Shape(
        """
type: sweep
trial: {command: "python a.py --model '${{search_space.model}}'", environment: "azureml:env:1"}
search_space:
  model:
    type: choice
    values:
      - {name: svm, c: {type: uniform, min_value: 0.1, max_value: 2}}
      - {name: forest, trees: {type: choice, values: [10, 100]}}
"""
        + OBJECTIVE,
        "random",
        ("model",),
    ),
    "sobol with its options, a bandit": Shape(
        """
type: sweep
trial: {command: "python a.py --lr ${{search_space.lr}}", environment: "azureml:env:1"}
sampling_algorithm: {type: random, seed: 123, rule: sobol, logbase: e}
search_space: {lr: {type: loguniform, min_value: -6, max_value: -1}}
early_termination: {type: bandit, evaluation_interval: 1, slack_factor: 0.1, delay_evaluation: 5}
limits: {max_total_trials: 4, max_concurrent_trials: 4, timeout: 120, trial_timeout: 600}
"""
        + OBJECTIVE,
        "random",
        ("lr",),
        4,
        4,
        "bandit",
    ),
    "bayesian, median stopping": Shape(
        """
type: sweep
trial: {command: "python a.py --lr ${{search_space.lr}}", environment: "azureml:env:1"}
sampling_algorithm: bayesian
search_space: {lr: {type: uniform, min_value: 0.05, max_value: 0.1}}
early_termination: {type: median_stopping, delay_evaluation: 5, evaluation_interval: 1}
"""
        + OBJECTIVE,
        "bayesian",
        ("lr",),
        policy="median_stopping",
    ),
    "truncation selection": Shape(
        """
type: sweep
trial: {command: "python a.py --lr ${{search_space.lr}}", environment: "azureml:env:1"}
search_space: {lr: {type: uniform, min_value: 0, max_value: 1}}
early_termination: {type: truncation_selection, truncation_percentage: 20, evaluation_interval: 1, delay_evaluation: 5}
"""
        + OBJECTIVE,
        "random",
        ("lr",),
        policy="truncation_selection",
    ),
    "several machines, a tier, an identity, services": Shape(
        """
type: sweep
trial:
  command: python a.py --lr ${{search_space.lr}}
  environment: {image: "mcr.example.org/base", conda_file: {channels: [conda-forge], dependencies: [python=3.11]}}
  environment_variables: {NCCL_DEBUG: INFO, LIMIT: 3}
  distribution: {type: pytorch, process_count_per_instance: 4}
  resources: {instance_count: 2, shm_size: 2g}
search_space: {lr: {type: uniform, min_value: 0, max_value: 1}}
queue_settings: {job_tier: spot}
identity: {type: user_identity}
resources: {instance_type: STANDARD_D2, instance_count: 1}
services: {board: {type: tensor_board, log_dir: outputs/tb}}
tags: {team: vision, size: 3}
"""
        + OBJECTIVE,
        "random",
        ("lr",),
    ),
    "values through the environment": Shape(
        """
type: sweep
trial: {command: "python a.py --kernel $kernel --c ${AZUREML_SWEEP_c}", environment: "azureml:env:1"}
search_space: {kernel: {type: choice, values: [rbf, linear]}, c: {type: uniform, min_value: 0.5, max_value: 0.9}}
"""
        + OBJECTIVE,
        "random",
        ("kernel", "c"),
        line="python a.py --kernel $kernel --c ${AZUREML_SWEEP_c}",
    ),
    "a goal in capitals": Shape(
        """
type: sweep
trial: {command: "python a.py --lr ${{ search_space.lr }}", environment: "azureml:env:1"}
search_space: {lr: {type: uniform, min_value: 0, max_value: 1}}
objective: {goal: Maximize, primary_metric: accuracy}
""",
        "random",
        ("lr",),
        line="python a.py --lr ${lr}",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_file_in_a_public_shape_is_read(name: str) -> None:
    shape = SHAPES[name]

    kind, job = recognise(shape.text)

    assert kind == "sweep" and isinstance(job, Job)
    assert (job.sampling.name, tuple(job.space)) == (shape.sampler, shape.parameters)
    assert (job.limits.max_trials, job.limits.max_concurrent) == (shape.trials, shape.concurrent)
    assert (job.policy.name if job.policy else "") == shape.policy
    if shape.line:
        assert job.command.steps[-1] == shape.line


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("type: pipeline\njobs: {sweep: {type: sweep, trial: ./component.yml}}\n", ""),
        (
            "type: sweep\ntrial: ./component.yml\nsearch_space: {a: {type: choice, values: [1]}}\n" + OBJECTIVE,
            "trial",
        ),
        ("type: automl\ntask: image_classification\nsearch_space: [{lr: {type: uniform}}]\n", ""),
        ("type: SweepComponent\nalgorithm: random\nsearch_space: {a: {type: choice}}\n", ""),
    ],
)
def test_files_that_are_something_else_are_refused_in_words(text: str, path: str) -> None:
    with pytest.raises(SpecError) as refused:
        recognise(text)

    assert refused.value.path.startswith(path) and refused.value.message
