"""How many requests a minute one caller gets answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.dialects import pace
from apps.dialects.pace import Pace, TooMany
from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey


def test_a_caller_gets_its_share_each_minute_and_no_other_pays_for_it() -> None:
    now = [0.0]
    counted = Pace(lambda: now[0])
    limits = {"reads": 2}
    for _ in range(2):
        counted.take("ada", "reads", limits)
    now[0] = 20.0

    with pytest.raises(TooMany) as refused:
        counted.take("ada", "reads", limits)
    counted.take("ben", "reads", limits)
    counted.take("ada", "writes", limits)
    now[0] = 60.0
    counted.take("ada", "reads", limits)

    assert refused.value.wait == 40


@pytest.fixture
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TUNEBOOK_RATE_LIMITS = {"reads": 2, "writes": 1, "reports": 1}
    monkeypatch.setattr(pace, "PACE", Pace())


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    ("path", "code"), [("/api/automl/v1/hpo/experiments", "Code"), ("/api/tunebook/v1/experiments", "error")]
)
def test_whoever_asks_too_often_is_told_when_to_come_back(
    key_ada: IssuedKey, key_ben: IssuedKey, path: str, code: str
) -> None:
    def ask(key: IssuedKey) -> Any:
        return Client().get(path, headers={"Authorization": f"Bearer {key.token}"})

    answers = [ask(key_ada).status_code for _ in range(2)]
    refused, other = ask(key_ada), ask(key_ben)

    assert answers == [200, 200]
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert "at most 2 reads a minute" in refused.content.decode()
    assert code in refused.json()
    assert other.status_code == 200


@pytest.mark.usefixtures("limited")
def test_a_refused_change_changes_nothing(key_ada: IssuedKey, make_experiment: Callable[..., Experiment]) -> None:
    experiment = make_experiment()
    client = Client(headers={"Authorization": f"Bearer {key_ada.token}"})

    path = f"/api/tunebook/v1/experiments/{experiment.key}"
    answers = [client.post(f"{path}/{verb}", content_type="application/json") for verb in ("pause", "stop")]

    experiment.refresh_from_db()
    assert [answer.status_code for answer in answers] == [200, 429]
    assert experiment.desired == "pause"


@pytest.mark.usefixtures("limited")
def test_reports_of_each_attempt_are_counted_for_themselves(db: None) -> None:
    def report(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        path = "/api/tunebook/v1/attempts/report"
        return Client().post(path, {"items": []}, content_type="application/json", headers=headers).status_code

    assert [report("one"), report("one"), report("other")] == [401, 429, 401]
