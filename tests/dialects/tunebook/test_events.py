"""The change feed by HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.dialects.tunebook import events
from apps.experiments.models import Experiment
from tests.dialects.tunebook.conftest import Ours

Make = Callable[..., Experiment]


def test_events_are_read_in_order_behind_a_cursor(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key
    ours.post(f"/experiments/{key}/pause")
    ours.post(f"/experiments/{key}/resume")

    first = ours.get("/events", stream=f"exp:{key}", limit="2")
    rest = ours.get("/events", stream=f"exp:{key}", after=first["cursor"])
    nothing = ours.get("/events", stream=f"exp:{key}", after=rest["cursor"])

    seen = [event["seq"] for event in first["items"] + rest["items"]]
    assert seen == list(range(1, len(seen) + 1))
    assert (first["more"], rest["more"], nothing["items"]) == (True, False, [])
    assert nothing["cursor"] == rest["cursor"]


@pytest.mark.parametrize("after", ["999", "otherfeed:1"])
def test_a_cursor_of_another_history_is_reset(ours: Ours, make_experiment: Make, after: str) -> None:
    key = make_experiment().key

    answer = ours.get("/events", stream=f"exp:{key}", after=after)

    assert answer["reset"] is True and answer["items"] == []
    assert ours.get("/events", stream=f"exp:{key}", after=answer["cursor"])["reset"] is False


def test_a_workspace_tells_of_its_lists(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    answer = ours.get("/events", stream="ws:lab")

    assert {event["payload"]["key"] for event in answer["items"]} == {key}


def test_ben_hears_nothing_of_what_he_may_not_see(ours: Ours, ours_ben: Ours, make_experiment: Make) -> None:
    hidden = make_experiment(accessibility="PRIVATE")
    shown = make_experiment()

    answer = ours_ben.get("/events", stream="ws:lab")

    assert {event["payload"]["key"] for event in answer["items"]} == {shown.key}
    assert ours_ben.get("/events", stream=f"exp:{hidden.key}").status == 404
    assert len(ours.get("/events", stream="ws:lab")["items"]) > len(answer["items"])


@pytest.mark.parametrize("stream", ["exp:nothing", "ws:elsewhere", "ws:", "exp:", "nothing", "other:lab"])
def test_a_stream_out_of_reach_does_not_exist(ours: Ours, cleo: Any, stream: str) -> None:
    answer = ours.get("/events", stream=stream)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "501"}, {"wait": "26"}, {"wait": "-1"}, {"after": "x"}, {"after": "-1"}, {"stream": ""}],
)
def test_wrong_parameters_are_refused(ours: Ours, make_experiment: Make, query: dict[str, str]) -> None:
    key = make_experiment().key

    answer = ours.get("/events", **{"stream": f"exp:{key}", **query})

    assert answer.status == 400


def test_waiting_ends_with_the_next_event(ours: Ours, make_experiment: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_experiment().key
    cursor = ours.get(f"/experiments/{key}")["cursor"]
    other = Ours(None)
    other.headers = ours.headers
    monkeypatch.setattr(events.time, "sleep", lambda _: other.post(f"/experiments/{key}/pause"))

    answer = ours.get("/events", stream=f"exp:{key}", after=cursor, wait="25")

    assert "experiment" in {event["kind"] for event in answer["items"]}


def test_waiting_is_for_a_few_at_a_time(ours: Ours, make_experiment: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_experiment().key
    cursor = ours.get(f"/experiments/{key}")["cursor"]
    monkeypatch.setattr(events.time, "sleep", lambda _: pytest.fail("it waits"))
    taken = 0
    while events.WAITING.acquire(blocking=False):
        taken += 1
    try:
        assert ours.get("/events", stream=f"exp:{key}", after=cursor, wait="25")["items"] == []
    finally:
        for _ in range(taken):
            events.WAITING.release()
