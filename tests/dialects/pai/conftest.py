"""A client of the native API, and experiments as it would have made them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.experiments.models import COUNT_COLUMNS, Experiment
from apps.trials.models import Measurement, Trial
from apps.workspaces.models import IssuedKey
from tests.dialects.pai.documents import a_configuration

BASE = "/api/automl/v1/hpo"


@dataclass
class Answer:
    """What came back: status and body."""

    status: int
    body: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        return str(self.body.get("Code", ""))

    @property
    def message(self) -> str:
        return str(self.body.get("Message", ""))


class Native:
    """Calls the native API as the holder of a token."""

    def __init__(self, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str, **query: Any) -> Answer:
        return self._read(self.client.get(BASE + path, query))

    def put(self, path: str, body: Any = None) -> Answer:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {"content_type": "application/json"} if body is not None else {"content_type": ""}
        return self._read(self.client.generic("PUT", BASE + path, content, **kind))

    def post(self, path: str, body: Any) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._read(self.client.generic("POST", BASE + path, content, content_type="application/json"))

    def create(self, **members: Any) -> Answer:
        return self.post("/experiment", {"HpoExperimentConfiguration": a_configuration(), **members})

    @staticmethod
    def _read(response: Any) -> Answer:
        assert response["content-type"] == "application/json"
        body = json.loads(response.content)
        assert body["RequestId"] == body["RequestId"].upper()
        return Answer(response.status_code, body)


@pytest.fixture
def native(key_ada: IssuedKey) -> Native:
    """Ada's client: she is administrator of the workspace."""
    key_ada.row.last_used = key_ada.row.created
    return Native(key_ada.token)


@pytest.fixture
def native_ben(key_ben: IssuedKey) -> Native:
    """Ben's: he may read."""
    return Native(key_ben.token)


@pytest.fixture
def native_cleo(key_cleo: IssuedKey) -> Native:
    """Cleo's: she has no business here."""
    return Native(key_cleo.token)


@pytest.fixture
def experiment(native: Native) -> str:
    """The id of a public experiment of ada's with three tags."""
    tags = [{"Key": "group", "Value": "vision"}, {"Key": "team", "Value": ""}]
    answer = native.create(Name="First Sweep", Accessibility="PUBLIC", Tag=tags)
    assert answer.status == 200, answer
    return str(answer["ExperimentId"])


@pytest.fixture
def trial_of(db: None) -> Callable[..., Trial]:
    """Store a trial of an experiment directly, in any state."""

    def make(key: str, number: int, status: str = "FINISHED", value: float | None = None, **columns: Any) -> Trial:
        row = Experiment.objects.get(key=key)
        given = {"params": {"lr": 0.1 + number}, "source": "random", "attempt_count": 1, **columns}
        trial = Trial.objects.create(experiment=row, number=number, status=status, value=value, **given)
        row.trial_count += 1
        setattr(row, COUNT_COLUMNS[status], getattr(row, COUNT_COLUMNS[status]) + 1)
        row.save()
        return trial

    return make


def measure(trial: Trial, *values: float, name: str = "loss") -> None:
    """Store measurements of a trial at steps 0, 1, ..."""
    Measurement.objects.bulk_create(
        Measurement(trial=trial, name=name, step=step, value=value) for step, value in enumerate(values)
    )
