"""Creations sent again with the same Idempotency-Key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.dialects.tunebook.models import Answered
from apps.experiments.models import Experiment
from tests.dialects.tunebook.conftest import Ours
from tests.people import a_job


def creation(**members: Any) -> dict[str, Any]:
    return {"name": "once", "job": a_job().to_dict(), **members}


def test_the_second_answer_is_the_first(ours: Ours) -> None:
    first = ours.post("/experiments", creation(), Idempotency_Key="k 1")
    second = ours.post("/experiments", creation(), Idempotency_Key="k 1")

    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Experiment.objects.count() == 1


def test_another_key_or_none_creates_again(ours: Ours) -> None:
    for headers in ({"Idempotency_Key": "a"}, {"Idempotency_Key": "b"}, {}, {}):
        ours.post("/experiments", creation(), **headers)

    assert Experiment.objects.count() == 4


def test_the_same_key_for_another_request_is_refused(ours: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")

    answer = ours.post("/experiments", creation(name="other"), Idempotency_Key="k")

    assert (answer.status, answer.code) == (422, "idempotency_mismatch")
    assert Experiment.objects.count() == 1


def test_the_same_key_of_somebody_else_is_another_one(ours: Ours, ours_ben: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")

    assert ours_ben.post("/experiments", creation(), Idempotency_Key="k").status == 403


def test_a_failed_creation_leaves_the_key_unused(ours: Ours) -> None:
    refused = ours.post("/experiments", creation(tags={"": "x"}), Idempotency_Key="k")

    assert refused.status == 422
    assert ours.post("/experiments", creation(), Idempotency_Key="k").status == 201


def test_a_day_later_the_key_is_free(ours: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")
    Answered.objects.update(at=timezone.now() - timedelta(hours=25))

    ours.post("/experiments", creation(name="other"), Idempotency_Key="k")

    assert Experiment.objects.count() == 2


def test_a_queued_trial_is_queued_once(ours: Ours, make_experiment: Any) -> None:
    path = f"/experiments/{make_experiment().key}/trials"

    numbers = [ours.post(path, {"params": {"x": 0.5}}, Idempotency_Key="k")["number"] for _ in range(2)]

    assert numbers == [0, 0]


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "é", "a\tb"])
def test_a_wrong_key_is_refused(ours: Ours, key: str) -> None:
    answer = ours.post("/experiments", creation(), Idempotency_Key=key)

    assert (answer.status, answer.field) == (400, "Idempotency-Key")
    assert Experiment.objects.count() == 0
