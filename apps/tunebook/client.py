"""Speaks to a Tunebook server: submit experiments, look at them, follow them, stop them.

client = Client("http://localhost:8000", token="tb_...")
experiment = client.submit(json.load(open("digits.json")), name="Digits")
for summary in client.watch(experiment["key"]):
    print(summary["status"], summary["best"])
"""

import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunebook.errors import ClientError
from tunebook.status import ENDED_EXPERIMENT

__all__ = ["Client", "credentials_file", "load_credentials", "save_credentials"]

BASE = "/api/tunebook/v1/"
TIMEOUT = 30.0
LONGEST_POLL = 20  # seconds the server may hold a request for events
TRIES = 4

Json = dict[str, Any]


class Client:
    """A connection to one server with one token.

    url, token: where and who; left out they come from TUNEBOOK_SERVER and TUNEBOOK_API_TOKEN, then from what
    `tunebook login` has stored. Reading is tried again when the server cannot be reached for a moment, writing is not.
    Every refusal is a ClientError with the HTTP status, the server's code and its sentence.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, workspace: str | None = None) -> None:
        stored = load_credentials()
        self.url = (url or os.environ.get("TUNEBOOK_SERVER") or stored.get("url") or "").rstrip("/")
        self._token = token or os.environ.get("TUNEBOOK_API_TOKEN") or stored.get("token") or ""
        self.workspace = workspace or stored.get("workspace") or ""
        if not self.url or not self._token:
            raise ClientError(0, "not_signed_in", "no server and token known; run `tunebook login` first")

    def submit(
        self,
        document: Mapping[str, Any],
        *,
        name: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Json:
        """Create an experiment from a document of any kind the server recognises; it starts at once."""
        body = {"name": name, "description": description, "tags": dict(tags or {}), "document": document}
        return self.call("POST", "experiments", {name: value for name, value in body.items() if value})

    def experiments(self, *, query: str = "", page: int = 1, page_size: int = 20) -> Json:
        """One page of experiments, newest first: `{"total": 3, "items": [...]}`."""
        return self.call("GET", "experiments", {"query": query, "page": page, "page_size": page_size})

    def experiment(self, key: str) -> Json:
        """One experiment."""
        return self.call("GET", f"experiments/{_quoted(key)}")

    def stop(self, key: str) -> Json:
        """Ask an experiment to stop; its trials are ended."""
        return self._order(key, "stop")

    def pause(self, key: str) -> Json:
        """Start no more trials until it is resumed; those that run go on."""
        return self._order(key, "pause")

    def resume(self, key: str) -> Json:
        """Go on after a pause."""
        return self._order(key, "resume")

    def restore(self, key: str) -> Json:
        """Take an experiment out of the trash."""
        return self._order(key, "restore")

    def delete(self, key: str) -> Json:
        """Put an experiment into the trash."""
        return self.call("DELETE", f"experiments/{_quoted(key)}")

    def trials(self, key: str, *, page: int = 1, page_size: int = 50, sort: str = "") -> Json:
        """One page of an experiment's trials."""
        return self.call(
            "GET", f"experiments/{_quoted(key)}/trials", {"page": page, "page_size": page_size, "sort": sort}
        )

    def logs(self, key: str, trial: int, *, name: str = "stdout", after: int = 0, limit: int = 1000) -> Json:
        """Lines of a trial's output behind the first `after`: `{"total": 120, "lines": [...]}`."""
        path = f"experiments/{_quoted(key)}/trials/{trial}/logs"
        return self.call("GET", path, {"name": name, "after": after, "limit": limit})

    def events(self, stream: str, *, after: int | None = None, feed: str = "", wait: int = 0) -> Json:
        """The events of a stream behind a number, at most `wait` seconds later."""
        asked = {"stream": stream, "after": after, "feed": feed, "wait": wait}
        return self.call("GET", "events", asked, timeout=TIMEOUT + wait)

    def watch(self, key: str, *, every: float = 1.0, pause: Callable[[float], None] = time.sleep) -> Iterator[Json]:
        """The experiment each time it has changed, until it has ended; the end is told too.

        Between two looks it waits for an event of the experiment, and at least `every` seconds.
        """
        last: Json = {}
        while True:
            experiment = self.experiment(key)
            if experiment != last:
                yield experiment
            if experiment.get("status") in ENDED_EXPERIMENT:
                return
            last = experiment
            pause(every)
            self._wait_for_news(key, experiment)

    def call(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, *, timeout: float = TIMEOUT
    ) -> Json:
        """One request to the native API below `/api/tunebook/v1/`; the answer's JSON object."""
        url = self.url + BASE + path
        body = None
        given = {name: value for name, value in (content or {}).items() if value not in (None, "")}
        if self.workspace:
            given.setdefault("workspace", self.workspace)
        if method in ("GET", "DELETE"):
            url += "?" + urllib.parse.urlencode(given) if given else ""
        else:
            body = json.dumps(given, ensure_ascii=False).encode()
        for attempt in range(TRIES if method == "GET" else 1):
            if attempt:
                time.sleep(random.random() * 0.5 * 2**attempt)
            try:
                return self._send(method, url, body, timeout)
            except _Unreachable as error:
                trouble = error
        raise ClientError(0, "unreachable", f"cannot reach {self.url}: {trouble}")

    def _send(self, method: str, url: str, body: bytes | None, timeout: float) -> Json:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            request = urllib.request.Request(url, data=body, headers=headers, method=method)
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return _object(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (502, 503, 504):
                    raise _Unreachable(f"HTTP {error.code}") from None
                raise _refusal(error.code, error.read()) from None
        except (OSError, ValueError) as error:
            raise _Unreachable(str(getattr(error, "reason", error))) from None

    def _order(self, key: str, verb: str) -> Json:
        return self.call("POST", f"experiments/{_quoted(key)}/{verb}")

    def _wait_for_news(self, key: str, experiment: Json) -> None:
        feed, _, seq = str(experiment.get("cursor") or "").rpartition(":")
        if seq.isdigit():
            self.events(f"exp:{key}", after=int(seq), feed=feed, wait=LONGEST_POLL)


class _Unreachable(Exception):
    """No answer, or none of the server's own."""


def credentials_file() -> Path:
    """Where `tunebook login` keeps what it was told; only its owner can read it."""
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(folder) / "tunebook" / "credentials.json"


def load_credentials() -> Json:
    """What `save_credentials` wrote; empty when there is nothing to read."""
    try:
        return _object(credentials_file().read_bytes())
    except (OSError, ValueError):
        return {}


def save_credentials(url: str, token: str, workspace: str = "") -> Path:
    """Keep server and token for later calls."""
    path = credentials_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        json.dump({"url": url.rstrip("/"), "token": token, "workspace": workspace}, file)
    return path


def _object(text: bytes) -> Json:
    found = json.loads(text or b"{}")
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found


def _refusal(status: int, text: bytes) -> ClientError:
    """The server's own words where it has some."""
    try:
        body = _object(text)
    except ValueError:
        body = {}
    error = body.get("error")
    said: Json = error if isinstance(error, dict) else body
    code = str(said.get("code") or f"http_{status}")
    message = str(said.get("message") or f"the server answered with status {status}")
    field = said.get("field") or said.get("path")
    return ClientError(status, code, f"{field}: {message}" if field and not message.startswith(str(field)) else message)


def _quoted(key: str) -> str:
    return urllib.parse.quote(key, safe="")
