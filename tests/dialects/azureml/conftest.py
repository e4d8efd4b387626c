"""A client of ARM jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.workspaces.models import IssuedKey, Workspace
from tests.tunebook.wire.test_azureml import old, today
from tunebook.wire.azureml import OLD

VERSION = "2024-01-01-preview"


@dataclass
class Answer:
    """What came back: status and body, None where there is none."""

    status: int
    body: Any

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["error"]
        return found

    @property
    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["properties"]
        return found


class Arm:
    """Calls ARM as the holder of a token, on one workspace."""

    def __init__(self, token: str | None, workspace: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(raise_request_exception=False, headers=headers)
        self.base = a_base(workspace)

    def call(
        self, method: str, path: str, document: Any = None, *, version: str | None = VERSION, **query: str
    ) -> Answer:
        asked = query | ({} if version is None else {"api-version": version})
        body = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
        kind = {"content_type": "application/json"} if body else {}
        response = self.client.generic(method, path, body, query_params=asked, **kind)
        return Answer(response.status_code, json.loads(response.content) if response.content else None)

    def put(self, name: str, properties: Any = None, *, version: str | None = VERSION) -> Answer:
        """Put a sweep, in the shape of the version."""
        given = properties or (old() if version == OLD else today(inputs={}, trial=a_trial()))
        return self.call("PUT", f"{self.base}/jobs/{name}", {"properties": given}, version=version)

    def get(self, name: str, *, version: str | None = VERSION) -> Answer:
        return self.call("GET", f"{self.base}/jobs/{name}", version=version)

    def list(self, *, version: str | None = VERSION, **query: str) -> Answer:
        return self.call("GET", f"{self.base}/jobs", version=version, **query)

    def cancel(self, name: str, *, version: str | None = VERSION) -> Answer:
        return self.call("POST", f"{self.base}/jobs/{name}/cancel", version=version)

    def delete(self, name: str, *, version: str | None = VERSION) -> Answer:
        return self.call("DELETE", f"{self.base}/jobs/{name}", version=version)


def a_base(workspace: str) -> str:
    return f"/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"


def a_trial(**members: Any) -> dict[str, Any]:
    return {"command": "train ${{search_space.lr}}", **members}


@pytest.fixture
def ada_there(key_ada: IssuedKey, workspace: Workspace) -> Arm:
    return Arm(key_ada.token, workspace.slug)


@pytest.fixture
def ben_there(key_ben: IssuedKey, workspace: Workspace) -> Arm:
    return Arm(key_ben.token, workspace.slug)


@pytest.fixture
def cleo_there(key_cleo: IssuedKey, workspace: Workspace) -> Arm:
    return Arm(key_cleo.token, workspace.slug)
