"""The properties of ARM jobs as jobs of ours, in the shape of 2021 and in today's."""

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tunebook import Choice, QLogUniform, SpecError, Uniform
from tunebook.policies import BanditPolicy, MedianStoppingPolicy, PaiAssessorPolicy, TruncationSelectionPolicy
from tunebook.sampling import Sampling
from tunebook.space import Space
from tunebook.wire import azureml
from tunebook.wire.azureml import OLD, TODAY


def today(**changes: Any) -> dict[str, Any]:
    properties = {
        "jobType": "Sweep",
        "displayName": "Digits",
        "experimentName": "vision",
        "searchSpace": {"lr": ["uniform", [0.001, 0.1]], "bs": ["choice", [[16, 32]]]},
        "samplingAlgorithm": {"samplingAlgorithmType": "Random", "rule": "sobol", "seed": 999, "logbase": "e"},
        "limits": {
            "jobLimitsType": "Sweep",
            "maxConcurrentTrials": 4,
            "maxTotalTrials": 8,
            "timeout": "PT2H",
            "trialTimeout": "PT10M",
        },
        "earlyTermination": {"policyType": "Bandit", "evaluationInterval": 1, "slackFactor": 0.15, "slackAmount": 0},
        "objective": {"goal": "maximize", "primaryMetric": "acc"},
        "trial": {
            "command": "python train.py --lr ${{search_space.lr}} --bs ${{ search_space.bs }} --n ${{inputs.n}}",
            "environmentId": "azureml:env:1",
            "environmentVariables": {"EXAMPLE": "1"},
        },
        "computeId": "azureml:cpu",
        "inputs": {"n": {"jobInputType": "literal", "value": "two words"}},
        "outputs": {"model": {"jobOutputType": "uri_folder"}},
        "tags": {"team": "vision"},
    }
    return {**copy.deepcopy(properties), **changes}


def old(**changes: Any) -> dict[str, Any]:
    properties = {
        "jobType": "Sweep",
        "algorithm": "Random",
        "compute": {"target": "/subscriptions/s/computes/cpu", "instanceCount": 1},
        "objective": {"primaryMetric": "test-auc", "goal": "minimize"},
        "searchSpace": {"--learning_rate": ["uniform", [0.01, 0.9]], "--boosting": ["choice", [["gbdt", "dart"]]]},
        "maxTotalTrials": 20,
        "maxConcurrentTrials": 10,
        "timeout": "PT120M",
        "trial": {
            "command": "python main.py --iris $AZURE_ML_INPUT_iris",
            "codeId": "c",
            "environmentId": "e",
            "timeout": "PT90S",
            "inputDataBindings": {"iris": {"dataId": "/data/iris", "mode": "Download"}},
        },
    }
    return {**copy.deepcopy(properties), **changes}


def a_trial(**members: Any) -> dict[str, Any]:
    return {"command": "train ${{search_space.lr}}", **members}


def test_todays_properties_become_a_job():
    job = azureml.load(today())

    assert job.space == Space({"lr": Uniform(0.001, 0.1), "bs": Choice([16, 32])})
    assert (job.objective.goal, job.objective.name) == ("maximize", "acc")
    assert job.sampling == Sampling("random", {"rule": "sobol", "logbase": "e"}, 999)
    assert job.policy == BanditPolicy(slack_factor=0.15)
    limits = job.limits
    assert (limits.max_trials, limits.max_concurrent, limits.max_seconds, limits.trial_seconds) == (8, 4, 7200, 600)


def test_the_properties_of_2021_become_a_job():
    job = azureml.load(old(), OLD)

    assert job.space == Space({"--learning_rate": Uniform(0.01, 0.9), "--boosting": Choice(["gbdt", "dart"])})
    assert (job.objective.goal, job.sampling) == ("minimize", Sampling("random"))
    limits = job.limits
    assert (limits.max_trials, limits.max_concurrent, limits.max_seconds, limits.trial_seconds) == (20, 10, 7200, 90)
    assert job.command.environment["AZURE_ML_INPUT_iris"] == "/data/iris"


