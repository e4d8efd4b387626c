"""What scripts ask for around a sweep: computes, workspaces, environments, and what this server has not."""

from __future__ import annotations

import pytest

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tests.dialects.azureml.conftest import VERSION, Arm, a_trial
from tests.dialects.azureml.test_services import put_code, upload
from tests.tunebook.wire.test_azureml import today

CODES = (("one", b"print(1)"), ("two", b"print(2)"))

CLUSTER = {
    "location": "westeurope",
    "tags": {"team": "vision"},
    "properties": {
        "computeType": "AmlCompute",
        "properties": {"vmSize": "STANDARD_DS3_V2", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4}},
    },
}


@pytest.mark.parametrize("name", ["cpu-cluster", "gpu"])
def test_this_machine_is_the_compute_of_any_name(ada_there: Arm, ben_there: Arm, name: str) -> None:
    told = ben_there.call("GET", f"{ada_there.base}/computes/{name}")

    assert (told.status, told.body["name"], told.body["id"]) == (200, name, f"{ada_there.base}/computes/{name}")
    assert (told.properties["computeType"], told.properties["provisioningState"]) == ("AmlCompute", "Succeeded")
    [listed] = ada_there.call("GET", f"{ada_there.base}/computes").body["value"]
    assert listed["properties"] == told.properties


def test_a_compute_that_is_created_is_there_at_once(ada_there: Arm, ben_there: Arm) -> None:
    path = f"{ada_there.base}/computes/cpu-cluster"

    made = ada_there.call("PUT", path, CLUSTER)
    refused = [ben_there.call("PUT", path, CLUSTER).status, ben_there.call("DELETE", path).status]

    assert (made.status, made.properties["provisioningState"], made.body["tags"]) == (200, "Succeeded", CLUSTER["tags"])
    assert made.properties["properties"]["vmSize"] == "STANDARD_DS3_V2"
    assert refused == [403, 403]
    assert ada_there.call("DELETE", path, underlyingResourceAction="Delete").status == 200


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({}, "properties"),
        ({"properties": 3}, "properties"),
        ({"properties": {}}, "properties.computeType"),
        ({"properties": {"computeType": 3}}, "properties.computeType"),
        ({"properties": {"computeType": "AmlCompute", "properties": []}}, "properties.properties"),
        ({"properties": {"computeType": "AmlCompute"}, "tags": {"a": 1}}, "tags.a"),
    ],
)
def test_what_is_wrong_with_a_compute_is_named(ada_there: Arm, body: object, target: str) -> None:
    answer = ada_there.call("PUT", f"{ada_there.base}/computes/cpu-cluster", body)

    assert (answer.status, answer.error["target"]) == (400, target)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("models/m/versions/1", "jobs.download"),
        ("schedules", "cron"),
        ("onlineEndpoints/e", "no models are served here"),
        ("components/c/versions/1", "submit the command"),
        ("computes/cpu-cluster/stop", "not started, stopped"),
        ("featuresets", "there are no featuresets here"),
    ],
)
def test_what_is_not_here_says_what_to_do_instead(ada_there: Arm, path: str, words: str) -> None:
    answers = [ada_there.call(method, f"{ada_there.base}/{path}") for method in ("GET", "PUT", "POST")]

    assert {(one.status, one.error["code"]) for one in answers} == {(404, "InvalidResourceType")}
    assert all(words in one.error["message"] for one in answers)


def test_the_workspaces_of_a_subscription_are_those_that_one_sees(ada_there: Arm, cleo_there: Arm) -> None:
    everywhere = "/subscriptions/s/providers/Microsoft.MachineLearningServices/workspaces"
    in_group = ada_there.base.rpartition("/")[0]

    listed = [ada_there.call("GET", path).body["value"] for path in (everywhere, in_group)]

    assert [[one["name"] for one in rows] for rows in listed] == [["lab"], ["lab"]]
    assert listed[1][0] == ada_there.call("GET", ada_there.base).body
    assert [one["name"] for one in cleo_there.call("GET", everywhere).body["value"]] == ["elsewhere"]
    assert Arm(None, "lab").call("GET", everywhere).status == 401
    assert ada_there.call("GET", everywhere, version=None).error["code"] == "InvalidApiVersionParameter"


def test_environments_are_listed_archived_and_brought_back(ada_there: Arm, ben_there: Arm) -> None:
    path = f"{ada_there.base}/environments"
    for version in ("1", "2"):
        ada_there.call("PUT", f"{path}/sklearn/versions/{version}", {"properties": {"image": "python:3.11"}})

    def names(**query: str) -> list[str]:
        return [one["name"] for one in ada_there.call("GET", path, **query).body["value"]]

    known = ada_there.call("GET", f"{path}/sklearn").body
    before = names()
    refused = ben_there.call("PUT", f"{path}/sklearn", known).status
    known["properties"]["isArchived"] = True
    archived = ada_there.call("PUT", f"{path}/sklearn", known)

    assert (known["properties"]["latestVersion"], known["properties"]["nextVersion"]) == ("2", "3")
    assert (before, refused, archived.properties["isArchived"]) == (["sklearn"], 403, True)
    assert (names(), names(listViewType="All"), names(listViewType="ArchivedOnly")) == ([], ["sklearn"], ["sklearn"])
    assert ada_there.call("GET", f"{path}/sklearn/versions").body["value"] == []
    assert ada_there.call("PUT", f"{path}/sklearn", {"properties": {}}).properties["isArchived"] is True
    assert ada_there.call("PUT", f"{path}/sklearn", {"properties": {"isArchived": False}}).status == 200
    assert (names(), names(listViewType="ArchivedOnly")) == (["sklearn"], [])


