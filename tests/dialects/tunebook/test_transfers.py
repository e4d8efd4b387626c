"""Whole experiments out of and into our own API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from tests.dialects.tunebook.conftest import BASE, Ours
from tests.tuning.test_transfer import a_document

pytestmark = pytest.mark.django_db


def exported(client: Ours, key: str) -> dict[str, Any]:
    response = client.client.get(f"{BASE}/experiments/{key}/export", headers=client.headers)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = json.loads(response.getvalue())
    return found


def test_an_experiment_travels_whole(ours: Ours) -> None:
    made = ours.post("/experiments/import", {"document": a_document(), "tags": {"from": "elsewhere"}})

    assert made.status == 201
    assert (made["name"], made["status"], made["counts"]) == ("digits", "FINISHED", {"FINISHED": 2, "FAILED": 1})
    document = exported(ours, made["key"])
    again = ours.post("/experiments/import", {"document": document})
    assert exported(ours, again["key"]) == document
    assert document["experiment"]["tags"] == {"team": "vision", "from": "elsewhere"}


def test_an_export_costs_the_same_queries_however_many_trials(
    ours: Ours, make_experiment: Callable[..., Experiment]
) -> None:
    small = ours.post("/experiments/import", {"document": {**a_document(), "trials": []}})["key"]
    large = ours.post("/experiments/import", {"document": a_document()})["key"]
    counts = []
    for key in (small, large):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            exported(ours, key)
        counts.append(len(queries))

    assert counts[1] - counts[0] <= 4


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "document"),
        ({"document": []}, 400, "document"),
        ({"document": {}}, 422, "format"),
        ({"document": a_document(), "workspace": "nowhere"}, 404, ""),
        ({"document": a_document(trials=[{"number": 0}])}, 422, "trials.0.params"),
        ({"document": a_document(), "tags": {"aliyun": "x"}}, 422, "tags"),
    ],
)
def test_a_wrong_import_stores_nothing(ours: Ours, body: Any, status: int, field: str) -> None:
    answer = ours.post("/experiments/import", body)

    assert (answer.status, answer.field[: len(field)]) == (status, field)
    assert not Experiment.objects.exists()


def test_an_import_needs_a_key_and_the_right_to_create(ours: Ours, ours_ben: Ours) -> None:
    assert Ours(None).post("/experiments/import", {"document": a_document()}).status == 401
    assert ours_ben.post("/experiments/import", {"document": a_document()}).status == 403
