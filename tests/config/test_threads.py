"""The bridge from the asynchronous server to synchronous views."""

import asyncio
import threading
from typing import Any

import pytest

from apps.config import threads
from apps.config.threads import Threaded, Unprefixed


class Streaming:
    """An answer in pieces, as Django's streaming responses look to a server."""

    streaming = True

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.closed = False

    def __iter__(self):
        return iter(self.pieces)

    def close(self) -> None:
        self.closed = True


def ask(
    application: Any,
    *,
    path: str = "/",
    body: list[bytes] = (b"",),
    headers: list[tuple[bytes, bytes]] = (),
    prefix: str = "",
):
    """Send one request and collect what comes back: the messages of the answer."""
    messages = [
        {"type": "http.request", "body": piece, "more_body": number < len(body) - 1}
        for number, piece in enumerate(body)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(dict(message))

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"a=1",
        "http_version": "1.1",
        "headers": list(headers),
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    asyncio.run(Threaded(application, threads=1, prefix=prefix)(scope, receive, send))
    return sent


def echo(environ, start_response):
    """Answers with the body that it got."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


def test_a_small_answer_goes_out_whole():
    start, body = ask(echo, body=[b"hello"])

    assert (start["status"], start["headers"]) == (200, [(b"content-type", b"text/plain")])
    assert (body["body"], body["more_body"]) == (b"hello", False)


def test_a_body_in_pieces_is_put_together(monkeypatch):
    monkeypatch.setattr(threads, "IN_MEMORY", 4)

    _, body = ask(echo, body=[b"abc", b"def", b"ghi"])

    assert body["body"] == b"abcdefghi"


def test_a_body_beyond_the_limit_is_refused_without_asking_the_view(monkeypatch):
    monkeypatch.setattr(threads, "LARGEST_BODY", 5)

    start, _ = ask(lambda *_: pytest.fail("the view was asked"), body=[b"abc", b"def"])

    assert start["status"] == 413


def test_a_client_that_goes_away_while_it_sends_gets_no_answer():
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        pytest.fail("an answer was sent")

    application = Threaded(lambda *_: pytest.fail("the view was asked"), threads=1)

    assert asyncio.run(application({"type": "http"}, receive, send)) is None


def test_a_streamed_answer_goes_out_in_pieces_and_is_closed():
    answer = Streaming([b"a" * threads.CHUNK, b"b" * 10, b"c" * threads.CHUNK])

    def stream(environ, start_response):
        start_response("200 OK", [])
        return answer

    _, *bodies = ask(stream)

    assert b"".join(body["body"] for body in bodies) == b"".join(answer.pieces)
    assert [body["more_body"] for body in bodies][-1] is False
    assert len(bodies) > 2
    assert answer.closed


def test_requests_share_threads_so_that_database_connections_last():
    seen = []

    def where(environ, start_response):
        seen.append(threading.get_ident())
        start_response("204 No Content", [])
        return []

    application = Threaded(where, threads=1)

    async def twice():
        for _ in range(2):
            await application(scope(), once({"type": "http.request", "body": b""}), forget)

    asyncio.run(twice())

    assert seen[0] == seen[1] != threading.get_ident()


@pytest.mark.parametrize("path", ["/tune/login", "/login"])
def test_the_prefix_may_or_may_not_be_taken_off_by_the_proxy(path):
    def where(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    _, body = ask(where, path=path, prefix="/tune")

    assert body["body"] == b"/tune /login"


def test_the_websocket_loses_the_prefix_too():
    seen = {}

    async def application(scope, receive, send):
        seen.update(scope)

    asyncio.run(Unprefixed(application, prefix="/tune")({"path": "/tune/ws/live"}, None, None))

    assert seen["path"] == "/ws/live"


def test_headers_reach_the_view_as_wsgi_writes_them():
    def which(environ, start_response):
        start_response("200 OK", [])
        return [
            f"{environ['CONTENT_TYPE']}|{environ['HTTP_COOKIE']}|{environ['HTTP_ACCEPT']}|{environ['QUERY_STRING']}".encode()
        ]

    headers = [
        (b"content-type", b"text/x"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"accept", b"x"),
        (b"accept", b"y"),
    ]

    _, body = ask(which, headers=headers)

    assert body["body"] == b"text/x|a=1; b=2|x,y|a=1"


def scope() -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1", "headers": []}


def once(message):
    async def receive():
        return message

    return receive


async def forget(message):
    """A client that takes every answer and keeps none."""
