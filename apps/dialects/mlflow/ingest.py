"""The two calls that a training loop waits for, answered without Django's way through a request.

A trial's metrics go straight to the gatherer, which stores those of all trials that wait in one transaction. Whatever is
not exactly that - other members, another credential, anything wrong - goes the usual way, which finds the words for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.dialects import pace
from apps.dialects.body import MOST_BYTES
from apps.dialects.mlflow.records import batch_of
from apps.tuning.gathering import Answer, Gatherer
from apps.tuning.reporting import Batch, Taken
from tunebook.errors import SpecError
from tunebook.wire import mlflow
from tunebook.wire.mlflow import Metric

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

ONE, MANY = "/api/2.0/mlflow/runs/log-metric", "/api/2.0/mlflow/runs/log-batch"
MOST_TOKEN = 512
LARGE = 16_384
"""Bytes of a body from which on it is read in a thread, so that others need not wait for it."""
START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ],
}
BODY: Message = {"type": "http.response.body", "body": b"{}"}


class Ingest:
    """An ASGI application in front of another one, which gets everything that is not a trial's metrics."""

    def __init__(self, application: Application, *, prefix: str = "") -> None:
        self.application = application
        self.paths = {f"{prefix}{path}" for path in (ONE, MANY)} | {ONE, MANY}
        self.gatherer = Gatherer()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self.paths or scope["method"] != "POST":
            await self.application(scope, receive, send)
            return
        messages, body = await read(receive)
        batch = await self.batch(scope, body) if body is not None else None
        if batch is not None and isinstance(await self.store(batch), Taken):
            await send(START)
            await send(BODY)
        else:
            await self.application(scope, replay(messages, receive), send)

    async def batch(self, scope: Message, body: bytes) -> Batch | None:
        """The metrics of the call, None where it is anything else."""
        token = token_of(scope["headers"])
        if not token or not is_welcome(scope["headers"], token):
            return None
        many = scope["path"].endswith(MANY)
        if len(body) < LARGE:
            return read_batch(body, token, many)
        return await asyncio.get_running_loop().run_in_executor(None, read_batch, body, token, many)

    async def store(self, batch: Batch) -> Answer:
        """Have it stored, and wait for the commit."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def settle(found: Answer) -> None:
            if not answer.done():  # the caller may have gone away
                answer.set_result(found)

        def done(found: Answer) -> None:
            loop.call_soon_threadsafe(settle, found)

        self.gatherer.submit(batch, done)
        return await answer


async def read(receive: Receive) -> tuple[list[Message], bytes | None]:
    """The messages of a request and its body; None when it is too large, or the client has gone."""
    messages = [await receive()]
    size = len(messages[0].get("body", b""))
    while messages[-1].get("more_body") and size <= MOST_BYTES:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    whole = size <= MOST_BYTES and messages[-1]["type"] == "http.request"
    return messages, b"".join(message.get("body", b"") for message in messages) if whole else None


def replay(messages: list[Message], receive: Receive) -> Receive:
    """`receive` for somebody who has not seen these messages yet."""
    rest = iter(messages)

    async def again() -> Message:
        message = next(rest, None)
        return await receive() if message is None else message

    return again


def token_of(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The bearer token, empty where there is none or several."""
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) != 1 or found[0][:7].lower() != b"bearer " or len(found[0]) > MOST_TOKEN or not found[0].isascii():
        return ""
    return found[0][7:].decode().strip()


def is_welcome(headers: Sequence[tuple[bytes, bytes]], token: str) -> bool:
    """Whether the short way is open: by a name that this server answers to, and within the caller's share of a minute."""
    if not all(is_ours(value) for name, value in headers if name == b"host"):
        return False
    try:
        pace.keep(pace.of_token(token), "reports")
    except pace.TooMany:
        return False
    return True


@lru_cache(maxsize=256)
def is_ours(host: bytes) -> bool:
    """Whether this installation answers to that name."""
    domain, _port = split_domain_port(host.decode("latin-1").lower())
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def read_batch(body: bytes, token: str, many: bool) -> Batch | None:
    """The metrics in a body, None where it holds anything else or is wrong."""
    try:
        document = orjson.loads(body)
        if not isinstance(document, dict) or document.get("params") or document.get("tags"):
            return None
        metrics: list[Metric] = mlflow.metrics_of(document) if many else [mlflow.metric_of(document)]
        run_id = mlflow.run_id_of(document)
    except (orjson.JSONDecodeError, SpecError):
        return None
    return batch_of(token, metrics, run_id) if metrics else None
