"""Listing, reading, stopping and restarting trials, their logs and commands, through the native API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Kind, Measurement, Trial
from tests.dialects.pai.conftest import Native, measure
from tests.dialects.pai.documents import a_configuration

LOSS = "loss=([0-9.]+)"


@pytest.fixture
def five(experiment: str, trial_of: Any) -> list[Trial]:
    """Trials 0 to 4: two succeeded, one failed, one running, one only created."""
    states = (("FINISHED", 0.5), ("FAILED", None), ("FINISHED", 0.25), ("RUNNING", None), ("CREATED", None))
    return [trial_of(experiment, number, status, value=value) for number, (status, value) in enumerate(states)]


def numbers(answer: Any) -> list[int]:
    return [row["ParameterId"] for row in answer["Trials"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"Order": "DESC"}, [4, 3, 2, 1, 0]),
        ({"SortBy": "CREATE_TIME", "Order": "ASC"}, [0, 1, 2, 3, 4]),
        ({"SortBy": "FINAL_METRIC"}, [2, 0, 1, 3, 4]),
        ({"SortBy": "FINAL_METRIC", "Order": "DESC"}, [0, 2, 1, 3, 4]),
        ({"PageSize": "2"}, [0, 1]),
        ({"PageSize": "2", "PageNumber": "3"}, [4]),
        ({"PageSize": "2", "PageNumber": "4"}, []),
        ({"SortBy": "FINAL_METRIC", "PageSize": "3"}, [2, 0, 1]),
        ({"SortBy": "FINAL_METRIC", "PageSize": "3", "PageNumber": "2"}, [3, 4]),
        ({"SortBy": "FINAL_METRIC", "PageSize": "1", "PageNumber": "3"}, [1]),
        ({"SortBy": "FINAL_METRIC", "PageSize": "2", "PageNumber": "9"}, []),
    ],
)
def test_trials_are_sorted_and_paged(
    native: Native, experiment: str, five: list[Trial], query: dict[str, str], expected: list[int]
) -> None:
    answer = native.get(f"/experiment/{experiment}/trials", **query)

    assert answer["TotalCount"] == 5
    assert numbers(answer) == expected


def test_statuses_are_said_in_the_words_of_this_api(native: Native, experiment: str, five: list[Trial]) -> None:
    trials = native.get(f"/experiment/{experiment}/trials")["Trials"]
    row = native.get(f"/experiment/{experiment}").body

    assert [trial["Status"] for trial in trials] == ["SUCCEEDED", "FAILED", "SUCCEEDED", "RUNNING", "WAITING"]
    assert row["TrialStatus"] == {"SUCCEEDED": "2", "FAILED": "1", "RUNNING": "1", "WAITING": "1"}
    assert row["TrialCount"] == 5


def test_a_trial_tells_its_measurements(native: Native, experiment: str, five: list[Trial]) -> None:
    measure(five[0], 0.75, 0.5, name=LOSS)
    Measurement.objects.create(trial=five[0], name=LOSS, step=2, value=None, kind=Kind.NAN)
    Measurement.objects.create(trial=five[0], name=LOSS, step=1, attempt=2, value=0.5625)

    row = native.get(f"/experiment/{experiment}/trial/{five[0].key}").body

    series = json.loads(row["Metric"])
    assert [entry["default"] for entry in series] == [0.75, 0.5625, "NaN", 0.5]
    assert [entry["type"] for entry in series] == ["PERIODICAL"] * 3 + ["FINAL"]
    assert series[0][LOSS] == 0.75
    assert row["FinalMetric"] == "0.5"
    assert json.loads(row["Hyperparam"]) == {"${lr}": 0.1}
    assert json.loads(row["JobMeta"]) == {
        "nni_trial_id": five[0].key,
        "nni_exp_id": experiment,
        "nni_trial_sequence_id": 0,
    }


def test_the_weighted_objective_is_the_default_of_several_metrics(native: Native, trial_of: Any) -> None:
    metrics = {"metric_type": "stdout", "metric_source": ["cmd1"], "final_mode": "final"}
    metrics["metric_dict"] = {"a=(.*)": 2, "b=(.*)": -1}  # type: ignore[assignment]
    key = native.create(HpoExperimentConfiguration=a_configuration(metric_config=metrics))["ExperimentId"]
    trial = trial_of(key, 0, value=1.0)
    for name, value in (("", 1.0), ("a=(.*)", 1.0), ("b=(.*)", 1.0)):
        Measurement.objects.create(trial=trial, name=name, step=0, value=value)

    series = json.loads(native.get(f"/experiment/{key}/trial/{trial.key}")["Metric"])

    assert series[0] == {"default": 1.0, "a=(.*)": 1.0, "b=(.*)": 1.0, "type": "PERIODICAL"}


def test_a_model_path_is_filled_in(native: Native, trial_of: Any) -> None:
    document = a_configuration(output_config={"model_path": "/models/${exp_id}/${trial_id}/${lr}"})
    key = native.create(HpoExperimentConfiguration=document)["ExperimentId"]
    trial = trial_of(key, 0)

    row = native.get(f"/experiment/{key}/trial/{trial.key}").body

    assert row["Model"] == f"/models/{key.lower()}/{trial.key.lower()}/0.1"


def test_the_list_of_trials_keeps_its_number_of_queries(native: Native, experiment: str, trial_of: Any) -> None:
    counts = []
    for wave in range(2):
        for number in range(wave * 10, wave * 10 + 10):
            measure(trial_of(experiment, number, value=1.0), 0.5, 0.6, name=LOSS)
        native.get(f"/experiment/{experiment}/trials")
        for sort in ("CREATE_TIME", "FINAL_METRIC"):
            with CaptureQueriesContext(connection) as queries:
                native.get(f"/experiment/{experiment}/trials", PageSize="10", SortBy=sort)
            counts.append(len(queries))

    assert counts == [4, 4, 4, 4]


def test_stopping_trials_leaves_the_experiment(native: Native, experiment: str, five: list[Trial]) -> None:
    running, created, failed = five[3], five[4], five[1]
    keys = [running.key, created.key, failed.key, "nothing"]

    answer = native.put(f"/experiment/{experiment}/stop_trials", {"TrialIds": keys})

    assert answer.status == 200
    assert answer["Results"] == {
        running.key: "successfully stopped trial",
        created.key: "successfully stopped trial",
        failed.key: "failed to stop trial",
        "nothing": "failed to stop trial",
    }
    assert native.get(f"/experiment/{experiment}/trial/{created.key}")["Status"] == "USER_CANCELED"
    assert native.get(f"/experiment/{experiment}")["Status"] == "WAITING"


def test_stopping_nothing_stops_nothing(native: Native, experiment: str, five: list[Trial]) -> None:
    assert native.put(f"/experiment/{experiment}/stop_trials")["Results"] == {}

    answer = native.put(f"/experiment/{experiment}/stop_trials", {"TrialIds": [five[1].key]})

    assert (answer.status, answer.code, answer.message) == (404, "INVALID_USER_OR_EXP", "failed to stop any trial")


def test_a_failed_trial_starts_again_as_a_new_one(native: Native, experiment: str, five: list[Trial]) -> None:
    answer = native.put(f"/experiment/{experiment}/restart_trials", {"TrialIds": [five[1].key, five[0].key, "no"]})

    new = Trial.objects.get(experiment__key=experiment, number=5)
    assert answer["Results"][five[1].key] == f"successfully restarted trial as {new.key}"
    assert answer["Results"][five[0].key].startswith("failed to restart trial")
    assert answer["Results"]["no"].startswith("failed to restart trial")
    assert (new.params, new.restart_of_id) == (five[1].params, five[1].pk)


def test_given_hyperparameters_start_one_new_trial(native: Native, experiment: str) -> None:
    answer = native.put(f"/experiment/{experiment}/restart_trials", {"TrialHyperParameters": '{"${lr}": "2.5"}'})

    (new,) = Trial.objects.filter(experiment__key=experiment)
    assert answer["Results"] == {new.key: f"successfully restarted trial as {new.key}"}
    assert new.params == {"lr": 2.5}


def test_restarting_with_both_looks_at_the_ids_only(native: Native, experiment: str, five: list[Trial]) -> None:
    body = {"TrialIds": [five[1].key], "TrialHyperParameters": '{"${lr}": "2.5"}'}

    native.put(f"/experiment/{experiment}/restart_trials", body)

    assert Trial.objects.get(experiment__key=experiment, number=5).params == five[1].params
    assert Experiment.objects.get(key=experiment).trial_count == 6


def test_restarting_with_neither_does_nothing(native: Native, experiment: str, five: list[Trial]) -> None:
    answer = native.put(f"/experiment/{experiment}/restart_trials", {})

    assert (answer.status, answer["Results"]) == (200, {})
    assert Trial.objects.count() == 5


@pytest.fixture
def folder(experiment: str, trial_of: Any, settings: Any, tmp_path: Path) -> Path:
    """The folder of the second attempt of the experiment's only trial."""
    settings.TUNEBOOK_DATA = tmp_path
    trial_of(experiment, 0, attempt_count=2)
    path = logs.attempt_folder(experiment, 0, 2)
    path.mkdir(parents=True)
    return path