def test_an_environment_that_nobody_put_here_has_its_first_version_alone(ada_there: Arm) -> None:
    path = f"{ada_there.base}/environments/AzureML-sklearn"

    [told] = ada_there.call("GET", f"{path}/versions").body["value"]

    assert ada_there.call("GET", f"{path}/versions/1").body == told
    assert [ada_there.call("GET", one).status for one in (path, f"{path}/versions/2")] == [404, 404]
    assert ada_there.call("PUT", path, {"properties": {"isArchived": True}}).status == 404


@pytest.mark.parametrize("path", ["computes", "environments", "environments/e", "data/d"])
def test_the_surroundings_stay_shut_for_outsiders(ada_there: Arm, cleo_there: Arm, path: str) -> None:
    assert cleo_there.call("GET", f"{ada_there.base}/{path}", version=VERSION).status == 404


def test_mlflow_finds_the_best_trial_of_a_sweep_by_its_name(ada_there: Arm, cleo_there: Arm, ben_there: Arm) -> None:
    ada_there.put("sweep")
    experiment = Experiment.objects.get()
    trial = Trial.objects.create(experiment=experiment, number=3, params={"lr": 0.05}, source="random")

    def found(arm: Arm, run: str) -> list[object]:
        answer = arm.client.get("/api/2.0/mlflow/runs/get", {"run_id": run})
        return [answer.status_code, answer.json().get("run", {}).get("info", {}).get("run_id")]

    assert [found(ben_there, name) for name in ("sweep_3", f"{experiment.key}_3")] == [[200, trial.key]] * 2
    assert [found(ada_there, name)[0] for name in ("sweep_4", "sweep", "other_3", "sweep_03")] == [404] * 4
    assert found(cleo_there, "sweep_3")[0] == 404


def test_a_command_job_that_failed_says_how(ada_there: Arm) -> None:
    ada_there.put("train", {"jobType": "Command", "command": "exit 3", "computeId": "cpu"})
    Experiment.objects.update(status="FAILED", reason="its only trial failed")
    run = f"/azureml/history/v1.0{ada_there.base}/runs/train/details"
    before = ada_there.call("GET", run, version=None).body["error"]["error"]["message"]
    values = {"params": {}, "source": "grid", "status": "FAILED", "reason": "its command exited with status 3"}
    Trial.objects.create(experiment=Experiment.objects.get(), number=0, **values)

    after = ada_there.call("GET", run, version=None).body["error"]["error"]["message"]

    assert (before, after) == ("its only trial failed", "its command exited with status 3")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("azureml:src:2", "{base}/codes/src/versions/2"),
        ("/subscriptions/s/codes/src/versions/2", "{base}/codes/src/versions/2"),
        ("./src", None),
        ("", None),
    ],
)
def test_code_is_told_by_an_id_that_clients_can_read(ada_there: Arm, sent: str, told: str | None) -> None:
    expected = told and told.format(base=ada_there.base)
    command = {"jobType": "Command", "command": "true", "codeId": sent}

    made = ada_there.put("train", command)
    ada_there.put("sweep", today(inputs={}, trial=a_trial(codeId=sent)))

    assert made.properties["codeId"] == expected
    assert ada_there.get("sweep").properties["trial"]["codeId"] == expected
    assert [ada_there.put(one, ada_there.get(one).properties).status for one in ("train", "sweep")] == [200, 200]
    assert set(Experiment.objects.values_list("version", flat=True)) == {1}


@pytest.mark.parametrize("member", ["codeId", "environmentId"])
def test_a_command_job_keeps_its_code_and_environment_also_where_versions_are_alike(
    ada_there: Arm, member: str
) -> None:
    first, second = (f"{ada_there.base}/{member.removesuffix('Id')}s/{name}/versions/1" for name in ("a", "b"))
    ada_there.put("train", {"jobType": "Command", "command": "true", member: first})

    answers = [
        ada_there.put("train", {"jobType": "Command", "command": "true", member: one}) for one in (first, second)
    ]

    assert [one.status for one in answers] == [200, 409]
    assert f"properties.{member}" in answers[1].error["message"]


def test_a_sweep_that_is_put_with_other_code_runs_that_from_then_on(ada_there: Arm) -> None:
    ids = [put_code(ada_there, upload(ada_there, {"train.py": text}, name), name).body["id"] for name, text in CODES]
    ada_there.put("sweep", today(inputs={}, trial=a_trial(codeId=ids[0])))
    before = Experiment.objects.get().job["command"]["code"]

    changed = ada_there.put("sweep", today(inputs={}, trial=a_trial(codeId=ids[1])))

    after = Experiment.objects.get().job["command"]["code"]
    assert (changed.status, changed.properties["trial"]["codeId"]) == (200, ids[1])
    assert before and after and before != after
    ada_there.cancel("sweep")
    assert ada_there.put("sweep", today(inputs={}, trial=a_trial(codeId=ids[1]))).status == 200
    assert ada_there.put("sweep", today(inputs={}, trial=a_trial(codeId=ids[0]))).status == 409


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("environments", {"listViewType": "Some"}, "listViewType"),
        ("environments/e/versions", {"listViewType": "Some"}, "listViewType"),
        ("data/d/versions", {"listViewType": "Some"}, "listViewType"),
        ("jobs", {"scheduled": "maybe"}, "scheduled"),
        (f"environments/{'x' * 256}", {}, "name"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_its_name(
    ada_there: Arm, path: str, query: dict[str, str], target: str
) -> None:
    ada_there.call("PUT", f"{ada_there.base}/environments/e/versions/1", {"properties": {}})
    ada_there.call("PUT", f"{ada_there.base}/data/d/versions/1", {"properties": {"dataUri": "https://example.org/a"}})

    answer = ada_there.call("GET", f"{ada_there.base}/{path}", **query)

    assert (answer.status, answer.error["target"]) == (400, target)
