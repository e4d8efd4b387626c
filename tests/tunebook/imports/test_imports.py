"""Studies and experiments of other tools, read from what those tools themselves write."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import optuna
import pytest
from django.db import connection
from sqlalchemy.pool import NullPool

from tunebook import Choice, LogUniform, Randint, Uniform
from tunebook.errors import SpecError
from tunebook.imports import read
from tunebook.job import Job


def job_of(found: Any) -> Job:
    return Job.from_dict(found["experiment"]["job"], "job")


@pytest.fixture
def optuna_file(tmp_path: Path) -> Path:
    """The tables as Optuna 5 makes them, with a study of four trials and an empty one."""
    path = tmp_path / "study.db"
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512));
        CREATE TABLE study_directions (study_id INTEGER, objective INTEGER, direction VARCHAR(8));
        CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, number INTEGER, study_id INTEGER, state VARCHAR(8),
            datetime_start DATETIME, datetime_complete DATETIME);
        CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER, param_name VARCHAR(512),
            param_value FLOAT, distribution_json TEXT);
        CREATE TABLE trial_values (trial_id INTEGER, objective INTEGER, value FLOAT, value_type VARCHAR(7));
        CREATE TABLE trial_intermediate_values (trial_id INTEGER, step INTEGER, intermediate_value FLOAT,
            intermediate_value_type VARCHAR(7));
        CREATE TABLE trial_user_attributes (trial_id INTEGER, key VARCHAR(512), value_json TEXT);
        INSERT INTO studies VALUES (1, 'digits'), (2, 'empty');
        INSERT INTO study_directions VALUES (1, 0, 'MAXIMIZE'), (2, 0, 'MINIMIZE');
        """
    )
    lr = {"name": "FloatDistribution", "attributes": {"step": None, "low": 1e-4, "high": 0.1, "log": True}}
    depth = {"name": "IntDistribution", "attributes": {"log": False, "step": 1, "low": 2, "high": 9}}
    kind = {"name": "CategoricalDistribution", "attributes": {"choices": ["a", None, True]}}
    for number, state in enumerate(("COMPLETE", "PRUNED", "FAIL", "RUNNING"), 1):
        at = f"2026-01-02 03:04:0{number}.000000"
        database.execute("INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?)", (number, number - 1, state, at, at))
        for name, value, declared in (("lr", 0.01, lr), ("depth", 4.0, depth), ("kind", float(number % 3), kind)):
            row = (number, name, value, json.dumps(declared))
            database.execute(
                "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
                row,
            )
        database.execute("INSERT INTO trial_intermediate_values VALUES (?, 0, 0.5, 'FINITE')", (number,))
        database.execute("INSERT INTO trial_intermediate_values VALUES (?, 1, NULL, 'NAN')", (number,))
    database.execute("INSERT INTO trial_values VALUES (1, 0, 0.9, 'FINITE')")
    database.execute("INSERT INTO trial_user_attributes VALUES (1, 'who', '\"ada\"')")
    database.commit()
    database.close()
    return path


def test_a_study_of_optuna_is_read_whole(optuna_file: Path) -> None:
    found = read("optuna", str(optuna_file), name="digits")

    job = job_of(found)
    assert job.space == {
        "lr": LogUniform.between(1e-4, 0.1),
        "depth": Randint(10, 2),
        "kind": Choice(["a", None, True]),
    }
    assert (job.objective.goal, job.objective.name) == ("maximize", "value")
    trials = found["trials"]
    assert [trial["status"] for trial in trials] == ["FINISHED", "EARLY_STOPPED", "FAILED", "RUNNING"]
    assert trials[0]["params"] == {"lr": 0.01, "depth": 4, "kind": None}
    assert (trials[0]["value"], trials[1]["value"]) == (0.9, None)
    assert [point[:2] for point in trials[0]["series"][0]["points"]] == [[0, 0.5], [1, "NaN"]]
    assert trials[0]["note"] == 'who: "ada"'