def test_an_output_for_a_store_of_azure_is_a_folder_of_the_trial():
    uri = "azureml://datastores/main/paths/cleaned/"
    trial = a_trial(command="clean ${{outputs.model}}")

    job = azureml.load(today(inputs={}, outputs={"model": {"jobOutputType": "uri_folder", "uri": uri}}, trial=trial))

    assert "clean ${NNI_OUTPUT_DIR}/outputs/model" in job.command.steps[-1]


def test_references_are_filled_as_single_arguments_and_outputs_are_folders():
    command = azureml.load(today()).command

    steps = command.filled_steps(command.variables({"lr": 0.5, "bs": 16}, output_dir="/out"))

    assert steps == [
        ["mkdir", "-p", "/out/outputs/model"],
        "python train.py --lr 0.5 --bs 16 --n 'two words'",
    ]
    assert command.environment["AZUREML_SWEEP_model"] == "${NNI_OUTPUT_DIR}/outputs/model"
    assert command.environment["AZUREML_PARAMETER_n"] == "two words"


def test_a_command_without_references_gets_the_values_appended():
    command = azureml.load(old(), OLD).command

    [line] = command.filled_steps(command.variables({"--learning_rate": 0.5, "--boosting": "gb dt; rm"}))

    assert line == "python main.py --iris $AZURE_ML_INPUT_iris --learning_rate 0.5 --boosting 'gb dt; rm'"


@pytest.mark.parametrize("command", ["train --lr $lr", 'train "${AZUREML_SWEEP_lr}"', "train {search_space.lr}"])
def test_a_command_that_reads_a_value_its_own_way_gets_nothing_appended(command):
    properties = today(trial={"command": command}, searchSpace={"lr": ["uniform", [0, 1]]})

    [_, line] = azureml.load(properties).command.steps

    assert line == command.replace("{search_space.lr}", "${lr}")


def test_a_command_job_is_an_experiment_of_one_trial():
    job = azureml.load(
        {"jobType": "Command", "command": "python a.py", "computeId": "c", "limits": {"timeout": "PT1H"}}
    )

    assert (job.limits.max_trials, job.limits.trial_seconds, len(job.space)) == (1, 3600, 0)
    assert job.command.steps == ("python a.py",)


def test_a_step_sent_as_null_is_one():
    job = azureml.load(today(searchSpace={"lr": ["qloguniform", [1, 5, None]]}, trial=a_trial(), inputs={}))

    assert job.space == Space({"lr": QLogUniform(1, 5, 1)})


@pytest.mark.parametrize(
    ("termination", "policy"),
    [
        (None, None),
        ({"policyType": "bandit", "slackFactor": 0, "slackAmount": 0.5}, BanditPolicy(slack_amount=0.5)),
        ({"policyType": "MedianStopping", "delayEvaluation": 5}, MedianStoppingPolicy(delay_evaluation=5)),
        (
            {"policyType": "TruncationSelection", "truncationPercentage": 20, "evaluationInterval": 2},
            TruncationSelectionPolicy(truncation_percentage=20, evaluation_interval=2),
        ),
    ],
)
def test_policies_are_read(termination, policy):
    assert azureml.load(today(earlyTermination=termination)).policy == policy


