"""Sweeps as jobs of ours and back, and where our classes follow the documentation instead of the original."""

from pathlib import Path

import pytest

import tunebook
from tunebook import SpecError, examples
from tunebook.policies import BanditPolicy as OurBandit
from tunebook.sweep import (
    BanditPolicy,
    Choice,
    CommandJob,
    GridSamplingAlgorithm,
    Input,
    LogUniform,
    MedianStoppingPolicy,
    Objective,
    QLogUniform,
    RandomSamplingAlgorithm,
    SweepJob,
    SweepJobLimits,
    TruncationSelectionPolicy,
    Uniform,
    ValidationException,
    command,
    from_job,
    load_job,
    to_job,
)


def a_sweep(**members):
    given = {
        "trial": CommandJob(command="train --lr ${{search_space.lr}}", environment="azureml:e:1"),
        "search_space": {"lr": LogUniform(-6, -1)},
        "objective": Objective("maximize", "accuracy"),
        "limits": SweepJobLimits(max_total_trials=20, max_concurrent_trials=4, timeout=3600),
    }
    return SweepJob(**{**given, **members})


def test_a_sweep_becomes_a_job():
    job = to_job(
        a_sweep(
            early_termination=BanditPolicy(slack_factor=0.2),
            sampling_algorithm="bayesian",
            search_space={"lr": Uniform(0, 1)},
        )
    )

    assert job.space == tunebook.Space({"lr": tunebook.Uniform(0, 1)})
    assert job.policy == OurBandit(slack_factor=0.2)
    assert (job.sampling.name, job.objective.name, job.objective.goal) == ("bayesian", "accuracy", "maximize")
    assert (job.limits.max_trials, job.limits.max_concurrent, job.limits.max_seconds) == (20, 4, 3600)
    assert job.command.steps == ("train --lr ${lr}",)


def test_a_job_becomes_a_sweep_that_becomes_the_same_job():
    job = to_job(
        a_sweep(
            early_termination=TruncationSelectionPolicy(truncation_percentage=20),
            sampling_algorithm=RandomSamplingAlgorithm(rule="sobol", seed=3),
        )
    )

    sweep = from_job(job, name="again")

    assert sweep.name == "again"
    assert sweep.search_space == {"lr": LogUniform(-6, -1)}
    assert sweep.trial.command == "train --lr ${{search_space.lr}}"
    assert to_job(sweep) == job


def test_the_distributions_of_tunebook_may_stand_in_a_sweep():
    sweep = a_sweep(search_space={"lr": tunebook.LogUniform(-6, -1), "m": Choice([{"a": tunebook.Randint(3)}])})

    assert to_job(sweep).space["lr"] == tunebook.LogUniform(-6, -1)
    assert sweep.to_wire()["properties"]["searchSpace"]["m"] == ["choice", [[{"a": ["randint", [3]]}]]]


def test_a_step_that_is_left_out_is_one():
    sweep = a_sweep(search_space={"lr": QLogUniform(min_value=1.0, max_value=5.0)})

    assert to_job(sweep).space["lr"] == tunebook.QLogUniform(1.0, 5.0, 1)


def test_trials_run_in_the_code_folder_and_find_local_inputs(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "data.csv").write_text("a")
    trial = CommandJob(command="train ${{inputs.data}} ${{search_space.lr}}", code="./src")
    sweep = a_sweep(trial=trial, inputs={"data": Input(type="uri_file", path="data.csv")}, base_path=str(tmp_path))

    job = to_job(sweep)

    assert job.command.working_dir == str(tmp_path / "src")
    assert job.command.steps == (f"train {tmp_path / 'data.csv'} ${{lr}}",)


def test_code_that_is_a_file_runs_in_its_folder(tmp_path):
    (tmp_path / "train.py").write_text("")
    trial = CommandJob(command="python train.py ${{search_space.lr}}", code=tmp_path / "train.py")

    assert to_job(a_sweep(trial=trial)).command.working_dir == str(tmp_path)


@pytest.mark.parametrize("code", ["./scr", "/nowhere/src", "file:///nowhere", "azureml:./scr"])
def test_code_that_is_not_there_is_refused_before_trials_miss_it(tmp_path, code):
    trial = CommandJob(command="python train.py ${{search_space.lr}}", code=code)

    with pytest.raises(SpecError, match="there is no ") as refused:
        to_job(a_sweep(trial=trial, base_path=str(tmp_path)))

    assert refused.value.path == "trial.code"
    assert to_job(a_sweep(trial=trial), here=False).command.working_dir is None


@pytest.mark.parametrize("code", ["azureml:src:1", "azureml:/subscriptions/s/codes/c/versions/1", "git+https://host/a"])
def test_code_that_is_kept_elsewhere_is_not_looked_for_here(code):
    trial = CommandJob(command="python train.py ${{search_space.lr}}", code=code)

    assert to_job(a_sweep(trial=trial)).command.working_dir is None


