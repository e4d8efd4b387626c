"""A server that answers the native API's addresses from a table, for the client's tests."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BASE = "/api/tunebook/v1/"
Answer = tuple[int, Any]


class NativeServer:
    """`answers["GET experiments"]` is what a request gets: a status and a document, or a function of query and body.

    What is uploaded is kept in `files` under its path.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer] | Callable[[dict, dict], Answer]] = {}
        self.got: list[tuple[str, dict, dict]] = []
        self.tokens: set[str] = set()
        self.files: dict[str, bytes] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                size = int(self.headers["Content-Length"] or 0)
                body = json.loads(self.rfile.read(size)) if size else {}
                assert "//" not in parts.path
                status, document = outer.handle(f"{self.command} {parts.path.removeprefix(BASE)}", query, body)
                outer.tokens.add(self.headers["Authorization"])
                self.say(status, document)

            def say(self, status: int, document: Any) -> None:
                text = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_PUT(self) -> None:
                outer.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.say(200, {})

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def handle(self, request: str, query: dict, body: dict) -> Answer:
        self.got.append((request, query, body))
        answer = self.answers.get(request, (404, {"error": {"code": "not_found", "message": "no such thing"}}))
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(query, body) if callable(answer) else answer

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def an_experiment(**changes: Any) -> dict:
    return {
        "key": "sORVEck",
        "name": "Digits",
        "status": "RUNNING",
        "counts": {"FINISHED": 2, "FAILED": 1, "RUNNING": 2},
        "max_trials": 24,
        "best": {"value": 0.9716, "trial": 2},
        "goal": "maximize",
        "reason": "",
        "cursor": "f1:7",
        **changes,
    }
