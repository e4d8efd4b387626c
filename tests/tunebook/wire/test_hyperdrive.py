"""HyperDrive documents as jobs, and the answers."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from tunebook import Choice, SpecError, Uniform
from tunebook.policies import BanditPolicy, MedianStoppingPolicy, TruncationSelectionPolicy
from tunebook.sampling import Sampling
from tunebook.space import Space
from tunebook.wire import hyperdrive


def a_document(**changes: Any) -> dict[str, Any]:
    document = {
        "name": "digits",
        "user": "ada",
        "platform": "AML",
        "platform_config": {
            "Definition": {
                "Overrides": {
                    "script": "train.py",
                    "arguments": ["--epochs", 3],
                    "environmentVariables": {"EXAMPLE": "1"},
                    "maxRunDurationSeconds": 2592000,
                },
                "SnapshotId": "00000000-0000-0000-0000-000000000000",
            }
        },
        "generator_config": {
            "name": "RANDOM",
            "parameter_space": {"--lr": ["uniform", [0, 1]], "batch": ["choice", [[16, 32]]]},
        },
        "policy_config": {"name": "Default"},
        "primary_metric_config": {"name": "accuracy", "goal": "MAXIMIZE"},
        "max_total_jobs": 20,
        "max_concurrent_jobs": 4,
        "max_duration_minutes": 60,
    }
    return {**copy.deepcopy(document), **changes}


def a_generator(name: str = "RANDOM", **space: Any) -> dict[str, Any]:
    return {"name": name, "parameter_space": space or {"lr": ["uniform", [0, 1]]}}


def an_override(**members: Any) -> dict[str, Any]:
    return {"platform_config": {"Definition": {"Overrides": {"script": "train.py", **members}}}}


def test_a_document_becomes_a_job():
    job = hyperdrive.load(a_document())

    assert job.space == Space({"--lr": Uniform(0, 1), "batch": Choice([16, 32])})
    assert (job.objective.goal, job.objective.name) == ("maximize", "accuracy")
    assert (job.sampling, job.policy) == (Sampling("random"), None)
    assert (job.limits.max_trials, job.limits.max_concurrent, job.limits.max_seconds) == (20, 4, 3600)
    assert job.limits.trial_seconds == 2592000


def test_a_script_gets_its_arguments_and_then_the_values_each_as_one():
    job = hyperdrive.load(a_document())

    values = job.command.variables({"--lr": 0.5, "batch": 16}, space=job.space)

    assert job.command.filled_steps(values) == [["python", "train.py", "--epochs", "3", "--lr", "0.5", "--batch", "16"]]


def test_a_trial_finds_its_values_in_the_environment():
    command = hyperdrive.load(a_document()).command

    values = command.variables({"--lr": 0.5, "batch": 16})
    found = {name: command.fill(text, values) for name, text in command.environment.items()}

    assert found == {
        "AZUREML_SWEEP_lr": "0.5",
        "AZUREML_PARAMETER_lr": "0.5",
        "lr": "0.5",
        "AZUREML_SWEEP_batch": "16",
        "AZUREML_PARAMETER_batch": "16",
        "batch": "16",
        "EXAMPLE": "1",
    }


def test_a_command_wins_over_a_script():
    document = a_document(generator_config=a_generator())
    document["platform_config"]["Definition"]["Overrides"]["command"] = "python other.py"

    assert hyperdrive.load(document).command.steps == ("python other.py --lr ${lr}",)


def test_an_empty_definition_is_taken_and_its_trials_say_what_is_missing():
    [step] = hyperdrive.load(a_document(platform_config={})).command.steps

    assert step[:2] == ("python", "-c")
    assert "neither a script nor a command" in step[2]


def test_limits_that_are_left_out_have_the_documented_values():
    document = a_document()
    for name in ("max_total_jobs", "max_concurrent_jobs", "max_duration_minutes"):
        del document[name]

    limits = hyperdrive.load(document).limits

    assert (limits.max_trials, limits.max_concurrent, limits.max_seconds) == (1000, 100, 604800)


@pytest.mark.parametrize("word", ["RANDOM", "random", "Random"])
def test_words_are_compared_without_case(word):
    document = a_document(
        generator_config=a_generator(word),
        policy_config={"name": "DEFAULT"},
        primary_metric_config={"name": "a", "goal": "minimize"},
    )

    assert hyperdrive.load(document).objective.goal == "minimize"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"name": "Default"}, None),
        (
            {
                "name": "bandit",
                "properties": {"slack_factor": 0.2, "slack_amount": None, "evaluation_interval": 2},
            },
            BanditPolicy(slack_factor=0.2, evaluation_interval=2),
        ),
        (
            {"name": "Bandit", "properties": {"slack_factor": 0, "slack_amount": 0.5, "delay_evaluation": 3}},
            BanditPolicy(slack_amount=0.5, delay_evaluation=3),
        ),
        ({"name": "MedianStopping"}, MedianStoppingPolicy()),
        (
            {"name": "TruncationSelection", "properties": {"truncation_percentage": 20, "evaluation_interval": 0}},
            TruncationSelectionPolicy(truncation_percentage=20),
        ),
        (
            {
                "name": "TruncationSelection",
                "properties": {"truncation_percentage": 20, "exclude_finished_jobs": True},
            },
            TruncationSelectionPolicy(truncation_percentage=20, exclude_finished_jobs=True),
        ),
    ],
)
def test_policies_are_read(policy, expected):
    assert hyperdrive.load(a_document(policy_config=policy)).policy == expected


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        *(({name: None}, name) for name in ("name", "user", "platform", "platform_config", "generator_config")),
        *(({name: None}, name) for name in ("policy_config", "primary_metric_config")),
        ({"name": "n" * 256}, "name"),
        ({"name": " "}, "name"),
        ({"name": 3}, "name"),
        ({"user": "u" * 256}, "user"),
        ({"description": "d" * 512}, "description"),
        ({"platform": "K8S"}, "platform"),
        ({"platform_config": "AML"}, "platform_config"),
        *(({"max_total_jobs": value}, "max_total_jobs") for value in (0, 1001, -1, "4", 1.5, True)),
        *(({"max_concurrent_jobs": value}, "max_concurrent_jobs") for value in (0, 101)),
        *(({"max_duration_minutes": value}, "max_duration_minutes") for value in (0, 43201)),
        *(({"study_id": value}, "study_id") for value in (-1, 2**31, "0")),
        ({"primary_metric_config": {"goal": "MAXIMIZE"}}, "primary_metric_config.name"),
        ({"primary_metric_config": {"name": "a"}}, "primary_metric_config.goal"),
        ({"primary_metric_config": {"name": "a", "goal": "UP"}}, "primary_metric_config.goal"),
        ({"generator_config": {"name": "RANDOM"}}, "generator_config.parameter_space"),
        ({"generator_config": {"parameter_space": {"lr": ["uniform", [0, 1]]}}}, "generator_config.name"),
        ({"generator_config": {"name": "RANDOM", "parameter_space": {}}}, "generator_config.parameter_space"),
        ({"generator_config": a_generator("SIMPLEX")}, "generator_config.name"),
        ({"generator_config": a_generator("GRID")}, "generator_config.parameter_space.lr"),
        (
            {"generator_config": a_generator("BAYESIANOPTIMIZATION", lr=["loguniform", [0, 1]])},
            "generator_config.parameter_space.lr",
        ),
        ({"generator_config": a_generator(lr=["uniform", [1, 0]])}, "generator_config.parameter_space.lr.1.1"),
        ({"generator_config": a_generator(lr=["uniform", [0]])}, "generator_config.parameter_space.lr.1"),
        ({"generator_config": a_generator(lr=["even", [0, 1]])}, "generator_config.parameter_space.lr.0"),
        ({"generator_config": a_generator(lr=["choice", [[]]])}, "generator_config.parameter_space.lr.1"),
        ({"generator_config": a_generator(lr=["choice", [1, 2]])}, "generator_config.parameter_space.lr.1"),
        ({"generator_config": a_generator(lr=["randint", [0]])}, "generator_config.parameter_space.lr.1.0"),
        ({"generator_config": a_generator(lr=["normal", [0, -1]])}, "generator_config.parameter_space.lr.1.1"),
        ({"generator_config": a_generator(lr=["quniform", [0, 1, 0]])}, "generator_config.parameter_space.lr.1.2"),
        ({"generator_config": a_generator(lr=7)}, "generator_config.parameter_space.lr"),
        ({"generator_config": a_generator(**{"": ["uniform", [0, 1]]})}, "generator_config.parameter_space"),
        (an_override(script=3), "platform_config.Definition.Overrides.script"),
        (an_override(arguments="--epochs"), "platform_config.Definition.Overrides.arguments"),
        (an_override(arguments=["--epochs", None]), "platform_config.Definition.Overrides.arguments.1"),
        (an_override(command="${{inputs.a}}"), "platform_config.Definition.Overrides.command"),
        (
            {"generator_config": {**a_generator(lr=["loguniform", [-4, -1]]), "properties": {"logbase": 1e300}}},
            "generator_config.properties.logbase",
        ),
        ({"policy_config": {}}, "policy_config.name"),
        ({"policy_config": {"name": "Hyperband"}}, "policy_config.name"),
        ({"policy_config": {"name": "Bandit"}}, "policy_config.properties.slack_factor"),
        (
            {"policy_config": {"name": "Bandit", "properties": {"slack_factor": 1, "slack_amount": 1}}},
            "policy_config.properties.slack_amount",
        ),
        (
            {"policy_config": {"name": "Bandit", "properties": {"slack_factor": -1}}},
            "policy_config.properties.slack_factor",
        ),
        (
            {"policy_config": {"name": "MedianStopping", "properties": {"evaluation_interval": -1}}},
            "policy_config.properties.evaluation_interval",
        ),
        (
            {"policy_config": {"name": "TruncationSelection"}},
            "policy_config.properties.truncation_percentage",
        ),
        (
            {"policy_config": {"name": "TruncationSelection", "properties": {"truncation_percentage": 100}}},
            "policy_config.properties.truncation_percentage",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_path(changes, path):
    with pytest.raises(SpecError) as refused:
        hyperdrive.load(a_document(**changes))

    assert refused.value.path == path


def test_members_that_no_description_names_are_ignored():
    document = a_document(resume_from=[], _debug_flag="x")

    assert hyperdrive.load(document) == hyperdrive.load(a_document())


def test_the_answer_repeats_the_document_with_where_it_stands():
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    facts = hyperdrive.Facts(run_id="digits_1", created=moment, modified=moment, status="RUNNING")

    answer = hyperdrive.created(a_document(), facts)

    assert answer["code"] == 201
    result = answer["result"]
    assert "user" not in result
    assert result["generator_config"] == a_document()["generator_config"]
    assert result["platform_config"]["ParentRunId"] == result["hyperdrive_run_id"] == "digits_1"
    assert (result["status"], result["study_id"], result["created"]) == ("Running", 0, "2026-05-01T12:00:00.000Z")
    assert (result["all_jobs_generated"], result["cancellation_requested"]) == (False, False)


@pytest.mark.parametrize(
    ("status", "desired", "word"),
    [
        ("CREATED", "run", "NotStarted"),
        ("WAITING", "run", "Queued"),
        ("RUNNING", "run", "Running"),
        ("RUNNING", "stop", "CancelRequested"),
        ("FINISHED", "run", "Completed"),
        ("FAILED", "run", "Failed"),
        ("USER_CANCELED", "stop", "Canceled"),
    ],
)
def test_where_a_run_stands_has_a_word(status, desired, word):
    assert hyperdrive.experiment_status(status, desired) == word


def test_the_small_answers():
    assert hyperdrive.cancelled("r") == {"code": 200, "result": "Cancellation requested for r"}
    assert hyperdrive.problem(404, "no such run") == {"code": 404, "message": "no such run"}
