"""The server, as an attempt on another machine talks to it. Standard library only: it goes there with the courier."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

API = "/api/tunebook/v1/attempts/self"
TIMEOUT = 20.0


class Fenced(Exception):
    """This attempt counts no more."""


class Away(Exception):
    """The server does not answer just now."""


class NotTaken(Exception):
    """The server never takes this."""


class Home:
    """The server, as far as this attempt may talk to it."""

    def __init__(self, url: str, token: str, authority: str = "") -> None:
        self.url, self.token = url.rstrip("/"), token
        self.context = ssl.create_default_context(cadata=authority) if authority else None
        self.heard = time.monotonic()
        self.wish: dict[str, Any] = {}

    def get(self, path: str) -> bytes:
        return self._ask("GET", path, None, {})

    def put(self, name: str, offset: int, data: bytes) -> int:
        """Send a piece of a file; how long it is at home now."""
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        self.wish = json.loads(self._ask("PUT", f"files/{urllib.parse.quote(name)}", data, headers))
        return int(self.wish["size"])

    def alive(self) -> None:
        self.wish = json.loads(self._ask("POST", "alive", b"", {}))

    def gone(self) -> None:
        """Say that nothing of the attempt is left; nobody there to hear it is no harm."""
        with contextlib.suppress(Fenced, Away, NotTaken):
            self._ask("POST", "gone", b"", {})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(f"{self.url}{API}/{path}", body, headers, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=self.context) as answer:
                read: bytes = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(2000).decode("utf-8", "replace")
            if error.code == 429 or error.code >= 500 or not (error.code == 413 or is_ours(text)):
                raise Away(f"{error.code} {text}") from None
            if error.code in (401, 404, 409):
                raise Fenced(text) from None
            self.heard = time.monotonic()
            raise NotTaken(f"{error.code} {text}") from None
        except (OSError, ValueError, urllib.error.URLError) as error:
            raise Away(str(error)) from None
        self.heard = time.monotonic()
        return read


def is_ours(answer: str) -> bool:
    """Whether an error is the server's own word, and not of a proxy before it that does not find the server."""
    try:
        return isinstance(json.loads(answer)["error"]["code"], str)
    except (ValueError, KeyError, TypeError):
        return False