def test_members_are_named_as_the_classes_spell_them():
    with pytest.raises(SpecError, match="give slack_factor or slack_amount, above 0"):
        to_job(a_sweep(early_termination=BanditPolicy()))


def test_an_unknown_algorithm_is_refused_with_those_there_are():
    with pytest.raises(ValidationException, match="unsupported sampling algorithm: tpe; there are random, grid, bayes"):
        a_sweep(sampling_algorithm="tpe")


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"search_space": None}, "search_space"),
        ({"search_space": {}}, "search_space"),
        ({"search_space": {"lr": Uniform(1, 0)}}, "search_space.lr.max_value"),
        ({"search_space": {"lr": Uniform()}}, "search_space.lr.min_value"),
        ({"search_space": {"lr": Choice()}}, "search_space.lr"),
        ({"search_space": {"lr": 3}}, "search_space.lr"),
        ({"search_space": {"--lr": Uniform(0, 1)}}, "search_space.--lr"),
        ({"sampling_algorithm": GridSamplingAlgorithm()}, "search_space.lr"),
        ({"sampling_algorithm": RandomSamplingAlgorithm(rule="halton")}, "sampling_algorithm.rule"),
        ({"objective": None}, "objective"),
        ({"objective": Objective("up", "a")}, "objective.goal"),
        ({"objective": Objective("maximize")}, "objective.primary_metric"),
        ({"limits": SweepJobLimits(max_total_trials=1001)}, "limits.max_total_trials"),
        ({"limits": SweepJobLimits(max_concurrent_trials=0)}, "limits.max_concurrent_trials"),
        ({"early_termination": BanditPolicy()}, "early_termination.slack_factor"),
        ({"early_termination": BanditPolicy(slack_factor=1, slack_amount=1)}, "early_termination.slack_amount"),
        ({"early_termination": TruncationSelectionPolicy()}, "early_termination.truncation_percentage"),
        ({"trial": None}, "trial.command"),
        ({"trial": CommandJob(command="train ${{inputs.x}}")}, "trial.command"),
        ({"trial": CommandJob(command="train ${{search_space.x}}")}, "trial.command"),
        ({"trial": CommandJob(command="t", environment_variables={"1": "x"})}, "trial.environment_variables.1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_in_the_sweep(members, path):
    with pytest.raises(SpecError) as refused:
        to_job(a_sweep(**members))

    assert refused.value.path == path


@pytest.mark.parametrize("word", ["bandit", "median_stopping", "truncation_selection", "Median_Stopping"])
def test_every_documented_name_of_a_policy_is_taken(word):
    assert a_sweep(early_termination=word).early_termination.type == word.lower()


def test_references_with_spaces_are_swept_too():
    node = command(command="t ${{ inputs.lr }}", inputs={"lr": 0.1})(lr=Uniform(0, 1))

    sweep = node.sweep(primary_metric="a", goal="minimize", early_termination_policy=MedianStoppingPolicy())

    assert sweep.trial.command == "t ${{search_space.lr}}"
    assert to_job(sweep).command.steps == ("t ${lr}",)


def test_the_documented_example_runs_by_its_environment():
    job = command(
        inputs={"kernel": "linear", "penalty": 1.0},
        command="python scripts/train.py --kernel $kernel --penalty $penalty",
        environment="e:1",
    )

    sweep = job(kernel=Uniform(0.0005, 0.005)).sweep(primary_metric="best_val_acc", goal="Maximize")
    made = to_job(sweep).command

    assert made.steps == ("python scripts/train.py --kernel $kernel --penalty $penalty",)
    assert (made.environment["kernel"], made.environment["penalty"]) == ("${kernel}", "1.0")


def test_the_example_is_a_sweep_that_can_run():
    job = to_job(load_job(Path(examples.__file__).parent / "digits_sweep.yaml"))

    values = job.command.variables(
        {"learning_rate": 0.01, "hidden": 32, "batch": 16.0, "layers": 1, "activation": "relu"}
    )

    assert job.command.filled_steps(values)[0].split()[:5] == [
        "python",
        "-m",
        "tunebook.examples.digits",
        "--learning-rate",
        "0.01",
    ]
    assert set(job.space) == {"learning_rate", "hidden", "batch", "layers", "activation"}


def test_calling_a_command_leaves_the_first_as_it_was():
    job = command(name="n", command="t ${{inputs.lr}}", inputs={"lr": 0.1}, environment_variables={"A": "1"})

    swept = job(lr=Uniform(0, 1))
    swept.environment_variables["A"] = "2"

    assert (job.name, job.inputs, job.environment_variables) == ("n", {"lr": 0.1}, {"A": "1"})
    assert swept.name is None
