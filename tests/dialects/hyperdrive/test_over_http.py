"""HyperDrive and sweeps against the server as it really runs."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

import tunebook
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey
from tests.dialects.hyperdrive.conftest import a_scope
from tests.tunebook.sweep.test_conversion import a_sweep
from tests.tunebook.sweep.test_loading import SWEEP
from tests.tunebook.wire.test_hyperdrive import a_document
from tunebook.cli import DONE, main
from tunebook.sweep import to_job
from tunebook.sweep.loading import load_document

pytestmark = pytest.mark.django_db(transaction=True)
BOUNDARY = "c0ffee"


def send(served: str, path: str, token: str, body: bytes, kind: str) -> tuple[int, dict[str, object]]:
    """One request with its path exactly as it is written."""
    connection = http.client.HTTPConnection(served, timeout=30)
    connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": kind})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


@pytest.mark.parametrize("escaped", [False, True])
def test_a_run_is_created_and_cancelled(served: str, key_ada: IssuedKey, escaped: bool) -> None:
    scope = a_scope("lab")
    base = f"/hyperdrive/v1.0/{quote(scope, safe='') if escaped else scope}/runs"
    head = 'Content-Disposition: form-data; name="config"; filename="config.json"'
    part = f"--{BOUNDARY}\r\n{head}\r\nContent-Type: application/octet-stream\r\n\r\n{json.dumps(a_document())}"
    form = f"{part}\r\n--{BOUNDARY}--\r\n".encode()

    status, answer = send(served, base, key_ada.token, form, f"multipart/form-data; boundary={BOUNDARY}")
    run = answer["result"]["platform_config"]["ParentRunId"]  # type: ignore[index]
    stopped = send(served, f"{base}/{run}/cancel", key_ada.token, b"", "application/json; charset=utf-8")

    assert (status, answer["code"]) == (201, 201)
    assert stopped == (200, {"code": 200, "result": f"Cancellation requested for {run}"})


def test_a_sweep_is_submitted_read_streamed_and_cancelled(served: str, key_ada: IssuedKey) -> None:
    jobs = tunebook.Client(f"http://{served}", key_ada.token, workspace="lab").jobs

    made = jobs.create_or_update(a_sweep(display_name="Digits", experiment_name="vision"))
    jobs.cancel(made.name or "")
    ended = jobs.stream(made.name or "", file=io.StringIO())

    assert (made.status, made.display_name, made.experiment_name) == ("Queued", "Digits", "vision")
    assert (ended.status, ended.search_space) == ("Canceled", made.search_space)
    assert [one.name for one in jobs.list()] == [made.name]
    kept = Experiment.objects.get()
    assert kept.dialect == "sweep"
    assert to_job(load_document(json.loads(kept.submitted))).space == to_job(a_sweep()).space


def test_trials_are_exported(
    served: str,
    key_ada: IssuedKey,
    make_experiment: Callable[..., Experiment],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    experiment = make_experiment()
    Trial.objects.create(experiment=experiment, number=0, params={"x": 0.5}, source="random", attempt_count=1)
    Experiment.objects.filter(pk=experiment.pk).update(trial_count=1, created_count=1)
    monkeypatch.setenv("TUNEBOOK_SERVER", f"http://{served}")
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", key_ada.token)

    code = main(["export", experiment.key])

    head, row = capsys.readouterr().out.splitlines()
    assert (code, head.split(",")[3], row.split(",")[3]) == (DONE, "params.x", "0.5")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sweep.yml", SWEEP),
        ("run.json", json.dumps(a_document())),
        ("job.json", json.dumps({"properties": {**a_sweep().to_wire()["properties"], "displayName": "digits"}})),
    ],
)
def test_files_of_azure_are_submitted(
    served: str, key_ada: IssuedKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TUNEBOOK_SERVER", f"http://{served}")
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", key_ada.token)
    (tmp_path / name).write_text(text)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print('accuracy: 0.5')\n")

    code = main(["submit", str(tmp_path / name), "--json"])

    assert code == DONE
    assert Experiment.objects.get().name == "digits"
