"""What the machine of an attempt may ask and send with the attempt's token."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Trial
from apps.workspaces.models import hash_token
from tunebook import mirror

SELF = "/api/tunebook/v1/attempts/self"
TOKEN = "tba_secret"


@pytest.fixture
def folder(make_experiment: Callable[..., Experiment], tmp_path: Path, settings: Any) -> Path:
    """The folder of the attempt with the token, with an order in it."""
    settings.TUNEBOOK_DATA = tmp_path
    row = make_experiment()
    trial = Trial.objects.create(experiment=row, number=0, status="RUNNING", params={}, attempt_count=1)
    Attempt.objects.create(trial=trial, experiment=row, number=1, launch_key="k", token_hash=hash_token(TOKEN))
    folder = tmp_path / "trials" / row.key / "0" / "1"
    (folder / "work").mkdir(parents=True)
    (folder / mirror.ORDER).write_text('{"key": "k"}')
    return folder


def call(method: str, path: str, body: bytes = b"", token: str | None = TOKEN, **headers: str) -> Any:
    """One request; (status, body or error code)."""
    extra = {"Authorization": f"Bearer {token}"} if token else {}
    answer = Client().generic(method, f"{SELF}/{path}", body, "application/octet-stream", headers={**extra, **headers})
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code >= 400:
        return answer.status_code, json.loads(content)["error"]["code"]
    return answer.status_code, content


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "order"), ("GET", "runner"), ("GET", "work"), ("PUT", "files/out.log"), ("POST", "alive"), ("POST", "gone")],
)  # fmt: skip
def test_nobody_else_is_answered(folder: Path, method: str, path: str) -> None:
    assert call(method, path, token=None) == (401, "unauthenticated")
    assert call(method, path, token="tba_other") == (401, "unauthenticated")


def test_an_attempt_takes_its_order_and_its_files(folder: Path) -> None:
    (folder / "work/train.py").write_text("pass")

    order = call("GET", "order")
    with tarfile.open(fileobj=io.BytesIO(call("GET", "work")[1])) as archive:
        names = archive.getnames()

    assert order == (200, b'{"key": "k"}')
    assert names == ["work", "work/train.py"]


def test_what_is_sent_lies_in_the_folder(folder: Path) -> None:
    first = call("PUT", "files/out.log", b"one\n")
    second = call("PUT", "files/out.log", b"two\n", **{"Upload-Offset": "4"})

    assert (first[0], json.loads(second[1])) == (200, {"size": 8, "stop": False, "grace": None})
    assert (folder / "out.log").read_text() == "one\ntwo\n"
    assert (folder / mirror.HEARTBEAT).exists()


def test_an_attempt_hears_that_it_is_to_stop(folder: Path) -> None:
    mirror.mark(str(folder), mirror.STOP, '{"grace": 3}')

    status, answer = call("POST", "alive")

    assert (status, json.loads(answer)) == (200, {"stop": True, "grace": 3.0})


@pytest.mark.parametrize(
    ("path", "offset", "size", "expected"),
    [
        ("files/order.json", "0", 1, (400, "bad_parameter")),
        ("files/work/..%2Fstop", "0", 1, (400, "bad_parameter")),
        ("files/out.log", "-1", 1, (400, "bad_parameter")),
        ("files/out.log", "9" * 16, 1, (400, "bad_parameter")),
        ("files/out.log", "0", (4 << 20) + 1, (413, "too_large")),
    ],
)
def test_what_cannot_be_taken_is_refused(
    folder: Path, path: str, offset: str, size: int, expected: tuple[int, str]
) -> None:
    before = sorted(folder.rglob("*"))

    assert call("PUT", path, b"x" * size, **{"Upload-Offset": offset}) == expected
    assert [one for one in sorted(folder.rglob("*")) if one.name != mirror.HEARTBEAT] == before


@pytest.mark.parametrize("how", ["superseded", "lost", "ended", "taken for lost"])
def test_a_stale_attempt_is_fenced_and_may_still_say_that_it_is_gone(folder: Path, how: str) -> None:
    if how == "superseded":
        Trial.objects.update(attempt_count=2)
    elif how == "taken for lost":
        mirror.mark(str(folder), mirror.FENCED)
    else:
        Attempt.objects.update(fenced=how == "lost", ended="2026-01-01T00:00:00Z")

    answers = [call("GET", "order"), call("PUT", "files/out.log", b"late\n"), call("POST", "alive")]

    assert answers == [(409, "fenced")] * 3
    assert not (folder / "out.log").exists()
    assert call("POST", "gone") == (200, b"{}")
    assert (folder / mirror.GONE).exists()
