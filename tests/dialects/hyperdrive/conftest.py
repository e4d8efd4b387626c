"""A client of HyperDrive REST."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.workspaces.models import IssuedKey, Workspace

PROVIDER = "providers/Microsoft.MachineLearningServices"


@dataclass
class Answer:
    """What came back: status and body."""

    status: int
    body: dict[str, Any]


class HyperDrive:
    """Calls HyperDrive as the holder of a token, in one scope."""

    def __init__(self, token: str | None, scope: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(raise_request_exception=False, headers=headers)
        self.scope = scope

    def create(self, document: Any, *, scope: str | None = None, escaped: bool = False, path: str = "runs") -> Answer:
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        part = SimpleUploadedFile("config.json", text, content_type="application/octet-stream")
        return self.post(path, {"config": part}, scope=scope, escaped=escaped)

    def get(self, path: str) -> Answer:
        response = self.client.get(f"/hyperdrive/v1.0/{self.scope}/{path}")
        return Answer(response.status_code, json.loads(response.content))

    def cancel(self, run: str, *, escaped: bool = False) -> Answer:
        return self.post(f"runs/{run}/cancel", b"", content_type="application/json; charset=utf-8", escaped=escaped)

    def post(self, path: str, data: Any, *, scope: str | None = None, escaped: bool = False, **options: Any) -> Answer:
        place = scope or self.scope
        address = f"/hyperdrive/v1.0/{quote(place, safe='') if escaped else place}/{path}"
        response = self.client.post(address, data, **options)
        return Answer(response.status_code, json.loads(response.content))


def a_scope(workspace: str, experiment: str = "vision") -> str:
    return f"subscriptions/s/resourceGroups/g/{PROVIDER}/workspaces/{workspace}/experiments/{experiment}"


@pytest.fixture
def ada_there(key_ada: IssuedKey, workspace: Workspace) -> HyperDrive:
    return HyperDrive(key_ada.token, a_scope(workspace.slug))


@pytest.fixture
def ben_there(key_ben: IssuedKey, workspace: Workspace) -> HyperDrive:
    return HyperDrive(key_ben.token, a_scope(workspace.slug))


@pytest.fixture
def cleo_there(key_cleo: IssuedKey, workspace: Workspace) -> HyperDrive:
    return HyperDrive(key_cleo.token, a_scope(workspace.slug))
