"""The API by plain requests: what a trial may do, what a key may, and what everybody else is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.artifacts import artifacts
from apps.artifacts.models import Artifact, Remark
from apps.trials.models import Attempt, Measurement, Trial
from tests.dialects.mlflow.conftest import Mlflow, Running

EVERY_CALL = [
    ("GET", "runs/get"),
    ("POST", "runs/update"),
    ("POST", "runs/create"),
    ("POST", "runs/delete"),
    ("POST", "runs/restore"),
    ("POST", "runs/search"),
    ("POST", "runs/log-metric"),
    ("POST", "runs/log-batch"),
    ("POST", "runs/log-parameter"),
    ("POST", "runs/set-tag"),
    ("POST", "runs/delete-tag"),
    ("POST", "runs/log-inputs"),
    ("POST", "runs/outputs"),
    ("POST", "runs/log-model"),
    ("GET", "metrics/get-history"),
    ("GET", "metrics/get-history-bulk"),
    ("GET", "metrics/get-history-bulk-interval"),
    ("GET", "experiments/get"),
    ("GET", "experiments/get-by-name"),
    ("POST", "experiments/search"),
    ("POST", "experiments/create"),
    ("POST", "experiments/update"),
    ("POST", "logged-models"),
    ("POST", "logged-models/search"),
    ("GET", "logged-models/m-1"),
    ("PATCH", "logged-models/m-1"),
    ("DELETE", "logged-models/m-1"),
    ("GET", "artifacts/list"),
]
NONSENSE: list[Any] = [
    b"",
    b"[]",
    b"{",
    b"null",
    b"\xff\xfe",
    b'{"run_id": 7}',
    b'{"run_id": {"a": []}, "metrics": 7, "experiment_ids": {}, "key": [], "tags": "x", "filter": 3}',
    b'{"run_id": "\\u0000", "key": "\\ud800"}',
    b'{"a": 1, "a": 2}',
    b'{"value": NaN}',
    b'{"max_results": -1, "page_token": "x", "filter": "metrics.loss <", "order_by": [";"]}',
    b"[" * 10_000,
]


def metric(step: int = 0, value: Any = 0.5, key: str = "loss", at: int = 1_700_000_000_000) -> dict[str, Any]:
    return {"key": key, "value": value, "timestamp": at, "step": step}


@pytest.mark.parametrize(("method", "path"), EVERY_CALL)
def test_nonsense_is_never_our_fault(script: Mlflow, method: str, path: str) -> None:
    query = "?run_id=%00&metric_key=%ff&max_results=x&path=../..&experiment_id=%F0" if method == "GET" else ""

    for body in NONSENSE:
        response = script.send(method, f"mlflow/{path}{query}", body, content_type="application/json")

        assert response.status_code < 500, (body, response.content)
        if response.status_code >= 400:
            assert set(json.loads(response.content)) == {"error_code", "message"}


@pytest.mark.parametrize(("method", "path"), EVERY_CALL)
def test_without_a_token_everything_is_refused(db: None, method: str, path: str) -> None:
    response = Client().generic(method, f"/api/2.0/mlflow/{path}", b"{}", content_type="application/json")

    assert response.status_code == 401
    assert json.loads(response.content)["error_code"] == "UNAUTHENTICATED"


def test_what_is_no_endpoint_is_said_to_be_none(script: Mlflow) -> None:
    for path in ("nothing", "registered-models/create", "model-versions/get", "scorers/list"):
        answer = script.post(path)
        assert (answer.status, answer.body["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_a_run_of_another_trial_is_not_there(script: Mlflow, start: Any) -> None:
    other = start(1)

    for answer in (
        script.get("runs/get", run_id=other.id),
        script.post("runs/log-metric", run_id=other.id, **metric()),
        script.post("runs/set-tag", run_id=other.id, key="a", value="b"),
        script.get("metrics/get-history", run_id=other.id, metric_key="loss"),
    ):
        assert (answer.status, answer.body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_metrics_go_to_the_trial_with_their_strange_values(script: Mlflow, running: Running) -> None:
    values = [0.5, 1, "NaN", "Infinity", "-Infinity", 1e308, -0.0, 5e-324]

    for step, value in enumerate(values):
        assert script.post("runs/log-metric", run_id=running.id, **metric(step, value)).status == 200

    found = script.get("metrics/get-history", run_id=running.id, metric_key="loss").body["metrics"]
    assert [one["value"] for one in found] == [0.5, 1.0, "NaN", "Infinity", "-Infinity", 1e308, 0.0, 5e-324]
    assert [one["timestamp"] for one in found] == [1_700_000_000_000] * 8
    running.trial.refresh_from_db()
    assert (running.trial.last_step, running.trial.value_count) == (7, 5)


def test_steps_below_0_go_before_the_others(script: Mlflow, running: Running) -> None:
    for step, value in [(-2, 0.9), (-1, 0.8), (0, 0.7), (-1, 0.8)]:
        assert script.post("runs/log-metric", run_id=running.id, **metric(step, value)).status == 200

    found = script.get("metrics/get-history", run_id=running.id, metric_key="loss").body["metrics"]
    query = {"run_ids": running.id, "metric_key": "loss", "start_step": -1, "end_step": -1}
    warm_up = script.get("metrics/get-history-bulk-interval", **query).body["metrics"]
    assert [(one["step"], one["value"]) for one in found] == [(-2, 0.9), (-1, 0.8), (0, 0.7)]
    assert [one["step"] for one in warm_up] == [-1]
    running.trial.refresh_from_db()
    assert (running.trial.last_step, running.trial.last_value) == (0, 0.7)


def test_a_curve_may_end_below_0(script: Mlflow, running: Running) -> None:
    for step, value in [(-5, 0.9), (-3, 0.7), (-4, 0.8)]:
        assert script.post("runs/log-metric", run_id=running.id, **metric(step, value)).status == 200

    run = script.get("runs/get", run_id=running.id).body["run"]
    assert [(one["step"], one["value"]) for one in run["data"]["metrics"]] == [(-3, 0.7)]
    running.trial.refresh_from_db()
    assert (running.trial.last_step, running.trial.last_value) == (-3, 0.7)


def test_numbers_may_come_as_text_where_protocol_buffers_write_them_so(script: Mlflow, running: Running) -> None:
    document = {"key": "loss", "value": 0.5, "timestamp": "1700000000000", "step": "3"}

    assert script.post("runs/log-metric", run_id=running.id, **document).status == 200
    assert Measurement.objects.get().step == 3


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (metric(-(2**53)), "step"),
        (metric(2**53), "step"),
        (metric(1.5), "step"),  # type: ignore[arg-type]  # what a script may send all the same
        (metric(value="much"), "value"),
        (metric(value=True), "value"),
        (metric(value=None), "value"),
        (metric(value=[1]), "value"),
        (metric(key="x" * 251), "key"),
        (metric(key="a\nb"), "key"),
        (metric(at=-1), "timestamp"),
        (metric(at=10**18), "timestamp"),
    ],
)
def test_a_wrong_metric_is_refused_by_name(
    script: Mlflow, running: Running, document: dict[str, Any], field: str
) -> None:
    one = script.post("runs/log-metric", run_id=running.id, **document)
    many = script.post("runs/log-batch", run_id=running.id, metrics=[metric(0), document])

    assert (one.status, one.body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert one.body["message"].startswith(f"{field}:")
    assert many.body["message"].startswith(f"metrics[1].{field}:")
    assert not Measurement.objects.exists()


def test_a_batch_has_its_limits(script: Mlflow, running: Running) -> None:
    for name, count in (("metrics", 1001), ("params", 101), ("tags", 101)):
        items = [metric(n) if name == "metrics" else {"key": str(n), "value": ""} for n in range(count)]
        answer = script.post("runs/log-batch", run_id=running.id, **{name: items})
        assert (answer.status, answer.body["message"].split(":")[0]) == (400, name)


def test_more_metrics_than_a_run_may_have_are_refused_by_their_number(script: Mlflow, running: Running) -> None:
    many = [{"key": f"m{number}", "value": 1.0, "timestamp": 0, "step": 0} for number in range(600)]

    answer = script.post("runs/log-batch", run_id=running.id, metrics=many)

    assert (answer.status, answer.body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "at most 512 metrics" in answer.body["message"]


def test_a_batch_is_stored_whole_or_not_at_all(script: Mlflow, running: Running) -> None:
    script.post("runs/log-parameter", run_id=running.id, key="a", value="1")

    answer = script.post("runs/log-batch", run_id=running.id, metrics=[metric()], params=[{"key": "a", "value": "2"}])

    assert (answer.status, answer.body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "'a' is '1' already" in answer.body["message"]
    assert not Measurement.objects.exists()


def test_a_parameter_stays_within_an_attempt_and_may_change_in_the_next(script: Mlflow, running: Running) -> None:
    def log(value: str) -> int:
        return script.post("runs/log-parameter", run_id=running.id, key="host", value=value).status

    assert [log("one"), log("one"), log("two")] == [200, 200, 400]

    token = Attempt.objects.get().token_hash
    Attempt.objects.update(token_hash="old")
    Attempt.objects.create(
        trial=running.trial, experiment=running.experiment, number=2, launch_key="second", token_hash=token
    )
    Trial.objects.update(attempt_count=2)
    assert log("two") == 200
    assert Remark.objects.get(kind="param").text == "two"


def test_a_trial_keeps_only_so_many_words(script: Mlflow, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.artifacts.remarks.MOST_PER_TRIAL", 3)

    tags = [{"key": str(number), "value": ""} for number in range(4)]
    assert script.post("runs/log-batch", run_id=running.id, tags=tags[:3]).status == 200
    assert script.post("runs/log-batch", run_id=running.id, tags=tags[:3]).status == 200
    assert script.post("runs/log-batch", run_id=running.id, tags=tags[3:]).status == 400


def test_a_superseded_attempt_and_one_long_ended_may_do_nothing(script: Mlflow, running: Running) -> None:
    Attempt.objects.update(ended=timezone.now() - timezone.timedelta(minutes=11))
    ended = script.get("runs/get", run_id=running.id)
    Attempt.objects.update(fenced=True, ended=None)
    fenced = script.get("runs/get", run_id=running.id)

    assert (ended.status, fenced.status) == (403, 403)
    assert "has ended" in ended.body["message"] and "superseded" in fenced.body["message"]


def test_the_status_of_a_script_is_advice_until_its_trial_has_ended(script: Mlflow, running: Running) -> None:
    script.post("runs/update", run_id=running.id, status="FINISHED", end_time=1_700_000_000_000, run_name="mine")
    said = script.get("runs/get", run_id=running.id).body["run"]["info"]
    running.trial.refresh_from_db()
    Trial.objects.update(status="FAILED", ended=timezone.now())
    found = script.get("runs/get", run_id=running.id).body["run"]["info"]

    assert (said["status"], said["run_name"], said["end_time"]) == ("FINISHED", "mine", 1_700_000_000_000)
    assert running.trial.status == "RUNNING"
    assert found["status"] == "FAILED"


def test_the_tag_of_a_runs_name_renames_it(script: Mlflow, running: Running) -> None:
    names = []
    for call in ({"key": "mlflow.runName", "value": "one"}, {"tags": [{"key": "mlflow.runName", "value": "two"}]}):
        script.post("runs/log-batch" if "tags" in call else "runs/set-tag", run_id=running.id, **call)
        run = script.get("runs/get", run_id=running.id).body["run"]
        names += [
            run["info"]["run_name"],
            *(tag["value"] for tag in run["data"]["tags"] if tag["key"] == "mlflow.runName"),
        ]

    assert names == ["one", "one", "two", "two"]


def test_values_that_are_too_long_are_cut_and_fail_no_script(script: Mlflow, running: Running) -> None:
    long = [{"key": "long", "value": "x" * 20_000}]

    answers = [
        script.post("runs/log-parameter", run_id=running.id, key="alone", value="x" * 20_000),
        script.post("runs/log-batch", run_id=running.id, params=long, tags=long),
    ]

    data = script.get("runs/get", run_id=running.id).body["run"]["data"]
    assert [answer.status for answer in answers] == [200, 200]
    assert {one["key"]: len(one["value"]) for one in data["params"] if one["key"] != "x"} == {
        "alone": 6_000,
        "long": 6_000,
    }
    assert [len(one["value"]) for one in data["tags"] if one["key"] == "long"] == [8_000]


def test_every_name_and_id_means_the_trials_own_experiment(script: Mlflow, running: Running) -> None:
    key = running.experiment.key

    assert script.get("experiments/get-by-name", experiment_name="anything").body["experiment"]["experiment_id"] == key
    assert script.post("experiments/create", name="another").body == {"experiment_id": key}
    assert script.get("experiments/get", experiment_id="0").body["experiment"]["experiment_id"] == key
    assert script.post("runs/create", experiment_id="0").body["run"]["info"]["run_id"] == running.id


# Keys of a workspace


def test_a_key_reads_runs_and_logs_nothing(ada_there: Mlflow, ben_there: Mlflow, running: Running) -> None:
    for there in (ada_there, ben_there):
        assert there.get("runs/get", run_id=running.id).body["run"]["data"]["params"] == [{"key": "x", "value": "0.5"}]
        for path in ("runs/log-metric", "runs/log-parameter"):
            answer = there.post(path, run_id=running.id, **metric())
            assert (answer.status, answer.body["error_code"]) == (403, "PERMISSION_DENIED")
        made = there.post("runs/create", experiment_id=running.experiment.key)
        assert (made.status, "command" in made.body["message"]) == (403, True)


def test_tags_may_be_set_by_those_who_may_edit(ada_there: Mlflow, ben_there: Mlflow, running: Running) -> None:
    tag = {"run_id": running.id, "key": "checked", "value": "yes"}

    assert ben_there.post("runs/set-tag", **tag).status == 403
    assert ada_there.post("runs/set-tag", **tag).status == 200
    assert {"key": "checked", "value": "yes"} in ben_there.get("runs/get", run_id=running.id).body["run"]["data"][
        "tags"
    ]
    assert ada_there.post("runs/delete-tag", run_id=running.id, key="checked").status == 200
    assert ada_there.post("runs/delete-tag", run_id=running.id, key="checked").status == 404


def test_outsiders_find_nothing(cleo_there: Mlflow, running: Running) -> None:
    artifacts.add(running.experiment, running.trial, "a.txt", b"secret")

    assert cleo_there.get("runs/get", run_id=running.id).status == 404
    assert cleo_there.get("experiments/get", experiment_id=running.experiment.key).status == 404
    assert cleo_there.post("experiments/search").body == {"experiments": []}
    assert cleo_there.post("runs/search", experiment_ids=[running.experiment.key]).body == {"runs": []}
    assert cleo_there.send("GET", f"{running.root}/a.txt").status_code == 404
    assert cleo_there.send("PUT", f"{running.root}/b.txt", b"x").status_code == 404


def test_deleting_a_run_leaves_it_out_and_restoring_takes_it_back(
    ada_there: Mlflow, ben_there: Mlflow, start: Any
) -> None:
    ended = start(0, status="FINISHED", value=0.5)
    Trial.objects.update(ended=timezone.now())

    assert ben_there.post("runs/delete", run_id=ended.id).status == 403
    assert ada_there.post("runs/delete", run_id=ended.id).body == {}
    assert ada_there.get("runs/get", run_id=ended.id).body["run"]["info"]["lifecycle_stage"] == "deleted"
    assert ada_there.post("runs/search", experiment_ids=[ended.experiment.key]).body == {"runs": []}
    assert ada_there.post("runs/restore", run_id=ended.id).body == {}
    assert len(ada_there.post("runs/search", experiment_ids=[ended.experiment.key]).body["runs"]) == 1


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("", [2, 1, 0]),
        ("metrics.loss < 0.25", [2, 1]),
        ("metrics.loss < 0.25 AND metrics.`loss` >= 0.15", [1]),
        ("params.x = '0.5'", [0]),
        ("params.x != '0.5' and attributes.status = 'RUNNING'", [2, 1]),
        ("tags.kind LIKE 'o%'", [1]),
        ("tags.kind ILIKE 'O_E' ", [1]),
        ("attributes.run_name IN ('trial 0', 'trial 2')", [2, 0]),
        ("attributes.run_name NOT IN ('trial 0')", [2, 1]),
        ("attributes.`Run name` = 'trial 1'", [1]),
        ("attributes.Created > 1", [2, 1, 0]),
        ("attributes.artifact_uri LIKE 'mlflow-artifacts:/%'", [2, 1, 0]),
        ("params.none IS NULL", [2, 1, 0]),
        ("metrics.none > 1", []),
        ("metrics.loss = '0.2'", [1]),
        ("attributes.start_time > '1'", [2, 1, 0]),
        ("params.start_time IS NULL", [2, 1, 0]),
    ],
)
def test_runs_are_searched(ada_there: Mlflow, start: Any, wanted: str, numbers: list[int]) -> None:
    for number in range(3):
        one = start(number, params={"x": [0.5, 0.6, 0.7][number]})
        Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric(0, [0.3, 0.2, 0.1][number]))
        Mlflow(one.token).post("runs/set-tag", run_id=one.id, key="kind", value=["none", "one", "two"][number])

    answer = ada_there.post("runs/search", experiment_ids=[one.experiment.key], filter=wanted)

    found = [run["info"]["run_name"] for run in answer.body["runs"]]
    assert found == [f"trial {number}" for number in numbers]


def test_runs_are_ordered_and_paged(ada_there: Mlflow, start: Any) -> None:
    for number, value in enumerate([0.2, "NaN", 0.1, 0.3]):
        one = start(number)
        Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric(0, value))
    asked = {"experiment_ids": [one.experiment.key], "order_by": ["metrics.loss DESC"], "max_results": 3}

    first = ada_there.post("runs/search", **asked)
    second = ada_there.post("runs/search", **asked, page_token=first.body["next_page_token"])

    names = [run["info"]["run_name"] for answer in (first, second) for run in answer.body["runs"]]
    assert names == ["trial 3", "trial 0", "trial 2", "trial 1"]
    assert "next_page_token" not in second.body


@pytest.mark.parametrize(
    "wanted",
    [
        "metrics.loss <",
        "loss",
        "a = 1 OR b = 2",
        "colour = 'red'",
        "params.x < ''' ",
        "metrics.loss < 'low'",
        "attributes.end_time < 'abc'",
        "start_time = ''",
        "dataset.schema = 'x'",
    ],
)
def test_a_filter_that_is_none_is_refused(ada_there: Mlflow, running: Running, wanted: str) -> None:
    answer = ada_there.post("runs/search", experiment_ids=[running.experiment.key], filter=wanted)

    assert (answer.status, answer.body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.body["message"].startswith("filter:")


def test_an_order_that_is_none_is_refused(ada_there: Mlflow, running: Running) -> None:
    for clause in ("colour", "metrics.loss UPWARDS", "experiment.name"):
        answer = ada_there.post("runs/search", experiment_ids=[running.experiment.key], order_by=[clause])

        assert (answer.status, answer.body["message"].partition(":")[0]) == (400, "order_by")


def test_infinite_metrics_compare_as_such(ada_there: Mlflow, start: Any) -> None:
    for number, value in enumerate(["Infinity", 0.5, "-Infinity", "NaN"]):
        one = start(number)
        Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric(0, value))

    def found(wanted: str) -> list[str]:
        answer = ada_there.post("runs/search", experiment_ids=[one.experiment.key], filter=wanted)
        return [run["info"]["run_name"] for run in answer.body["runs"]]

    assert found("metrics.loss > 0.5") == ["trial 0"]
    assert found("metrics.loss <= 0.5") == ["trial 2", "trial 1"]
    assert found("metrics.loss IS NULL") == ["trial 3"]


def test_only_the_newest_value_of_a_metric_is_compared(ada_there: Mlflow, running: Running) -> None:
    for step, value in enumerate([0.9, 0.1]):
        Mlflow(running.token).post("runs/log-metric", run_id=running.id, **metric(step, value))

    for wanted, count in (("metrics.loss < 0.5", 1), ("metrics.loss > 0.5", 0)):
        answer = ada_there.post("runs/search", experiment_ids=[running.experiment.key], filter=wanted)
        assert len(answer.body["runs"]) == count


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("dataset.name = 'wine'", ["trial 1", "trial 0"]),
        ("datasets.name LIKE 'dig%' AND metrics.loss < 9", ["trial 1"]),
        ("dataset.name IN ('digits', 'iris')", ["trial 1"]),
        ("dataset.digest != 'd0'", ["trial 1"]),
        ("dataset.context = 'training'", ["trial 0"]),
        ("dataset.context ILIKE 'EVAL%'", ["trial 1"]),
    ],
)
def test_runs_are_found_by_the_data_they_have_read(
    ada_there: Mlflow, start: Any, wanted: str, names: list[str]
) -> None:
    read = {0: [("wine", "d0", "training")], 1: [("wine", "d0", ""), ("digits", "d1", "evaluation")], 2: []}
    for number, datasets in read.items():
        one = start(number)
        documents = [
            {
                "dataset": {"name": name, "digest": digest, "source_type": "local", "source": "{}"},
                "tags": [{"key": "mlflow.data.context", "value": context}] if context else [],
            }
            for name, digest, context in datasets
        ]
        Mlflow(one.token).post("runs/log-inputs", run_id=one.id, datasets=documents)
        Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric())

    answer = ada_there.post("runs/search", experiment_ids=[one.experiment.key], filter=wanted)

    assert [run["info"]["run_name"] for run in answer.body["runs"]] == names


def test_searching_by_anything_makes_a_fixed_number_of_queries(ada_there: Mlflow, start: Any) -> None:
    asked = {"filter": "metrics.loss < 9 AND params.x != 'a' AND tags.kind IS NULL", "order_by": ["params.x DESC"]}
    counts = []
    for number in range(4):
        one = start(number, params={"x": number})
        Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric(0, 0.5))
        with CaptureQueriesContext(connection) as queries:
            answer = ada_there.post("runs/search", experiment_ids=[one.experiment.key], **asked)
        counts.append(len(queries))

    assert [run["info"]["run_name"] for run in answer.body["runs"]] == ["trial 3", "trial 2", "trial 1", "trial 0"]
    assert len(set(counts)) == 1


def test_what_mlflow_has_beside_runs_is_404_in_its_own_words(ada_there: Mlflow) -> None:
    answers = [
        ada_there.client.post(path, {}, content_type="application/json")
        for path in ("/api/3.0/mlflow/traces/search", "/api/2.0/mlflow/registered-models/create", "/api/2.0/mlflow/x")
    ]
    traces = ada_there.send("GET", "mlflow/traces?experiment_ids=0")

    assert "no traces" in json.loads(traces.content)["message"]
    assert {(one.status_code, one.json()["error_code"]) for one in answers} == {(404, "ENDPOINT_NOT_FOUND")}


def test_experiments_are_searched_by_tag_and_ordered(ada_there: Mlflow, make_experiment: Any) -> None:
    for name in ("cats", "ants", "bees"):
        make_experiment(name=name)

    found = ada_there.post("experiments/search", filter="tags.`tunebook.goal` = 'minimize'", order_by=["name DESC"])
    none = ada_there.post("experiments/search", filter="tags.kind = 'x'")

    assert [one["name"] for one in found.body["experiments"]] == ["cats", "bees", "ants"]
    assert none.body == {"experiments": []}
    assert ada_there.post("experiments/search", filter="metrics.loss < 1").status == 400


def test_experiments_are_searched_by_name(ada_there: Mlflow, make_experiment: Any) -> None:
    make_experiment(name="cats")
    dogs = make_experiment(name="dogs")

    found = ada_there.post("experiments/search", filter="name LIKE 'd%'").body["experiments"]
    page = ada_there.post("experiments/search", max_results=1).body

    assert [one["experiment_id"] for one in found] == [dogs.key]
    assert ([one["name"] for one in page["experiments"]], page["next_page_token"]) == (["dogs"], "1")
    assert ada_there.get("experiments/get-by-name", experiment_name="cats").body["experiment"]["name"] == "cats"
    assert ada_there.get("experiments/get-by-name", experiment_name="birds").status == 404


def test_searching_keeps_its_number_of_queries(ada_there: Mlflow, start: Any) -> None:
    counts = []
    for number in range(6):
        one = start(number)
        for name in ("loss", "accuracy"):
            Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric(0, 0.5, name))
        with CaptureQueriesContext(connection) as queries:
            assert ada_there.post("runs/search", experiment_ids=[one.experiment.key]).status == 200
        counts.append(len(queries))

    assert counts[1] == counts[-1]


def test_a_hundred_thousand_steps_cost_a_run_no_more_than_a_few(ada_there: Mlflow, running: Running) -> None:
    from apps.tuning import measuring

    now = timezone.now()
    measuring.insert([(running.trial.pk, 1, 0, "loss", step, 0.5, 0, now) for step in range(100_000)])

    with CaptureQueriesContext(connection) as queries:
        run = ada_there.get("runs/get", run_id=running.id).body["run"]
    page = ada_there.get("metrics/get-history", run_id=running.id, metric_key="loss", max_results=25_000).body
    thin = ada_there.get(
        "metrics/get-history-bulk-interval", run_ids=running.id, metric_key="loss", max_results=100
    ).body

    assert [one["step"] for one in run["data"]["metrics"]] == [99_999]
    assert len(queries) <= 7
    assert (len(page["metrics"]), page["next_page_token"]) == (25_000, "25000")
    assert (len(thin["metrics"]), thin["metrics"][0]["step"], thin["metrics"][-1]["step"]) == (100, 0, 99_999)


# Files


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "..%2f..%2fsecret-key",
        "a/../../b",
        "%2e%2e/x",
        "a%00b",
        "a%0ab",
        "x" * 300,
        "/".join(["a"] * 20),
        "a\\b",
        "a//b",
        "",
    ],
)
def test_a_hostile_path_keeps_nothing(script: Mlflow, running: Running, path: str) -> None:
    response = script.send("PUT", f"{running.root}/{path}", b"x", content_type="application/octet-stream")

    assert response.status_code in (400, 404)
    assert set(json.loads(response.content)) == {"error_code", "message"}
    assert not Artifact.objects.exists()


def test_files_go_up_and_come_down_as_they_are(script: Mlflow, running: Running) -> None:
    content = bytes(range(256)) * 5000

    sent = script.send("PUT", f"{running.root}/deep/h%C3%A4.bin", content, content_type="text/html")
    found = script.send("GET", f"{running.root}/deep/h%C3%A4.bin")

    assert (sent.status_code, json.loads(sent.content)) == (200, {})
    assert b"".join(found.streaming_content) == content
    assert found["Content-Type"] == "application/octet-stream"
    assert found["Content-Disposition"].startswith("attachment")
    files = json.loads(script.send("GET", f"mlflow-artifacts/artifacts?path={running.root[27:]}/deep").content)["files"]
    assert files == [{"path": "hä.bin", "is_dir": False, "file_size": len(content)}]
    assert script.send("DELETE", f"{running.root}/deep").status_code == 200
    assert script.send("GET", f"{running.root}/deep/h%C3%A4.bin").status_code == 404


def test_a_file_of_another_trial_is_neither_read_nor_written(script: Mlflow, start: Any) -> None:
    other = start(1)
    artifacts.add(other.experiment, other.trial, "a.txt", b"theirs")

    assert script.send("GET", f"{other.root}/a.txt").status_code == 404
    assert script.send("PUT", f"{other.root}/a.txt", b"mine").status_code == 404
    assert script.send("DELETE", f"{other.root}/a.txt").status_code == 404


def test_a_file_that_is_too_large_is_refused_and_nothing_of_it_kept(
    script: Mlflow, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "MOST_FILE_BYTES", 10)

    response = script.send("PUT", f"{running.root}/big", b"x" * 11)

    assert response.status_code == 413
    assert not Artifact.objects.exists()


def test_uploads_in_parts_are_told_to_come_as_one(script: Mlflow, running: Running) -> None:
    assert script.send("POST", "mlflow-artifacts/mpu/create/0/x", b"{}").status_code == 501


# Logged models


def test_a_model_is_logged_with_its_files(script: Mlflow, running: Running, ada_there: Mlflow) -> None:
    made = script.post("logged-models", name="net", params=[{"key": "depth", "value": "3"}]).body["model"]["info"]
    model, root = made["model_id"], made["artifact_uri"].removeprefix("mlflow-artifacts:/")
    script.send("PUT", f"mlflow-artifacts/artifacts/{root}/MLmodel", b"flavors: {}")
    ready = script.send(
        "PATCH", f"mlflow/logged-models/{model}", b'{"status": "LOGGED_MODEL_READY"}', content_type="application/json"
    )
    script.post("runs/outputs", run_id=running.id, models=[{"model_id": model, "step": 2}])

    assert made["status"] == "LOGGED_MODEL_PENDING"
    assert json.loads(ready.content)["model"]["info"]["status"] == "LOGGED_MODEL_READY"
    assert ada_there.get(f"logged-models/{model}").body["model"]["data"]["params"] == [{"key": "depth", "value": "3"}]
    listed = ada_there.get(f"logged-models/{model}/artifacts/directories").body["files"]
    assert listed == [{"path": "MLmodel", "is_dir": False, "file_size": 11}]
    found = ada_there.post("logged-models/search", experiment_ids=[running.experiment.key]).body["models"]
    assert [one["info"]["name"] for one in found] == ["net"]
    run = ada_there.get("runs/get", run_id=running.id).body["run"]
    assert run["outputs"]["model_outputs"] == [{"model_id": model, "step": 2}]
    assert Artifact.objects.get().path == f"models/{model}/MLmodel"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"filter": "name = 'first'"}, ["first"]),
        ({"filter": "attributes.name LIKE '%st' AND params.depth = '1'"}, ["last", "first"]),
        ({"filter": "tags.stage = 'draft'"}, ["first"]),
        ({"filter": "status = 'LOGGED_MODEL_READY'"}, []),
        ({"filter": "creation_timestamp > 0", "order_by": [{"field_name": "name"}]}, ["first", "last", "middle"]),
        ({"order_by": [{"field_name": "attributes.name", "ascending": False}], "max_results": 2}, ["middle", "last"]),
        ({}, ["last", "middle", "first"]),
    ],
)
def test_models_are_found_by_a_filter_in_an_order(
    script: Mlflow, running: Running, ada_there: Mlflow, asked: dict[str, Any], names: list[str]
) -> None:
    for name, depth in (("first", "1"), ("middle", "2"), ("last", "1")):
        tags = [{"key": "stage", "value": "draft"}] if name == "first" else []
        script.post("logged-models", name=name, params=[{"key": "depth", "value": depth}], tags=tags)

    for caller in (script, ada_there):
        answer = caller.post("logged-models/search", experiment_ids=[running.experiment.key], **asked)
        assert [one["info"]["name"] for one in answer.body["models"]] == names


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"filter": "metrics.loss < 1"}, "filter"),
        ({"filter": "name"}, "filter"),
        ({"order_by": ["name"]}, "order_by"),
        ({"order_by": [{"field_name": "metrics.loss"}]}, "order_by"),
    ],
)
def test_a_search_of_models_that_is_none_is_refused(script: Mlflow, asked: dict[str, Any], field: str) -> None:
    answer = script.post("logged-models/search", **asked)

    assert (answer.status, answer.body["message"].partition(":")[0]) == (400, field)


def test_a_model_of_others_is_not_there(script: Mlflow, start: Any, cleo_there: Mlflow) -> None:
    other = start(1)
    made = Mlflow(other.token).post("logged-models", name="net").body["model"]["info"]["model_id"]

    assert script.get(f"logged-models/{made}").status == 404
    assert cleo_there.get(f"logged-models/{made}").status == 404
    assert script.send("DELETE", f"mlflow/logged-models/{made}").status_code == 404


def test_older_clients_models_are_kept_in_a_tag(script: Mlflow, running: Running) -> None:
    for name in ("first", "second"):
        script.post("runs/log-model", run_id=running.id, model_json=json.dumps({"artifact_path": name}))

    history = json.loads(Remark.objects.get(kind="tag").text)
    assert [one["artifact_path"] for one in history] == ["first", "second"]
