"""Headers, health and the answers of last resort."""

import json
import logging
import re

import brotli
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings

from apps.config import errors, logs
from apps.config.headers import CompressPages, padded_brotli
from tunebook import disk


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.django_db
def test_every_page_forbids_foreign_and_inline_content(client):
    policy = client.get("/login").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy


def test_what_is_no_page_may_load_nothing(client):
    assert client.get("/healthz").headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
    ],
)
def test_every_answer_carries_the_protective_headers(client, header, value):
    assert client.get("/healthz").headers[header] == value


def test_healthz_asks_nothing_of_the_database(client):
    # without the db fixture any query would fail
    assert client.get("/healthz").json() == {"status": "ok"}


def test_whoever_watches_need_not_know_the_name_of_the_host(client):
    with override_settings(ALLOWED_HOSTS=["tune.example"]):
        assert client.get("/healthz", HTTP_HOST="10.1.2.3:8000").status_code == 200


def test_readyz_says_yes_when_the_schema_is_current(db, client):
    assert client.get("/readyz").status_code == 200


def test_readyz_says_no_and_why_but_not_where(db, client, monkeypatch):
    monkeypatch.setattr(disk, "FULL", 2**62)
    monkeypatch.setattr(disk, "FULL_SHARE", 1.0)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "reason": "disk"}
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_below_the_native_api_errors_have_its_envelope(status):
    answer = errors.answer(RequestFactory().get("/api/automl/v1/hpo/nothing"), status)

    document = json.loads(answer.content)
    assert answer.status_code == status
    assert set(document) == {"RequestId", "Code", "Message"}


def test_below_our_api_errors_have_ours():
    answer = errors.answer(RequestFactory().get("/api/tunebook/v1/nothing"), 404)

    assert json.loads(answer.content)["error"]["code"] == "not_found"


def test_an_unknown_page_is_a_page(db, client):
    answer = client.get("/there/is/nothing")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_request_for_another_host_is_refused(client):
    with override_settings(ALLOWED_HOSTS=["localhost"]):
        assert client.get("/api/docs/", HTTP_HOST="evil.example").status_code == 400


JOBS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/lab/jobs"


@pytest.mark.parametrize(
    ("path", "begin"),
    [
        ("/api/automl/v1/hpo/experiments", '{"RequestId": "'),
        ("/api/tunebook/v1/experiments", '{"error":{"code":"bad_request","message":"This server'),
        (f"/hyperdrive/v1.0{JOBS.removesuffix('jobs')}experiments/e/runs", '{"code":400,"message":"This server'),
        (JOBS, '{"error":{"code":"BadRequest","message":"This server'),
        ("/platform/rest/deeplearning/v1/hypersearch", "Error 400: This server"),
        ("/auth/v1/logon", "Error 400: This server"),
        ("/api/2.0/mlflow/runs/get", '{"error_code":"INVALID_PARAMETER_VALUE","message":"This server'),
    ],
)
def test_a_client_of_another_host_reads_in_its_own_envelope_which_setting_to_look_at(client, path, begin):
    with override_settings(ALLOWED_HOSTS=["localhost"]):
        answer = client.get(path, HTTP_HOST="evil.example")

    assert answer.status_code == 400
    assert answer.content.decode().startswith(begin)
    assert b"TUNEBOOK_ALLOWED_HOSTS" in answer.content


@pytest.mark.parametrize("about", [{"content_type": "application/octet-stream"}, {"status": 206}])
@pytest.mark.parametrize("accepted", ["gzip", "gzip, br"])
def test_files_and_parts_of_them_go_out_as_they_are(about, accepted):
    request = RequestFactory().get("/w/lab/e/x/t/0/files/a?download", HTTP_ACCEPT_ENCODING=accepted)

    answer = CompressPages(lambda _: HttpResponse("word " * 200, headers={"Content-Length": "1000"}, **about))(request)

    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Length"] == "1000"


