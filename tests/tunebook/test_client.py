"""The client of the native API."""

import stat

import pytest

from tests.tunebook.native_server import NativeServer, an_experiment
from tests.tunebook.wire.test_pai_load import MINIMAL
from tunebook import ClientError, SpecError, client
from tunebook.client import Client, credentials_file, load_credentials, save_credentials

JOB = {
    "space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "maximize", "metrics": [{"name": "a"}]},
    "command": {"steps": ["train ${lr}"]},
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("TUNEBOOK_SERVER", raising=False)
    monkeypatch.delenv("TUNEBOOK_API_TOKEN", raising=False)
    monkeypatch.setattr(client.time, "sleep", lambda _: None)
    return tmp_path


@pytest.fixture
def server():
    running = NativeServer()
    yield running
    running.close()


@pytest.fixture
def ours(server):
    return Client(server.url, "tb_1")


def test_a_job_document_is_sent_as_it_is(server, ours):
    server.answers["POST experiments"] = (201, an_experiment())

    created = ours.submit(JOB, name="Digits", tags={"a": "b"})

    assert created["key"] == "sORVEck"
    assert server.got == [("POST experiments", {}, {"name": "Digits", "tags": {"a": "b"}, "job": JOB})]
    assert server.tokens == {"Bearer tb_1"}


@pytest.mark.parametrize("document", [MINIMAL, {"HpoExperimentConfiguration": MINIMAL}])
def test_a_pai_configuration_goes_to_the_api_it_is_written_for(server, ours, document):
    server.answers["POST /api/automl/v1/hpo/experiment"] = (200, {"ExperimentId": "sORVEck", "RequestId": "R"})
    server.answers["GET experiments/sORVEck"] = (200, an_experiment())

    created = ours.submit(document, name="Digits", tags={"a": "b"})

    assert created["key"] == "sORVEck"
    assert server.got[0][2] == {
        "HpoExperimentConfiguration": MINIMAL,
        "Name": "Digits",
        "Tag": [{"Key": "a", "Value": "b"}],
    }


@pytest.mark.parametrize("document", [{"lr": ["uniform", [0, 1]]}, {"space": {}, "command": {}}, {}])
def test_what_is_no_job_is_refused_before_it_is_sent(server, ours, document):
    with pytest.raises(SpecError):
        ours.submit(document)

    assert server.got == []


def test_lists_are_asked_for_by_page_and_filters(server, ours):
    server.answers["GET experiments"] = (200, {"total": 1, "items": [an_experiment()]})

    found = ours.experiments(status="RUNNING", page=2)

    assert found["total"] == 1
    assert server.got[0][1] == {"status": "RUNNING", "page": "2", "page_size": "20"}


@pytest.mark.parametrize("verb", ["stop", "pause", "resume", "restore"])
def test_each_order_is_a_post(server, ours, verb):
    server.answers[f"POST experiments/sORVEck/{verb}"] = (200, an_experiment())

    assert getattr(ours, verb)("sORVEck")["key"] == "sORVEck"


def test_deleting_is_a_delete(server, ours):
    server.answers["DELETE experiments/sORVEck"] = (200, {})

    assert ours.delete("sORVEck") == {}


def test_a_key_cannot_leave_its_place_in_the_address(server, ours):
    with pytest.raises(ClientError):
        ours.experiment("../users")

    assert server.got[0][0] == "GET experiments/..%2Fusers"


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (
            400,
            {"error": {"code": "invalid", "message": "too large", "field": "limits"}},
            "invalid",
            "limits: too large",
        ),
        (404, {"Code": "INVALID_USER_OR_EXP", "Message": "no such"}, "INVALID_USER_OR_EXP", "no such"),
        (500, b"<html>", "http_500", "the server answered with status 500"),
        (409, [1], "http_409", "the server answered with status 409"),
    ],
)
def test_a_refusal_says_what_the_server_said(server, ours, status, body, code, message):
    server.answers["POST experiments"] = (status, body)

    with pytest.raises(ClientError) as refused:
        ours.submit(JOB)

    assert (refused.value.status, refused.value.code, refused.value.message) == (status, code, message)


