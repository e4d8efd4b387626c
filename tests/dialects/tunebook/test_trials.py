"""Trials, their measurements, logs and reports through our own API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Attempt, Kind, Measurement, Trial
from apps.tuning import measuring
from apps.workspaces.models import hash_token
from tests.dialects.tunebook.conftest import Ours

Make = Callable[..., Experiment]
TOKEN = "tba_secret"


@pytest.fixture
def experiment(make_experiment: Make) -> Experiment:
    """An experiment with trial 0 (succeeded, 0.5), 1 (failed) and 2 (created)."""
    row = make_experiment()
    for number, (status, value) in enumerate((("FINISHED", 0.5), ("FAILED", None), ("CREATED", None))):
        params = {"x": 0.125 * number}
        Trial.objects.create(
            experiment=row, number=number, status=status, value=value, params=params, source="random", attempt_count=1
        )
    Experiment.objects.filter(pk=row.pk).update(trial_count=3, finished_count=1, failed_count=1, created_count=1)
    return Experiment.objects.get(pk=row.pk)


@pytest.mark.parametrize(
    ("query", "expected", "total"),
    [
        ({}, [0, 1, 2], 3),
        ({"order": "desc"}, [2, 1, 0], 3),
        ({"sort": "value"}, [0, 1, 2], 3),
        ({"status": "FAILED"}, [1], 1),
        ({"status": "failed,created"}, [1, 2], 2),
        ({"page_size": "1", "page": "2"}, [1], 3),
        ({"sort": "value", "page_size": "1", "page": "2"}, [1], 3),
    ],
)
def test_trials_are_listed(
    ours: Ours, experiment: Experiment, query: dict[str, str], expected: list[int], total: int
) -> None:
    answer = ours.get(f"/experiments/{experiment.key}/trials", **query)

    assert [row["number"] for row in answer["items"]] == expected
    assert answer["total"] == total


def test_a_trial_is_read_with_its_attempts(ours: Ours, experiment: Experiment) -> None:
    trial = Trial.objects.get(number=0)
    Attempt.objects.create(trial=trial, experiment=experiment, number=1, launch_key="k", code=0)

    answer = ours.get(f"/experiments/{experiment.key}/trials/0")

    assert (answer["value"], answer["params"], answer["attempts"][0]["code"]) == (0.5, {"x": 0.0}, 0)


def test_a_trial_says_why_it_was_asked(ours: Ours, experiment: Experiment) -> None:
    why = {"source": "promoted", "note": "trial 0 came to 0.5", "expected": 0.4, "spread": 0.1, "parent": 0}
    Trial.objects.filter(number=1).update(**why)

    answer = ours.get(f"/experiments/{experiment.key}/trials")

    assert {name: answer["items"][1][name] for name in why} == why
    assert {name: ours.get(f"/experiments/{experiment.key}/trials/1")[name] for name in why} == why


def test_a_trial_is_excluded_and_included_again(ours: Ours, experiment: Experiment) -> None:
    path = f"/experiments/{experiment.key}/trials/0"

    assert ours.post(f"{path}/exclude")["excluded"] is True
    experiment.refresh_from_db()
    assert (experiment.best_value, experiment.best_trial) == (None, None)
    assert ours.post(f"{path}/include")["excluded"] is False
    experiment.refresh_from_db()
    assert (experiment.best_value, experiment.best_trial) == (0.5, 0)


def test_a_trial_that_has_not_ended_is_not_excluded(ours: Ours, experiment: Experiment) -> None:
    assert ours.post(f"/experiments/{experiment.key}/trials/2/exclude").status == 409


def test_who_may_only_read_excludes_nothing(ours_ben: Ours, ours_cleo: Ours, experiment: Experiment) -> None:
    path = f"/experiments/{experiment.key}/trials/0/exclude"

    assert (ours_ben.post(path).status, ours_cleo.post(path).status) == (403, 404)


def test_given_parameters_make_a_trial(ours: Ours, experiment: Experiment) -> None:
    answer = ours.post(f"/experiments/{experiment.key}/trials", {"params": {"x": 0.75}})

    assert (answer.status, answer["number"], answer["status"]) == (201, 3, "CREATED")


@pytest.mark.parametrize("params", [{}, {"x": 2}, {"x": "a"}, {"y": 1}, {"x": 0.5, "y": 1}])
def test_parameters_outside_the_space_are_refused(ours: Ours, experiment: Experiment, params: Any) -> None:
    answer = ours.post(f"/experiments/{experiment.key}/trials", {"params": params})

    assert (answer.status, answer.field) == (422, "params")


def test_trials_are_stopped_and_restarted(ours: Ours, experiment: Experiment) -> None:
    path = f"/experiments/{experiment.key}/trials"

    assert ours.post(f"{path}/2/stop")["status"] == "USER_CANCELED"
    assert ours.post(f"{path}/0/stop")["status"] == "FINISHED"
    assert ours.post(f"{path}/1/restart")["number"] == 3
    assert ours.post(f"{path}/0/restart").code == "conflict"
    assert ours.post(f"{path}/9/stop").status == 404
    assert ours.post(f"{path}/{10**20}/stop").status == 404


def test_measurements_are_paged(ours: Ours, experiment: Experiment) -> None:
    trial = Trial.objects.get(number=0)
    for step, (value, kind) in enumerate(((1.0, Kind.FINITE), (None, Kind.NAN), (None, Kind.MINUS_INFINITY))):
        Measurement.objects.create(trial=trial, name="loss", step=step, value=value, kind=kind)
    Measurement.objects.create(trial=trial, name="other", step=0, value=5.0)
    path = f"/experiments/{experiment.key}/trials/0/measurements"

    whole = ours.get(path, metric="loss")
    page = ours.get(path, page_size="2", page="2")

    assert [row["value"] for row in whole["items"]] == [1.0, "NaN", "-Infinity"]
    assert whole["more"] is False
    assert [(row["metric"], row["step"]) for row in page["items"]] == [("loss", 2), ("other", 0)]
    assert ours.get(path, page_size="2")["more"] is True
    assert ours.get(path, page_size="5001").code == "bad_page"


def test_logs_are_paged(ours: Ours, experiment: Experiment, settings: Any, tmp_path: Path) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    folder = logs.attempt_folder(experiment.key, 0, 1)
    folder.mkdir(parents=True)
    (folder / "err.log").write_text("one\ntwo\n")
    path = f"/experiments/{experiment.key}/trials/0/logs"

    answer = ours.get(path, stream="stderr", page_size="1", page="2")

    assert (answer["items"], answer["total"], answer["attempt"]) == (["two"], 2, 1)
    assert ours.get(path)["items"] == []
    assert ours.get(path, attempt="2").field == "attempt"
    assert ours.get(path, stream="../x").code == "bad_parameter"


@pytest.fixture
def reporter(experiment: Experiment) -> Ours:
    """A client with the token of the first attempt of trial 2."""
    trial = Trial.objects.get(number=2)
    Trial.objects.filter(pk=trial.pk).update(status="RUNNING")
    Attempt.objects.create(
        trial=trial, experiment=experiment, number=1, launch_key="r", token_hash=hash_token(TOKEN), state="RUNNING"
    )
    return Ours(TOKEN)


def item(step: Any = 0, value: Any = 0.5, metric: Any = "loss") -> dict[str, Any]:
    return {"metric": metric, "step": step, "value": value}


def test_reports_are_stored_once(reporter: Ours) -> None:
    body = {"items": [item(0), item(1, "NaN")]}

    first, second = reporter.post("/attempts/report", body), reporter.post("/attempts/report", body)
    third = reporter.post("/attempts/report", {"items": [item(0, 9.0)]})

    assert (first.status, first["stored"], first["items"], first["stop"]) == (200, 2, [], False)
    assert (second["stored"], second["duplicate"], second["items"]) == (0, 2, [])
    assert (third["conflict"], third["items"][0]["result"]) == (1, "conflict")
    assert Measurement.objects.get(step=0).value == 0.5


def test_bad_items_are_rejected_alone(reporter: Ours) -> None:
    bad = [item(-1), item(0.5), item(True), item(0, "many"), item(0, None), item(0, 1.0, ""), item(0, 1.0, "x" * 256)]

    answer = reporter.post("/attempts/report", {"items": [*bad, item(3)]})

    assert (answer.status, answer["stored"], answer["rejected"]) == (200, 1, len(bad))
    assert [one["index"] for one in answer["items"]] == list(range(len(bad)))
    assert all(one["message"] for one in answer["items"])


def test_a_report_learns_that_it_should_stop(reporter: Ours, ours: Ours, experiment: Experiment) -> None:
    ours.post(f"/experiments/{experiment.key}/trials/2/stop")

    assert reporter.post("/attempts/report", {"items": [item()]})["stop"] is True


def test_a_trial_that_has_all_its_points_is_told_that_waiting_does_not_help(
    reporter: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MAX_POINTS", 2)

    answers = [reporter.post("/attempts/report", {"items": [item(step)]}) for step in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].code == "quota"
    assert "Retry-After" not in answers[-1].headers


def test_a_superseded_attempt_is_fenced(reporter: Ours) -> None:
    Trial.objects.filter(number=2).update(attempt_count=2)

    answer = reporter.post("/attempts/report", {"items": [item()]})

    assert (answer.status, answer.code) == (409, "fenced")
    assert Measurement.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        ({}, 400, "missing_parameter"),
        ({"items": {}}, 400, "bad_parameter"),
        ({"items": [1]}, 400, "bad_parameter"),
        ({"items": [item()] * 1001}, 400, "bad_parameter"),
        ({"items": [], "more": 1}, 400, "unknown_field"),
        (b'{"items": [{"metric": "loss", "step": 0, "value": NaN}]}', 400, "bad_json"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused(reporter: Ours, body: Any, status: int, code: str) -> None:
    answer = reporter.post("/attempts/report", body)

    assert (answer.status, answer.code) == (status, code)


def test_only_the_attempts_own_token_reports(reporter: Ours, ours: Ours) -> None:
    for client in (Ours(None), Ours("wrong"), Ours("x" * 5000), ours):
        answer = client.post("/attempts/report", {"items": [item()]})
        assert (answer.status, answer.code) == (401, "unauthenticated")
    assert reporter.get("/me").status == 401
