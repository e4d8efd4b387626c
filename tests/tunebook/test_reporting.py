"""Measurements of a trial on another machine, on their way to the server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tunebook import reporting
from tunebook.reporting import Fenced, Refused, Sender, Unreachable, send
from tunebook.run import Session
from tunebook.spool import Spool

ITEM = {"metric": "loss", "step": 0, "value": 0.5}


class Server:
    """An HTTP server that answers what it is told and remembers what it got."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict, bytes]] = []
        self.got: list[tuple[str, str, dict]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.got.append((self.path, self.headers["Authorization"], body))
                status, headers, answer = outer.answers.pop(0) if outer.answers else (200, {}, b"{}")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @property
    def points(self) -> list[tuple[int, object]]:
        return [(item["step"], item["value"]) for _, _, body in self.got for item in body["items"]]


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture
def spool(tmp_path):
    return Spool(str(tmp_path / "metrics.jsonl"))


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that were made, none of them waited for."""
    made: list[float] = []
    monkeypatch.setattr(reporting.time, "sleep", made.append)
    return made


def a_sender(spool, outcomes, posted=None):
    """A sender whose posts end as listed, then well."""

    def post(url, token, items):
        outcome = outcomes.pop(0) if outcomes else {}
        if isinstance(outcome, Exception):
            raise outcome
        if posted is not None:
            posted.append([item["step"] for item in items])
        return outcome

    return Sender(spool, "http://server", "token", post=post, draw=lambda: 1.0)


def test_a_report_goes_to_the_attempts_address_with_its_token(server):
    send(server.url, "secret", [ITEM])

    assert server.got == [("/api/tunebook/v1/attempts/report", "Bearer secret", {"items": [ITEM]})]


@pytest.mark.parametrize(
    ("status", "error"), [(409, Fenced), (400, Refused), (401, Refused), (429, Unreachable), (500, Unreachable)]
)
def test_answers_mean_fenced_refused_or_try_again(server, status, error):
    server.answers = [(status, {}, b"")]

    with pytest.raises(error):
        send(server.url, "t", [ITEM])


def test_the_server_may_say_when_to_try_again(server):
    server.answers = [(429, {"Retry-After": "7"}, b"")]

    with pytest.raises(Unreachable) as asked:
        send(server.url, "t", [ITEM])

    assert asked.value.after == 7


def test_a_trial_that_has_all_it_may_have_does_not_try_again(server):
    server.answers = [(429, {}, b'{"error": {"code": "quota", "message": "at most 5 points"}}')]

    with pytest.raises(Refused, match="HTTP 429: at most 5 points"):
        send(server.url, "t", [ITEM])


@pytest.mark.parametrize("body", [b"busy", b"[]", b'{"error": "quota"}', b'{"error": {}}', b"\xff"])
def test_who_answers_with_something_else_is_asked_again(server, body):
    server.answers = [(429, {"Retry-After": "soon"}, body)]

    with pytest.raises(Unreachable) as asked:
        send(server.url, "t", [ITEM])

    assert asked.value.after is None


def test_the_script_is_told_once_why_measurements_were_left_out(spool, caplog):
    item = {"index": 0, "result": "rejected", "message": "a trial has at most 512 metrics"}
    conflict = {"index": 1, "result": "conflict", "message": ""}
    sender = a_sender(spool, [{"items": [item, item, conflict]}, {"items": [item]}])
    for step in range(reporting.BATCH + 1):
        spool.append(step, {"loss": 0.5})

    while sender.send_next():
        pass

    assert [record.getMessage() for record in caplog.records] == [
        "tunebook: a measurement was left out: a trial has at most 512 metrics"
    ]


def test_no_server_is_unreachable():
    with pytest.raises(Unreachable):
        send("http://127.0.0.1:9", "t", [ITEM])


def test_what_is_in_the_spool_is_sent_once_and_in_order(spool):
    posted: list[list[int]] = []
    sender = a_sender(spool, [], posted)
    for step in range(3):
        spool.append(step, {"loss": 0.5})

    while sender.send_next():
        pass
    spool.append(3, {"loss": 0.5})
    sender.send_next()

    assert posted == [[0, 1, 2], [3]]


def test_a_failed_batch_is_sent_again_after_growing_pauses(spool, pauses):
    posted: list[list[int]] = []
    sender = a_sender(spool, [Unreachable("down"), Unreachable("down"), Unreachable("busy", after=3.0)], posted)
    spool.append(0, {"loss": 0.5})

    while sender.send_next():
        pass

    assert (posted, pauses) == ([[0]], [0.5, 1.0, 3.0])


def test_a_refused_batch_is_left_behind(spool):
    posted: list[list[int]] = []
    sender = a_sender(spool, [Refused("HTTP 400")], posted)
    spool.append(0, {"loss": 0.5})
    sender.send_next()
    spool.append(1, {"loss": 0.5})

    sender.send_next()

    assert posted == [[1]]


def test_a_fenced_attempt_stops(spool):
    sender = a_sender(spool, [Fenced("taken over")])
    spool.append(0, {"loss": 0.5})

    assert not sender.send_next()
    assert sender.stopped


def test_the_answer_may_ask_to_stop(spool):
    sender = a_sender(spool, [{"stop": True}])
    spool.append(0, {"loss": 0.5})

    sender.send_next()

    assert sender.stopped


def test_far_behind_every_other_measurement_is_sent(spool, monkeypatch):
    posted: list[list[int]] = []
    sender = a_sender(spool, [], posted)
    monkeypatch.setattr(reporting, "MAX_BEHIND", 100)
    for step in range(6):
        spool.append(step, {"loss": 0.5})

    sender.send_next()

    assert posted == [[0, 2, 4]]


def test_no_request_is_larger_than_the_server_takes(spool):
    posted: list[list[int]] = []
    sender = a_sender(spool, [], posted)
    for step in range(150):
        spool.append(step, {f"metric {number}": 0.5 for number in range(10)})

    sender.send_next()

    assert [len(items) for items in posted] == [1000, 500]


def test_a_half_written_line_waits_for_its_end(spool):
    spool.append(0, {"loss": 0.5})
    with open(spool.path, "a") as file:
        file.write('{"step": 1')

    records, offset = spool.read(0, 10)

    assert [record["step"] for record in records] == [0]
    assert spool.read(offset, 10) == ([], offset)


def test_a_remote_trial_reports_over_http(server, tmp_path):
    session = Session(
        {
            "TUNEBOOK_URL": server.url,
            "TUNEBOOK_TOKEN": "secret",
            "TUNEBOOK_SPOOL": str(tmp_path / "spool.jsonl"),
        }
    )
    server.answers = [(503, {"Retry-After": "0"}, b"")]

    for step in range(5):
        session.log({"loss": float("nan") if step == 4 else step}, step)
    session._sender.close()

    assert server.points[-5:] == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, "NaN")]
