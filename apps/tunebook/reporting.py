"""Sends a spool's measurements to the server over HTTP, for trials that run on another machine."""

import json
import logging
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from tunebook.spool import Spool

log = logging.getLogger("tunebook.run")

PATH = "/api/tunebook/v1/attempts/report"
BATCH = 200  # lines
MOST_ITEMS = 1000  # in one request
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
LONGEST_ASKED = 600.0  # however long the server says to wait
TIMEOUT = 20.0
MAX_BEHIND = 64 * 1024 * 1024
MOST_SAID = 10_000
QUOTA = "quota"


class Fenced(Exception):
    """The server has started another attempt; what this one reports counts no more."""


class Refused(Exception):
    """The server does not take this batch, now or later: it cannot be read, or the trial has all that it may have."""


class Unreachable(Exception):
    """No answer, or one that asks to try again; `after` seconds, if it said so."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


def items_of(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a spool as the items of a report."""
    return [
        {"metric": name, "step": record.get("step"), "value": value}
        for record in records
        for name, value in (record.get("metrics") or {}).items()
    ]


def send(url: str, token: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Post one batch; the server's answer. Raises Fenced, Refused or Unreachable."""
    request = urllib.request.Request(
        url.rstrip("/") + PATH,
        data=json.dumps({"items": items}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            read = json.loads(answer.read() or b"{}")
            return read if isinstance(read, dict) else {}
    except urllib.error.HTTPError as error:
        with error:
            raise _trouble(error) from None
    except (OSError, ValueError) as error:
        raise Unreachable(str(error)) from None


def _trouble(error: urllib.error.HTTPError) -> Exception:
    code, message = _said(error)
    told = f"HTTP {error.code}: {message}" if message else f"HTTP {error.code}"
    if error.code == 409:
        return Fenced("another attempt has taken over")
    if (error.code == 429 and code != QUOTA) or error.code >= 500:
        after = error.headers.get("Retry-After") or ""
        return Unreachable(told, float(after) if after.isdecimal() else None)
    return Refused(told)


def _said(error: urllib.error.HTTPError) -> tuple[str, str]:
    """The code and the sentence of a refusal; empty where a stranger answered."""
    try:
        told = json.loads(error.read(MOST_SAID))["error"]
        return str(told["code"]), str(told["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""


class Sender(threading.Thread):
    """Follows a spool in the background and sends what is new, in order, until it is closed.

    A batch stays in the spool until the server has it. `stopped` is true once the server wants this attempt to end.
    """

    def __init__(
        self,
        spool: Spool,
        url: str,
        token: str,
        *,
        post: Callable[[str, str, list[dict[str, Any]]], dict[str, Any]] = send,
        draw: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(name="tunebook-report", daemon=True)
        self._spool, self._url, self._token = spool, url, token
        self._post, self._draw = post, draw
        self._news, self._closing = threading.Event(), threading.Event()
        self._offset = 0
        self._wait = FIRST_WAIT
        self._noted: set[str] = set()
        self.stopped = False
        self.fenced = False

    def poke(self) -> None:
        """There is something new."""
        self._news.set()

    def close(self, timeout: float = 10.0) -> None:
        """Send what is left, for so many seconds at most."""
        self._closing.set()
        self._news.set()
        self.join(timeout)

    def run(self) -> None:
        while not self.fenced:
            self._news.wait(None if not self._closing.is_set() else 0)
            self._news.clear()
            while not self.fenced and self.send_next():
                pass
            if self._closing.is_set():
                return

    def send_next(self) -> bool:
        """Send one batch, or wait for a while after a failure. False: there was nothing to send."""
        records, behind = self._spool.read(self._offset, BATCH)
        if behind == self._offset:
            return False
        if self._spool.size() - self._offset > MAX_BEHIND:
            self._note("far behind: every other measurement is left out until the rest is sent")
            records = records[::2]
        items = items_of(records)
        try:
            for start in range(0, len(items), MOST_ITEMS):
                answer = self._post(self._url, self._token, items[start : start + MOST_ITEMS])
                self.stopped = self.stopped or bool(answer.get("stop"))
                self._tell_of_rejected(answer.get("items"))
        except Fenced as error:
            self.fenced = self.stopped = True
            self._note(f"measurements are not taken any more: {error}")
            return False
        except Refused as error:
            self._note(f"a batch of measurements was refused: {error}")
        except Unreachable as error:
            self._note(f"measurements wait for the server: {error}")
            self._pause(error.after)
            return True
        self._offset, self._wait = behind, FIRST_WAIT
        return True

    def _tell_of_rejected(self, items: object) -> None:
        """Say why the server has left out measurements."""
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and item.get("message"):
                self._note(f"a measurement was left out: {item['message']}")

    def _pause(self, after: float | None) -> None:
        """Full jitter: any time up to the present bound, which doubles, or what the server asked for."""
        pause = self._draw() * self._wait if after is None else min(after, LONGEST_ASKED)
        self._wait = min(self._wait * 2, LONGEST_WAIT)
        time.sleep(pause)

    def _note(self, message: str) -> None:
        if message not in self._noted:
            self._noted.add(message)
            log.warning("tunebook: %s", message)