TODAY_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"jobType": None}, "jobType"),
    ({"jobType": "Labeling"}, "jobType"),
    ({"searchSpace": None}, "searchSpace"),
    ({"searchSpace": {}}, "searchSpace"),
    ({"searchSpace": {"lr": {}}}, "searchSpace.lr"),
    ({"searchSpace": {"": ["uniform", [0, 1]]}}, "searchSpace"),
    (
        {"searchSpace": {"a.b": ["randint", [2]], "a": ["choice", [[{"b": ["randint", [2]]}]]]}},
        "searchSpace.a.b",
    ),
    ({"searchSpace": {"lr": ["uniform", [1, 0]]}}, "searchSpace.lr.1.1"),
    ({"searchSpace": {"lr": ["uniform", [0, "1"]]}}, "searchSpace.lr.1.1"),
    ({"samplingAlgorithm": {}, "objective": None}, "objective"),
    ({"samplingAlgorithm": {"rule": "sobol"}}, "samplingAlgorithm.samplingAlgorithmType"),
    ({"samplingAlgorithm": {"samplingAlgorithmType": "Hyperband"}}, "samplingAlgorithm.samplingAlgorithmType"),
    ({"samplingAlgorithm": {"samplingAlgorithmType": "Grid"}}, "searchSpace.lr"),
    ({"samplingAlgorithm": {"samplingAlgorithmType": "Random", "rule": "halton"}}, "samplingAlgorithm.rule"),
    ({"samplingAlgorithm": {"samplingAlgorithmType": "Random", "seed": -1}}, "samplingAlgorithm.seed"),
    ({"samplingAlgorithm": {"samplingAlgorithmType": "Random", "logbase": -2}}, "samplingAlgorithm.logbase"),
    (
        {
            "samplingAlgorithm": {"samplingAlgorithmType": "Random", "logbase": 1e300},
            "searchSpace": {"lr": ["loguniform", [-4, -1]], "bs": ["choice", [[16, 32]]]},
        },
        "samplingAlgorithm.logbase",
    ),
    (
        {
            "samplingAlgorithm": {"samplingAlgorithmType": "Bayesian"},
            "searchSpace": {"lr": ["normal", [0, 1]]},
        },
        "searchSpace.lr",
    ),
    ({"objective": {"goal": "up", "primaryMetric": "a"}}, "objective.goal"),
    ({"objective": {"goal": "Maximize"}}, "objective.primaryMetric"),
    ({"objective": {"goal": "Maximize", "primaryMetric": "--"}}, "objective.primaryMetric"),
    *(({"limits": {"maxTotalTrials": n}}, "limits.maxTotalTrials") for n in (0, 1001, "8", -3)),
    *(({"limits": {"maxConcurrentTrials": n}}, "limits.maxConcurrentTrials") for n in (0, 101)),
    *(({"limits": {"timeout": text}}, "limits.timeout") for text in ("2h", "PT", "P1Y", "PT0S", 7200)),
    ({"limits": {"trialTimeout": "soon"}}, "limits.trialTimeout"),
    ({"earlyTermination": {"slackFactor": 1}}, "earlyTermination.policyType"),
    ({"earlyTermination": {"policyType": "Bandit"}}, "earlyTermination.slackFactor"),
    (
        {"earlyTermination": {"policyType": "Bandit", "slackFactor": 1, "slackAmount": 1}},
        "earlyTermination.slackAmount",
    ),
    ({"earlyTermination": {"policyType": "TruncationSelection"}}, "earlyTermination.truncationPercentage"),
    (
        {"earlyTermination": {"policyType": "MedianStopping", "delayEvaluation": -1}},
        "earlyTermination.delayEvaluation",
    ),
    ({"trial": None}, "trial.command"),
    ({"trial": {"command": ""}}, "trial.command"),
    ({"trial": {"command": "--"}}, "trial.command"),
    ({"trial": {"command": "train ${{search_space.rate}}"}}, "trial.command"),
    ({"trial": {"command": "train ${{inputs.missing}}"}}, "trial.command"),
    ({"trial": {"command": "train ${{outputs.missing}}"}}, "trial.command"),
    ({"trial": a_trial(environmentVariables={"A": 1})}, "trial.environmentVariables.A"),
    ({"trial": a_trial(environmentVariables={"1A": "x"})}, "trial.environmentVariables.1A"),
    ({"trial": a_trial(environmentVariables={"A": "${rate}"})}, "trial.environmentVariables.A"),
    ({"trial": a_trial(distribution={"processCount": 2})}, "trial.distribution.distributionType"),
    ({"tags": {"a": 1}}, "tags.a"),
    ({"tags": ["a"]}, "tags"),
    ({"inputs": {"n": {"jobInputType": "uri_file"}}}, "inputs.n.uri"),
    ({"identity": {"identityType": "Robot"}}, "identity.identityType"),
    ({"identity": {"identityType": "Managed", "clientId": "me"}}, "identity.clientId"),
    ({"computeId": 3}, "computeId"),
    ({"resources": {"instanceCount": "2"}}, "resources.instanceCount"),
    ({"experimentName": 3}, "experimentName"),
    ({"displayName": ["x"]}, "displayName"),
    ({"description": {}}, "description"),
    ({"properties": {"a": 1}}, "properties.a"),
    ({"isArchived": "no"}, "isArchived"),
    ({"trial": a_trial(codeId=3)}, "trial.codeId"),
    ({"trial": a_trial(environmentId=[])}, "trial.environmentId"),
    ({"outputs": {"m": "here"}}, "outputs.m"),
    ({"inputs": {"n": {"jobInputType": "literal", "value": {}}}}, "inputs.n.value"),
]