def test_reading_is_tried_again_after_a_short_trouble(server, ours):
    server.answers["GET experiments/k"] = [(503, {}), (502, b"no"), (200, an_experiment())]

    assert ours.experiment("k")["key"] == "sORVEck"


def test_writing_is_not_tried_again(server, ours):
    server.answers["POST experiments"] = [(503, {}), (201, an_experiment())]

    with pytest.raises(ClientError, match="unreachable"):
        ours.submit(JOB)


def test_no_server_is_said_so():
    with pytest.raises(ClientError) as refused:
        Client("http://127.0.0.1:9", "t").experiments()

    assert (refused.value.code, refused.value.status) == ("unreachable", 0)


def test_watching_tells_each_change_and_ends_with_the_experiment(server, ours):
    states = [an_experiment(), an_experiment(cursor="f1:8"), an_experiment(status="FINISHED")]
    server.answers["GET experiments/sORVEck"] = [(200, state) for state in states]
    server.answers["GET events"] = (200, {"items": [], "cursor": "f1:8"})

    seen = list(ours.watch("sORVEck"))

    assert seen == [states[0], states[2]]
    asked = [query for request, query, _ in server.got if request == "GET events"]
    assert asked == [{"stream": "exp:sORVEck", "after": cursor, "wait": "20"} for cursor in ("f1:7", "f1:8")]


def test_credentials_are_kept_for_their_owner_alone(home, server):
    path = save_credentials(server.url + "/", "tb_1", "lab")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path == credentials_file() == home / "tunebook" / "credentials.json"
    assert load_credentials() == {"url": server.url, "token": "tb_1", "workspace": "lab"}
    assert Client().url == server.url


def test_the_stored_workspace_goes_along(server):
    save_credentials(server.url, "tb_1", "lab")
    server.answers["GET experiments"] = (200, {"total": 0, "items": []})

    Client().experiments()

    assert server.got[0][1]["workspace"] == "lab"


def test_the_environment_wins_over_what_is_stored(server, monkeypatch):
    save_credentials("http://elsewhere", "old")
    monkeypatch.setenv("TUNEBOOK_SERVER", server.url)
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", "new")
    server.answers["GET experiments"] = (200, {"total": 0, "items": []})

    Client().experiments()

    assert server.tokens == {"Bearer new"}


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://tune"])
def test_an_address_needs_its_beginning(url):
    with pytest.raises(ClientError) as refused:
        Client(url, "tb_1")

    assert (refused.value.status, refused.value.code) == (0, "bad_url")


@pytest.mark.parametrize("token", ["tb_1\nX: y", "tb_é", "tb\x00"])
def test_a_token_that_no_header_takes_is_refused_without_saying_it(token):
    with pytest.raises(ClientError) as refused:
        Client("http://localhost:8000", token)

    assert refused.value.code == "bad_token" and "tb" not in refused.value.message


def test_the_end_of_a_tokens_line_is_no_part_of_it(server):
    server.answers["GET me"] = (200, {})

    Client(server.url, "tb_1\r\n").call("GET", "me")

    assert server.tokens == {"Bearer tb_1"}


@pytest.mark.parametrize("url", ["http://localhost:80x", "http://local host"])
def test_an_address_that_cannot_be_is_not_reached(url):
    with pytest.raises(ClientError) as refused:
        Client(url, "tb_1").call("POST", "experiments")

    assert refused.value.code == "unreachable"


def test_an_answer_of_another_kind_of_server_is_said_so(server, ours):
    server.answers["GET experiments/k"] = (200, b"<html>")

    with pytest.raises(ClientError, match="no Tunebook server"):
        ours.experiment("k")


def test_a_workspace_that_is_asked_for_wins_over_the_stored_one(server):
    save_credentials(server.url, "tb_1", "lab")
    server.answers["GET experiments"] = (200, {"total": 0, "items": []})

    Client().experiments(workspace="other")

    assert server.got[-1][1]["workspace"] == "other"


def test_without_a_server_it_says_how_to_sign_in():
    with pytest.raises(ClientError, match="tunebook login"):
        Client()


def test_broken_credentials_are_none(home):
    credentials_file().parent.mkdir()
    credentials_file().write_text("{")

    assert load_credentials() == {}
