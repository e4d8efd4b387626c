"""A task in a file is submitted from the command line with the script beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.artifacts.models import Snapshot
from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey
from tests.dialects.wmla.conftest import a_document
from tunebook.cli import DONE, main

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_task_is_submitted_with_its_model(
    served: str, key_ada: IssuedKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TUNEBOOK_SERVER", f"http://{served}")
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", key_ada.token)
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "main.py").write_text("print(1)\n")
    (tmp_path / "task.json").write_text(json.dumps(a_document(hpoName="mine")))

    code = main(["submit", str(tmp_path / "task.json"), "--json"])

    experiment = Experiment.objects.get()
    assert (code, experiment.name) == (DONE, "mine")
    assert experiment.job["command"]["code"] == Snapshot.objects.get().key
    assert [one["path"] for one in Snapshot.objects.get().files] == ["main.py"]
