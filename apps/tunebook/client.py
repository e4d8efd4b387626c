"""Speaks to a Tunebook server: submit experiments, look at them, follow them, stop them.

client = Client("http://localhost:8000", token="tb_...")
experiment = client.submit(json.load(open("digits.json")), name="Digits")
for summary in client.watch(experiment["key"]):
    print(summary["status"], summary["best"])
"""

import contextlib
import http.client
import json
import os
import random
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from tunebook import bundle
from tunebook.errors import ClientError, SpecError
from tunebook.job import Job
from tunebook.status import ENDED_EXPERIMENT
from tunebook.sweep.jobs import Jobs
from tunebook.wire import pai
from tunebook.wire.recognise import KINDS, own_tags, recognise_document

__all__ = ["Client", "credentials_file", "load_credentials", "save_credentials"]

BASE = "/api/tunebook/v1/"
PAI_CREATE = "/api/automl/v1/hpo/experiment"
TIMEOUT = 30.0
LONG = 600.0  # for whole experiments
BRING_CODE = frozenset({"sweep", "wmla"})
"""Kinds of documents whose scripts lie in a folder beside them."""
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
        self._token = (token or os.environ.get("TUNEBOOK_API_TOKEN") or stored.get("token") or "").strip()
        self.workspace = workspace or stored.get("workspace") or ""
        if not self.url or not self._token:
            raise ClientError(0, "not_signed_in", "no server and token known; run `tunebook login` first")
        if not self.url.startswith(("http://", "https://")):
            raise ClientError(0, "bad_url", f"a server's address begins with http:// or https://, got {self.url!r}")
        if not self._token.isascii() or not self._token.isprintable():
            raise ClientError(0, "bad_token", "a token is one line of plain letters, digits, - and _")

    @property
    def jobs(self) -> Jobs:
        """The same server with the verbs and the sweeps of azure.ai.ml."""
        return Jobs(self)

    def submit(
        self,
        document: Mapping[str, Any],
        *,
        name: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
        start: bool = True,
        base_path: str | None = None,
        text: str | None = None,
        made_from: str = "",
    ) -> Json:
        """Create an experiment from a document of any known kind; the experiment.

        text: the document word for word, which the server keeps; left out it is the document as JSON. base_path: where
        relative paths in a file start; the folder that a sweep or a hypersearch task names as its code is sent along.
        made_from: the file that a job document was made from, to be kept instead of it. `start=False` leaves it CREATED
        until it is resumed. Raises SpecError, before anything is sent, with the path of what is wrong.
        """
        kind, found = recognise_document(document, base_path=base_path)
        if not isinstance(found, Job):
            raise SpecError("", f"is a {KINDS[kind]}, not a job: it says neither command nor objective")
        if kind == "pai":
            return self.experiment(self._submit_pai(document, name, description, tags or {}))
        body: Json = {"name": name, "description": description, "tags": dict(tags or {})}
        if kind == "job":
            body |= {"job": document, "document": made_from}
        else:
            body["document"] = text or json.dumps(document, ensure_ascii=False)
            body["tags"] = {**own_tags(document), **body["tags"]}
            body["job"] = (self.with_code(found) if kind in BRING_CODE else found).to_dict()
        given = {member: value for member, value in body.items() if value} | ({} if start else {"start": False})
        return self.call("POST", "experiments", self._in_workspace(given))

    def with_code(self, job: Job) -> Job:
        """The job with the folder of this machine that it would run in sent along, so that it runs anywhere."""
        folder = job.command.working_dir
        if not folder or not os.path.isdir(folder):
            return job
        return replace(job, command=replace(job.command, code=self.upload_code(folder), working_dir=None))

    def upload_code(self, folder: str | os.PathLike[str]) -> str:
        """Send a folder of code; the key that a job's command names it by. The same content is kept once.

        Left out is what `.amlignore`, or else `.gitignore`, names. Raises SpecError for more than 300 MiB.
        """
        with tempfile.TemporaryFile() as file:
            bundle.write(Path(folder), file)
            file.seek(0)
            query = f"?{urllib.parse.urlencode({'workspace': self.workspace})}" if self.workspace else ""
            try:
                found = self._send("POST", f"{self.url}{BASE}code{query}", file, LONG, "application/gzip")
            except _Unreachable as error:
                raise ClientError(0, "unreachable", f"cannot reach {self.url}: {error}") from None
        return str(found["key"])

    def experiments(self, /, *, page: int = 1, page_size: int = 20, **filters: Any) -> Json:
        """One page of experiments, newest first: `{"total": 3, "items": [...]}`.

        filters: as the API has them: `status="RUNNING,FAILED"`, `tag="team=vision"`, `word="digits"`,
        `sort="best", order="desc"`, `trashed=True`.
        """
        return self.call("GET", "experiments", self._in_workspace({"page": page, "page_size": page_size, **filters}))

    def experiment(self, key: str) -> Json:
        """One experiment with its job; `cursor` is where its events stood."""
        return self.call("GET", f"experiments/{_quoted(key)}")

    def export(self, key: str) -> Json:
        """One experiment whole, with its trials and measurements, as `import_experiment` takes it."""
        return self.call("GET", f"experiments/{_quoted(key)}/export", timeout=LONG)

    def import_experiment(self, document: Mapping[str, Any], *, tags: Mapping[str, str] | None = None) -> Json:
        """Store an exported experiment, or what `tunebook.imports.read` found, under a new key; the experiment."""
        given = {"document": dict(document), "tags": dict(tags or {}) or None}
        return self.call("POST", "experiments/import", self._in_workspace(given), timeout=LONG)

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

    def trials(self, key: str, *, page: int = 1, page_size: int = 50, **filters: Any) -> Json:
        """One page of an experiment's trials; filters: `sort="value", order="desc"`, `status="FINISHED"`."""
        return self.call("GET", f"experiments/{_quoted(key)}/trials", {"page": page, "page_size": page_size, **filters})

    def trial(self, key: str, number: int) -> Json:
        """One trial with its attempts."""
        return self.call("GET", f"experiments/{_quoted(key)}/trials/{number}")

    def artifacts(self, key: str, number: int, *, folder: str = "") -> list[Json]:
        """What lies in one folder of a trial's files: `path`, `folder` and `size` of each."""
        found = self.call("GET", f"experiments/{_quoted(key)}/trials/{number}/artifacts", {"folder": folder or None})
        return list(found["items"])

    def artifact(self, key: str, number: int, path: str) -> contextlib.closing[IO[bytes]]:
        """One file of a trial, to be read in a `with` block."""
        url = f"{self.url}{BASE}experiments/{_quoted(key)}/trials/{number}/artifacts/{urllib.parse.quote(path)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})
        try:
            return contextlib.closing(urllib.request.urlopen(request, timeout=TIMEOUT))
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.code, error.read()) from None
        except (OSError, ValueError) as error:
            raise ClientError(0, "unreachable", f"cannot reach {self.url}: {error}") from None

    def logs(self, key: str, number: int, *, stream: str = "stdout", page: int = 1, page_size: int = 1000) -> Json:
        """One page of the lines a trial has written: `{"total": 120, "items": [...]}`."""
        path = f"experiments/{_quoted(key)}/trials/{number}/logs"
        return self.call("GET", path, {"stream": stream, "page": page, "page_size": page_size})

    def events(self, stream: str, *, after: str | int = 0, wait: int = 0) -> Json:
        """The events of a stream behind a cursor or a number, at most `wait` seconds later; `cursor` reads on."""
        asked = {"stream": stream, "after": str(after), "wait": wait}
        return self.call("GET", "events", asked, timeout=TIMEOUT + wait)

    def watch(self, key: str, *, every: float = 1.0) -> Iterator[Json]:
        """The experiment each time it has changed, until it has ended; the end is told too.

        Between two looks it waits for an event of the experiment, and at least `every` seconds.
        """
        last: Json = {}
        while True:
            experiment = self.experiment(key)
            if _without_cursor(experiment) != _without_cursor(last):
                yield experiment
            if experiment.get("status") in ENDED_EXPERIMENT:
                return
            last = experiment
            time.sleep(every)
            self._wait_for_news(key, experiment)

    def call(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, *, timeout: float = TIMEOUT
    ) -> Json:
        """One request below `/api/tunebook/v1/`, or to a whole path; the answer's JSON object."""
        url = self.url + (path if path.startswith("/") else BASE + path)
        body = None
        given = {name: value for name, value in (content or {}).items() if value is not None}
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

    def _send(
        self, method: str, url: str, body: bytes | IO[bytes] | None, timeout: float, kind: str = "application/json"
    ) -> Json:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = kind
        if body is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        try:
            request = urllib.request.Request(url, data=body, headers=headers, method=method)
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (502, 503, 504):
                    raise _Unreachable(f"HTTP {error.code}") from None
                raise _refusal(error.code, error.read()) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _Unreachable(str(getattr(error, "reason", error))) from None
        try:
            return _object(text)
        except ValueError:
            raise _Unreachable("what answers there is no Tunebook server") from None

    def _submit_pai(self, document: Mapping[str, Any], name: str, description: str, tags: Mapping[str, str]) -> str:
        """Create it through the API it is written for, so that it is kept verbatim; its key."""
        whole: Json = dict(document) if pai.PATH in document else {pai.PATH: document}
        whole |= {member: text for member, text in {"Name": name, "Description": description}.items() if text}
        if self.workspace:
            whole.setdefault("WorkspaceId", self.workspace)
        if tags:
            ours = [{"Key": key, "Value": value} for key, value in tags.items()]
            whole["Tag"] = [*whole.get("Tag", ()), *ours]
        return str(self.call("POST", PAI_CREATE, whole)["ExperimentId"])

    def _in_workspace(self, given: Json) -> Json:
        return {"workspace": self.workspace, **given} if self.workspace else given

    def _order(self, key: str, verb: str) -> Json:
        return self.call("POST", f"experiments/{_quoted(key)}/{verb}", {})

    def _wait_for_news(self, key: str, experiment: Json) -> None:
        if experiment.get("cursor"):
            self.events(f"exp:{key}", after=experiment["cursor"], wait=LONGEST_POLL)


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
    said: Json = error if isinstance(error, dict) else {name.lower(): value for name, value in body.items()}
    code = str(said.get("code") or f"http_{status}")
    message = str(said.get("message") or f"the server answered with status {status}")
    field = said.get("field")
    return ClientError(status, code, f"{field}: {message}" if field and not message.startswith(str(field)) else message)


def _without_cursor(experiment: Json) -> Json:
    return {name: value for name, value in experiment.items() if name != "cursor"}


def _quoted(key: str) -> str:
    return urllib.parse.quote(key, safe="")
