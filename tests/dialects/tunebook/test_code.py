"""Code that is sent along, and files that are kept word for word."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from django.test import Client

from apps.artifacts.models import Snapshot
from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey
from tests.people import a_job
from tests.tunebook.sweep.test_loading import SWEEP
from tunebook.wire.recognise import recognise


def an_archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def send(key: IssuedKey, content: bytes, query: str = "") -> Any:
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key.token}"})
    return client.post(f"/api/tunebook/v1/code{query}", content, content_type="application/gzip")


def create(key: IssuedKey, **members: Any) -> Any:
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key.token}"})
    body = {"job": a_job().to_dict(), **members}
    return client.post("/api/tunebook/v1/experiments", json.dumps(body), content_type="application/json")


def test_a_folder_of_code_is_kept_once(key_ada: IssuedKey) -> None:
    archive = an_archive({"train.py": b"print(1)", "parts/data.py": b"x = 1"})

    first, second = send(key_ada, archive), send(key_ada, archive, "?workspace=lab")

    assert (first.status_code, first.json()["files"]) == (201, 2)
    assert second.json() == first.json()
    assert Snapshot.objects.get().key == first.json()["key"]


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", an_archive({"../train.py": b"x"}), an_archive({"/etc/passwd": b"x"})],
    ids=["nothing", "nonsense", "beside the folder", "outside of it"],
)
def test_what_is_no_archive_or_a_bad_one_is_refused(key_ada: IssuedKey, content: bytes) -> None:
    answer = send(key_ada, content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_archive")
    assert not Snapshot.objects.exists()


def test_a_viewer_sends_no_code_and_nobody_elsewhere(key_ben: IssuedKey, key_cleo: IssuedKey) -> None:
    assert send(key_ben, an_archive({"a": b""})).status_code == 403
    assert send(key_cleo, an_archive({"a": b""}), "?workspace=lab").status_code == 404


def test_the_file_that_a_job_was_made_from_is_kept_word_for_word(key_ada: IssuedKey) -> None:
    _, job = recognise(SWEEP)

    answer = create(key_ada, job=job.to_dict(), document=SWEEP)

    assert answer.status_code == 201
    kept = Experiment.objects.get()
    assert (kept.dialect, kept.submitted) == ("sweep", SWEEP)


@pytest.mark.parametrize("code", [".", "/srv/code"])
def test_a_file_whose_search_space_is_in_a_file_beside_it_is_kept_too(key_ada: IssuedKey, code: str) -> None:
    config = (
        f"searchSpaceFile: search_space.json\ntrialCommand: python3 trial.py\ntrialCodeDirectory: {code}\n"
        "trialConcurrency: 1\ntuner:\n  name: Random\ntrainingService:\n  platform: local\n"
    )

    answer = create(key_ada, document=config)

    assert answer.status_code == 201
    kept = Experiment.objects.get()
    assert (kept.dialect, kept.submitted) == ("nni", config)


@pytest.mark.parametrize("document", ["nonsense: [", "{}", json.dumps(a_job().to_dict()), "type: sweep\n"])
def test_a_file_that_is_none_is_refused(key_ada: IssuedKey, document: str) -> None:
    answer = create(key_ada, document=document)

    assert answer.status_code == 422
    assert answer.json()["error"]["field"].startswith("document")
    assert not Experiment.objects.exists()