@pytest.mark.parametrize(("changes", "path"), TODAY_WRONG)
def test_what_is_wrong_is_told_with_its_path(changes, path):
    with pytest.raises(SpecError) as refused:
        azureml.load(today(**changes))

    assert refused.value.path == f"properties.{path}"


OLD_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"algorithm": None}, "algorithm"),
    ({"algorithm": "Sobol"}, "algorithm"),
    ({"algorithm": "Grid"}, "searchSpace.--learning_rate"),
    ({"compute": None}, "compute"),
    ({"compute": "cpu"}, "compute"),
    ({"compute": {"instanceCount": "2"}}, "compute.instanceCount"),
    ({"compute": {"isLocal": "yes"}}, "compute.isLocal"),
    ({"maxTotalTrials": 0}, "maxTotalTrials"),
    ({"maxConcurrentTrials": 101}, "maxConcurrentTrials"),
    ({"timeout": "120"}, "timeout"),
    ({"priority": 2**31}, "priority"),
    ({"trial": {"command": "a", "timeout": "x"}}, "trial.timeout"),
    (
        {"trial": {"command": "a", "inputDataBindings": {"d": {"mode": "Teleport"}}}},
        "trial.inputDataBindings.d.mode",
    ),
]


@pytest.mark.parametrize(("changes", "path"), OLD_WRONG)
def test_what_is_wrong_in_2021_is_told_with_its_path(changes, path):
    with pytest.raises(SpecError) as refused:
        azureml.load(old(**changes), OLD)

    assert refused.value.path == f"properties.{path}"


@pytest.mark.parametrize(
    ("version", "shape"),
    [("2021-03-01-preview", OLD), ("2022-05-01", TODAY), ("2024-01-01-preview", TODAY), ("2025-12-01", TODAY)],
)
def test_a_version_has_a_shape(version, shape):
    assert azureml.shape_of(version) == shape


@pytest.mark.parametrize("version", [None, "", "latest", "2021-03-01", "2022-02-01-preview", "2024-01-01-beta"])
def test_other_versions_are_refused(version):
    with pytest.raises(SpecError) as refused:
        azureml.shape_of(version)

    assert refused.value.path == "api-version"


def test_the_same_job_is_in_the_other_shape():
    properties = today(inputs={}, outputs={}, trial=a_trial(), samplingAlgorithm={"samplingAlgorithmType": "Random"})

    there = azureml.converted(properties, TODAY, OLD)

    assert azureml.load(there, OLD) == azureml.load(properties)
    assert azureml.load(azureml.converted(there, OLD, TODAY)) == azureml.load(properties)