def test_pages_are_compressed_and_answers_of_the_apis_are_not():
    def answered(path: str) -> HttpResponse:
        request = RequestFactory().get(path, HTTP_ACCEPT_ENCODING="gzip")
        return CompressPages(lambda _: HttpResponse("word " * 200))(request)

    assert answered("/login").headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in answered("/api/automl/v1/hpo/experiments").headers


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, br", "br"), ("br;q=0.5", "br"), ("gzip, br;q=0", "gzip"), ("gzip, brown", "gzip"), ("identity", None)],
)
def test_pages_come_in_brotli_to_those_who_read_it(accepted, coding):
    text = "word " * 200
    request = RequestFactory().get("/login", HTTP_ACCEPT_ENCODING=accepted)
    answer = CompressPages(lambda _: HttpResponse(text, headers={"ETag": '"1"'}))(request)

    assert answer.headers.get("Content-Encoding") == coding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["ETag"] == ('W/"1"' if coding else '"1"')
    if coding == "br":
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert brotli.decompress(answer.content).decode() == text


def test_the_length_of_a_page_in_brotli_does_not_tell_its_content():
    padded = {length: padded_brotli(b"word " * 200, length) for length in (1, 2, 64, 65, 255, 256)}

    assert {brotli.decompress(data) for data in padded.values()} == {b"word " * 200}
    assert [len(data) - len(padded[1]) for data in padded.values()] == [0, 1, 63, 64, 254, 255]


def test_the_explorer_loads_only_our_own_files(db, client):
    page = client.get("/api/docs/").content.decode()

    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page
    assert "<style" not in page


def test_the_openapi_document_names_both_apis(db, client):
    document = client.get("/api/schema/?format=json").json()

    assert document["openapi"].startswith("3.")
    assert any(path.startswith("/api/automl/v1/hpo/") for path in document["paths"])


def test_a_database_that_does_not_answer_takes_one_line_in_the_log():
    error = OperationalError("connection refused\n  Is the server running?")
    record = logging.LogRecord("apps", logging.ERROR, "x.py", 1, "the feed of %s", ("lab",), (type(error), error, None))

    kept = logs.WithoutTraces().filter(record)

    assert kept
    assert (record.getMessage(), record.levelname) == (
        "the feed of lab: connection refused Is the server running?",
        "WARNING",
    )
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("database is locked", "the database is busy"),
        ("canceling statement due to statement timeout", "the database is busy"),
        ("database or disk is full", "the disk of the database is full"),
        ("attempt to write a readonly database", "the database cannot be written"),
        ("connection to server failed: Connection refused", "the database cannot be reached"),
    ],
)
@pytest.mark.parametrize("path", ["/w/lab/", "/api/automl/v1/hpo/experiments", "/api/tunebook/v1/experiments"])
def test_a_database_that_does_not_answer_is_a_503_in_words_and_no_trace(
    db, client, key_ada, monkeypatch, caplog, path, message, words
):
    client.force_login(User.objects.get(username="ada"))

    def fail(*_: object) -> None:
        raise OperationalError(message)

    with monkeypatch.context() as away:
        away.setattr("django.db.backends.utils.CursorWrapper.execute", fail)
        answer = client.get(path, headers={"Authorization": f"Bearer {key_ada.token}"} if "/api/" in path else {})

    assert answer.status_code == 503
    assert words.lower() in answer.content.decode().lower()
    assert answer.headers["Retry-After"]
    assert "Traceback" not in caplog.text
    assert message in caplog.text


def test_the_number_that_an_error_page_tells_stands_in_the_log(caplog):
    answer = errors.answer(RequestFactory().get("/w/lab/"), 500)

    number = re.findall(r"<code>([0-9A-F-]{36})</code>", answer.content.decode())
    assert len(number) == 1
    assert number[0] in caplog.text


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_page_keeps_the_theme_of_ones_choice(status):
    request = RequestFactory().get("/w/lab/")
    request.COOKIES = {"theme": "dark", "density": "compact"}

    page = errors.answer(request, status).content.decode()

    assert '<html lang="en" data-theme="dark" data-density="compact">' in page


def test_an_error_is_told_where_even_its_page_cannot_be_made(monkeypatch):
    def fail(*_: object, **__: object) -> str:
        raise ValueError("Missing staticfiles manifest entry")

    monkeypatch.setattr(errors, "render_to_string", fail)

    answer = errors.answer(RequestFactory().get("/w/lab/"), 500)

    assert answer.status_code == 500
    assert re.search(r"Quote [0-9A-F-]{36} when you report it\.", answer.content.decode())
