"""Creating, listing, reading, changing, stopping and deleting experiments through the native API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.dialects.models import Answered
from apps.experiments.models import Experiment
from apps.tuning import experiments
from apps.workspaces.models import Key
from tests.dialects.pai.conftest import Native
from tests.dialects.pai.documents import a_configuration
from tunebook.errors import SpecError


def names(answer: Any) -> list[str]:
    return [row["Name"] for row in answer["Experiments"]]


@pytest.fixture
def three(native: Native) -> list[str]:
    """Three experiments, created in March, April and May 2023 at noon and half a second."""
    keys = []
    for month, name in ((3, "alpha one"), (4, "Beta one"), (5, "gamma two")):
        tags = [{"Key": "month", "Value": str(month)}, {"Key": "year", "Value": "2023"}]
        key = native.create(Name=name, Tag=tags, Accessibility="PUBLIC" if month == 3 else "PRIVATE")["ExperimentId"]
        at = datetime(2023, month, 10, 12, 0, 0, 500_000, tzinfo=UTC)
        Experiment.objects.filter(key=key).update(created=at, modified=at.replace(year=2030 - month))
        keys.append(key)
    return keys


def test_an_experiment_that_is_created_again_with_the_same_key_is_the_same(native: Native) -> None:
    native.client.defaults["HTTP_IDEMPOTENCY_KEY"] = "k"
    first, second, other = native.create(Name="one"), native.create(Name="one"), native.create(Name="other")
    Answered.objects.update(body="")
    meanwhile = native.create(Name="one")

    assert (first.status, second.status, second.body) == (200, 200, first.body)
    assert (other.status, other.code) == (400, "IdempotentParameterMismatch")
    assert (meanwhile.status, meanwhile.code) == (409, "IdempotentProcessing")
    assert "Idempotency-Key: was used for another request" in other.message
    assert Experiment.objects.count() == 1


def test_a_created_experiment_is_listed(native: Native, experiment: str) -> None:
    answer = native.get("/experiments")

    assert answer.status == 200
    assert answer["TotalCount"] == 1
    (row,) = answer["Experiments"]
    assert row["ExperimentId"] == experiment
    assert row["Name"] == "First Sweep"
    assert row["JobType"] == "1"
    assert (row["Status"], row["TrialCount"], row["TrialStatus"], row["Deleted"]) == ("WAITING", 0, {}, False)
    assert isinstance(row["Creator"], str)
    assert row["GmtCreateTime"].endswith("Z") and "." not in row["GmtCreateTime"]
    assert row["Tags"] == [{"Key": "group", "Value": "vision"}, {"Key": "team", "Value": ""}]
    assert "ConfigIni" not in row


def test_defaults_of_a_created_experiment(native: Native) -> None:
    key = native.create()["ExperimentId"]

    row = native.get(f"/experiment/{key}").body

    assert (row["Accessibility"], row["WorkspaceId"], row["Name"], row["Tags"]) == ("PRIVATE", "lab", "", [])


def test_get_tells_the_configuration_without_its_secrets(native: Native, experiment: str) -> None:
    answer = native.get(f"/experiment/{experiment}")

    assert answer.status == 200
    assert answer["HpoExperimentConfiguration"]["platform_config"]["name"] == "LOCAL"
    assert "a-secret" not in str(answer.body) and "an-id" not in str(answer.body)
    assert "[platform_config]" in answer["ConfigIni"]
    assert "maxTrialNumber: 10" in answer["ConfigYml"]
    assert json.loads(answer["SearchSpace"])["${lr}"]["_type"] == "uniform"


def test_an_experiment_of_another_dialect_has_a_configuration_too(native: Native, make_experiment: Any) -> None:
    key = make_experiment().key

    answer = native.get(f"/experiment/{key}")

    assert answer.status == 200
    assert "${x}" in answer["HpoExperimentConfiguration"]["search_space"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["gamma two", "Beta one", "alpha one"]),
        ({"Order": "ASC"}, ["alpha one", "Beta one", "gamma two"]),
        ({"SortBy": "create_time", "Order": "asc"}, ["alpha one", "Beta one", "gamma two"]),
        ({"SortBy": "GmtModifiedTime"}, ["alpha one", "Beta one", "gamma two"]),
        ({"SortBy": "update_time", "Order": "ASC"}, ["gamma two", "Beta one", "alpha one"]),
        ({"SortBy": "accessibility"}, ["alpha one", "Beta one", "gamma two"]),
        ({"SortBy": "accessibility", "Order": "ASC"}, ["gamma two", "Beta one", "alpha one"]),
        ({"SortBy": "status", "Order": "ASC"}, ["gamma two", "Beta one", "alpha one"]),
        ({"SortBy": "workspace_id", "Order": "ASC"}, ["gamma two", "Beta one", "alpha one"]),
        ({"Name": "ONE"}, ["Beta one", "alpha one"]),
        ({"Name": "beta"}, ["Beta one"]),
        ({"Name": "%"}, []),
        ({"Name": "_"}, []),
        ({"MinCreateTime": "2023-04-01"}, ["gamma two", "Beta one"]),
        ({"MinCreateTime": "2023-04-10 12:00:00"}, ["gamma two", "Beta one"]),
        ({"MinCreateTime": "2023-04-10 12:00:01"}, ["gamma two"]),
        ({"MaxCreateTime": "2023-04-10 12:00:00"}, ["Beta one", "alpha one"]),
        ({"MaxCreateTime": "2023-04-10T11:59:59Z"}, ["alpha one"]),
        ({"MaxCreateTime": "2023-04-10"}, ["Beta one", "alpha one"]),
        ({"MaxCreateTime": "2023-04-09"}, ["alpha one"]),
        ({"Status": "waiting"}, ["gamma two", "Beta one", "alpha one"]),
        ({"Status": "RUNNING"}, []),
        ({"Status": "TERMINATING"}, []),
        ({"Accessibility": "PUBLIC"}, ["alpha one"]),
        ({"WorkspaceId": "lab"}, ["gamma two", "Beta one", "alpha one"]),
        ({"Creator": "999999999999999999999"}, []),
        ({"Creator": "ada"}, ["gamma two", "Beta one", "alpha one"]),
        ({"Tag": '[{"Key":"month","Value":"4"}]'}, ["Beta one"]),
        ({"Tag": '[{"Key":"month"}]', "Name": "alpha"}, ["alpha one"]),
        ({"Tag": '[{"Key":"month","Value":"4"},{"Key":"year","Value":"2023"}]'}, ["Beta one"]),
        ({"Tag": '[{"Key":"month","Value":"4"},{"Key":"year","Value":"2024"}]'}, []),
        ({"Tag": '[{"Key":"month","Value":""}]'}, []),
        ({"Tag.1.Key": "month", "Tag.1.Value": "5"}, ["gamma two"]),
        ({"Tag.1.Key": "month", "Tag.2.Key": "year", "Tag.2.Value": "2023"}, ["gamma two", "Beta one", "alpha one"]),
        ({"PageSize": "2"}, ["gamma two", "Beta one"]),
        ({"PageSize": "2", "PageNumber": "2"}, ["alpha one"]),
        ({"Name": "", "Status": "", "PageNumber": "", "Tag": ""}, ["gamma two", "Beta one", "alpha one"]),
    ],
)
def test_the_list_filters_sorts_and_pages(
    native: Native, three: list[str], query: dict[str, str], expected: list[str]
) -> None:
    answer = native.get("/experiments", **query)

    assert answer.status == 200
    assert names(answer) == expected


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"Status": "WAITING"},
        {"Accessibility": "PRIVATE"},
        {"WorkspaceId": "lab"},
        {"Creator": "ada"},
        {"Name": "one"},
        {"Tag.1.Key": "month"},
        {"MinCreateTime": "2023-04-01"},
        {"Name": "one", "Status": "WAITING"},
    ],
)
def test_the_total_counts_all_matches_whatever_the_page(
    native: Native, three: list[str], query: dict[str, str]
) -> None:
    everything = native.get("/experiments", PageSize="100", **query)

    for number in ("1", "2", "99"):
        page = native.get("/experiments", PageSize="1", PageNumber=number, **query)
        assert page["TotalCount"] == len(everything["Experiments"])
        assert len(page["Experiments"]) == (1 if int(number) <= page["TotalCount"] else 0)


def test_ten_are_listed_unless_told_otherwise(native: Native, make_experiment: Any) -> None:
    for number in range(11):
        make_experiment(name=str(number))

    assert len(native.get("/experiments")["Experiments"]) == 10


def test_ben_counts_what_he_may_see(native: Native, native_ben: Native, three: list[str]) -> None:
    answer = native_ben.get("/experiments")

    assert (answer["TotalCount"], names(answer)) == (1, ["alpha one"])


def test_configuration_comes_when_asked_for(native: Native, experiment: str) -> None:
    (row,) = native.get("/experiments", IncludeConfigData="tRuE")["Experiments"]

    assert "a-secret" not in row["ConfigIni"] and "[metric_config]" in row["ConfigIni"]
    assert row["ConfigYml"] and json.loads(row["SearchSpace"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, 3), ({"Status": "FINISHED"}, 2), ({"Status": "WAITING"}, 3), ({"Name": "sweep"}, 3), ({"Tag.1.Key": "t"}, 6)],
)
def test_the_list_keeps_its_number_of_queries(
    native: Native, make_experiment: Any, query: dict[str, str], expected: int
) -> None:
    counts = []
    for wave in range(2):
        for number in range(1 + 30 * wave):
            make_experiment(name=f"sweep {wave} {number}", tags=(("t", str(number)), ("u", "")))
        native.get("/experiments", **query)
        with CaptureQueriesContext(connection) as queries:
            native.get("/experiments", PageSize="100", **query)
        counts.append(len(queries))

    assert counts == [expected, expected]


@pytest.mark.parametrize("sort", ["CREATE_TIME", "STATUS", "WORKSPACE_ID"])
def test_pages_put_together_are_the_list(native: Native, native_ben: Native, make_experiment: Any, sort: str) -> None:
    for number in range(11):
        make_experiment(name=str(number), accessibility="PRIVATE" if number % 3 else "PUBLIC")

    for somebody in (native, native_ben):
        for order in ("ASC", "DESC"):
            asked = {"SortBy": sort, "Order": order}
            whole = names(somebody.get("/experiments", PageSize="100", **asked))
            pages = [somebody.get("/experiments", PageSize="3", PageNumber=str(page), **asked) for page in range(1, 6)]
            assert [name for page in pages for name in names(page)] == whole


def test_the_total_is_the_same_on_every_page_even_behind_the_last(native: Native, make_experiment: Any) -> None:
    for number in range(5):
        make_experiment(name=f"sweep {number}")
    make_experiment(name="other")

    for asked, total in ({"Name": "sweep"}, 5), ({"Name": "nothing"}, 0), ({"Status": "WAITING"}, 6):
        pages = [native.get("/experiments", PageSize="2", PageNumber=str(page), **asked) for page in range(1, 6)]
        assert [page["TotalCount"] for page in pages] == [total] * 5


def test_a_plain_list_counts_no_rows(native: Native, three: list[str]) -> None:
    for query in ({}, {"Status": "FINISHED"}, {"Accessibility": "PUBLIC"}, {"Creator": "ada"}):
        with CaptureQueriesContext(connection) as queries:
            native.get("/experiments", **query)
        assert not [one["sql"] for one in queries if "COUNT(" in one["sql"]]


def test_an_update_changes_only_what_is_sent(native: Native, experiment: str) -> None:
    before = native.get(f"/experiment/{experiment}").body

    answer = native.put(f"/experiment/{experiment}/update", {"Description": "new", "Tag": [{"Key": "only"}]})

    after = native.get(f"/experiment/{experiment}").body
    assert answer["Code"] == "SUCCESS"
    assert (after["Description"], after["Tags"]) == ("new", [{"Key": "only", "Value": ""}])
    assert after["Name"] == before["Name"] and after["ConfigIni"] == before["ConfigIni"]


def test_a_configuration_is_replaced_and_takes_effect(native: Native, experiment: str) -> None:
    document = a_configuration(yml_config={"trial_concurrency": 7, "max_trial_number": 70}, oss_config=None)
    document["yml_config"]["tuner"] = {"name": "Random", "class_args": {"optimize_mode": "minimize"}}

    answer = native.put(f"/experiment/{experiment}/update", {"HpoExperimentConfiguration": document})

    row = Experiment.objects.get(key=experiment)
    assert answer.status == 200
    assert (row.max_concurrent, row.max_trials) == (7, 70)
    assert native.get(f"/experiment/{experiment}")["HpoExperimentConfiguration"] == document


def test_what_this_api_has_no_words_for_is_shown_without_configuration(
    native: Native, experiment: str, monkeypatch: pytest.MonkeyPatch, make_experiment: Any
) -> None:
    def speechless(job: Any) -> None:
        raise SpecError("policy", "has no word in this form")

    monkeypatch.setattr("tunebook.wire.pai.dump", speechless)
    key = make_experiment().key

    answer = native.get(f"/experiment/{key}")

    assert (answer.status, answer["HpoExperimentConfiguration"], answer["ExperimentId"]) == (200, {}, key)
    assert native.get("/experiments", IncludeConfigData="True").status == 200


def test_a_change_made_elsewhere_shows_in_the_configuration(native: Native, experiment: str, actor_ada: Any) -> None:
    experiments.limit(actor_ada, experiments.find(actor_ada, experiment), max_trials=77)

    detail = native.get(f"/experiment/{experiment}").body
    (row,) = native.get("/experiments", IncludeConfigData="True")["Experiments"]

    assert detail["HpoExperimentConfiguration"]["yml_config"]["max_trial_number"] == 77
    assert "maxTrialNumber: 77" in detail["ConfigYml"] and row["ConfigYml"] == detail["ConfigYml"]


def test_asterisks_sent_back_stand_for_the_secrets_that_are_kept(native: Native, experiment: str) -> None:
    document = native.get(f"/experiment/{experiment}")["HpoExperimentConfiguration"]
    assert document["oss_config"]["accessKeySecret"] == "******"

    native.put(f"/experiment/{experiment}/update", {"HpoExperimentConfiguration": document})

    kept = json.loads(Experiment.objects.get(key=experiment).submitted)
    assert kept["oss_config"]["accessKeySecret"] == "a-secret"


def test_a_configuration_of_an_ended_experiment_stays(native: Native, experiment: str) -> None:
    native.put(f"/experiment/{experiment}/stop")

    refused = native.put(f"/experiment/{experiment}/update", {"HpoExperimentConfiguration": a_configuration()})
    renamed = native.put(f"/experiment/{experiment}/update", {"Name": "still possible"})

    assert (refused.status, refused.code) == (400, "INVALID_INPUT_PARAMS")
    assert renamed.status == 200


def test_an_empty_update_changes_nothing_and_is_well(native: Native, experiment: str) -> None:
    assert native.put(f"/experiment/{experiment}/update").status == 200
    assert native.put(f"/experiment/{experiment}/update", {"Name": None}).status == 200
    assert native.get(f"/experiment/{experiment}")["Name"] == "First Sweep"


def test_stopping_twice_is_stopping_once(native: Native, experiment: str) -> None:
    first = native.put(f"/experiment/{experiment}/stop")
    second = native.put(f"/experiment/{experiment}/stop")

    assert first["ExpId"] == experiment
    assert (first["Status"], second["Status"]) == ("USER_CANCELED", "USER_CANCELED")


def test_stopping_what_runs_is_terminating(native: Native, experiment: str, trial_of: Any) -> None:
    trial_of(experiment, 0, "RUNNING")

    answer = native.put(f"/experiment/{experiment}/stop")

    listed = native.get("/experiments", Status="TERMINATING")
    assert answer["Status"] == "TERMINATING"
    assert [(one["Name"], one["Status"]) for one in listed["Experiments"]] == [("First Sweep", "TERMINATING")]
    assert native.get(f"/experiment/{experiment}")["Status"] == "TERMINATING"
    elsewhere = native.get("/experiments", Status="RUNNING")
    assert (elsewhere["TotalCount"], elsewhere["Experiments"]) == (0, [])


def test_a_deleted_experiment_is_gone_from_every_answer(native: Native, experiment: str, trial_of: Any) -> None:
    trial = trial_of(experiment, 0)

    answer = native.put(f"/experiment/{experiment}/delete")

    assert answer.status == 200
    assert native.get("/experiments")["TotalCount"] == 0
    assert native.get("/experiments")["Experiments"] == []
    for path in ("", "/trials", f"/trial/{trial.key}"):
        assert native.get(f"/experiment/{experiment}{path}").status == 404
    assert native.put(f"/experiment/{experiment}/delete").status == 404


def test_text_is_kept_composed(native: Native) -> None:
    native.create(Name="re\u0301sume\u0301")

    assert native.get("/experiments", Name="r\u00e9sum\u00e9")["TotalCount"] == 1
    assert native.get("/experiments", Name="re\u0301sum")["TotalCount"] == 1


@pytest.mark.parametrize("part", ["été", "ÉTÉ à", "модель", "ΩΔ", "à 100%", "_"])
def test_the_case_of_a_name_does_not_matter_in_any_alphabet(native: Native, part: str) -> None:
    native.create(Name="Été à 100%_Модель ωδ")
    native.create(Name="Ete a 100 Model")

    assert native.get("/experiments", Name=part)["TotalCount"] == 1


def test_experiments_of_several_workspaces_are_listed_for_a_session(client: Any, ada: User, native: Native) -> None:
    from apps.workspaces.access import actor_of_user
    from apps.workspaces.models import Member, Workspace
    from tests.people import a_job

    other = Workspace.objects.create(slug="other", name="Other")
    Member.objects.create(workspace=other, user=ada, role="member")
    actor = actor_of_user(ada)
    experiments.create(actor, a_job(), workspace=other, name="there")
    experiments.create(actor, a_job(), workspace=Workspace.objects.get(slug="lab"), name="here")
    client.force_login(ada)

    body = client.get("/api/automl/v1/hpo/experiments?SortBy=workspace_id&Order=ASC").json()

    assert [row["WorkspaceId"] for row in body["Experiments"]] == ["lab", "other"]
    assert body["TotalCount"] == 2
    assert Key.objects.count() == 1


def test_trials_run_on_ray_where_the_server_has_one(native: Native, settings: Any) -> None:
    document = a_configuration(platform_config={"name": "ray", "cmd": ["true"], "cpus": "2", "gpus": 0.5})
    refused = native.create(HpoExperimentConfiguration=document)
    settings.TUNEBOOK_RAY_ADDRESS = "http://127.0.0.1:8265"

    taken = native.create(HpoExperimentConfiguration=document)

    assert refused.status == 400 and "platform_config.name" in str(refused.body) and "LOCAL" in str(refused.body)
    job = Experiment.objects.get(key=taken["ExperimentId"]).job
    assert job["platform"] == {"name": "RAY", "cpus": 2.0, "gpus": 0.5}
