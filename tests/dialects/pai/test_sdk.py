"""The unmodified official SDK against a live server: all 14 operations, as a user would write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_paiautoml20220828 import models as sdk
from alibabacloud_paiautoml20220828.client import Client
from alibabacloud_tea_openapi import models as openapi
from alibabacloud_tea_util import models as util
from Tea.exceptions import TeaException

from apps.trials import logs
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey
from tests.dialects.pai.conftest import measure
from tests.dialects.pai.documents import a_configuration

pytestmark = pytest.mark.django_db(transaction=True)


def client_of(served: str, key: IssuedKey, **config: Any) -> Client:
    given = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret, **config}
    return Client(openapi.Config(endpoint=served, protocol="HTTP", **given))


@pytest.fixture
def client(served: str, key_ada: IssuedKey) -> Client:
    return client_of(served, key_ada)


def creation(**members: Any) -> sdk.CreateHpoExperimentRequest:
    document = {"Name": "from the SDK", "HpoExperimentConfiguration": a_configuration(), **members}
    return sdk.CreateHpoExperimentRequest().from_map(document)


@pytest.fixture
def created(client: Client) -> str:
    answer = client.create_hpo_experiment(creation(Accessibility="PUBLIC"))
    return str(answer.body.experiment_id)


def test_create_answers_an_id_and_a_request_id(client: Client) -> None:
    answer = client.create_hpo_experiment(creation())

    assert answer.status_code == 200
    assert answer.body.experiment_id.isalnum()
    assert answer.body.request_id == answer.body.request_id.upper()


def test_list_finds_by_a_name_that_needs_encoding(client: Client) -> None:
    client.create_hpo_experiment(creation(Name="a b+c*~/é"))
    client.create_hpo_experiment(creation(Name="another"))

    request = sdk.ListHpoExperimentsRequest(name="B+C*~/é", page_number=1, sort_by="GmtCreateTime", order="DESC")
    found = client.list_hpo_experiments(request).body

    assert found.total_count == 1
    assert [row.name for row in found.experiments] == ["a b+c*~/é"]


def test_list_takes_empty_texts_and_dates(client: Client, created: str) -> None:
    request = sdk.ListHpoExperimentsRequest(
        name="",
        status="",
        min_create_time="2020-01-01 00:00:00",
        max_create_time="2100-01-01",
        include_config_data="True",
    )

    found = client.list_hpo_experiments(request).body

    assert [row.experiment_id for row in found.experiments] == [created]
    assert json.loads(found.experiments[0].search_space) == {"${lr}": {"_type": "uniform", "_value": [0.0, 10.0]}}


def test_get_tells_the_configuration(client: Client, created: str) -> None:
    found = client.get_hpo_experiment(created).body

    assert found.hpo_experiment_configuration["platform_config"]["name"] == "LOCAL"
    assert found.hpo_experiment_configuration["oss_config"]["accessKeySecret"] == "******"
    assert found.job_type == "1" and found.trial_count == 0 and found.deleted is False


def test_update_changes_what_is_sent(client: Client, created: str) -> None:
    request = sdk.UpdateHpoExperimentRequest(name="renamed", accessibility="PRIVATE")

    answer = client.update_hpo_experiment(created, request)

    assert answer.body.request_id
    found = client.get_hpo_experiment(created).body
    assert (found.name, found.accessibility, found.status) == ("renamed", "PRIVATE", "WAITING")


def test_stop_and_delete(client: Client, created: str) -> None:
    stopped = client.stop_hpo_experiment(created).body
    assert (stopped.exp_id, stopped.status) == (created, "USER_CANCELED")

    client.delete_hpo_experiment(created)

    with pytest.raises(TeaException) as error:
        client.get_hpo_experiment(created)
    assert error.value.code == "INVALID_USER_OR_EXP" and error.value.data["statusCode"] == 404


def test_experiment_logs(client: Client, created: str) -> None:
    request = sdk.ListHpoExperimentLogsRequest(log_name="nnimanager.log", page_number=1, page_size=40)

    found = client.list_hpo_experiment_logs(created, request).body

    assert found.total_count == len(found.logs) >= 1
    assert "created by ada" in found.logs[0]


def test_trials_are_listed_and_read(client: Client, created: str, trial_of: Callable[..., Trial]) -> None:
    trial = trial_of(created, 0, "FINISHED", value=0.5)
    trial_of(created, 1, "FAILED")
    measure(trial, 0.7, 0.5, name="loss=([0-9.]+)")

    request = sdk.ListHpoTrialsRequest(page_number=1, page_size=10, sort_by="FINAL_METRIC", order="ASC")
    found = client.list_hpo_trials(created, request).body
    one = client.get_hpo_trial(created, trial.key).body

    assert found.total_count == 2
    assert [row.status for row in found.trials] == ["SUCCEEDED", "FAILED"]
    assert one.final_metric == "0.5" and one.parameter_id == 0
    assert json.loads(one.hyperparam) == {"${lr}": 0.1}
    assert [entry["default"] for entry in json.loads(one.metric)] == [0.7, 0.5, 0.5]
    assert json.loads(one.metric)[-1]["type"] == "FINAL"


def test_trials_are_stopped_and_restarted(client: Client, created: str, trial_of: Callable[..., Trial]) -> None:
    waiting, failed = trial_of(created, 0, "CREATED"), trial_of(created, 1, "FAILED")

    stopped = client.stop_hpo_trials(created, sdk.StopHpoTrialsRequest([waiting.key])).body
    restarted = client.restart_hpo_trials(created, sdk.RestartHpoTrialsRequest(trial_ids=[failed.key])).body
    given = sdk.RestartHpoTrialsRequest(trial_hyper_parameters='{"${lr}": "0.25"}')
    client.restart_hpo_trials(created, given)

    assert stopped.results == {waiting.key: "successfully stopped trial"}
    assert restarted.results[failed.key].startswith("successfully restarted")
    assert Trial.objects.get(number=2).params == failed.params
    assert Trial.objects.get(number=3).params == {"lr": 0.25}


def test_trial_logs_names_and_commands(client: Client, created: str, trial_of: Callable[..., Trial]) -> None:
    trial = trial_of(created, 0, "FINISHED", value=1.0)
    folder = logs.attempt_folder(created, 0, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_text("one\ntwo\nthree\n")
    step = {"event": "ended", "id": "cmd1", "command": "python3 train.py", "out": [0, 8], "err": [0, 0]}
    (folder / "attempt.jsonl").write_text(json.dumps(step) + "\n")

    names = client.list_hpo_trial_log_names(created, trial.key).body.log_names
    request = sdk.ListHpoTrialLogsRequest(log_name="stdout", page_number=2, page_size=2)
    page = client.list_hpo_trial_logs(created, trial.key, request).body
    whole = client.list_hpo_trial_logs(created, trial.key, sdk.ListHpoTrialLogsRequest(log_name=names[0])).body
    commands = client.list_hpo_trial_commands(created, trial.key).body.commands

    assert (page.total_count, page.logs) == (3, ["three"])
    assert whole.logs == ["one", "two", "three"]
    assert [(one.id, one.command, one.output) for one in commands] == [(1, "python3 train.py", "one\ntwo\n")]


def test_tags_go_through_the_generic_call(client: Client) -> None:
    body = {
        "Name": "tagged",
        "HpoExperimentConfiguration": a_configuration(),
        "Tag": [{"Key": "group", "Value": "a b"}],
    }
    params = openapi.Params(
        action="CreateHpoExperiment",
        version="2022-08-28",
        protocol="HTTP",
        pathname="/api/automl/v1/hpo/experiment",
        method="POST",
        auth_type="AK",
        style="ROA",
        req_body_type="json",
        body_type="json",
    )
    created = client.call_api(params, openapi.OpenApiRequest(body=body), util.RuntimeOptions())
    client.create_hpo_experiment(creation())

    tag = json.dumps([{"Key": "group", "Value": "a b"}])
    runtime = util.RuntimeOptions(extends_parameters=util.ExtendsParameters(queries={"Tag": tag}))
    found = client.list_hpo_experiments_with_options(sdk.ListHpoExperimentsRequest(), {}, runtime).body

    assert [row.experiment_id for row in found.experiments] == [created["body"]["ExperimentId"]]


def test_a_wrong_secret_is_refused_in_the_gateway_s_words(served: str, key_ada: IssuedKey) -> None:
    client = client_of(served, key_ada, access_key_secret="not-it")

    with pytest.raises(TeaException) as error:
        client.list_hpo_experiments(sdk.ListHpoExperimentsRequest())

    assert error.value.code == "SignatureDoesNotMatch"


def test_the_old_signature_and_a_bearer_token_are_accepted(served: str, key_ada: IssuedKey) -> None:
    old = client_of(served, key_ada, signature_algorithm="v2")
    bearer = Client(openapi.Config(endpoint=served, protocol="HTTP", bearer_token=key_ada.token, type="bearer"))

    for client in (old, bearer):
        request = sdk.ListHpoExperimentsRequest(name="a b", status="")
        assert client.list_hpo_experiments(request).body.total_count == 0


def test_a_refusal_for_the_role_carries_its_detail(served: str, key_ben: IssuedKey) -> None:
    client = client_of(served, key_ben)

    with pytest.raises(TeaException) as error:
        client.create_hpo_experiment(creation())

    assert error.value.code == "NoPermission"
    assert error.value.accessDeniedDetail["NoPermissionType"] == "ImplicitDeny"


@pytest.mark.parametrize("key", ["a/b", "a b", "100%", "é", "..", "a?b"])
def test_an_id_of_odd_characters_does_not_exist_but_its_signature_holds(client: Client, key: str) -> None:
    with pytest.raises(TeaException) as error:
        client.get_hpo_experiment(key)

    assert error.value.code in ("INVALID_USER_OR_EXP", "InvalidAction.NotFound")


def test_an_experiment_out_of_reach_does_not_exist(served: str, created: str, key_cleo: IssuedKey) -> None:
    client = client_of(served, key_cleo)

    for operation in (client.get_hpo_experiment, client.stop_hpo_experiment, client.delete_hpo_experiment):
        with pytest.raises(TeaException) as error:
            operation(created)
        assert error.value.code == "INVALID_USER_OR_EXP"
