"""What answers as the head of a Ray cluster does, and may be made to fail as no real one does on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StandIn:
    """Its jobs are what a test puts in. answer: what it says instead of its jobs; is_stuck: it says nothing at all."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.answer: tuple[int, bytes] | None = None
        self.fails_at = ""
        self.is_stuck = False
        self.over = threading.Event()
        self.address = ""

    def put(self, key: str, status: str, **more: Any) -> None:
        self.jobs[key] = {"submission_id": key, "status": status, "message": "so it is", "metadata": {}, **more}

    def reply(self, method: str, path: str) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        if self.is_stuck:
            self.over.wait()
        if self.fails_at and self.fails_at in path:
            return 500, b"it fails"
        if self.answer is not None:
            return self.answer
        key = path.removeprefix("/api/jobs/").removesuffix("/stop")
        if method == "GET" and not key:
            return 200, json.dumps(list(self.jobs.values())).encode()
        if key not in self.jobs:
            return 404, b"Job does not exist"
        if method == "DELETE":
            del self.jobs[key]
        return 200, b"{}"


@contextlib.contextmanager
def stand_in() -> Iterator[StandIn]:
    head = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = head.reply(self.command, self.path)
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    head.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield head
    finally:
        head.over.set()
        server.shutdown()
        server.server_close()
