"""The report: one file that says what was found, asks no network, and lets nobody's text become markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.reports import inlined, report
from apps.trials.models import Trial
from apps.tuning import discussion
from apps.workspaces.access import Actor
from apps.workspaces.models import IssuedKey
from tests.insights.studies import study
from tests.insights.test_keeping import worked_out
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, Uniform

Make = Callable[..., Experiment]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'"


@pytest.fixture
def known(make_experiment: Make) -> Experiment:
    one = study(make_experiment, 60, name="a study")
    worked_out(one)
    return one


def blocks(text: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" data-payload="(\w+)">(.*?)</script>', text, re.DOTALL)
    return {name: json.loads(block) for name, block in found}


def test_a_report_says_what_was_found(known: Experiment, actor_ada: Actor) -> None:
    discussion.write_note(actor_ada, known, "# Why\nbecause **so**")

    text = report.html(known)

    assert "<h1>a study</h1>" in text
    assert "<h3>Why</h3>" in text
    assert "In words" in text
    assert "together only" in text
    assert set(blocks(text)) == {"history", "sample", "curves", "edf"}
    assert blocks(text)["history"]["total"] == known.trial_count


def test_a_report_asks_no_network(known: Experiment) -> None:
    text = report.html(known)
    head, body = text.split("<body>")

    assert "default-src 'none'" in unescape(head)
    assert not re.search(r"<(link|img|iframe|object|embed|base)\b|(?<!-)\bsrc=\"|@import|url\(|\bimport\s*\(", text)
    assert 'href="' not in body


def test_the_policy_names_the_script_and_the_style_that_are_in_it(known: Experiment) -> None:
    text = report.html(known)

    for part in (inlined.script(), inlined.style()):
        assert inlined._hash(part).strip("'") in unescape(text[:2000])
        assert part in text


def test_no_text_of_people_becomes_markup(make_experiment: Make, actor_ada: Actor, add_trials_of: Any) -> None:
    space = Space({"x": Uniform(0.0, 1.0), EVIL: Choice([EVIL, "b"])})
    evil = make_experiment(name=EVIL, description=EVIL, job=a_job(space=space), tags=[("team", EVIL[:60])])
    add_trials_of(evil, {"x": 0.5, EVIL: EVIL}, 12)
    discussion.write_note(actor_ada, evil, f"{EVIL}\n\n[a](javascript:alert(1)) ![p](http://h/x.png)\n\n<b onclick=x>")

    text = report.html(evil)

    assert len(re.findall(r"<script\b", text, re.IGNORECASE)) == 5
    assert len(re.findall(r"</script", text, re.IGNORECASE)) == 5
    assert not re.search(r"<img|<b onclick|href=\"javascript", text)
    assert blocks(text)["sample"]["axes"][1]["values"][0].startswith("</script>")


@pytest.fixture
def add_trials_of() -> Callable[[Experiment, dict[str, Any], int], None]:
    def add(experiment: Experiment, params: dict[str, Any], count: int) -> None:
        now = timezone.now()
        Trial.objects.bulk_create(
            Trial(
                experiment=experiment, number=number, params=params, source="model", status="FINISHED",
                value=(number * 7919 % 9973 + 1) / 1e4, started=now - timedelta(seconds=90), ended=now,
            )
            for number in range(count)
        )  # fmt: skip
        experiment.trial_count = experiment.finished_count = count
        experiment.best_value, experiment.best_trial = 0.0001, 0
        experiment.save()

    return add


def test_ten_thousand_trials_make_a_file_that_can_be_sent(make_experiment: Make, add_trials_of: Any) -> None:
    space = Space({f"a_parameter_{number}": Uniform(0.0, 1.0) for number in range(10)})
    large = make_experiment(name="large", job=a_job(space=space))
    add_trials_of(large, dict.fromkeys(space, 0.123456789), 10_000)

    with CaptureQueriesContext(connection) as queries:
        text = report.html(large)

    assert len(text) < 450_000
    assert len(queries) < 25


def test_an_experiment_without_trials_has_a_report(make_experiment: Make) -> None:
    assert "No trial has succeeded yet." in report.html(make_experiment())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_do_not_break_it(make_experiment: Make, add_trials_of: Any, value: float) -> None:
    one = make_experiment()
    add_trials_of(one, {"x": 0.1}, 3)
    Trial.objects.filter(experiment=one, number=1).update(last_value=None, value=None, status="FAILED")

    assert "NaN" not in json.dumps(blocks(report.html(one))["history"]["value"])


def test_a_report_is_taken_from_the_page_and_from_the_api(
    known: Experiment, client: Client, ada: User, cleo: User, key_ben: IssuedKey, key_cleo: IssuedKey
) -> None:
    stranger = Client()
    client.force_login(ada)
    stranger.force_login(cleo)
    address = f"/w/lab/e/{known.key}/take/report.html"
    asked = f"/api/tunebook/v1/experiments/{known.key}/report"

    taken: Any = client.get(address)
    answers = [Client().get(asked, headers={"Authorization": f"Bearer {key.token}"}) for key in (key_ben, key_cleo)]

    assert taken.headers["Content-Disposition"] == f'attachment; filename="{known.key}-report.html"'
    assert "a study" in taken.getvalue().decode()
    assert stranger.get(address).status_code == 404
    assert [answer.status_code for answer in answers] == [200, 404]
    assert answers[0].headers["Content-Type"].startswith("text/html")
