"""What only a running server shows: bodies without a length, lists on one connection."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx

from apps.workspaces.models import IssuedKey
from tests.dialects.pai.documents import a_configuration


def test_a_chunked_body_is_read(served: str, key_ada: IssuedKey) -> None:
    def body() -> Iterator[bytes]:
        yield b'{"HpoExperimentConfiguration": '
        yield json.dumps(a_configuration()).encode()
        yield b"}"

    headers = {"Authorization": f"Bearer {key_ada.token}", "content-type": "application/json"}
    answer = httpx.post(f"http://{served}/api/automl/v1/hpo/experiment", content=body(), headers=headers)

    assert answer.status_code == 200, answer.text


def test_a_body_without_an_end_is_refused(served: str, key_ada: IssuedKey) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    headers = {"Authorization": f"Bearer {key_ada.token}", "content-type": "application/json"}
    answer = httpx.post(f"http://{served}/api/automl/v1/hpo/experiment", content=body(), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["Code"] == "INVALID_INPUT_PARAMS"