if connection.vendor == "postgresql":  # the embedded database has no server

    @pytest.mark.django_db(transaction=True)
    def test_a_study_on_postgresql_is_read_as_from_a_file(tmp_path: Path) -> None:
        at = connection.settings_dict
        server = f"{quote(at['USER'])}:{quote(at['PASSWORD'])}@/{quote(at['NAME'])}?host={quote(str(at['HOST']))}"
        server += f"&port={at['PORT'] or 5432}&options=-csearch_path%3Doptuna"
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA optuna")
        try:
            places = (f"sqlite:///{tmp_path}/study.db", f"postgresql+psycopg://{server}")
            from_file, from_server = [read("optuna", with_a_study(storage), name="real") for storage in places]
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA optuna CASCADE")

        assert [trial["params"] for trial in from_server["trials"]] == [
            trial["params"] for trial in from_file["trials"]
        ]
        assert [trial["value"] for trial in from_server["trials"]] == [trial["value"] for trial in from_file["trials"]]
        assert job_of(from_server) == job_of(from_file)


def with_a_study(storage: str) -> str:
    """The address of a storage that Optuna itself has put a study into."""
    kept = optuna.storages.RDBStorage(storage, {"poolclass": NullPool})
    study = optuna.create_study(
        storage=kept, study_name="real", sampler=optuna.samplers.RandomSampler(seed=1), direction="maximize"
    )
    for number in range(3):
        trial = study.ask()
        trial.suggest_float("lr", 1e-4, 0.1, log=True)
        trial.suggest_categorical("kind", ["a", "b"])
        trial.report(0.5, 0)
        study.tell(trial, float(number))
    return storage


def test_an_unnamed_study_is_asked_for(optuna_file: Path) -> None:
    with pytest.raises(SpecError, match=r"say which; there are: digits, empty"):
        read("optuna", str(optuna_file))
    with pytest.raises(SpecError, match=r"no study 'mnist'"):
        read("optuna", str(optuna_file), name="mnist")


