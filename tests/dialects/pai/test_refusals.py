"""Each parameter of each native operation wrong once: the right status and Code, the parameter named, nothing changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.feed.models import Event
from apps.tags.models import Tag
from apps.trials.models import Trial
from tests.dialects.pai.conftest import Answer, Native
from tests.dialects.pai.documents import a_configuration

LONG = "x" * 300
MANY_TAGS = [{"Key": f"k{number}", "Value": "v"} for number in range(21)]

LIST_EXPERIMENTS = [
    ("Name", LONG),
    ("Name", "a\0b"),
    ("Creator", "x" * 151),
    ("PageNumber", "0"),
    ("PageNumber", "-1"),
    ("PageNumber", "one"),
    ("PageNumber", "1.5"),
    ("PageNumber", "\u0661"),
    ("PageNumber", str(2**31)),
    ("PageNumber", "9" * 400),
    ("PageSize", "0"),
    ("PageSize", "101"),
    ("PageSize", "ten"),
    ("MinCreateTime", "yesterday"),
    ("MinCreateTime", "2023-02-30"),
    ("MinCreateTime", "2023-03-31 25:00:00"),
    ("MaxCreateTime", "31.03.2023"),
    ("MaxCreateTime", "0000-01-01"),
    ("Status", "BUSY"),
    ("Status", "1"),
    ("WorkspaceId", "x" * 65),
    ("Accessibility", "SECRET"),
    ("IncludeConfigData", "maybe"),
    ("SortBy", "name"),
    ("Order", "UP"),
    ("Tag", "group"),
    ("Tag", "{}"),
    ("Tag", "[1]"),
    ("Tag", '[{"Value":"v"}]'),
    ("Tag", '[{"Key":"","Value":"v"}]'),
    ("Tag", '[{"Key":1}]'),
    ("Tag", '[{"Key":"k","Value":2}]'),
    ("Tag", '[{"Key":"k","Other":"v"}]'),
    ("Tag", json.dumps([{"Key": "k" * 129}])),
    ("Tag", json.dumps(MANY_TAGS)),
    ("Tag", "[" * 40 + "]" * 40),
    ("Tag.1.Value", "v"),
    ("Tag.1.Key", "a\0b"),
    ("pagenumber", "1"),
    ("Limit", "10"),
    ("format", "json"),
]
LIST_TRIALS = [
    ("PageNumber", "0"),
    ("PageSize", "1000"),
    ("SortBy", "VALUE"),
    ("Order", "down"),
    ("Status", "RUNNING"),
]
LOGS = [
    ("PageNumber", "0"),
    ("PageSize", "1001"),
    ("LogName", ""),
    ("LogName", "../../etc/passwd"),
    ("LogName", "/etc/passwd"),
    ("Tail", "1"),
]
MEMBERS = [
    ("Name", LONG),
    ("Name", 5),
    ("Name", ["a"]),
    ("Name", "a\0b"),
    ("WorkspaceId", 7),
    ("Description", "x" * 10_001),
    ("Description", {"a": 1}),
    ("Accessibility", "everyone"),
    ("Accessibility", True),
    ("HpoExperimentConfiguration", "text"),
    ("HpoExperimentConfiguration", []),
    ("HpoExperimentConfiguration", {}),
    ("HpoExperimentConfiguration", {"platform_config": {}}),
    ("Tag", {}),
    ("Tag", "group"),
    ("Tag", [1]),
    ("Tag", [{"Key": ""}]),
    ("Tag", [{"Key": "k" * 129, "Value": ""}]),
    ("Tag", [{"Key": "k", "Value": "v" * 129}]),
    ("Tag", [{"Key": "aliyun-x", "Value": ""}]),
    ("Tag", [{"Key": "acs:x", "Value": ""}]),
    ("Tag", [{"Key": "k", "Value": "acs:x"}]),
    ("Tag", [{"Key": "k", "Value": "see http://example.org"}]),
    ("Tag", [{"Key": "k"}, {"Key": "k"}]),
    ("Tag", MANY_TAGS),
    ("name", "small"),
    ("ExperimentId", "mine"),
    ("Status", "FINISHED"),
]
SECTIONS = [
    ("platform_config", {"name": "DLC", "cmd": ["true"]}),
    ("platform_config", {"name": "LOCAL", "cmd": []}),
    ("platform_config", {"name": "LOCAL", "cmd": "true"}),
    ("platform_config", {"name": "LOCAL", "cmd": ["true"], "resume": "2"}),
    ("metric_config", {"metric_type": "stdout"}),
    ("metric_config", None),
    ("search_space", {"${lr}": {"_type": "uniform", "_value": [1, 0]}}),
    ("search_space", {"${lr}": {"_type": "loguniform", "_value": [0, 1]}}),
    ("search_space", {"${lr}": {"_type": "choice", "_value": []}}),
    ("search_space", {"${lr}": {"_type": "normale", "_value": [0, 1]}}),
    ("search_space", []),
    ("yml_config", {"trial_concurrency": 0}),
    ("yml_config", {"max_trial_number": -1}),
    ("yml_config", {"tuner": {"name": "Oracle"}}),
    ("schedule_config", {"day": "someday"}),
    ("another_config", {}),
]
BODIES = [
    (b"{", 400),
    (b"[]", 400),
    (b'"text"', 400),
    (b'{"Name": "a", "Name": "b"}', 400),
    (b'{"Name": NaN}', 400),
    (b'{"Name": 1e999}', 400),
    (b'{"Name": 99999999999999999999}', 400),
    (b'{"Name": "\\u0000"}', 400),
    (b'{"Name": "\\ud800"}', 400),
    (b'{"Name": "\xff"}', 400),
    (b'{"HpoExperimentConfiguration": ' + b"[" * 33 + b"]" * 33 + b"}", 400),
    (b" " * (1024 * 1024 + 1), 413),
]


def counted() -> tuple[int, ...]:
    """How much of everything there is, and where the experiments stand."""
    states = [hash(row) for row in Experiment.objects.order_by("pk").values_list("pk", "version", "status", "trashed")]
    return (*states, Trial.objects.count(), Tag.objects.count(), Event.objects.count())


def assert_refused(answer: Answer, name: str, status: int = 400) -> None:
    assert (answer.status, answer.code) == (status, "INVALID_INPUT_PARAMS"), answer
    assert name in answer.message


@pytest.mark.parametrize(("name", "text"), LIST_EXPERIMENTS)
def test_a_wrong_parameter_of_the_list_is_refused(native: Native, experiment: str, name: str, text: str) -> None:
    assert_refused(native.get("/experiments", **{name: text}), name)


@pytest.mark.parametrize(("name", "text"), LIST_TRIALS)
def test_a_wrong_parameter_of_the_trials_is_refused(native: Native, experiment: str, name: str, text: str) -> None:
    assert_refused(native.get(f"/experiment/{experiment}/trials", **{name: text}), name)


@pytest.mark.parametrize(("name", "text"), LOGS)
@pytest.mark.parametrize("of_trial", [True, False])
def test_a_wrong_parameter_of_logs_is_refused(
    native: Native, experiment: str, trial_of: Any, name: str, text: str, of_trial: bool
) -> None:
    trial = trial_of(experiment, 0)
    path = f"/experiment/{experiment}/trial/{trial.key}/logs" if of_trial else f"/experiment/{experiment}/logs"
    query = {"LogName": "stdout" if of_trial else "nnimanager.log", name: text}

    assert_refused(native.get(path, **query), name)


def test_an_operation_without_parameters_takes_none(native: Native, experiment: str, trial_of: Any) -> None:
    trial = trial_of(experiment, 0)

    for path in ("", f"/trial/{trial.key}", f"/trial/{trial.key}/lognames", f"/trial/{trial.key}/commands"):
        assert_refused(native.get(f"/experiment/{experiment}{path}", Verbose="1"), "Verbose")


@pytest.mark.parametrize(("name", "value"), MEMBERS)
def test_a_wrong_member_of_a_new_experiment_is_refused(native: Native, experiment: str, name: str, value: Any) -> None:
    before = counted()

    answer = native.create(**{name: value})

    assert_refused(answer, name)
    assert counted() == before


@pytest.mark.parametrize(("name", "value"), MEMBERS)
def test_a_wrong_member_of_an_update_is_refused(native: Native, experiment: str, name: str, value: Any) -> None:
    before = counted()

    answer = native.put(f"/experiment/{experiment}/update", {name: value})

    assert_refused(answer, name)
    assert counted() == before


@pytest.mark.parametrize(("section", "value"), SECTIONS)
def test_a_wrong_section_is_refused_with_its_path(native: Native, experiment: str, section: str, value: Any) -> None:
    before = counted()
    document = {"HpoExperimentConfiguration": a_configuration(**{section: value})}

    for answer in (native.post("/experiment", document), native.put(f"/experiment/{experiment}/update", document)):
        assert_refused(answer, f"HpoExperimentConfiguration.{section}")
    assert counted() == before


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_a_body_that_no_reader_should_take_is_refused(
    native: Native, experiment: str, body: bytes, status: int
) -> None:
    before = counted()

    assert_refused(native.post("/experiment", body), "", status)
    assert_refused(native.put(f"/experiment/{experiment}/update", body), "", status)
    assert counted() == before


def test_a_body_of_another_type_is_refused(native: Native) -> None:
    response = native.client.generic("POST", "/api/automl/v1/hpo/experiment", b"a=1", content_type="text/plain")

    assert response.status_code == 415
    assert response.json()["Code"] == "INVALID_INPUT_PARAMS"


def test_a_create_without_a_configuration_is_refused(native: Native) -> None:
    assert_refused(native.post("/experiment", {}), "HpoExperimentConfiguration")
    assert_refused(native.post("/experiment", b""), "HpoExperimentConfiguration")


@pytest.mark.parametrize("operation", ["stop", "delete"])
def test_an_operation_without_a_body_takes_none(native: Native, experiment: str, operation: str) -> None:
    before = counted()

    assert_refused(native.put(f"/experiment/{experiment}/{operation}", {"Force": True}), "Force")
    assert counted() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TrialIds", "abc"),
        ("TrialIds", [1]),
        ("TrialIds", ["x"] * 1001),
        ("TrialIds", ["x" * 65]),
        ("TrialIDs", ["x"]),
    ],
)
@pytest.mark.parametrize("operation", ["stop_trials", "restart_trials"])
def test_wrong_trial_ids_are_refused(native: Native, experiment: str, operation: str, name: str, value: Any) -> None:
    before = counted()

    assert_refused(native.put(f"/experiment/{experiment}/{operation}", {name: value}), name)
    assert counted() == before


@pytest.mark.parametrize(
    "value", ["", "{", "[]", "1", {"lr": 1}, '{"${lr}": 99}', '{"${other}": 1}', "{}", '{"${lr}": "fast"}', "NaN"]
)
def test_wrong_hyperparameters_are_refused(native: Native, experiment: str, value: Any) -> None:
    before = counted()

    answer = native.put(f"/experiment/{experiment}/restart_trials", {"TrialHyperParameters": value})

    assert_refused(answer, "TrialHyperParameters")
    assert counted() == before


OPERATIONS = [
    ("GET", "/experiment/{key}"),
    ("GET", "/experiment/{key}/logs?LogName=nnimanager.log"),
    ("GET", "/experiment/{key}/trials"),
    ("GET", "/experiment/{key}/trial/{trial}"),
    ("GET", "/experiment/{key}/trial/{trial}/lognames"),
    ("GET", "/experiment/{key}/trial/{trial}/logs?LogName=stdout"),
    ("GET", "/experiment/{key}/trial/{trial}/commands"),
    ("PUT", "/experiment/{key}/update"),
    ("PUT", "/experiment/{key}/stop"),
    ("PUT", "/experiment/{key}/delete"),
    ("PUT", "/experiment/{key}/stop_trials"),
    ("PUT", "/experiment/{key}/restart_trials"),
]
EVERYWHERE = [("GET", "/experiments"), ("POST", "/experiment"), *OPERATIONS]


def call(native: Native, method: str, path: str) -> Answer:
    body = b"" if method == "GET" else b"{}"
    return native._read(
        native.client.generic(method, f"/api/automl/v1/hpo{path}", body, content_type="application/json")
    )


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_is_out_of_reach_looks_like_what_does_not_exist(
    native_cleo: Native, native: Native, experiment: str, trial_of: Any, method: str, path: str
) -> None:
    trial = trial_of(experiment, 0)
    before = counted()

    hidden = call(native_cleo, method, path.format(key=experiment, trial=trial.key))
    missing = call(native_cleo, method, path.format(key="nothing", trial="nothing"))

    assert (hidden.status, hidden.code) == (missing.status, missing.code) == (404, "INVALID_USER_OR_EXP")
    assert hidden.message.replace(experiment, "nothing") == missing.message
    assert counted() == before


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if "{trial}" in one[1]])
def test_an_unknown_trial_is_not_found(native: Native, experiment: str, method: str, path: str) -> None:
    for trial in ("nothing", "a\0b", "é"):
        answer = call(native, method, path.format(key=experiment, trial=trial).replace("\0", "%00"))

        assert (answer.status, answer.code) == (404, "INVALID_USER_OR_EXP")


def test_a_trial_of_another_experiment_is_not_found(native: Native, experiment: str, trial_of: Any) -> None:
    other = native.create()["ExperimentId"]
    trial = trial_of(other, 0)

    assert native.get(f"/experiment/{experiment}/trial/{trial.key}").status == 404
    assert native.put(f"/experiment/{experiment}/stop_trials", {"TrialIds": [trial.key]}).status == 404


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_nobody_is_refused_everywhere(db: None, method: str, path: str) -> None:
    answer = call(Native(None), method, path.format(key="any", trial="any"))

    assert (answer.status, answer.code) == (400, "MissingParameter")


@pytest.mark.parametrize("operation", ["update", "stop", "delete", "stop_trials", "restart_trials"])
def test_a_viewer_changes_nothing(native_ben: Native, native: Native, experiment: str, operation: str) -> None:
    before = counted()
    body = {"update": {"Name": "mine"}}.get(operation, {})

    answer = native_ben.put(f"/experiment/{experiment}/{operation}", body)

    assert (answer.status, answer.code) == (403, "NoPermission")
    assert answer["AccessDeniedDetail"]["AuthAction"].startswith("paiautoml:")
    assert counted() == before


def test_a_viewer_creates_nothing(native_ben: Native) -> None:
    answer = native_ben.create()

    assert (answer.status, answer.code) == (403, "NoPermission")
    assert Experiment.objects.count() == 0


def test_another_workspace_is_not_found(native: Native, experiment: str, cleo: Any) -> None:
    before = counted()

    for answer in (
        native.get("/experiments", WorkspaceId="elsewhere"),
        native.create(WorkspaceId="elsewhere"),
        native.put(f"/experiment/{experiment}/update", {"WorkspaceId": "elsewhere"}),
    ):
        assert (answer.status, answer.code) == (404, "INVALID_USER_OR_EXP")
    assert counted() == before


def test_a_private_experiment_of_somebody_else_is_not_found(native: Native, native_ben: Native) -> None:
    key = native.create(Accessibility="PRIVATE")["ExperimentId"]

    assert native_ben.get(f"/experiment/{key}").status == 404
    assert native_ben.get("/experiments")["TotalCount"] == 0


@pytest.mark.parametrize(
    "path", ["", "/", "/experiments/", "/experiment/", "/nothing", "/experiment/a/b/c", "/experiment/x/stop/"]
)
def test_below_the_api_everything_is_json_without_redirect(db: None, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = call(Native(None), method, path)

        assert (answer.status, answer.code) == (404, "InvalidAction.NotFound")


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/experiment/x"), ("POST", "/experiments"), ("GET", "/experiment")]
)
def test_a_wrong_method_is_refused_in_json(native: Native, method: str, path: str) -> None:
    answer = call(native, method, path)

    assert (answer.status, answer.code) == (405, "UnsupportedHTTPMethod")


def test_another_version_is_refused(native: Native) -> None:
    response = native.client.get("/api/automl/v1/hpo/experiments", headers={"x-acs-version": "2020-01-01"})

    assert (response.status_code, response.json()["Code"]) == (404, "InvalidVersion")


def test_a_failure_inside_is_json_and_tells_nothing(native: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("select secret from table")

    monkeypatch.setattr("apps.dialects.catalog.Search.total", broken)

    answer = native.get("/experiments")

    assert (answer.status, answer.code) == (500, "InternalError")
    assert "secret" not in str(answer.body)
