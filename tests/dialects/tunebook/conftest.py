"""A client of our own API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.workspaces.models import IssuedKey

BASE = "/api/tunebook/v1"


@dataclass
class Answer:
    """What came back: status, body, headers."""

    status: int
    body: Any
    headers: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        return str(self.body.get("error", {}).get("code", ""))

    @property
    def field(self) -> str:
        return str(self.body["error"]["field"])


class Ours:
    """Calls our API as the holder of a token."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> Answer:
        return self._read(self.client.get(BASE + path, query, headers=self.headers))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        kind = "" if body is None else "application/json"
        return self._read(self.client.generic(method, BASE + path, content, content_type=kind, headers=given))

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, body, **headers)

    @staticmethod
    def _read(response: Any) -> Answer:
        assert response["content-type"] == "application/json"
        return Answer(response.status_code, json.loads(response.content), response.headers)


@pytest.fixture
def ours(key_ada: IssuedKey) -> Ours:
    """Ada's client: she is administrator of the workspace."""
    return Ours(key_ada.token)


@pytest.fixture
def ours_ben(key_ben: IssuedKey) -> Ours:
    """Ben's: he may read."""
    return Ours(key_ben.token)


@pytest.fixture
def ours_cleo(key_cleo: IssuedKey) -> Ours:
    """Cleo's: she has no business here."""
    return Ours(key_cleo.token)