def test_logs_are_paged_by_line(native: Native, experiment: str, folder: Path) -> None:
    (folder / "out.log").write_text("".join(f"line {number}\n" for number in range(100)))
    (folder / "err.log").write_text("oh\n")
    trial = Trial.objects.get()
    path = f"/experiment/{experiment}/trial/{trial.key}/logs"

    page = native.get(path, LogName="stdout", PageNumber="2", PageSize="40").body
    whole = native.get(path, LogName="trial.log").body
    empty = native.get(path, LogName="stderr", PageNumber="7").body

    assert (page["Code"], page["TotalCount"], page["Logs"][0], len(page["Logs"])) == ("SUCCESS", 100, "line 40", 40)
    assert (whole["TotalCount"], whole["Logs"][-1]) == (101, "oh")
    assert (empty["TotalCount"], empty["Logs"]) == (1, [])


def test_every_attempt_has_its_log_names(native: Native, experiment: str, folder: Path) -> None:
    trial = Trial.objects.get()
    first = logs.attempt_folder(experiment, 0, 1)
    first.mkdir()
    (first / "out.log").write_text("of the first\n")

    names = native.get(f"/experiment/{experiment}/trial/{trial.key}/lognames")["LogNames"]
    (name,) = [one for one in names if one.endswith("/1/stdout")]
    answer = native.get(f"/experiment/{experiment}/trial/{trial.key}/logs", LogName=name)

    assert len(names) == 6
    assert answer["Logs"] == ["of the first"]
    assert not any(str(folder.parent) in one for one in names)


