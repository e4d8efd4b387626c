"""Ray's Jobs REST API, as far as it is needed: submit, list, get, stop, delete. Ray itself is not."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from apps.optimizer.executors.base import Refused, Unavailable

TIMEOUT = 5.0
ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
MOST_SAID = 500

Job = Mapping[str, Any]


class Exists(Exception):
    """There is a job of that id already."""


class RayJobs:
    """The jobs of one cluster. Every call raises Unavailable when its head does not answer as one."""

    def __init__(self, address: str, token: str = "", *, timeout: float = TIMEOUT) -> None:
        self.address, self.token, self.timeout = address.rstrip("/"), token, timeout

    def submit(self, job: Mapping[str, Any]) -> None:
        """Start a job under its `submission_id`. Raises Exists, and Refused for one that can never be."""
        status, answer = self._ask("POST", "jobs/", job)
        if status == 200:
            return
        if "already exists" in answer:
            raise Exists(job["submission_id"])
        if status == 400:
            raise Refused(f"Ray takes no such job: {_words(answer)}")
        raise Unavailable(f"the Ray head at {self.address} answered {status}: {_words(answer)}")

    def all(self) -> dict[str, Job]:
        """Every submitted job that the head knows, by its id."""
        jobs = self._json("GET", "jobs/")
        if not isinstance(jobs, list) or not all(isinstance(job, dict) and "status" in job for job in jobs):
            raise Unavailable(f"what answers at {self.address} is no Ray head")
        return {str(job["submission_id"]): job for job in jobs if job.get("submission_id")}

    def get(self, key: str) -> Job | None:
        """One job, None when the head does not know it."""
        status, answer = self._ask("GET", f"jobs/{urllib.parse.quote(key)}")
        if status == 404:
            return None
        found = self._read(status, answer)
        return found if isinstance(found, dict) else None

    def stop(self, key: str) -> None:
        """Ask Ray to end a job; one that is not there is no trouble."""
        self._ask("POST", f"jobs/{urllib.parse.quote(key)}/stop")

    def delete(self, key: str) -> None:
        """Make the head forget a job that has ended."""
        self._ask("DELETE", f"jobs/{urllib.parse.quote(key)}")

    def asks_for_a_token(self) -> bool:
        """Whether a caller without a token is sent away, and not let in."""
        status, answer = self._ask("GET", "jobs/", token="")
        if status not in (200, 401, 403):
            raise Unavailable(f"the Ray head at {self.address} answered {status}: {_words(answer)}")
        return status != 200

    def _json(self, method: str, path: str) -> Any:
        return self._read(*self._ask(method, path))

    def _read(self, status: int, answer: str) -> Any:
        try:
            if status == 200:
                return json.loads(answer)
        except ValueError:
            pass
        raise Unavailable(f"the Ray head at {self.address} answered {status}: {_words(answer)}")

    def _ask(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, token: str | None = None
    ) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"}
        credential = self.token if token is None else token
        if credential:
            headers["Authorization"] = f"Bearer {credential}"
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.address}/api/{path}", data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            if error.code in (401, 403) and credential:
                raise Unavailable(f"the Ray head at {self.address} does not take TUNEBOOK_RAY_TOKEN") from None
            return error.code, text
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unavailable(f"the Ray head at {self.address} cannot be reached: {reason}") from None


def _words(answer: str) -> str:
    """The last line of an answer, which of Ray's tracebacks is what happened."""
    lines = [line.strip() for line in answer.strip().splitlines() if line.strip(" .\t")]
    return lines[-1][:MOST_SAID] if lines else "nothing"
