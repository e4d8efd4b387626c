"""Findings are asked for as trials grow, worked out by one, and kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.feed.models import Event
from apps.insights import keeping
from apps.insights.models import Insight, State
from apps.optimizer import analyst as analyst_module
from apps.optimizer.analyst import Analyst
from tests.insights.studies import study
from tests.optimizer.waiting import until
from tunebook.findings import findings

Make = Callable[..., Experiment]
pytestmark = pytest.mark.django_db


def worked_out(experiment: Experiment) -> Insight:
    """Findings from all trials so far, as an optimizer would have kept them."""
    keeping.want(experiment.pk, experiment.ended_count, final=True)
    insight = keeping.claim()
    assert insight is not None
    keeping.keep(insight, findings(keeping.request(insight)))
    return Insight.objects.get(pk=insight.pk)


def test_findings_are_wanted_again_after_a_quarter_more_trials(make_experiment: Make):
    one = make_experiment()

    asked = [ended for ended in range(120) if keeping.want(one.pk, ended)]

    assert Insight.objects.get().ended == 118  # what was overtaken is not worked out any more
    assert asked == [5, 7, 9, 12, 15, 19, 24, 30, 38, 48, 60, 75, 94, 118]


def test_an_ended_experiment_is_looked_at_once_more(make_experiment: Make):
    one = make_experiment()
    keeping.want(one.pk, 100)

    assert not keeping.want(one.pk, 101)
    assert keeping.want(one.pk, 101, final=True)
    assert not keeping.want(one.pk, 101, final=True)


def test_only_one_works_on_them_until_its_time_is_over(make_experiment: Make):
    keeping.want(make_experiment().pk, 10)

    first, second = keeping.claim(), keeping.claim()

    assert first is not None
    assert second is None
    Insight.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert keeping.claim() == first


def test_looking_asks_for_what_is_missing_and_says_so(make_experiment: Make):
    one = study(make_experiment, 40)

    known = keeping.look(one)

    assert known.insight is None
    assert known.pending is not None
    assert known.pending.state == State.WANTED
    assert keeping.look(one).pending == known.pending


def test_what_was_found_is_shown_until_newer_is_there(make_experiment: Make):
    one = study(make_experiment, 40)
    done = worked_out(one)
    Experiment.objects.filter(pk=one.pk).update(finished_count=200)
    one.refresh_from_db()

    known = keeping.look(one)

    assert known.insight == done
    assert known.pending is not None
    assert known.document["importance"]["shares"][0]["name"] == "lr"


def test_what_was_found_is_shown_while_newer_is_worked_on_and_still_newer_waits(make_experiment: Make):
    one = study(make_experiment, 40)
    done = worked_out(one)
    keeping.want(one.pk, 60)
    keeping.claim()
    keeping.want(one.pk, 80)

    known = keeping.newest(one)

    assert known.insight == done
    assert known.pending is not None
    assert known.pending.ended == 80


def test_a_replay_sees_what_was_known_then(make_experiment: Make):
    one = study(make_experiment, 40)
    worked_out(one)

    assert keeping.newest(one, upto=39).insight is not None
    assert keeping.newest(one, upto=38).insight is None


def test_excluded_trials_do_not_count(make_experiment: Make):
    one = study(make_experiment, 40)
    one.trials.filter(number__lt=10).update(excluded=True)
    keeping.want(one.pk, 40)
    insight = keeping.claim()
    assert insight is not None

    asked = keeping.request(insight)

    assert len(asked["results"]) + len(asked["failed"]) == 30


@pytest.mark.django_db(transaction=True)
def test_the_analyst_works_in_a_process_and_tells_the_feed(make_experiment: Make):
    one = study(make_experiment, 60)
    keeping.want(one.pk, 60)
    analyst = Analyst()

    def is_done() -> bool:
        analyst.next_look = 0.0
        analyst.turn()
        return Insight.objects.filter(state=State.DONE).exists()

    try:
        until(is_done, seconds=240)  # it works behind everything else this machine has to do
    finally:
        analyst.close()

    known = keeping.newest(one)
    assert known.document["importance"]["shares"][0]["name"] == "lr"
    assert known.document["failures"][0]["rule"]["text"] == "depth ≥ 7"
    assert Event.objects.filter(stream=f"exp:{one.key}", kind="insight", payload={"ended": 60}).exists()


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_worked_out_is_given_up_and_does_not_stop_the_analyst(make_experiment: Make):
    one = study(make_experiment, 60)
    Experiment.objects.filter(pk=one.pk).update(job={"nonsense": True})
    keeping.want(one.pk, 60)
    analyst = Analyst()

    analyst.turn()

    assert Insight.objects.get().state == State.FAILED
    assert analyst.process is None


@pytest.mark.django_db(transaction=True)
def test_who_works_long_keeps_it_and_says_why_nothing_was_found(make_experiment: Make, monkeypatch: pytest.MonkeyPatch):
    one = study(make_experiment, 60)
    keeping.want(one.pk, 60)
    busy = "from tunebook import findings; findings.limit_time(1)\nwhile True: pass"
    monkeypatch.setattr(analyst_module, "PROGRAM", (sys.executable, "-c", busy))
    analyst = Analyst()
    analyst.turn()
    Insight.objects.update(until=timezone.now() - timedelta(seconds=1))

    def is_given_up() -> bool:
        analyst.next_hold = 0.0
        analyst.turn()
        return Insight.objects.get().state == State.FAILED or keeping.claim() is not None

    try:
        until(is_given_up, seconds=240)
    finally:
        analyst.close()

    found = Insight.objects.get()
    assert (found.state, found.message) == (State.FAILED, "it took more than 90 seconds of the processor's time")


@pytest.mark.django_db(transaction=True)
def test_what_is_known_is_shown_where_nothing_can_be_asked_for(make_experiment: Make):
    one = study(make_experiment, 6)

    def refuse(execute: Any, statement: str, *rest: Any) -> Any:
        if not statement.startswith("SELECT"):
            raise OperationalError("attempt to write a readonly database")
        return execute(statement, *rest)

    with connection.execute_wrapper(refuse):
        known = keeping.look(one)

    assert (known.insight, known.pending) == (None, None)
    assert keeping.look(one).pending is not None