def test_what_2021_said_is_there_in_todays_words():
    found = azureml.converted(old(), OLD, TODAY)

    assert found["samplingAlgorithm"] == {"samplingAlgorithmType": "Random"}
    assert found["limits"] == {
        "jobLimitsType": "Sweep",
        "maxTotalTrials": 20,
        "maxConcurrentTrials": 10,
        "timeout": "PT120M",
        "trialTimeout": "PT90S",
    }
    assert found["computeId"] == "/subscriptions/s/computes/cpu"
    assert found["inputs"]["iris"]["uri"] == "/data/iris"
    assert azureml.load(found).limits == azureml.load(old(), OLD).limits


@pytest.mark.parametrize("shape", [OLD, TODAY])
def test_a_job_comes_back_from_what_was_written(shape):
    job = azureml.load(today(inputs={}, outputs={}, trial=a_trial(), samplingAlgorithm={}))

    assert azureml.load(azureml.dump(job, shape), shape) == job


def test_a_job_that_azure_has_no_words_for_is_refused():
    job = replace(azureml.load(today()), policy=PaiAssessorPolicy())

    with pytest.raises(SpecError) as refused:
        azureml.dump(job)

    assert refused.value.path == "policy"


def test_names_of_jobs_are_checked():
    assert azureml.check_name("a-b_C9") == "a-b_C9"
    for name in ("", "-a", "a.b", "a" * 256):
        with pytest.raises(SpecError):
            azureml.check_name(name)


def test_details_say_who_a_job_is():
    found = azureml.details(today(description="d", isArchived=True))

    assert (found.display_name, found.experiment, found.tags) == ("Digits", "vision", {"team": "vision"})
    assert (found.description, found.archived) == ("d", True)
    assert azureml.details(old()).experiment == "Default"


def facts(**changes: Any) -> azureml.Facts:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    given = {"id": "/s/jobs/digits", "name": "digits", "created": moment, "modified": moment, "by": "ada", **changes}
    return azureml.Facts(**given)


def test_the_answer_is_the_document_with_where_it_stands():
    answer = azureml.resource(today(status="Completed"), facts(status="RUNNING", url="https://book/e/1", best="d_3"))

    known = answer["properties"]
    assert (answer["id"], answer["name"], answer["type"]) == ("/s/jobs/digits", "digits", azureml.TYPE)
    assert (known["status"], known["isArchived"], known["searchSpace"]) == ("Running", False, today()["searchSpace"])
    assert known["services"]["Studio"]["endpoint"] == "https://book/e/1"
    assert known["properties"] == {"best_child_run_id": "d_3"}
    assert answer["systemData"]["createdAt"] == "2026-05-01T12:00:00.000Z"


def test_a_job_of_2021_is_answered_in_its_shape():
    known = azureml.resource(old(), facts(status="FINISHED", url="https://book/e/1"), OLD, OLD)["properties"]

    assert (known["status"], known["provisioningState"], known["experimentName"]) == (
        "Completed",
        "Succeeded",
        "Default",
    )
    assert known["algorithm"] == "Random"
    assert known["interactionEndpoints"]["Studio"]["jobEndpointType"] == "Studio"


def test_the_shape_that_is_asked_for_is_answered():
    assert azureml.resource(old(), facts(), TODAY, OLD)["properties"]["limits"]["maxTotalTrials"] == 20
    assert azureml.resource(today(), facts(), OLD, TODAY)["properties"]["algorithm"] == "Random"


def test_lists_and_errors():
    assert azureml.page([], None) == {"value": [], "nextLink": None}
    error = azureml.problem("InvalidArgument", "must be a number", "properties.searchSpace.lr")["error"]
    assert (error["code"], error["message"], error["target"]) == (
        "InvalidArgument",
        "must be a number",
        "properties.searchSpace.lr",
    )
