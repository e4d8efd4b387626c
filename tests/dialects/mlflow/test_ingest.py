"""The short way for metrics: the same answers and the same rows as the long one."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import uvicorn
from django.core.wsgi import get_wsgi_application
from django.db import connections

from apps.config.threads import Threaded
from apps.dialects import pace
from apps.dialects.mlflow import ingest
from apps.dialects.mlflow.ingest import Ingest
from apps.feed.models import Event
from apps.trials.models import Attempt, Measurement
from apps.tuning import gathering, reporting
from tests.dialects.mlflow.conftest import Running

ONE, MANY = "runs/log-metric", "runs/log-batch"


@pytest.fixture(scope="module")
def _server(django_db_setup: None) -> Iterator[str]:
    connections.settings["default"]["CONN_MAX_AGE"] = 0
    application = Ingest(Threaded(get_wsgi_application(), threads=2))
    config = uvicorn.Config(application, lifespan="off", log_config=None, ws="none", loop="asyncio")
    server = uvicorn.Server(config)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(64)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{bound.getsockname()[1]}/api/2.0/mlflow/"
    server.should_exit = True
    thread.join(10)
    bound.close()


@pytest.fixture
def server(_server: str, transactional_db: Any) -> str:
    return _server


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many batches each transaction of the short way held."""
    sizes: list[int] = []
    stored = gathering.stored

    def counted(batches: Any) -> Any:
        sizes.append(len(batches))
        return stored(batches)

    monkeypatch.setattr(gathering, "stored", counted)
    return sizes


def metric(step: int, value: Any = 0.5, key: str = "loss") -> dict[str, Any]:
    return {"key": key, "value": value, "timestamp": 1_700_000_000_000 + step, "step": step}


def post(server: str, call: str, running: Running, **document: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {running.token}"}
    return httpx.post(server + call, json={"run_id": running.id, **document}, headers=headers, timeout=30)


def test_a_metric_goes_the_short_way(server: str, running: Running, short: list[int]) -> None:
    answer = post(server, ONE, running, **metric(3))

    assert (answer.status_code, answer.json()) == (200, {})
    assert short == [1]
    row = Measurement.objects.get()
    assert (row.name, row.step, row.value) == ("loss", 3, 0.5)
    assert Event.objects.filter(kind="metrics").count() == 1


def test_steps_below_0_go_the_short_way_too(server: str, running: Running, short: list[int]) -> None:
    for step in (-2, -1):
        assert post(server, ONE, running, **metric(step)).status_code == 200

    assert short == [1, 1]
    running.trial.refresh_from_db()
    assert (running.trial.last_step, running.trial.value_count) == (-1, 2)


def test_a_batch_of_metrics_goes_the_short_way(server: str, running: Running, short: list[int]) -> None:
    metrics = [metric(step, "NaN" if step == 7 else step / 1000) for step in range(1000)]

    assert post(server, MANY, running, metrics=metrics).status_code == 200

    assert short == [1]
    assert Measurement.objects.count() == 1000
    running.trial.refresh_from_db()
    assert (running.trial.last_value, running.trial.last_step) == (0.999, 999)


def test_parameters_and_tags_go_the_long_way(server: str, running: Running, short: list[int]) -> None:
    answer = post(server, MANY, running, metrics=[metric(0)], params=[{"key": "a", "value": "1"}])

    assert answer.status_code == 200
    assert short == []
    assert running.trial.remarks.count() == 1
    assert Measurement.objects.count() == 1


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (metric(-(2**53)), "step"),
        (metric(0, "many"), "value"),
        (metric(0, key=""), "key"),
        ({"key": "loss", "value": 1.0, "step": 0}, "timestamp"),
        (metric(2**53), "step"),
    ],
)
def test_what_is_wrong_is_refused_in_the_long_ways_words(
    server: str, running: Running, document: dict[str, Any], field: str
) -> None:
    answer = post(server, ONE, running, **document)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert answer.json()["message"].startswith(field)
    assert not Measurement.objects.exists()


