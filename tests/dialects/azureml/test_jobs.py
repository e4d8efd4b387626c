"""ARM jobs: put, read, listed, cancelled and deleted, in both shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.dialects.azureml.models import ArmJob
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import experiments, trash
from apps.workspaces.access import Actor
from apps.workspaces.models import IssuedKey, Workspace
from tests.dialects.azureml.conftest import VERSION, Arm, a_trial
from tests.tunebook.wire.test_azureml import old, today
from tunebook.job import Job
from tunebook.wire import azureml
from tunebook.wire.azureml import OLD, TODAY

COMMAND = {"jobType": "Command", "command": "python a.py", "computeId": "azureml:cpu", "limits": {"timeout": "PT1H"}}
SHAPES = [(OLD, OLD), (VERSION, TODAY), ("2022-05-01", TODAY), ("2025-12-01", TODAY)]


@pytest.mark.parametrize(("version", "shape"), SHAPES)
def test_a_sweep_is_created_and_told(ada_there: Arm, version: str, shape: str) -> None:
    sent = old() if shape == OLD else today()

    answer = ada_there.put("sweep-1", sent, version=version)

    assert answer.status == 201
    assert answer.body["id"] == f"{ada_there.base}/jobs/sweep-1"
    assert (answer.body["name"], answer.body["type"]) == ("sweep-1", azureml.TYPE)
    assert (answer.properties["status"], answer.body["systemData"]["createdBy"]) == ("Queued", "ada")
    experiment = Experiment.objects.get()
    assert (experiment.dialect, json.loads(experiment.submitted)) == ("azureml", {"properties": sent})
    assert Job.from_dict(experiment.job) == azureml.load(sent, shape)
    assert ada_there.get("sweep-1", version=version).body == answer.body


def test_what_was_sent_is_in_the_answer(ada_there: Arm) -> None:
    sent = today()

    told = ada_there.put("sweep", sent).properties

    assert {name: told[name] for name in sent} == sent


@pytest.mark.parametrize(("put", "get"), [(OLD, VERSION), (VERSION, OLD)])
def test_a_job_is_read_in_the_shape_of_the_version_asked(ada_there: Arm, put: str, get: str) -> None:
    ada_there.put("sweep", version=put)

    told = ada_there.get("sweep", version=get).properties

    members = {OLD: ("algorithm", "compute", "maxTotalTrials"), VERSION: ("samplingAlgorithm", "computeId", "limits")}
    assert all(name in told for name in members[get]) and not any(name in told for name in members[put])


def test_a_command_job_is_an_experiment_of_one_trial(ada_there: Arm) -> None:
    answer = ada_there.put("train", COMMAND)

    assert (answer.status, answer.properties["jobType"], answer.properties["command"]) == (
        201,
        "Command",
        "python a.py",
    )
    assert Experiment.objects.get().max_trials == 1


def test_the_same_document_again_is_200_and_changes_nothing(ada_there: Arm) -> None:
    first = ada_there.put("sweep")

    second = ada_there.put("sweep")

    assert (first.status, second.status) == (201, 200)
    assert second.body == first.body
    assert [row.version for row in Experiment.objects.all()] == [1]


def test_an_answer_sent_back_changes_nothing(ada_there: Arm) -> None:
    first = ada_there.put("sweep")

    answer = ada_there.call("PUT", f"{ada_there.base}/jobs/sweep", first.body)

    assert (answer.status, Experiment.objects.get().version) == (200, 1)


def test_what_may_change_is_changed(ada_there: Arm) -> None:
    ada_there.put("sweep")
    sent = today(inputs={}, trial=a_trial())
    limits = {**sent["limits"], "maxTotalTrials": 20}
    changed = {
        **sent,
        "displayName": "Other",
        "description": "why",
        "tags": {"a": "b"},
        "properties": {"git": "https://example.org"},
        "limits": limits,
    }

    told = ada_there.put("sweep", changed).properties

    assert {name: told[name] for name in changed} == changed
    assert Experiment.objects.get().max_trials == 20
    assert ada_there.get("sweep").properties == told


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"computeId": "azureml:gpu"}, "computeId"),
        ({"experimentName": "audio"}, "experimentName"),
        ({"identity": {"identityType": "AMLToken"}}, "identity"),
        ({"jobType": "Command", "command": "x1"}, "jobType"),
    ],
)
def test_what_only_a_creation_sets_cannot_change(ada_there: Arm, changes: dict[str, Any], member: str) -> None:
    ada_there.put("sweep")

    answer = ada_there.put("sweep", {**today(inputs={}, trial=a_trial()), **changes})

    assert (answer.status, answer.error["code"]) == (409, "Conflict")
    assert f"properties.{member}" in answer.error["message"]


def test_a_command_job_keeps_its_command(ada_there: Arm) -> None:
    ada_there.put("train", COMMAND)

    answer = ada_there.put("train", {**COMMAND, "command": "python b.py"})

    assert answer.status == 409 and "properties.command" in answer.error["message"]


def test_an_ended_sweep_searches_nothing_else(ada_there: Arm) -> None:
    ada_there.put("sweep")
    ada_there.cancel("sweep")

    again = ada_there.put("sweep")
    other = ada_there.put("sweep", today(inputs={}, trial=a_trial(), limits={"maxTotalTrials": 3}))

    assert (again.status, other.status, other.error["code"]) == (200, 409, "Conflict")
    assert other.error["message"].endswith("it is Canceled")


def test_tags_that_ours_cannot_hold_come_back_all_the_same(ada_there: Arm) -> None:
    tags = {"repository": "https://example.org/a", "long": "x" * 300, "team": "vision", "experiment": "mine"}

    ada_there.put("sweep", today(tags=tags))

    assert ada_there.get("sweep").properties["tags"] == tags
    ours = {tag.key: tag.value for tag in Experiment.objects.get().tags.all()}
    assert ours == {"experiment": "vision", "team": "vision"}


def test_changes_on_a_page_are_told(ada_there: Arm, actor_ada: Actor) -> None:
    ada_there.put("sweep")
    experiment = Experiment.objects.get()
    experiments.update(
        actor_ada, experiment, experiments.Changes(name="Renamed", description="new", tags=(("a", "1"),))
    )
    experiments.limit(actor_ada, experiment, max_trials=3)

    told = ada_there.get("sweep").properties

    assert (told["displayName"], told["description"], told["tags"]) == ("Renamed", "new", {"a": "1"})
    assert told["limits"]["maxTotalTrials"] == 3
    assert told["trial"]["command"] == "train ${{search_space.lr}}"


def test_cancel_answers_200_once_and_again(ada_there: Arm) -> None:
    ada_there.put("sweep")

    first, second = ada_there.cancel("sweep"), ada_there.cancel("sweep")

    assert (first.status, first.body, second.status) == (200, None, 200)
    assert ada_there.get("sweep").properties["status"] == "Canceled"
    old = ada_there.get("sweep", version=OLD).properties
    assert (old["status"], old["provisioningState"]) == ("Canceled", "Succeeded")


def test_a_deleted_job_is_gone_and_its_name_is_free(ada_there: Arm) -> None:
    ada_there.put("sweep")

    first, second = ada_there.delete("sweep"), ada_there.delete("sweep")

    assert (first.status, second.status, ada_there.get("sweep").status) == (200, 204, 404)
    assert ada_there.put("sweep").status == 201
    assert Experiment.objects.kept().count() == 1 and Experiment.objects.count() == 2


def test_a_deleted_job_that_is_restored_has_its_name_again(ada_there: Arm, actor_ada: Actor) -> None:
    ada_there.put("sweep")
    ada_there.delete("sweep")

    trash.restore(actor_ada, Experiment.objects.get())

    assert ada_there.get("sweep").status == 200


def test_pages_of_a_list_follow_each_other(ada_there: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.dialects.azureml.jobs.PAGE", 2)
    for number in range(5):
        ada_there.put(f"sweep-{number}")

    names, link, pages = [], "", 0
    while link is not None:
        found = ada_there.client.get(link).json() if link else ada_there.list().body
        names += [one["name"] for one in found["value"]]
        link, pages = found["nextLink"], pages + 1

    assert names == [f"sweep-{number}" for number in (4, 3, 2, 1, 0)]
    assert pages == 3


def test_a_list_is_narrowed(ada_there: Arm) -> None:
    ada_there.put("sweep", today(inputs={}, trial=a_trial(), tags={"team": "a", "site": "https://example.org"}))
    ada_there.put("train", COMMAND)
    ada_there.put("hidden", today(inputs={}, trial=a_trial(), isArchived=True, tags={"other": ""}))

    def names(**query: str) -> list[str]:
        return [one["name"] for one in ada_there.list(**query).body["value"]]

    assert names() == ["train", "sweep"]
    assert names(listViewType="All") == ["hidden", "train", "sweep"]
    assert names(listViewType="ArchivedOnly") == ["hidden"]
    assert names(jobType="Command") == ["train"]
    assert names(jobType="Sweep") == ["sweep"]
    assert names(jobType="Pipeline") == []
    assert names(tag="team") == names(tags="team=a") == names(tag="site") == ["sweep"]
    assert names(experimentName="vision") == ["sweep"]
    assert names(somethingElse="x") == ["train", "sweep"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"tags": "site=https://example.org"}, ["sweep"]),
        ({"tags": "site=https://example.com"}, []),
        ({"tags": "team=a, site"}, ["sweep"]),
        ({"tags": "team=a,nothing"}, []),
        ({"properties": "git"}, ["sweep"]),
        ({"properties": "git=main"}, ["sweep"]),
        ({"properties": "git=main, other"}, []),
        ({"properties": "git=feature"}, []),
        ({"properties": "a__b=c"}, ["train"]),
        ({"scheduled": "true"}, []),
        ({"scheduled": "false"}, ["train", "sweep"]),
        ({"scheduleId": "nightly"}, []),
        ({"assetName": "model"}, []),
    ],
)
def test_a_list_is_narrowed_by_what_only_this_wire_says(
    ada_there: Arm, query: dict[str, str], names: list[str]
) -> None:
    tags = {"team": "a", "site": "https://example.org"}
    ada_there.put("sweep", today(inputs={}, trial=a_trial(), tags=tags, properties={"git": "main"}))
    ada_there.put("train", {**COMMAND, "properties": {"a__b": "c"}})

    assert [one["name"] for one in ada_there.list(**query).body["value"]] == names


def test_experiments_of_other_wires_are_jobs_under_their_keys(
    ada_there: Arm, make_experiment: Callable[..., Experiment]
) -> None:
    experiment = make_experiment(name="PAI's")

    told = ada_there.get(experiment.key)
    archived = ada_there.call(
        "PUT",
        f"{ada_there.base}/jobs/{experiment.key}",
        {**told.body, "properties": {**told.properties, "isArchived": True}},
    )

    assert (told.status, told.properties["displayName"], told.properties["jobType"]) == (200, "PAI's", "Sweep")
    assert (archived.status, archived.properties["isArchived"]) == (200, True)
    assert [one["name"] for one in ada_there.list().body["value"]] == []
    experiment.refresh_from_db()
    assert experiment.version == 1


@pytest.mark.parametrize("name", ["tag", "experimentName", "jobType", "$skip"])
def test_a_filter_that_no_database_takes_is_refused_by_its_name(ada_there: Arm, name: str) -> None:
    answer = ada_there.list(**{name: "a\0"})

    assert (answer.status, answer.error["target"]) == (400, name)


def test_jobs_of_other_wires_say_in_which_experiment_they_are(
    ada_there: Arm, make_experiment: Callable[..., Experiment]
) -> None:
    key = make_experiment(tags=[("experiment", "audio"), ("team", "a")]).key
    ada_there.put("plain", {**COMMAND, "experimentName": None})

    def names(**query: str) -> list[str]:
        return [one["name"] for one in ada_there.list(**query).body["value"]]

    told = ada_there.get(key)
    again = ada_there.put(key, {**told.properties, "tags": {"team": "b"}})

    assert (told.properties["experimentName"], told.properties["tags"]) == ("audio", {"team": "a"})
    assert (again.status, again.properties["experimentName"], again.properties["tags"]) == (200, "audio", {"team": "b"})
    assert names(experimentName="audio") == names(tag="team") == [key]
    assert names(experimentName="Default") == ["plain"]
    assert names(tag="experiment") == []  # it is no tag on this wire


def test_trials_are_jobs_too(ada_there: Arm) -> None:
    ada_there.put("sweep")
    experiment = Experiment.objects.get()
    Trial.objects.create(experiment=experiment, number=3, params={"lr": 0.05, "bs": 16}, source="random")

    told = ada_there.get("sweep_3")

    assert (told.status, told.properties["jobType"], told.properties["command"]) == (
        200,
        "Command",
        "train 0.05",
    )
    assert told.properties["parameters"] == {"lr": "0.05", "bs": "16"}
    assert ada_there.get("sweep_4").status == 404


def test_words_of_the_address_are_compared_without_case(ada_there: Arm) -> None:
    path = f"{ada_there.base}/jobs/a".replace("resourceGroups", "resourcegroups").replace("Microsoft", "microsoft")

    assert ada_there.call("PUT", path, {"properties": today()}).status == 201


@pytest.mark.parametrize("version", [None, "", "2021-03-01", "2022-02-01-preview", "latest"])
def test_an_unknown_version_is_400(ada_there: Arm, version: str | None) -> None:
    answer = ada_there.put("sweep", today(), version=version)

    assert (answer.status, answer.error["code"]) == (400, "InvalidApiVersionParameter")
    assert not Experiment.objects.exists()


def test_a_missing_or_wrong_token_is_401(workspace: Workspace) -> None:
    for token in (None, "tb_wrong"):
        answer = Arm(token, workspace.slug).put("sweep")
        assert (answer.status, answer.error["code"]) == (401, "InvalidAuthenticationToken")


def test_a_viewer_reads_but_changes_nothing(ada_there: Arm, ben_there: Arm) -> None:
    ada_there.put("sweep")

    answers = [ben_there.put("other"), ben_there.put("sweep", today()), ben_there.cancel("sweep")]

    assert [answer.status for answer in [*answers, ben_there.delete("sweep")]] == [403] * 4
    assert ben_there.get("sweep").status == 200
    assert answers[0].error["code"] == "AuthorizationFailed"


def test_a_foreign_workspace_is_404(ada_there: Arm, cleo_there: Arm) -> None:
    ada_there.put("sweep")

    answers = [cleo_there.get("sweep"), cleo_there.put("mine"), cleo_there.list(), cleo_there.cancel("sweep")]

    assert {(answer.status, answer.error["code"]) for answer in answers} == {(404, "ResourceNotFound")}


def test_names_are_unique_per_workspace_only(ada_there: Arm, key_cleo: IssuedKey) -> None:
    elsewhere = Arm(key_cleo.token, "elsewhere")

    assert (ada_there.put("sweep").status, elsewhere.put("sweep").status) == (201, 201)
    assert ArmJob.objects.count() == 2


@pytest.mark.parametrize("name", ["-a", "_a", "a b", "a.b", "é", "x" * 256])
def test_a_name_that_no_job_can_have_is_400(ada_there: Arm, name: str) -> None:
    answer = ada_there.put(name)

    assert (answer.status, answer.error["target"]) == (400, "id")


@pytest.mark.parametrize("text", [b"{", b"[]", b"3", b"\xff\xfe", b'{"properties": NaN}', b'{"a": 1, "a": 2}'])
def test_a_body_that_is_no_object_is_400(ada_there: Arm, text: bytes) -> None:
    answer = ada_there.call("PUT", f"{ada_there.base}/jobs/a", text)

    assert (answer.status, answer.error["code"]) == (400, "InvalidRequestContent")


@pytest.mark.parametrize("document", [{}, {"properties": None}, {"properties": 3}, {"properties": []}])
def test_a_body_without_properties_is_400(ada_there: Arm, document: Any) -> None:
    answer = ada_there.call("PUT", f"{ada_there.base}/jobs/a", document)

    assert (answer.status, answer.error["target"]) == (400, "properties")


def test_other_bodies_and_methods_are_refused_in_the_envelope(ada_there: Arm) -> None:
    path = f"{ada_there.base}/jobs/a"
    kinds = {"query_params": {"api-version": VERSION}}

    text = ada_there.client.put(path, b"hello", content_type="text/plain", **kinds)
    large = ada_there.client.put(path, b" " * 1_100_000, content_type="application/json", **kinds)
    patch = ada_there.call("PATCH", path, {})
    nowhere = Client().get("/subscriptions/nonsense")

    statuses = [text.status_code, large.status_code, patch.status, nowhere.status_code]
    assert statuses == [415, 413, 405, 404]
    assert patch.error["code"] == "MethodNotAllowed"
    assert nowhere.json()["error"]["code"] == "ResourceNotFound"


def test_a_group_that_cannot_be_is_400(ada_there: Arm) -> None:
    path = f"{ada_there.base}/jobs".replace("resourceGroups/g", "resourceGroups/a!b")

    assert ada_there.call("GET", path).error["target"] == "resourceGroup"


def test_a_broken_continuation_is_400(ada_there: Arm) -> None:
    for word in ("x", "eA", "%%", "é"):
        assert ada_there.list(**{"$skip": word}).status == 400


@pytest.mark.parametrize("count", [1, 20])
def test_a_list_costs_a_fixed_number_of_queries(ada_there: Arm, count: int, django_assert_max_num_queries: Any) -> None:
    for number in range(count):
        ada_there.put(f"sweep-{number}")

    with django_assert_max_num_queries(5):
        assert len(ada_there.list().body["value"]) == count


def test_a_list_is_put_in_order_without_the_documents(ada_there: Arm) -> None:
    ada_there.put("sweep")

    with CaptureQueriesContext(connection) as queries:
        ada_there.list()

    (ordered,) = [one["sql"] for one in queries if 'ORDER BY "experiments_experiment"' in one["sql"]]
    assert '"submitted"' not in ordered


def test_a_job_costs_a_fixed_number_of_queries(ada_there: Arm, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(34):
        ada_there.put("sweep")
    with django_assert_max_num_queries(5):
        ada_there.get("sweep")


def test_a_job_that_came_as_a_file_is_told_and_archived_too(
    ada_there: Arm, make_experiment: Callable[..., Experiment]
) -> None:
    text = "jobType: Sweep\n"  # kept word for word by our own API, in whatever notation
    experiment = make_experiment(dialect="azureml", submitted=text)

    told = ada_there.get(experiment.key)
    body = {**told.body, "properties": {**told.properties, "isArchived": True}}
    answer = ada_there.call("PUT", f"{ada_there.base}/jobs/{experiment.key}", body)

    assert (told.status, answer.status, ada_there.get(experiment.key).status) == (200, 200, 200)
    assert ada_there.get(experiment.key).properties["isArchived"]
