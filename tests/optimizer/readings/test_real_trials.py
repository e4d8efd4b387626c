"""Metrics of type summary and table, measured by real trials of a real optimizer, declared as the native API does."""

from __future__ import annotations

import sqlite3
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tests.optimizer.processes import database_url, optimizer
from tunebook.wire import pai

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Sweep = Callable[..., list[Trial]]

WRITES_EVENTS = """
    import os, struct, sys

    def chunk(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    def scalar(step, tag, value):
        summary = chunk(1, chunk(1, tag.encode()) + b"\\x15" + struct.pack("<f", value))
        data = b"\\x09" + struct.pack("<d", 1.0) + bytes([2 << 3, step]) + chunk(5, summary)
        return struct.pack("<Q", len(data)) + b"crc!" + data + b"crc!"

    folder, lr = sys.argv[1], float(sys.argv[2])
    os.makedirs(folder)
    with open(os.path.join(folder, "events.out.tfevents.1"), "wb") as file:
        for step, factor in enumerate((4, 1, 2)):
            file.write(scalar(step, "loss", lr * factor) + scalar(step, "size", 8.0) + scalar(step, "noise", 99.0))
            file.flush()
"""
FILLS_A_TABLE = """
    import sys

    url, exp, trial, lr = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    rows = [(exp, trial, step, lr * factor) for step, factor in enumerate((4, 1, 2))]
    if url.startswith("postgres"):
        import psycopg
        with psycopg.connect(url) as database:
            database.cursor().executemany("insert into results values (%s, %s, %s, %s)", rows)
    else:
        import sqlite3
        with sqlite3.connect(url, timeout=20) as database:
            database.executemany("insert into results values (?, ?, ?, ?)", rows)
"""


@pytest.fixture
def sweep(make_experiment: Callable[..., Experiment], tmp_path: Path) -> Sweep:
    """Run four trials of a script with these metrics to their end."""

    def run(script: str, arguments: str, **metrics: Any) -> list[Trial]:
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(script))
        document = {
            "platform_config": {"name": "LOCAL", "cmd": [f"{sys.executable} {path} {arguments}"]},
            "metric_config": metrics,
            "search_space": {"${lr}": {"_type": "choice", "_value": [0.5, 1, 2, 4]}},
            "yml_config": {
                "trial_concurrency": 2,
                "max_trial_number": 4,
                "tuner": {"name": "GridSearch", "class_args": {"optimize_mode": "minimize"}},
            },
        }
        experiment = make_experiment(job=pai.load(document))
        with optimizer(tmp_path / "data", "--exit-when-idle") as process:
            assert process.wait(60) == 0
        trials = list(Trial.objects.filter(experiment=experiment).order_by("number"))
        assert {trial.status for trial in trials} == {"FINISHED"}, [trial.reason for trial in trials]
        assert len(trials) == 4
        return trials

    return run


def values(trials: list[Trial]) -> dict[float, float]:
    """The value of each trial by its learning rate."""
    return {float(trial.params["lr"]): trial.value for trial in trials if trial.value is not None}


@pytest.mark.parametrize(("mode", "factor"), [("final", 2), ("best", 1), ("avg", 7 / 3)])
def test_scalars_of_event_files_count_as_the_mode_says(sweep: Sweep, mode: str, factor: float) -> None:
    trials = sweep(
        WRITES_EVENTS,
        "runs/${exp_id}_${trial_id}/lr${lr} ${lr}",
        metric_type="summary",
        metric_source=["runs/${exp_id}_${trial_id}/lr${lr}"],
        final_mode=mode,
        metric_dict={"loss": 1},
    )

    assert values(trials) == pytest.approx({lr: lr * factor for lr in (0.5, 1, 2, 4)})
    assert {trial.value_count for trial in trials} == {3}


def test_scalars_of_event_files_are_weighted_and_sources_combined(sweep: Sweep) -> None:
    trials = sweep(
        WRITES_EVENTS,
        "${NNI_OUTPUT_DIR}/a ${lr}; sh -c 'cp -r a b'",
        metric_type="summary",
        metric_source=["a", "${NNI_OUTPUT_DIR}/b"],
        final_mode="final",
        source_list_final_mode="avg",
        metric_dict={"loss": 1, "size": -0.5},
    )

    assert values(trials) == pytest.approx({lr: lr * 2 - 4 for lr in (0.5, 1, 2, 4)})


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty table of results, beside Tunebook's own tables where these lie in PostgreSQL; its address."""
    create = "create table results (exp text, trial text, epoch integer, loss double precision)"
    if connection.vendor == "postgresql":
        url = database_url()
        with psycopg.connect(url) as database:
            database.execute("drop table if exists results")
            database.execute(create)
    else:
        url = str(tmp_path / "results.sqlite3")
        with closing(sqlite3.connect(url)) as database, database:
            database.execute(create)
    monkeypatch.setenv("TUNEBOOK_TABLE_DATABASE_URL", url)
    return url


MINE = "select epoch, loss, loss * 10 as cost from results where exp = '${exp_id}' and trial = '${trial_id}'"


@pytest.mark.parametrize(("mode", "factor"), [("final", 2), ("best", 1), ("avg", 7 / 3)])
def test_columns_of_a_statement_count_as_the_mode_says(sweep: Sweep, results: str, mode: str, factor: float) -> None:
    trials = sweep(
        FILLS_A_TABLE,
        f"'{results}' ${{exp_id}} ${{trial_id}} ${{lr}}",
        metric_type="table",
        metric_source=[f"{MINE} order by epoch"],
        final_mode=mode,
        metric_dict={"loss": 1},
    )

    assert values(trials) == pytest.approx({lr: lr * factor for lr in (0.5, 1, 2, 4)})


def test_columns_are_weighted_and_statements_combined(sweep: Sweep, results: str) -> None:
    trials = sweep(
        FILLS_A_TABLE,
        f"'{results}' ${{exp_id}} ${{trial_id}} ${{lr}}",
        metric_type="table",
        metric_source=[f"{MINE} and epoch < 2 order by epoch", f"{MINE} and loss > ${{lr}} * 3"],
        final_mode="final",
        source_list_final_mode="best",
        metric_dict={"loss": 1, "cost": 0.1},
    )

    assert values(trials) == pytest.approx({lr: lr * 2 for lr in (0.5, 1, 2, 4)})


def test_a_statement_that_would_write_fails_its_trial_and_writes_nothing(
    make_experiment: Callable[..., Experiment], results: str, tmp_path: Path
) -> None:
    document = {
        "platform_config": {"name": "LOCAL", "cmd": ["true"]},
        "metric_config": {
            "metric_type": "table",
            "metric_source": ["commit; drop table results; select 1 as loss"],
            "final_mode": "final",
            "metric_dict": {"loss": 1},
        },
        "search_space": {"${lr}": {"_type": "choice", "_value": [1]}},
        "yml_config": {"max_trial_number": 1, "tuner": {"class_args": {"optimize_mode": "minimize"}}},
    }
    experiment = make_experiment(job=pai.load(document))

    with optimizer(tmp_path / "data", "--exit-when-idle") as process:
        assert process.wait(60) == 0

    (trial,) = Trial.objects.filter(experiment=experiment)
    assert trial.status == "FAILED"
    assert "the statement of the metrics failed" in trial.reason
    database: Any = psycopg if connection.vendor == "postgresql" else sqlite3
    with closing(database.connect(results)) as known:
        assert known.execute("select count(*) from results").fetchone() == (0,)
