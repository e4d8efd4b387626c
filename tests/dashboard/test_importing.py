"""Taking in an experiment from a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.asserts import assertContains

from apps.experiments.models import Experiment
from tests.tuning.test_transfer import a_document

PAGE = "/w/lab/import"


def file(content: Any) -> dict[str, SimpleUploadedFile]:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {"file": SimpleUploadedFile("experiment.json", text)}


def test_an_exported_experiment_is_taken_in(as_ada: Client) -> None:
    assertContains(as_ada.get(PAGE), 'enctype="multipart/form-data"')

    answer = as_ada.post(PAGE, file(a_document()), follow=True)

    assertContains(answer, "digits is here now, with 3 trials.")
    whole: Any = as_ada.get(f"/w/lab/e/{Experiment.objects.get().key}/take/experiment.json")
    assertContains(as_ada.post(PAGE, {"file": SimpleUploadedFile("x", whole.getvalue())}, follow=True), "is here now")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no json", "file: is no JSON document"),
        (b"\xff\xfe\x00", "file: is no JSON document"),
        (b"[" * 100_000, "file: is no JSON document"),
        (b'{"format": NaN}', "stands for no number"),
        (b"[]", "must be"),
        ({"format": "other"}, "format"),
        (a_document(trials=[{"number": 0}]), "trials.0.params"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_words(as_ada: Client, content: Any, words: str) -> None:
    answer = as_ada.post(PAGE, file(content))

    assertContains(answer, words, status_code=400)
    assertContains(answer, "Nothing was stored", status_code=400)
    assert not Experiment.objects.exists()


def test_no_file_is_told(as_ada: Client) -> None:
    assertContains(as_ada.post(PAGE, {}), "choose the file", status_code=400)


def test_viewers_and_outsiders_import_nothing(as_ben: Client, as_cleo: Client) -> None:
    for client, status in ((as_ben, 403), (as_cleo, 404)):
        assert client.get(PAGE).status_code == status
        assert client.post(PAGE, file(a_document())).status_code == status
    assert not Experiment.objects.exists()
