"""The files of a trial by our own API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.artifacts import artifacts
from apps.trials.models import Trial
from apps.tuning import trials
from tests.dialects.tunebook.conftest import BASE, Ours


@pytest.fixture
def trial(make_experiment: Any, actor_ada: Any) -> Trial:
    made = trials.queue(actor_ada, make_experiment(), {"x": 0.5})
    artifacts.add(made.experiment, made, "outputs/model/weights.bin", b"\0\1")
    artifacts.add(made.experiment, made, "outputs/notes.html", b"<script>alert(1)</script>")
    return made


def address(trial: Trial, more: str = "") -> str:
    return f"/experiments/{trial.experiment.key}/trials/{trial.number}/artifacts{more}"


def test_a_folder_is_listed(ours_ben: Ours, trial: Trial) -> None:
    top = ours_ben.get(address(trial))
    below = ours_ben.get(address(trial), folder="outputs")

    assert top.body == {"items": [{"path": "outputs", "folder": True, "size": 27}], "total": 1}
    assert [item["path"] for item in below["items"]] == ["outputs/model", "outputs/notes.html"]
    assert below["items"][1]["content_type"] == "text/html"
    assert len(below["items"][1]["sha256"]) == 64


def test_a_file_is_downloaded_and_nothing_in_it_can_act(ours_ben: Ours, trial: Trial) -> None:
    response = ours_ben.client.get(BASE + address(trial, "/outputs/notes.html"), headers=ours_ben.headers)

    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="notes.html"'
    assert "sandbox" in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["outputs", "nothing", "../secret-key", "%2e%2e/secret-key", "a%00b", "x" * 2000])
def test_what_is_no_file_is_not_found(ours: Ours, trial: Trial, path: str) -> None:
    answer = ours.get(address(trial, f"/{path}"))

    assert (answer.status, answer.code) == (404, "not_found")


def test_a_folder_that_cannot_be_is_refused(ours: Ours, trial: Trial) -> None:
    answer = ours.get(address(trial), folder="../..")

    assert (answer.status, answer.field) == (400, "folder")


def test_outsiders_find_nothing(ours_cleo: Ours, trial: Trial) -> None:
    assert ours_cleo.get(address(trial)).status == 404
    assert ours_cleo.get(address(trial, "/outputs/notes.html")).status == 404
