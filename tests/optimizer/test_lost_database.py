"""The database ends every connection in the middle of a sweep: nothing is lost, nothing is doubled, all go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.optimizer.worker import OptimizerWorker
from apps.trials.models import Attempt, Measurement, Trial
from apps.tuning import again, leases, reporting
from apps.tuning.measuring import Reading
from apps.tuning.reporting import Batch
from apps.workspaces.models import hash_token
from tests.connections import end_all_others, end_this
from tests.optimizer.processes import optimizer
from tests.optimizer.test_worker import Stage
from tests.optimizer.waiting import until
from tests.people import a_job
from tunebook.command import Command
from tunebook.limits import Limits
from tunebook.sampling import Sampling

SCRIPT = """echo "$TUNEBOOK_TRIAL" >> {log}
printf '{{"step": 0, "metrics": {{"loss": %s}}}}\\n' ${{x}} >> $TUNEBOOK_SPOOL; sleep 0.02"""


@pytest.fixture
def running(make_experiment: Callable[..., Experiment]) -> Trial:
    """A trial that reports with the token `t`."""
    experiment = make_experiment()
    trial = Trial.objects.create(experiment=experiment, number=0, params={}, status="RUNNING", attempt_count=1)
    Attempt.objects.create(trial=trial, experiment=experiment, number=1, launch_key="k", token_hash=hash_token("t"))
    return trial


def say(step: int) -> list[str]:
    (answer,) = reporting.report([Batch("t", [Reading("loss", step, float(step))])])
    assert not isinstance(answer, Exception)
    return list(answer.stored.verdicts)


def steps(trial: Trial) -> list[int]:
    return list(Measurement.objects.filter(trial=trial).order_by("step").values_list("step", flat=True))


@pytest.mark.django_db
def test_an_optimizer_leaves_in_good_order_while_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_experiment: Callable[..., Experiment]
) -> None:
    make_experiment()
    stage = Stage(tmp_path)
    stage.holds = True
    worker: OptimizerWorker = stage.worker()
    worker.round()

    def away(_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(leases, "release", away)
    monkeypatch.setattr("apps.optimizer.worker.close_old_connections", lambda: None)
    worker.leave()

    assert not worker.receiver.path.exists()
    assert stage.world.stops == []


if connection.vendor == "postgresql":  # the embedded database has no connections that could break

    @pytest.mark.django_db(transaction=True)
    def test_everything_is_read_anew_from_a_server_that_has_come_back(
        make_experiment: Callable[..., Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.optimizer.worker.RETRY_DATABASE", 0.0)
        experiment = make_experiment(job=a_job(limits=Limits(max_trials=2, max_concurrent=2)))
        stage = Stage(tmp_path)
        stage.holds = True
        worker = stage.worker()
        for _ in range(3):
            worker.round()
        Trial.objects.filter(experiment=experiment).update(value_count=7)  # as it was when the server failed

        end_this()
        worker.next_beat = 0.0
        worker.round()
        meanwhile = len(worker.drivers)
        worker.round()

        counts = [one.trial.value_count for one in worker.drivers[experiment.pk].work.live.values()]
        worker.leave()

        assert meanwhile == 0
        assert len(counts) == 2 and min(counts) >= 7
        assert len(stage.world.playing) == 2 and stage.world.stops == []

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_a_sweep_comes_to_its_end_however_often_the_connections_break(
        make_experiment: Callable[..., Experiment], tmp_path: Path
    ) -> None:
        job = a_job(
            command=Command(steps=(SCRIPT.format(log=tmp_path / "ran"),)),
            limits=Limits(max_trials=40, max_concurrent=2),
            sampling=Sampling("random", seed=3),
        )
        experiment = make_experiment(job=job)
        ended = Trial.objects.filter(experiment=experiment, status="FINISHED")

        with optimizer(tmp_path / "data", "--exit-when-idle") as process:
            broken = [until(lambda least=least: ended.count() >= least and end_all_others()) for least in (1, 4, 9, 10)]
            assert process.wait(60) == 0

        experiment.refresh_from_db()
        assert all(broken)
        assert (experiment.status, experiment.counts, experiment.troubles) == ("FINISHED", {"FINISHED": 40}, 0)
        ran = (tmp_path / "ran").read_text().split()
        assert len(ran) == len(set(ran)) == Attempt.objects.filter(experiment=experiment).count() == 40
        assert Measurement.objects.filter(trial__experiment=experiment).count() == 40
        events = reading.after(experiment_stream(experiment.key), 0, limit=10_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))

    @pytest.mark.django_db(transaction=True)
    def test_a_report_whose_connection_breaks_on_the_way_is_stored(
        running: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write, breaks = reporting._write, [end_this, end_this]

        def write_after_a_break(*given: object) -> None:
            if breaks:
                breaks.pop()()
            write(*given)

        monkeypatch.setattr(reporting, "_write", write_after_a_break)

        assert (say(0), breaks) == (["stored"], [])
        assert steps(running) == [0]

    @pytest.mark.django_db(transaction=True)
    def test_a_report_whose_commit_is_not_confirmed_is_stored_once(
        running: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit, breaks = connection.commit, [end_this]

        def commit_and_break() -> None:
            commit()
            if breaks:
                breaks.pop()()
                with connection.cursor() as cursor:
                    cursor.execute("select 1")

        monkeypatch.setattr(connection, "commit", commit_and_break)

        assert say(0) == ["duplicate"]
        assert steps(running) == [0]

    @pytest.mark.django_db(transaction=True)
    def test_who_reports_while_connections_break_again_and_again_loses_nothing(running: Trial) -> None:
        answered: list[int] = []
        refused: list[OperationalError] = []

        def report() -> None:
            while len(answered) < 60:
                try:
                    say(len(answered))
                except OperationalError as error:  # a client is told to try again
                    refused.append(error)
                else:
                    answered.append(len(answered))
            connection.close()

        thread = threading.Thread(target=report)
        thread.start()
        for least in range(5, 55, 5):
            until(lambda least=least: len(answered) >= least)
            end_all_others()
        thread.join(60)

        assert all(again.is_passing(error) for error in refused)
        assert steps(running) == answered == list(range(60))
        running.refresh_from_db()
        assert (running.last_value, running.value_count) == (59.0, 60)