def test_another_trials_run_is_not_found(server: str, start: Any) -> None:
    mine, other = start(0), start(1)

    answer = httpx.post(
        server + ONE,
        json={"run_id": other.id, **metric(0)},
        headers={"Authorization": f"Bearer {mine.token}"},
        timeout=30,
    )

    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert not Measurement.objects.exists()


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic YTpi"}])
def test_without_a_token_of_ours_nothing_is_taken(server: str, running: Running, header: dict[str, str]) -> None:
    answer = httpx.post(server + ONE, json={"run_id": running.id, **metric(0)}, headers=header, timeout=30)

    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_a_superseded_attempt_is_refused(server: str, running: Running) -> None:
    Attempt.objects.update(fenced=True)

    answer = post(server, ONE, running, **metric(0))

    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_a_body_that_is_too_large_is_refused(server: str, running: Running) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = httpx.post(server + MANY, content=body(), headers={"Authorization": f"Bearer {running.token}"}, timeout=30)

    assert answer.status_code == 413
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"key": NaN}', b"\xff", b"[" * 5000])
def test_nonsense_is_answered_with_400(server: str, running: Running, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"}

    answer = httpx.post(server + ONE, content=body, headers=headers, timeout=30)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error_code", "message"}


def test_clients_that_race_share_transactions_and_lose_nothing(server: str, start: Any, short: list[int]) -> None:
    trials = [start(number) for number in range(4)]

    def log(running: Running) -> list[int]:
        headers = {"Authorization": f"Bearer {running.token}"}
        with httpx.Client(timeout=60, headers=headers) as client:
            bodies = [json.dumps({"run_id": running.id, **metric(step)}) for step in range(25)]
            return [client.post(server + ONE, content=body).status_code for body in bodies]

    with ThreadPoolExecutor(8) as pool:
        statuses = [code for codes in pool.map(log, trials) for code in codes]
    once_more = [post(server, ONE, running, **metric(24)).status_code for running in trials]

    assert set(statuses + once_more) == {200}
    assert Measurement.objects.count() == 100
    assert sum(short) == 104
    for running in trials:
        running.trial.refresh_from_db()
        assert (running.trial.last_step, running.trial.value_count) == (24, 25)
    events = list(Event.objects.filter(kind="metrics").order_by("seq").values_list("seq", flat=True))
    assert len(events) == 100 and len(set(events)) == 100


def test_when_the_shared_transaction_fails_each_is_tried_alone(
    server: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    report = reporting.report

    def fail_together(batches: Any) -> Any:
        calls.append(len(batches))
        if len(batches) > 1:
            raise RuntimeError("deadlock detected")
        return report(batches)

    monkeypatch.setattr(gathering.reporting, "report", fail_together)
    batches = [
        ingest.read_batch(json.dumps({"run_id": running.id, **metric(n)}).encode(), running.token, False)
        for n in range(3)
    ]

    answers = gathering.stored([batch for batch in batches if batch])

    assert [type(answer).__name__ for answer in answers] == ["Taken"] * 3
    assert calls == [3, 1, 1, 1]


def test_a_name_that_is_not_ours_is_refused_as_everywhere(
    server: str, running: Running, short: list[int], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    ingest.is_ours.cache_clear()
    headers = {"Authorization": f"Bearer {running.token}", "Host": "elsewhere.example"}

    answer = httpx.post(server + ONE, json={"run_id": running.id, **metric(0)}, headers=headers, timeout=30)

    ingest.is_ours.cache_clear()
    assert (answer.status_code, short) == (400, [])
    assert Measurement.objects.count() == 0


def test_a_trial_that_reports_too_often_is_told_when_to_come_back(
    server: str, running: Running, short: list[int], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TUNEBOOK_RATE_LIMITS = {"reports": 2}
    monkeypatch.setattr(pace, "PACE", pace.Pace())

    answers = [post(server, ONE, running, **metric(step)) for step in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60
    assert Measurement.objects.count() == 2
