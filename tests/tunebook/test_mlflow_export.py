"""An experiment written to an MLflow server: what is sent, again after a break, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tunebook.native_server import NativeServer
from tunebook import cli, mlflow_export
from tunebook.client import Client
from tunebook.errors import ClientError, SpecError
from tunebook.mlflow_files import Files

M = "/api/2.0/mlflow/"


class Tracking:
    """As much of an MLflow server as an export sees: experiments and runs with what was logged to them."""

    def __init__(self) -> None:
        self.server = NativeServer()
        self.runs: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, str] = {}
        self.broken_after: int | None = None
        self.store = "mlflow-artifacts:"
        for path, answer in {
            "GET experiments/get-by-name": self.by_name,
            "POST experiments/create": self.create,
            "POST runs/search": self.search,
            "POST runs/create": self.start,
            "POST runs/log-batch": self.log,
            "POST runs/update": self.update,
            "POST runs/set-tag": self.tag,
            "POST runs/delete": self.delete,
            "POST runs/log-inputs": self.read,
        }.items():
            verb, _, rest = path.partition(" ")
            self.server.answers[f"{verb} {M}{rest}"] = answer

    @property
    def url(self) -> str:
        return self.server.url

    def by_name(self, query: Any, body: Any) -> Any:
        name = query["experiment_name"]
        if name not in self.experiments:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}
        return 200, {"experiment": {"experiment_id": self.experiments[name], "lifecycle_stage": "active"}}

    def create(self, query: Any, body: Any) -> Any:
        self.experiments[body["name"]] = "7"
        return 200, {"experiment_id": "7"}

    def search(self, query: Any, body: Any) -> Any:
        assert body["experiment_ids"] == ["7"]
        return 200, {
            "runs": [{"info": {"run_id": key}, "data": {"tags": run["tags"]}} for key, run in self.runs.items()]
        }

    def start(self, query: Any, body: Any) -> Any:
        key = f"r{len(self.server.got)}"
        self.runs[key] = {**body, "metrics": [], "params": []}
        return 200, {"run": {"info": {"run_id": key, "artifact_uri": f"{self.store}/7/{key}/artifacts"}}}

    def log(self, query: Any, body: Any) -> Any:
        if self.broken_after is not None:
            self.broken_after -= 1
            if self.broken_after < 0:
                return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "broken"}
        assert len(body.get("metrics", ())) <= 1000 and len(body.get("params", ())) <= 100
        for name in ("metrics", "params"):
            self.runs[body["run_id"]][name] += body.get(name, [])
        return 200, {}

    def update(self, query: Any, body: Any) -> Any:
        self.runs[body["run_id"]] |= {"status": body["status"], "end_time": body["end_time"]}
        return 200, {"run_info": {}}

    def tag(self, query: Any, body: Any) -> Any:
        self.runs[body["run_id"]]["tags"].append({"key": body["key"], "value": body["value"]})
        return 200, {}

    def read(self, query: Any, body: Any) -> Any:
        self.runs[body["run_id"]]["datasets"] = body["datasets"]
        return 200, {}

    def delete(self, query: Any, body: Any) -> Any:
        del self.runs[body["run_id"]]
        return 200, {}


@pytest.fixture
def tracking() -> Iterator[Tracking]:
    made = Tracking()
    yield made
    made.server.close()


def a_trial(number: int, **given: Any) -> dict[str, Any]:
    return {
        "number": number,
        "params": {"lr": 0.1, "model": {"_name": "svm", "C": 1.0}},
        "status": "FINISHED",
        "reason": "",
        "value": 0.5,
        "created": "2026-01-01T00:00:00+00:00",
        "started": "2026-01-01T00:00:01+00:00",
        "ended": "2026-01-01T00:00:09+00:00",
        "series": [
            {
                "attempt": 1,
                "source": 0,
                "name": "loss (val)",
                "points": [[step, 1 / (step + 1), "2026-01-01T00:00:02+00:00"] for step in range(2500)],
            },
            {"attempt": 1, "source": 0, "name": "odd", "points": [[0, "NaN", "2026-01-01T00:00:02+00:00"]]},
        ],
        **given,
    }


def a_document(*trials: dict[str, Any]) -> dict[str, Any]:
    return {"experiment": {"name": "digits", "tags": {"team": "vision"}}, "trials": list(trials)}


def test_each_trial_becomes_a_run_with_its_curves(tracking: Tracking) -> None:
    done = mlflow_export.export(a_document(a_trial(0), a_trial(1, status="EARLY_STOPPED")), "KEY", tracking.url)

    assert (done.experiment_id, done.made, done.kept) == ("7", 2, 0)
    first, second = tracking.runs.values()
    assert [first["status"], second["status"]] == ["FINISHED", "FINISHED"]
    assert first["run_name"] == "trial 0"
    assert (first["start_time"], first["end_time"]) == (1767225601000, 1767225609000)
    assert {"key": "model.C", "value": "1.0"} in first["params"]
    metrics = {(one["key"], one["step"]): one["value"] for one in first["metrics"]}
    assert len(metrics) == 2501
    assert metrics["loss _val_", 4] == 0.2
    assert metrics["odd", 0] == "NaN"
    tags = {tag["key"]: tag["value"] for tag in second["tags"]}
    assert tags["tunebook.status"] == "EARLY_STOPPED"
    assert tags["team"] == "vision"


def test_exported_again_only_what_is_new_is_written(tracking: Tracking) -> None:
    mlflow_export.export(a_document(a_trial(0)), "KEY", tracking.url)

    done = mlflow_export.export(a_document(a_trial(0), a_trial(1)), "KEY", tracking.url)

    assert (done.made, done.kept, len(tracking.runs)) == (1, 1, 2)


def test_an_export_that_broke_off_is_begun_anew_where_it_did(tracking: Tracking) -> None:
    tracking.broken_after = 5
    with pytest.raises(ClientError, match="MLflow says: broken"):
        mlflow_export.export(a_document(a_trial(0), a_trial(1)), "KEY", tracking.url)
    tracking.broken_after = None

    done = mlflow_export.export(a_document(a_trial(0), a_trial(1)), "KEY", tracking.url)

    assert (done.made, done.kept) == (1, 1)
    assert [len(run["metrics"]) for run in tracking.runs.values()] == [2501, 2501]


def test_a_trial_that_still_runs_is_written_as_it_is_and_later_again(tracking: Tracking) -> None:
    running = a_trial(0, status="RUNNING", ended=None)
    mlflow_export.export(a_document(running), "KEY", tracking.url)

    done = mlflow_export.export(a_document(a_trial(0)), "KEY", tracking.url)

    assert (done.made, done.kept, len(tracking.runs)) == (1, 0, 1)


def test_a_trial_that_was_tried_again_has_the_curve_of_its_last_attempt(tracking: Tracking) -> None:
    points = [[0, 1.0, "2026-01-01T00:00:02+00:00"]]
    series = [{"attempt": n, "source": 0, "name": "loss", "points": [[0, n / 10, points[0][2]]]} for n in (1, 2)]

    mlflow_export.export(a_document(a_trial(0, series=series)), "KEY", tracking.url)

    (run,) = tracking.runs.values()
    assert [one["value"] for one in run["metrics"]] == [0.2]


def test_what_scripts_have_logged_comes_along(tracking: Tracking) -> None:
    dataset = {"dataset": {"name": "wine", "digest": "d"}, "tags": []}
    logged = {
        "name": "a good one",
        "params": {"epochs": "3", "a//b/../c": "1", "../up": "2"},
        "tags": {"team": "mine", "stage": "draft", "mlflow.log-model.history": "[]"},
        "datasets": [dataset],
    }

    mlflow_export.export(a_document(a_trial(0, logged=logged)), "KEY", tracking.url)

    (run,) = tracking.runs.values()
    assert run["run_name"] == "a good one"
    params = {one["key"]: one["value"] for one in run["params"]}
    assert params == {"lr": "0.1", "model": "svm", "model.C": "1.0", "epochs": "3", "a__b_.._c": "1", "_up": "2"}
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert (tags["stage"], tags["team"]) == ("draft", "vision")
    assert "mlflow.log-model.history" not in tags
    assert run["datasets"] == [dataset]


@pytest.fixture
def ours() -> Iterator[NativeServer]:
    """A Tunebook with one trial, that has left three files behind."""
    made = NativeServer()
    here = "GET experiments/KEY/trials/0/artifacts"
    folders = {
        None: [{"path": "all", "folder": True, "size": 9}, {"path": "notes.txt", "folder": False, "size": 5}],
        "all": [
            {"path": "all/häßlich #1.bin", "folder": False, "size": 4},
            {"path": "all/empty", "folder": False, "size": 0},
        ],
    }
    made.answers[here] = lambda query, body: (200, {"items": folders[query.get("folder")]})
    made.answers[f"{here}/notes.txt"] = (200, b"hello")
    made.answers[f"{here}/all/empty"] = (200, b"")
    made.answers[f"{here}/all/h%C3%A4%C3%9Flich%20%231.bin"] = (200, b"\x00\x01\xff\n")
    made.answers["GET experiments/KEY/export"] = (200, a_document(a_trial(0)))
    yield made
    made.close()


def test_files_come_along_to_a_server_that_takes_them(tracking: Tracking, ours: NativeServer) -> None:
    files = Files(Client(ours.url, "tb_token"), "KEY")

    done = mlflow_export.export(a_document(a_trial(0)), "KEY", tracking.url, files=files)

    (run,) = tracking.runs
    root = f"/api/2.0/mlflow-artifacts/artifacts/7/{run}/artifacts"
    assert tracking.server.files == {
        f"{root}/notes.txt": b"hello",
        f"{root}/all/empty": b"",
        f"{root}/all/h%C3%A4%C3%9Flich%20%231.bin": b"\x00\x01\xff\n",
    }
    assert done.files == 3
    assert tracking.runs[run]["status"] == "FINISHED"


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "http://", ""])
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(SpecError, match="address of an MLflow server"):
        mlflow_export.export(a_document(), "KEY", uri)


def test_a_server_that_is_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_export, "TRIES", 1)

    with pytest.raises(ClientError, match="cannot reach MLflow"):
        mlflow_export.export(a_document(), "KEY", "http://127.0.0.1:9")


def test_credentials_are_those_of_mlflows_own_client(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")

    mlflow_export.export(a_document(a_trial(0)), "KEY", tracking.url)

    assert tracking.server.tokens == {"Bearer secret"}


def test_the_command_writes_an_experiment_to_mlflow(
    tracking: Tracking, ours: NativeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracking.store = "s3://bucket"  # which only MLflow's own client reaches
    monkeypatch.setenv("TUNEBOOK_SERVER", ours.url)
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", "tb_token")

    code = cli.main(["export", "KEY", "--to-mlflow", tracking.url, "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {"experiment_id": "7", "made": 1, "kept": 0, "files": 0}