def test_commands_come_with_their_output(native: Native, experiment: str, folder: Path) -> None:
    (folder / "out.log").write_text("one\ntwo\n")
    (folder / "err.log").write_text("warning\n")
    steps = [
        {"id": "cmd1", "command": "echo one", "out": [0, 4], "err": [0, 0]},
        {"id": "cmd2", "command": ["python3", "train.py"], "out": [4, 8], "err": [0, 8]},
    ]
    lines = [json.dumps({"event": "ended", **step}) + "\n" for step in steps]
    (folder / "attempt.jsonl").write_text("".join(lines))
    trial = Trial.objects.get()

    answer = native.get(f"/experiment/{experiment}/trial/{trial.key}/commands")

    assert answer["Commands"] == [
        {"Id": 1, "Command": "echo one", "Output": "one\n"},
        {"Id": 2, "Command": "python3 train.py", "Output": "two\nwarning\n"},
    ]


def test_a_trial_that_never_ran_has_no_logs(native: Native, experiment: str, trial_of: Any) -> None:
    trial = trial_of(experiment, 0, "CREATED", attempt_count=0)
    path = f"/experiment/{experiment}/trial/{trial.key}"

    assert native.get(f"{path}/lognames")["LogNames"] == []
    assert native.get(f"{path}/logs", LogName="stdout")["Logs"] == []
    assert native.get(f"{path}/commands")["Commands"] == []


def test_the_log_of_an_experiment_tells_what_happened(native: Native, experiment: str, trial_of: Any) -> None:
    native.put(f"/experiment/{experiment}/stop")

    whole = native.get(f"/experiment/{experiment}/logs", LogName="nnimanager.log").body
    page = native.get(f"/experiment/{experiment}/logs", LogName="nnimanager.log", PageNumber="1", PageSize="1").body
    notes = native.get(f"/experiment/{experiment}/logs", LogName="dispatcher.log").body

    assert whole["TotalCount"] == page["TotalCount"] == len(whole["Logs"])
    assert page["Logs"] == whole["Logs"][:1]
    assert any("stopped by ada" in line for line in notes["Logs"])
