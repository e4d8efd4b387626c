"""Submissions that are sent again with the same Idempotency-Key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test.client import encode_multipart

from apps.experiments.models import Experiment
from tests.dialects.wmla.conftest import EXECS, MODEL, TASKS, Wmla, a_document


def send(client: Wmla, address: str, boundary: str, file: bytes = MODEL, **fields: Any) -> HttpResponse:
    body = encode_multipart(boundary, {**fields, "file": SimpleUploadedFile("model.tar", file)})
    kind = f"multipart/form-data; boundary={boundary}"
    return client.client.post(address, body, content_type=kind, headers={"Idempotency-Key": "k"})


@pytest.mark.parametrize("name", [None, "mine"])
def test_a_task_is_submitted_once(ada_there: Wmla, name: str | None) -> None:
    data = json.dumps(a_document(hpoName=name))

    first, second = (send(ada_there, TASKS, boundary, data=data) for boundary in ("one", "other"))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Experiment.objects.count() == 1


def test_a_training_is_submitted_once(ada_there: Wmla) -> None:
    address = f"{EXECS}/?sigName=lab&args=--model-main+main.py"

    first, second = (send(ada_there, address, boundary, b"print(1)\n") for boundary in ("one", "other"))
    other = send(ada_there, address, "one", b"print(2)\n")

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 400)
    assert first.content == second.content
    assert Experiment.objects.count() == 1


def test_a_refused_submission_leaves_its_key_unused(ada_there: Wmla) -> None:
    data = json.dumps(a_document())
    refused = send(ada_there, TASKS, "one", b"\x1f\x8b no tar", data=data)

    assert refused.status_code == 400
    assert send(ada_there, TASKS, "one", data=data).status_code == 201
