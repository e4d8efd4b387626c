"""The numbers of the optimisation history."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest

from apps.insights import charts
from apps.insights.charts.history import Row, draw, improvements, thin
from apps.trials.models import Trial
from tests.live.sockets import happen
from tunebook.objective import Metric, Objective
from tunebook.status import TrialStatus

START = datetime(2025, 11, 20, 10, tzinfo=UTC)
DOWN = Objective("minimize", (Metric("loss"),))
UP = Objective("maximize", (Metric("accuracy"),))


def row(number: int, value: float | None, status: str = "FINISHED", last_value: float | None = None) -> Row:
    return Row(number, status, value, last_value, float(number))


def test_columns_hold_one_entry_per_trial_in_order_of_number():
    payload = draw([row(0, 0.123456789), row(1, None, "FAILED"), row(2, 3e-9)], DOWN, START)

    assert payload["number"] == [0, 1, 2]
    assert payload["value"] == [0.123457, None, 3e-9]
    assert [payload["statuses"][place] for place in payload["status"]] == ["FINISHED", "FAILED", "FINISHED"]
    assert payload["ended"] == [0.0, 1.0, 2.0]
    assert (payload["goal"], payload["metric"], payload["total"]) == ("minimize", "loss", 3)


def test_a_metric_that_is_read_by_an_expression_is_called_by_its_word():
    payload = draw([row(0, 1.0)], Objective("minimize", (Metric("loss=([0-9.]+)"),)), START)

    assert payload["metric"] == "loss"


def test_a_trial_without_a_result_is_drawn_where_it_has_come_to():
    payload = draw([row(0, None, "RUNNING", last_value=0.5)], DOWN, START)

    assert payload["value"] == [0.5]


def test_what_is_not_finite_becomes_a_word_and_never_the_best():
    rows = [row(0, math.nan), row(1, -math.inf), row(2, 1.0)]

    assert draw(rows, DOWN, START)["value"] == ["NaN", "-Infinity", 1.0]
    assert list(improvements(rows, DOWN)) == [2]


@pytest.mark.parametrize(("objective", "places"), [(DOWN, [0, 2]), (UP, [0, 1])])
def test_improvements_follow_the_goal_and_skip_what_did_not_succeed(objective, places):
    rows = [row(0, 5.0), row(1, 7.0), row(2, 3.0), row(3, 99.0, "FAILED"), row(4, -1.0, "EARLY_STOPPED"), row(5, 5.0)]

    assert list(improvements(rows, objective)) == places


@pytest.mark.parametrize("step", [1, 3])
def test_a_history_in_which_nearly_every_trial_is_the_best_stays_light(step):
    rows = [row(number, 1e6 / (number + 1) if number % step == 0 else 2e6 + number / 7) for number in range(10_000)]

    payload = draw(rows, DOWN, START)

    assert len(json.dumps(payload, separators=(",", ":"))) < 60_000
    assert payload["number"][0] == 0
    assert 9_999 in payload["number"]
    assert len(payload["number"]) > 1_000


def test_thinning_keeps_improvements_extremes_and_failures():
    rows = [row(number, math.sin(number) + number % 7) for number in range(20_000)]
    rows[777] = row(777, -100.0)
    rows[5000] = row(5000, None, "FAILED")
    rows[9999] = row(9999, 1000.0)

    kept = thin(rows, DOWN, most=400)

    numbers = {row.number for row in kept}
    assert len(kept) <= 420
    assert {777, 5000, 9999} <= numbers
    assert set(improvements(rows, DOWN)) <= numbers
    assert [row.number for row in kept] == sorted(numbers)


def test_a_short_history_is_not_thinned():
    rows = [row(number, 1.0) for number in range(10)]

    assert thin(rows, DOWN, most=10) is rows


@pytest.mark.django_db
def test_a_history_costs_one_query_whatever_the_number_of_trials(make_experiment, django_assert_num_queries):
    experiment = make_experiment()
    Trial.objects.bulk_create(
        Trial(experiment=experiment, number=number, params={}, status=TrialStatus.FINISHED, value=1.0 / (number + 1))
        for number in range(30)
    )

    with django_assert_num_queries(1):
        payload = charts.build("history", experiment)

    assert payload["total"] == 30
    assert payload["max_trials"] == experiment.max_trials


@pytest.mark.django_db
def test_only_the_chosen_trials_are_drawn(make_experiment):
    experiment = make_experiment()
    Trial.objects.bulk_create(Trial(experiment=experiment, number=number, params={}) for number in range(3))

    payload = charts.build("history", experiment, Trial.objects.filter(experiment=experiment, number=1))

    assert payload["number"] == [1]


@pytest.mark.django_db
def test_an_experiment_without_trials_has_an_empty_history_and_an_empty_table(make_experiment):
    payload = charts.build("history", make_experiment())

    assert payload["number"] == []
    assert charts.table(payload)[1] == []


@pytest.mark.django_db(transaction=True)
def test_the_tag_changes_with_every_event_and_with_the_query(make_experiment):
    experiment = make_experiment()
    before = charts.etag(experiment), charts.etag(experiment, "status=FAILED")
    same = charts.etag(experiment)
    happen(f"exp:{experiment.key}", ("note", {"text": "x"}))
    after = charts.etag(experiment)

    assert before[0] == same
    assert len({*before, after}) == 3


def test_the_table_shows_at_most_fifty_rows_newest_first():
    headings, rows = charts.table(draw([row(number, 1.0) for number in range(500)], DOWN, START))

    assert headings == ["Trial", "Status", "loss", "Ended after (s)"]
    assert len(rows) == 50
    assert rows[0] == [499, "Succeeded", 1.0, 499.0]