@pytest.fixture
def nni_folder(tmp_path: Path) -> Path:
    """The tables as NNI 3.0 makes them."""
    (tmp_path / "db").mkdir()
    database = sqlite3.connect(tmp_path / "db" / "nni.sqlite")
    database.executescript(
        """
        CREATE TABLE TrialJobEvent (timestamp integer, trialJobId text, event text, data text, logPath text,
            sequenceId integer, message text, environmentId text);
        CREATE TABLE MetricData (timestamp integer, trialJobId text, parameterId text, type text, sequence integer, data text);
        CREATE TABLE ExperimentProfile (params text, id text, execDuration integer, startTime integer, endTime integer,
            logDir text, nextSequenceId integer, revision integer);
        """
    )
    config = {
        "experimentName": "digits",
        "trialCommand": "python train.py",
        "searchSpace": {"lr": {"_type": "uniform", "_value": [0, 1]}},
        "tuner": {"name": "TPE", "classArgs": {"optimize_mode": "maximize"}},
    }
    database.execute("INSERT INTO ExperimentProfile VALUES (?, 'xyz', 9, 1, 2, '', 2, 3)", (json.dumps(config),))
    for number, (key, end) in enumerate((("aaa", "SUCCEEDED"), ("bbb", "EARLY_STOPPED"))):
        params = json.dumps({"parameter_id": number, "parameters": {"lr": 0.1 * (number + 1)}})
        for offset, event in enumerate(("WAITING", "RUNNING", end)):
            row = (
                1_700_000_000_000 + offset * 1000,
                key,
                event,
                params if not offset else None,
                None,
                number,
                None,
                None,
            )
            database.execute("INSERT INTO TrialJobEvent VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        for step in range(3):
            row = (1_700_000_000_500, key, str(number), "PERIODICAL", step, json.dumps(json.dumps(0.1 * step)))
            database.execute("INSERT INTO MetricData VALUES (?, ?, ?, ?, ?, ?)", row)
    final = json.dumps(json.dumps({"default": 0.9, "loss": 0.2}))
    database.execute("INSERT INTO MetricData VALUES (1700000001000, 'aaa', '0', 'FINAL', 0, ?)", (final,))
    database.commit()
    database.close()
    return tmp_path


def test_an_experiment_of_nni_is_read_whole(nni_folder: Path) -> None:
    found = read("nni", str(nni_folder))

    job = job_of(found)
    assert (found["experiment"]["name"], job.objective.goal, job.sampling.name) == ("digits", "maximize", "tpe")
    assert (job.space, job.command.steps) == ({"lr": Uniform(0, 1)}, ("python train.py",))
    first, second = found["trials"]
    assert (first["status"], first["value"], first["params"]) == ("FINISHED", 0.9, {"lr": 0.1})
    assert [point[:2] for point in first["series"][0]["points"]] == [[0, 0.0], [1, 0.1], [2, 0.2], [3, 0.9]]
    assert (second["status"], second["value"]) == ("EARLY_STOPPED", None)
    assert first["started"] == "2023-11-14T22:13:21+00:00"


def test_a_trial_of_nni_has_the_parameters_that_its_results_name(nni_folder: Path) -> None:
    with sqlite3.connect(nni_folder / "db" / "nni.sqlite") as database:
        database.execute("UPDATE MetricData SET parameterId = 1 - parameterId")

    assert [trial["params"] for trial in read("nni", str(nni_folder))["trials"]] == [{"lr": 0.2}, {"lr": 0.1}]


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    """A folder as MLflow's file store lays it out."""
    experiment = tmp_path / "123"
    for number, (status, end) in enumerate(((3, 0.1), (4, math.nan))):
        run = experiment / f"run{number}"
        for folder in ("metrics", "params", "tags"):
            (run / folder).mkdir(parents=True)
        (run / "meta.yaml").write_text(
            f"run_id: run{number}\nrun_name: brave-fox\nstatus: {status}\nstart_time: {1_700_000_000_000 + number}\n"
            "end_time: 1700000009000\nlifecycle_stage: active\n"
        )
        (run / "metrics" / "val_loss").write_text(f"1700000001000 0.5 0\n1700000002000 {end} 1\n")
        (run / "params" / "lr").write_text(str(0.1 * (number + 1)))
        (run / "params" / "optimizer").write_text("adam")
        (run / "tags" / "team").write_text("vision")
    (experiment / "meta.yaml").write_text("experiment_id: '123'\nname: digits\nlifecycle_stage: active\n")
    return tmp_path


def test_a_folder_of_mlflow_is_read_whole(mlruns: Path) -> None:
    found = read("mlflow", str(mlruns))

    job = job_of(found)
    assert (job.objective.name, job.objective.goal) == ("val_loss", "minimize")
    assert job.space == {"lr": Uniform(0.1, 0.2), "optimizer": Choice(["adam"])}
    first, second = found["trials"]
    assert (first["status"], first["value"], first["params"]) == ("FINISHED", 0.1, {"lr": 0.1, "optimizer": "adam"})
    assert (second["status"], second["series"][0]["points"][1][1]) == ("FAILED", "NaN")
    assert "team: vision" in first["note"]


def test_a_metric_logged_without_steps_is_numbered_by_time(mlruns: Path) -> None:
    (mlruns / "123" / "run0" / "metrics" / "val_loss").write_text("1700000002000 0.2 0\n1700000001000 0.5 0\n")

    points = read("mlflow", str(mlruns))["trials"][0]["series"][0]["points"]

    assert [point[:2] for point in points] == [[0, 0.5], [1, 0.2]]


def spoiled(path: Path, text: bytes) -> str:
    path.write_bytes(text)
    return str(path)


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("optuna", lambda path: str(path / "nowhere.db"), "cannot be read"),
        ("optuna", lambda path: spoiled(path / "x.db", b"not a database"), "is no SQLite file"),
        ("optuna", lambda path: "mysql://user:secret@host/study", "copy it to SQLite first: mysql://..."),
        ("optuna", lambda path: "postgresql://127.0.0.1:1/study", "cannot be read as storage of Optuna"),
        ("optuna", lambda path: spoiled(path / "y.db", b"SQLite format 3\x00" + b"\xff" * 200), "Optuna"),
        ("nni", lambda path: str(path), "no folder of an NNI experiment"),
        ("mlflow", lambda path: str(path), "there are: none"),
        ("mlflow", lambda path: "http://127.0.0.1:1", "MLflow does not answer"),
        ("wandb", lambda path: "x", "must be one of optuna, nni, mlflow"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, kind: str, source: Callable[[Path], str], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        read(kind, source(tmp_path))

    assert words in str(refused.value)


def test_a_metric_that_is_not_there_is_told_with_those_that_are(mlruns: Path) -> None:
    with pytest.raises(SpecError, match=r"there are: val_loss"):
        read("mlflow", str(mlruns), metric="acc")
    with pytest.raises(SpecError, match="goal"):
        read("mlflow", str(mlruns), goal="up")
