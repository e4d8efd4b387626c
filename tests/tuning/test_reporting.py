"""What trials send over HTTP: many attempts in one transaction, steps that are said again."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.feed.models import Event
from apps.trials.models import Attempt, Measurement, Trial
from apps.tuning import reporting
from apps.tuning.errors import Fenced
from apps.tuning.measuring import Reading
from apps.tuning.reporting import Batch
from apps.workspaces.access import OutOfReach
from apps.workspaces.models import hash_token
from tests.optimizer.waiting import until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def running(make_experiment):
    """Trials that run, each with its token."""
    experiment = make_experiment()

    def start(token, number=0):
        trial = Trial.objects.create(
            experiment=experiment, number=number, params={}, source="random", status="RUNNING", attempt_count=1
        )
        Attempt.objects.create(
            trial=trial, experiment=experiment, number=1, launch_key=token, token_hash=hash_token(token)
        )
        return trial

    return start


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def say(token, *readings, again=True):
    (answer,) = reporting.report([Batch(token, readings, again)])
    if isinstance(answer, Exception):
        raise answer
    return answer.stored.verdicts


def points(trial, name="loss"):
    rows = Measurement.objects.filter(trial=trial, name=name).order_by("step")
    return [(row.step, row.number) for row in rows]


def test_several_attempts_report_in_one_transaction(running):
    one, other = running("a", 0), running("b", 1)

    first, second, third = reporting.report(
        [
            Batch("a", [Reading("loss", 0, 0.5)]),
            Batch("b", [Reading("loss", 0, 0.4), Reading("loss", 1, 0.3)]),
            Batch("a", [Reading("loss", 1, 0.2)]),
        ]
    )

    assert [answer.stored.count for answer in (first, second, third)] == [1, 2, 1]
    assert points(one) == [(0, 0.5), (1, 0.2)]
    assert points(other) == [(0, 0.4), (1, 0.3)]
    one.refresh_from_db(), other.refresh_from_db()
    assert (one.last_value, one.last_step, other.best_value) == (0.2, 1, 0.3)
    assert Event.objects.filter(kind="metrics").count() == 3


def test_a_batch_that_is_refused_leaves_the_others_alone(running):
    trial = running("a", 0)
    fenced = running("b", 1)
    Attempt.objects.filter(trial=fenced).update(fenced=True)

    refused, unknown, good = reporting.report(
        [
            Batch("b", [Reading("loss", 0, 0.1)]),
            Batch("nobody", [Reading("loss", 0, 0.1)]),
            Batch("a", [Reading("loss", 0, 0.5)]),
        ]
    )

    assert isinstance(refused, Fenced) and isinstance(unknown, OutOfReach)
    assert good.stored.count == 1
    assert points(trial) == [(0, 0.5)]
    assert points(fenced) == []


def test_what_lay_in_buffers_is_taken_for_ten_minutes(running):
    trial = running("a")
    Attempt.objects.filter(trial=trial).update(ended=timezone.now() - timedelta(minutes=9))
    assert say("a", Reading("loss", 0, 0.5)) == ["stored"]

    Attempt.objects.filter(trial=trial).update(ended=timezone.now() - timedelta(minutes=11))
    with pytest.raises(Fenced, match="ended long ago"):
        say("a", Reading("loss", 1, 0.5))


def test_what_a_trial_says_that_waits_for_another_attempt_belongs_to_none(running):
    trial = running("a")
    Trial.objects.filter(pk=trial.pk).update(status="CREATED")  # its attempt failed, and the job allows another one
    Attempt.objects.update(ended=timezone.now())

    with pytest.raises(Fenced):
        say("a", Reading("loss", 7, 0.1), again=False)

    trial.refresh_from_db()
    assert (trial.value_count, trial.best_value, points(trial)) == (0, None, [])


def test_the_answer_tells_who_should_stop(running):
    trial = running("a")
    Trial.objects.filter(pk=trial.pk).update(desired="stop")

    (answer,) = reporting.report([Batch("a", [Reading("loss", 0, 0.5)])])

    assert answer.should_stop


def test_the_number_of_queries_does_not_grow_with_the_measurements(running):
    running("a")
    reporting.report([Batch("a", [Reading("loss", 0, 0.5)])])
    counts = []

    for first, count in ((1, 1), (100, 900)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            reporting.report([Batch("a", [Reading("loss", first + step, 0.5) for step in range(count)])])
        counts.append(sum("trials_measurement" not in one["sql"] for one in queries))

    assert max(counts) <= 6


def test_a_script_that_names_no_step_draws_a_curve(running):
    trial = running("a")

    for second, value in enumerate([0.5, 0.4, 0.4, 0.3]):
        say("a", Reading("loss", 0, value, at=at(second)))

    assert points(trial) == [(0, 0.5), (1, 0.4), (2, 0.4), (3, 0.3)]
    trial.refresh_from_db()
    assert trial.last_value == 0.3


def test_a_measurement_that_is_sent_twice_is_stored_once_wherever_it_went(running):
    trial = running("a")
    sent = [Reading("loss", 0, value, at=at(second)) for second, value in enumerate([0.5, 0.4, 0.3])]
    for reading in sent:
        say("a", reading)

    verdicts = [say("a", reading) for reading in sent]

    assert verdicts == [["duplicate"]] * 3
    assert len(points(trial)) == 3


def test_a_batch_with_one_step_again_and_again_is_a_curve_too_and_may_come_twice(running):
    trial = running("a")
    batch = [Reading("loss", 0, value, at=at(second)) for second, value in enumerate([0.5, 0.4, 0.3])]

    first, second = say("a", *batch), say("a", *batch)

    assert (first, second) == (["stored"] * 3, ["duplicate"] * 3)
    assert points(trial) == [(0, 0.5), (1, 0.4), (2, 0.3)]


def test_a_last_word_without_a_step_comes_after_the_curve(running):
    trial = running("a")
    say("a", *[Reading("loss", step, 1 - step / 10, at=at(step)) for step in range(5)])

    say("a", Reading("loss", 0, 0.05, at=at(9)))

    trial.refresh_from_db()
    assert (trial.last_value, points(trial)[-1]) == (0.05, (5, 0.05))


def test_steps_that_come_late_stay_where_they_belong(running):
    trial = running("a")
    for step in (0, 3, 9, 7, 1):
        say("a", Reading("loss", step, float(step), at=at(step)))

    assert points(trial) == [(0, 0.0), (1, 1.0), (3, 3.0), (7, 7.0), (9, 9.0)]
    trial.refresh_from_db()
    assert (trial.last_value, trial.last_step) == (9.0, 9)


def test_an_objective_without_steps_counts_though_another_metric_is_far_ahead(running):
    trial = running("a")
    say("a", *[Reading("train_loss", step, 0.1) for step in range(100)])

    say("a", Reading("loss", 0, 0.25))

    trial.refresh_from_db()
    assert (trial.last_value, trial.last_step) == (0.25, 99)


def test_other_wires_keep_the_first_value_of_a_step(running):
    trial = running("a")
    say("a", Reading("loss", 0, 0.5), again=False)

    assert say("a", Reading("loss", 0, 0.4), again=False) == ["conflict"]
    assert points(trial) == [(0, 0.5)]


def test_the_time_is_the_one_that_the_trial_tells(running):
    trial = running("a")

    say("a", Reading("loss", 0, 0.5, at=NOON))

    assert Measurement.objects.get(trial=trial).at == NOON


if connection.vendor == "postgresql":  # the embedded database's writers exclude each other
    WAITS = "select pid from pg_locks where not granted"  # pg_stat_activity stays the same within a transaction

    def waiting(cursor):
        cursor.execute(WAITS)
        return cursor.fetchall()

    class Reports(threading.Thread):
        """Reports for the trials 0 and 1 from a thread of its own."""

        def run(self):
            self.answers = self.error = None
            try:
                self.answers = reporting.report([Batch(token, [Reading("loss", 0, 0.5)]) for token in ("a", "b")])
            except OperationalError as error:
                self.error = error
            finally:
                connection.close()

    @pytest.mark.django_db(transaction=True)
    def test_reports_that_were_given_up_in_a_deadlock_are_stored_once(running):
        one, other = running("a", 0), running("b", 1)
        reports = Reports()

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local deadlock_timeout = '1min'")  # so that the reports are the ones that give up
            cursor.execute("select 1 from trials_trial where id = %s for update", [other.pk])
            reports.start()
            until(lambda: waiting(cursor), what="the reports wait for the second trial")
            cursor.execute("select 1 from trials_trial where id = %s for update", [one.pk])
        reports.join(60)

        assert reports.error is None
        assert [answer.stored.count for answer in reports.answers] == [1, 1]
        assert (points(one), points(other)) == ([(0, 0.5)], [(0, 0.5)])

    @pytest.mark.django_db(transaction=True)
    def test_a_report_that_waited_while_its_attempt_was_fenced_is_refused(running):
        trial, _ = running("a", 0), running("b", 1)
        reports = Reports()

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select 1 from trials_trial where id = %s for update", [trial.pk])
            Attempt.objects.filter(trial=trial).update(fenced=True, ended=timezone.now())
            Trial.objects.filter(pk=trial.pk).update(status="CREATED")
            reports.start()
            until(lambda: waiting(cursor), what="the reports wait for the first trial")
        reports.join(60)

        refused, taken = reports.answers
        assert isinstance(refused, Fenced) and taken.stored.count == 1
        assert points(trial) == []
