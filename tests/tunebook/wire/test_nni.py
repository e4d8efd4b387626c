"""NNI's configurations, in the shapes that its users have: what each declares, and why one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunebook import Choice, LogUniform, QUniform, Randint, SpecError, Uniform
from tunebook.distributions import QLogUniform
from tunebook.job import Job
from tunebook.policies import CurveFittingPolicy, NniMedianstopPolicy
from tunebook.sampling import Sampling
from tunebook.wire import nni
from tunebook.wire.recognise import recognise, title
from tunebook.wire.text import parse

SPACE = {"lr": {"_type": "loguniform", "_value": [0.0001, 0.1]}, "batch": {"_type": "choice", "_value": [16, 32]}}
MODERN: dict[str, Any] = {
    "experimentName": "digits",
    "trialConcurrency": 2,
    "maxTrialNumber": 10,
    "maxExperimentDuration": "1.5h",
    "searchSpace": SPACE,
    "trialCommand": "python3 train.py",
    "trialCodeDirectory": "/srv/code",
    "tuner": {"name": "TPE", "classArgs": {"optimize_mode": "maximize"}},
    "trainingService": {"platform": "local", "useActiveGpu": False},
}
OLD: dict[str, Any] = {
    "authorName": "ada",
    "experimentName": "digits",
    "trialConcurrency": 1,
    "maxExecDuration": "2h",
    "maxTrialNum": 100,
    "trainingServicePlatform": "local",
    "searchSpacePath": "search_space.json",
    "useAnnotation": False,
    "tuner": {"builtinTunerName": "TPE", "classArgs": {"optimize_mode": "maximize"}},
    "trial": {"command": "python3 train.py", "codeDir": ".", "gpuNum": 0},
}


def modern(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**MODERN, **members}.items() if value is not None}


def tuned(name: str, **arguments: Any) -> Job:
    return nni.load(modern(tuner={"name": name, "classArgs": arguments}))


def test_a_configuration_of_version_2_is_a_job() -> None:
    job = nni.load(MODERN)

    assert job.space == {"lr": LogUniform.between(0.0001, 0.1), "batch": Choice([16, 32])}
    assert (job.objective.goal, job.objective.name, job.objective.mode) == ("maximize", "default", "final")
    assert (job.limits.max_trials, job.limits.max_concurrent, job.limits.max_seconds) == (10, 2, 5400)
    assert (job.command.steps, job.command.working_dir) == (("python3 train.py",), "/srv/code")
    assert (job.readings.type, job.sampling) == ("nni", Sampling("tpe"))


def test_a_configuration_of_version_1_reads_its_search_space_beside_it(tmp_path: Path) -> None:
    (tmp_path / "search_space.json").write_text(json.dumps(SPACE))

    job = nni.load(OLD, base_path=str(tmp_path))

    assert job.space == nni.load(MODERN).space
    assert (job.limits.max_trials, job.limits.max_seconds) == (100, 7200)
    assert job.command.working_dir == str(tmp_path)


def test_a_file_is_recognised_and_named_by_its_experiment() -> None:
    kind, found = recognise(json.dumps(MODERN))

    assert (kind, found, title(MODERN)) == ("nni", nni.load(MODERN), "digits")


def test_names_of_version_2_are_known_without_case_and_underscores() -> None:
    odd = modern(trialConcurrency=None, maxTrialNumber=None, trial_concurrency=3, MAX_TRIAL_NUMBER=7)

    assert (nni.load(odd).limits.max_concurrent, nni.load(odd).limits.max_trials) == (3, 7)


# The search spaces of NNI's own examples, by their shape: plain, convolutional, nested, stepped, gradient boosting ...
SPACES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mnist-pytorch": (
        {
            "batch_size": {"_type": "choice", "_value": [16, 32, 64, 128]},
            "hidden_size": {"_type": "choice", "_value": [128, 256, 512, 1024]},
            "lr": {"_type": "choice", "_value": [0.0001, 0.001, 0.01, 0.1]},
            "momentum": {"_type": "uniform", "_value": [0, 1]},
        },
        {"momentum": Uniform(0, 1), "lr": Choice([0.0001, 0.001, 0.01, 0.1])},
    ),
    "mnist-tfv1": (
        {
            "dropout_rate": {"_type": "uniform", "_value": [0.5, 0.9]},
            "conv_size": {"_type": "choice", "_value": [2, 3, 5, 7]},
            "learning_rate": {"_type": "uniform", "_value": [0.0001, 0.1]},
        },
        {"dropout_rate": Uniform(0.5, 0.9)},
    ),
    "sklearn-svc": (
        {
            "C": {"_type": "uniform", "_value": [0.1, 1]},
            "kernel": {"_type": "choice", "_value": ["linear", "rbf", "poly", "sigmoid"]},
            "degree": {"_type": "choice", "_value": [1, 2, 3, 4]},
            "coef0 ": {"_type": "uniform", "_value": [0.01, 0.1]},
        },
        {"C": Uniform(0.1, 1)},
    ),
    "lightgbm": (
        {
            "num_leaves": {"_type": "randint", "_value": [20, 31]},
            "learning_rate": {"_type": "choice", "_value": [0.01, 0.05, 0.1, 0.2]},
            "bagging_fraction": {"_type": "uniform", "_value": [0.7, 1.0]},
        },
        {"num_leaves": Randint(31, 20)},
    ),
    "cifar10-pytorch": (
        {
            "lr": {"_type": "choice", "_value": [0.1, 0.01, 0.001, 0.0001]},
            "optimizer": {"_type": "choice", "_value": ["Adadelta", "Adagrad", "Adam", "Adamax"]},
            "model": {"_type": "choice", "_value": ["vgg", "resnet18", "googlenet", "densenet121"]},
        },
        {"optimizer": Choice(["Adadelta", "Adagrad", "Adam", "Adamax"])},
    ),
    "mnist-keras": (
        {
            "optimizer": {"_type": "choice", "_value": ["Adam", "SGD"]},
            "learning_rate": {"_type": "choice", "_value": [0.0001, 0.001, 0.002, 0.005, 0.01]},
        },
        {"learning_rate": Choice([0.0001, 0.001, 0.002, 0.005, 0.01])},
    ),
    "auto-gbdt": (
        {
            "num_leaves": {"_type": "randint", "_value": [20, 31]},
            "bagging_fraction": {"_type": "uniform", "_value": [0.7, 1.0]},
            "feature_fraction": {"_type": "uniform", "_value": [0.7, 1.0]},
            "bagging_freq": {"_type": "choice", "_value": [1, 2, 4, 8, 10]},
        },
        {"feature_fraction": Uniform(0.7, 1.0), "bagging_freq": Choice([1, 2, 4, 8, 10])},
    ),
    "mnist-hyperband": (
        {
            "dropout_rate": {"_type": "uniform", "_value": [0.5, 0.9]},
            "hidden_size": {"_type": "choice", "_value": [124, 512, 1024]},
            "batch_size": {"_type": "randint", "_value": [16, 32]},
        },
        {"batch_size": Randint(32, 16)},
    ),
    "nested": (
        {
            "layer0": {
                "_type": "choice",
                "_value": [{"_name": "Empty"}, {"_name": "Conv", "kernel": {"_type": "choice", "_value": [1, 3]}}],
            }
        },
        {},
    ),
    "stepped": (
        {
            "units": {"_type": "quniform", "_value": [32, 256, 32]},
            "decay": {"_type": "qloguniform", "_value": [0.001, 1, 0.001]},
        },
        {"units": QUniform(32, 256, 32, clip=True), "decay": QLogUniform.between(0.001, 1, 0.001, clip=True)},
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_search_spaces_of_examples_mean_what_nni_means(name: str) -> None:
    entries, expected = SPACES[name]

    space = nni.load(modern(searchSpace=entries)).space

    assert {key.strip() for key in space} == {key.strip() for key in entries}
    assert {key: space[key] for key in expected} == expected


def test_a_nested_option_counts_only_when_chosen() -> None:
    space = nni.load(modern(searchSpace=SPACES["nested"][0])).space

    assert not space.problems({"layer0": {"_name": "Conv", "kernel": 3}})
    assert not space.problems({"layer0": {"_name": "Empty"}})
    assert space.problems({"layer0": {"_name": "Empty", "kernel": 3}})


@pytest.mark.parametrize(
    ("name", "arguments", "sampling", "goal"),
    [
        ("Random", {}, Sampling("random"), "maximize"),
        ("random", {"seed": 100}, Sampling("random", seed=100), "maximize"),
        ("TPE", {}, Sampling("tpe"), "minimize"),
        (
            "TPE",
            {
                "optimize_mode": "maximize",
                "seed": 5,
                "tpe_args": {"constant_liar_type": "mean", "n_startup_jobs": 10, "n_ei_candidates": 20},
            },
            Sampling("tpe", {"n_startup": 10, "n_candidates": 20, "constant_liar": "mean"}, 5),
            "maximize",
        ),
        ("GridSearch", {}, Sampling("grid"), "maximize"),
        ("Anneal", {"optimize_mode": "minimize"}, Sampling("anneal"), "minimize"),
        ("TPE_legacy", {"constant_liar_type": "max"}, Sampling("tpe"), "minimize"),
        (
            "TPE_legacy",
            {"parallel_optimize": True, "constant_liar_type": "max"},
            Sampling("tpe", {"constant_liar": "worst"}),
            "minimize",
        ),
        ("Evolution", {"population_size": 100}, Sampling("evolution", {"population_size": 100}), "maximize"),
        (
            "RegularizedEvolutionTuner",
            {"population_size": 50, "sample_size": 10},
            Sampling("evolution", {"population_size": 50, "sample_size": 10}),
            "maximize",
        ),
        (
            "GPTuner",
            {"utility": "ucb", "kappa": 3.0, "cold_start_num": 5},
            Sampling("gp", {"utility": "ucb", "kappa": 3.0, "cold_start_num": 5}),
            "maximize",
        ),
        (
            "Hyperband",
            {"optimize_mode": "maximize", "R": 27, "eta": 3},
            Sampling(
                "hyperband",
                {"resource": "TRIAL_BUDGET", "max_resource": 27, "exec_mode": "parallelism", "eta": 3},
            ),
            "maximize",
        ),
        (
            "BOHB",
            {"min_budget": 1, "max_budget": 27, "eta": 3, "top_n_percent": 15},
            Sampling(
                "bohb", {"resource": "TRIAL_BUDGET", "min_resource": 1, "max_resource": 27, "eta": 3, "gamma": 0.15}
            ),
            "maximize",
        ),
        ("PBT", {"population_size": 20}, Sampling("pbt", {"population_size": 20}), "maximize"),
    ],
)
def test_tuners_are_ours_by_name_and_arguments(name: str, arguments: Any, sampling: Sampling, goal: str) -> None:
    job = tuned(name, **arguments)

    assert (job.sampling, job.objective.goal) == (sampling, goal)


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("TPE", {"tpe_args": {"n_startup_jobs": 10**6}}, "tpe_args.n_startup_jobs"),
        ("TPE", {"tpe_args": {"n_ei_candidates": 10**6}}, "tpe_args.n_ei_candidates"),
        ("GP", {"cold_start_num": 10**6}, "cold_start_num"),
        ("Hyperband", {"R": 10**12}, "R"),
        ("BOHB", {"max_budget": 10**12}, "max_budget"),
        ("BOHB", {"min_points_in_model": 10**6}, "min_points_in_model"),
        ("BOHB", {"num_samples": 10**6}, "num_samples"),
    ],
)
def test_too_much_is_refused_by_the_name_that_was_written(name: str, arguments: Any, path: str) -> None:
    with pytest.raises(SpecError, match="at most") as caught:
        tuned(name, **arguments)

    assert caught.value.path == f"tuner.classArgs.{path}"


def test_batch_runs_its_parameter_sets_in_their_order() -> None:
    sets = [{"lr": 0.1, "opt": "sgd"}, {"lr": 0.2, "opt": "adam"}]

    job = nni.load(
        modern(tuner={"name": "BatchTuner"}, searchSpace={"combine_params": {"_type": "choice", "_value": sets}})
    )

    assert job.sampling == Sampling("experiments", {"experiments": sets})


def test_an_advisor_is_a_tuner_under_another_word() -> None:
    job = nni.load(modern(tuner=None, advisor={"name": "Hyperband", "classArgs": {"optimize_mode": "minimize"}}))

    assert (job.sampling.name, job.sampling.options["max_resource"], job.objective.goal) == (
        "hyperband",
        60,
        "minimize",
    )


@pytest.mark.parametrize(
    ("assessor", "policy"),
    [
        ({"name": "Medianstop", "classArgs": {"start_step": 5}}, NniMedianstopPolicy(start_step=5)),
        ({"name": "curvefitting", "classArgs": {"epoch_num": 30}}, CurveFittingPolicy(epoch_num=30)),
        ({}, None),
    ],
)
def test_assessors_are_policies(assessor: Any, policy: object) -> None:
    assert nni.load(modern(assessor=assessor)).policy == policy


def test_what_the_assessor_says_of_the_goal_counts_where_the_tuner_says_nothing() -> None:
    grid = modern(
        tuner={"name": "GridSearch"}, assessor={"name": "Medianstop", "classArgs": {"optimize_mode": "minimize"}}
    )

    assert nni.load(grid).objective.goal == "minimize"


def test_a_tuner_of_ones_own_is_a_plugin(tmp_path: Path) -> None:
    given = modern(
        trialCodeDirectory=".", tuner={"className": "mine.Tuner", "codeDirectory": ".", "classArgs": {"k": 2}}
    )

    job = nni.load(given, base_path=str(tmp_path))

    assert job.sampling.name == "plugin"
    assert job.sampling.options["arguments"] == {
        "folder": str(tmp_path),
        "module": "mine",
        "name": "Tuner",
        "search_space": SPACE,
        "class_args": {"k": 2},
    }


def test_version_1_names_the_file_and_the_class_of_a_tuner_apart(tmp_path: Path) -> None:
    tuner = {"codeDir": ".", "classFileName": "mine.py", "className": "Tuner", "classArgs": {}}
    (tmp_path / "search_space.json").write_text(json.dumps(SPACE))

    job = nni.load({**OLD, "tuner": tuner}, base_path=str(tmp_path))

    assert (job.sampling.options["arguments"]["module"], job.sampling.options["arguments"]["name"]) == ("mine", "Tuner")


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        (modern(trialConcurrency=0), "trialConcurrency", "at least 1"),
        (modern(trialConcurrency="two"), "trialConcurrency", "whole number"),
        (modern(trialConcurrncy=1), "trialConcurrncy", "did you mean trialConcurrency?"),
        (modern(trialCommand=""), "trialCommand", "must not be empty"),
        (modern(maxExperimentDuration="1h30m"), "maxExperimentDuration", "must be seconds"),
        (modern(maxTrialNumber=-1), "maxTrialNumber", "at least 1"),
        (modern(searchSpace=None), "searchSpaceFile", "is required"),
        (modern(searchSpaceFile="s.json"), "searchSpaceFile", "beside searchSpace"),
        (modern(searchSpace=None, searchSpaceFile="s.json"), "searchSpaceFile", "tunebook submit"),
        (modern(searchSpace={"lr": {"_type": "uniform", "_value": [1]}}), "searchSpace.lr._value", "2"),
        (modern(searchSpace={"lr": {"_type": "factor", "_value": [1]}}), "searchSpace.lr._type", "allowed"),
        (modern(trialCodeDirectory="code"), "trialCodeDirectory", "tunebook submit"),
        (modern(useAnnotation=True), "useAnnotation", "search space"),
        (modern(trainingService={"platform": "openpai"}), "trainingService.platform", "must be local"),
        (modern(trainingService=[{"platform": "local"}]), "trainingService", "one platform"),
        (modern(tuner={"name": "SMAC"}), "tuner.name", "not offered; there are: TPE"),
        (modern(tuner={"name": "Metis"}), "tuner.name", "not offered"),
        (modern(tuner={"name": "Genius"}), "tuner.name", "unknown tuner"),
        (modern(tuner={}), "tuner.name", "is required"),
        (modern(tuner={"name": "TPE", "classArgs": {"optimise": 1}}), "tuner.classArgs.optimise", "optimize_mode"),
        (
            modern(tuner={"name": "TPE", "classArgs": {"optimize_mode": "up"}}),
            "tuner.classArgs.optimize_mode",
            "maximize, minimize",
        ),
        (modern(tuner={"name": "Hyperband", "classArgs": {"R": 0}}), "tuner.classArgs.R", "at least 1"),
        (modern(tuner={"className": "Mine"}), "tuner.codeDirectory", "tunebook submit"),
        (modern(tuner={"className": "Mine", "codeDirectory": "/srv"}), "tuner.className", "my_tuner.MyTuner"),
        (modern(advisor={"name": "BOHB"}), "advisor", "beside a tuner"),
        (
            modern(tuner={"name": "BOHB", "classArgs": {"min_budget": 9}}),
            "tuner.classArgs.min_budget",
            "at most max_budget (3), got 9",
        ),
        (modern(assessor={"name": "Mine"}), "assessor.name", "there are: Medianstop, Curvefitting"),
        (modern(assessor={"className": "a.B"}), "assessor.className", "not offered"),
        (
            modern(assessor={"name": "Medianstop", "classArgs": {"optimize_mode": "minimize"}}),
            "assessor.classArgs.optimize_mode",
            "they must agree",
        ),
        (modern(tuner={"name": "Batch"}), "searchSpace", "one entry alone"),
        ({**OLD, "multiPhase": True}, "multiPhase", "not offered"),
        ({**OLD, "maxTrialNum": 0}, "maxTrialNum", "at least 1"),
        ({**OLD, "trainingServicePlatform": "pai"}, "trainingServicePlatform", "must be local"),
        ({**OLD, "tuner": {"builtinTunerName": "PPO"}}, "searchSpacePath", "tunebook submit"),
        ({**OLD, "trial": {"codeDir": "."}}, "trial.command", "is required"),
        ({**OLD, "authrName": "x"}, "authrName", "did you mean authorName?"),
    ],
)
def test_what_is_wrong_is_named_as_the_document_calls_it(given: Any, path: str, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        nni.load(given)

    assert refused.value.path == path
    assert words in refused.value.message


def test_a_search_space_file_that_is_missing_or_broken_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="searchSpacePath"):
        nni.load(OLD, base_path=str(tmp_path))
    (tmp_path / "search_space.json").write_text("{")

    with pytest.raises(SpecError, match="searchSpacePath"):
        nni.load(OLD, base_path=str(tmp_path))


def test_yaml_as_people_write_it_is_read() -> None:
    text = """
    experiment_name: example_sklearn
    trial_concurrency: 1
    max_experiment_duration: 600s
    max_trial_number: 3
    trial_command: python main.py
    trial_code_directory: /srv/code
    search_space:
      C: {_type: uniform, _value: [0.1, 1]}
    tuner:
      name: TPE
      class_args: {optimize_mode: maximize}
    training_service: {platform: local}
    """

    job = nni.load(parse(text))

    assert (job.limits.max_seconds, job.objective.goal, job.space) == (600, "maximize", {"C": Uniform(0.1, 1)})
