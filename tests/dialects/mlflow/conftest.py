"""A trial that runs, and callers of MLflow's API: the trial itself and the holders of keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Trial
from apps.workspaces.models import IssuedKey, hash_token


@dataclass
class Answer:
    """What came back: status and body."""

    status: int
    body: Any


class Mlflow:
    """Calls the API with a token, as MLflow's client does."""

    def __init__(self, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str, **query: Any) -> Answer:
        return self._answer(self.client.get(f"/api/2.0/mlflow/{path}", query))

    def post(self, path: str, document: Any = None, **members: Any) -> Answer:
        body = document if isinstance(document, bytes) else json.dumps({**(document or {}), **members})
        return self._answer(self.client.post(f"/api/2.0/mlflow/{path}", body, content_type="application/json"))

    def send(self, method: str, path: str, body: bytes = b"", **options: Any) -> Any:
        """Any other request, for the raw response."""
        return self.client.generic(method, f"/api/2.0/{path}", body, **options)

    def _answer(self, response: Any) -> Answer:
        return Answer(response.status_code, json.loads(response.content))


@dataclass
class Running:
    """A trial that runs, with its token."""

    trial: Trial
    token: str

    @property
    def id(self) -> str:
        return self.trial.key

    @property
    def experiment(self) -> Experiment:
        return self.trial.experiment

    @property
    def root(self) -> str:
        return f"mlflow-artifacts/artifacts/{self.experiment.key}/{self.id}/artifacts"


@pytest.fixture
def start(make_experiment: Callable[..., Experiment]) -> Callable[..., Running]:
    """Have another trial run."""
    experiments: list[Experiment] = []

    def make(number: int = 0, *, experiment: Experiment | None = None, **given: Any) -> Running:
        if experiment is None:
            experiment = experiments[0] if experiments else make_experiment()
            experiments.append(experiment)
        trial = Trial.objects.create(
            experiment=experiment,
            number=number,
            source="random",
            attempt_count=1,
            **{"params": {"x": 0.5}, "status": "RUNNING", **given},
        )
        token = f"token-of-{trial.key}"
        Attempt.objects.create(
            trial=trial, experiment=experiment, number=1, launch_key=trial.key, token_hash=hash_token(token)
        )
        return Running(trial, token)

    return make


@pytest.fixture
def running(start: Callable[..., Running]) -> Running:
    return start()


@pytest.fixture
def script(running: Running) -> Mlflow:
    """The trial's own script."""
    return Mlflow(running.token)


@pytest.fixture
def ada_there(key_ada: IssuedKey) -> Mlflow:
    return Mlflow(key_ada.token)


@pytest.fixture
def ben_there(key_ben: IssuedKey) -> Mlflow:
    return Mlflow(key_ben.token)


@pytest.fixture
def cleo_there(key_cleo: IssuedKey) -> Mlflow:
    return Mlflow(key_cleo.token)
