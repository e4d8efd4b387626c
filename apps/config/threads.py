"""Django's synchronous handler behind an asynchronous server, on threads that stay."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import quote

from apps.config.turns import Turns

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

IN_MEMORY = 1024 * 1024  # bytes of a body before it goes to a file
LARGEST_BODY = 600 * 1024 * 1024  # no view takes more; what a view takes is its own, lower limit
CHUNK = 64 * 1024  # bytes of a streamed answer handed over at a time


class Disconnected(Exception):
    """The client went away before its request was complete."""


class TooLarge(Exception):
    """The body is larger than any view would take."""


class Threaded:
    """An ASGI application that answers HTTP with a WSGI one, on a fixed set of threads.

    Django's own ASGI handler makes a thread for each request of a synchronous view, and with it a new database
    connection. Threads that stay keep their connections: measured, a page with one query takes half the time.
    """

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        *,
        threads: int,
        turns: Turns | None = None,
        prefix: str = "",
    ) -> None:
        self.application = application
        self.prefix = prefix
        self.turns = turns or Turns()
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            body = await _read(receive)
        except Disconnected:
            return
        except TooLarge:
            await _refuse(send)
            return
        environ = _environ(scope, body, self.prefix)
        loop = asyncio.get_running_loop()
        try:
            start, rest = await loop.run_in_executor(self.pool, self._answer, environ)
            more = rest is not None
            first = start.pop("first")
            await send(start)
            await send({"type": "http.response.body", "body": first, "more_body": more})
            if rest is not None:
                await loop.run_in_executor(self.pool, _stream, rest, loop, send)
        finally:
            body.close()

    def _answer(self, environ: dict[str, Any]) -> tuple[Message, "_Rest | None"]:
        """Run one request on this thread: the head of the answer with its first bytes, and what is still to stream."""
        head: Message = {"type": "http.response.start"}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            head["status"] = int(status[:3])
            head["headers"] = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

        with self.turns.take():
            response = self.application(environ, start_response)
        if getattr(response, "streaming", False):
            rest = _Rest(response)
            head["first"] = next(rest.chunks, b"")
            return head, rest
        head["first"] = b"".join(response)
        _close(response)
        return head, None


class Unprefixed:
    """An ASGI application below a path prefix, whether or not the proxy in front has taken the prefix off."""

    def __init__(self, application: Application, *, prefix: str) -> None:
        self.application = application
        self.prefix = prefix

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self.prefix and path.startswith(f"{self.prefix}/"):
            scope = {**scope, "path": path.removeprefix(self.prefix), "root_path": ""}
        await self.application(scope, receive, send)


class _Rest:
    """What remains of a streamed answer, in chunks worth a hop between threads."""

    def __init__(self, response: Iterable[bytes]) -> None:
        self.response = response
        self.chunks = self._gathered()

    def _gathered(self) -> Iterator[bytes]:
        held = bytearray()
        for piece in self.response:
            held += piece
            if len(held) >= CHUNK:
                yield bytes(held)
                held.clear()
        if held:
            yield bytes(held)


def _stream(rest: _Rest, loop: asyncio.AbstractEventLoop, send: Send) -> None:
    """Send the remaining chunks from this thread, each when the one before has been taken."""

    def post(body: bytes, more: bool) -> None:
        message = {"type": "http.response.body", "body": body, "more_body": more}
        asyncio.run_coroutine_threadsafe(_awaited(send, message), loop).result()

    try:
        for chunk in rest.chunks:
            post(chunk, True)
        post(b"", False)
    finally:
        _close(rest.response)


async def _awaited(send: Send, message: Message) -> None:
    await send(message)


def _close(response: Iterable[bytes]) -> None:
    close = getattr(response, "close", None)
    if close:
        close()


async def _read(receive: Receive) -> IO[bytes]:
    """The whole body: in memory when small, else in a temporary file."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    if not message.get("more_body"):
        return io.BytesIO(message.get("body", b""))
    body: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by the caller, when the view is done
    size = 0
    while True:
        piece = message.get("body", b"")
        size += len(piece)
        if size > LARGEST_BODY:
            body.close()
            raise TooLarge
        body.write(piece)
        if not message.get("more_body"):
            body.seek(0)
            return body
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise Disconnected


async def _refuse(send: Send) -> None:
    text = b"The request is too large.\n"
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _environ(scope: Message, body: IO[bytes], prefix: str) -> dict[str, Any]:
    """The WSGI environment of an ASGI request (PEP 3333, with the path's bytes as latin-1)."""
    path = scope["path"].encode("utf-8", "surrogateescape").decode("latin-1")
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": prefix,
        "PATH_INFO": path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        # signatures cover the path as it was sent, %2F and all
        "RAW_URI": (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        key = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}.get(name)
        key = key or "HTTP_" + name.upper().replace("-", "_")
        # a header sent twice counts as one list; cookies are joined as RFC 6265 writes them
        environ[key] = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}" if key in environ else value
    if "CONTENT_LENGTH" not in environ:
        # a chunked body tells no length, and WSGI reads none without it
        environ["CONTENT_LENGTH"] = str(body.seek(0, io.SEEK_END))
        body.seek(0)
    return environ
