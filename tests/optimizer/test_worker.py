"""One optimizer process: what it claims, renews, sets aside and leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import F
from django.utils import timezone

from apps.experiments.models import Chore, Experiment, Worker
from apps.feed.models import Event
from apps.optimizer import census, upkeep
from apps.optimizer import worker as worker_module
from apps.optimizer.executors.base import Executor, Health, LaunchSpec
from apps.optimizer.executors.replay import Recording, ReplayExecutor, World
from apps.optimizer.work import Place
from apps.optimizer.worker import OptimizerWorker, Options
from apps.trials import logs
from apps.trials.models import Attempt
from apps.tuning import leases
from tests.people import a_job
from tunebook.limits import Limits
from tunebook.platform import Platform
from tunebook.readings import Readings
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db


class Stage:
    """Makes workers that share one world."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.world = World()
        self.made: list[OptimizerWorker] = []
        self.holds = False

    def play(self, spec: LaunchSpec) -> Recording:
        return Recording(points=[{"loss": 1.0}], holds=self.holds)

    def worker(
        self, elsewhere: Mapping[str, tuple[Executor, int]] = MappingProxyType({}), **options: object
    ) -> OptimizerWorker:
        executor = ReplayExecutor(self.data, self.play, self.world)
        made = OptimizerWorker(executor, self.data, slots=4, options=Options(**options), elsewhere=elsewhere)
        made.name = f"{made.name[:50]}-{len(self.made)}"
        self.made.append(made)
        made.register()
        return made


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    for worker in stage.made:
        worker.receiver.close()


@pytest.fixture
def a_sweep(make_experiment: Callable[..., Experiment]) -> Callable[..., Experiment]:
    def make(**job: object) -> Experiment:
        job = {"sampling": Sampling("random"), "limits": Limits(max_trials=3, max_concurrent=2), **job}
        return make_experiment(job=a_job(**job))

    return make


def logged(stage: Stage, experiment: Experiment) -> str:
    return logs.optimizer_log(stage.data, experiment.key).read_text()


def test_a_worker_runs_everything_and_leaves_when_idle(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    one, other = a_sweep(), a_sweep()
    worker = stage.worker(until_idle=True)

    worker.run()

    one.refresh_from_db(), other.refresh_from_db()
    assert one.status == other.status == "FINISHED"
    assert Worker.objects.get(name=worker.name).left is not None
    assert (one.driver, one.lease_until) == ("", None)


def test_a_poisoned_experiment_is_set_aside_and_delays_only_itself(
    stage: Stage, a_sweep: Callable[..., Experiment]
) -> None:
    poisoned, sound = a_sweep(), a_sweep()
    Experiment.objects.filter(pk=poisoned.pk).update(job={"version": 1, "space": "nonsense"})
    worker = stage.worker()

    for _ in range(60):
        worker.round()

    poisoned.refresh_from_db(), sound.refresh_from_db()
    assert sound.status == "FINISHED"
    assert poisoned.troubles == 1
    assert "is required" in poisoned.reason
    assert poisoned.retry_at > timezone.now()
    assert poisoned.driver == ""


def test_a_log_tells_who_drove_it_and_how_it_ended_and_nothing_of_turns_that_are_well(
    stage: Stage, a_sweep: Callable[..., Experiment]
) -> None:
    one = a_sweep()
    worker = stage.worker(until_idle=True)

    worker.run()

    lines = [line[20:] for line in logged(stage, one).splitlines()]
    assert lines == [f"info    {worker.name} drives it now", "info    ended: succeeded"]


def test_what_sets_an_experiment_aside_stands_there_with_its_traceback(
    stage: Stage, a_sweep: Callable[..., Experiment]
) -> None:
    poisoned = a_sweep()
    Experiment.objects.filter(pk=poisoned.pk).update(job={"version": 1, "space": "nonsense"})

    stage.worker().round()

    log = logged(stage, poisoned)
    assert "error   set aside for 1 s: SpecError" in log
    assert "    Traceback (most recent call last):" in log
    assert "in from_dict" in log


def test_who_takes_over_says_what_it_found(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    one = a_sweep()
    stage.holds = True
    first = stage.worker()
    first.round()
    first.leave()

    second = stage.worker()
    second.round()

    log = logged(stage, one)
    assert f"{first.name} leaves; trials go on" in log
    assert f"{second.name} drives it now, with trials from before: 2 that run" in log


def test_an_experiment_that_was_taken_over_is_dropped_without_touching_its_trials(
    stage: Stage, a_sweep: Callable[..., Experiment]
) -> None:
    experiment = a_sweep()
    stage.holds = True
    worker = stage.worker()
    worker.round()
    Experiment.objects.update(epoch=99, driver="another", modified=timezone.now())

    worker.next_check = 0.0
    worker.round()

    assert experiment.pk not in worker.drivers
    assert stage.world.stops == []
    assert len(stage.world.playing) == 2


def test_a_heartbeat_prolongs_the_leases(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    experiment = a_sweep()
    stage.holds = True
    worker = stage.worker()
    worker.round()
    Experiment.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    worker.next_beat = 0.0
    worker.round()

    experiment.refresh_from_db()
    assert experiment.lease_until > timezone.now() + timedelta(seconds=20)


def test_a_worker_that_could_not_renew_for_long_only_watches(
    stage: Stage, a_sweep: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_sweep()
    worker = stage.worker()
    worker.beat()
    worker.claim()
    worker.renewed -= worker_module.SELF_FENCE + 1

    worker.turns()

    assert not stage.world.playing


def test_a_renewal_counts_from_when_it_was_asked_for(
    stage: Stage, a_sweep: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_sweep()
    worker = stage.worker()
    worker.claim()
    clock = [worker_module.time.monotonic()]
    renew = leases.renew

    def slowly(driver: str) -> set[tuple[int, int]]:
        clock[0] += worker_module.SELF_FENCE + 1
        return renew(driver)

    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(leases, "renew", slowly)
    worker.beat()

    worker.turns()

    assert not stage.world.playing


def test_leaving_releases_what_is_held(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    experiment = a_sweep()
    stage.holds = True
    worker = stage.worker()
    worker.round()

    worker.leave()

    experiment.refresh_from_db()
    assert (experiment.driver, experiment.lease_until) == ("", None)
    assert len(stage.world.playing) == 2 and stage.world.stops == []


def test_a_second_worker_takes_a_fair_share(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    stage.holds = True
    sweeps = [a_sweep() for _ in range(2)]
    first, second = stage.worker(), stage.worker()
    first.round()
    sweeps += [a_sweep() for _ in range(4)]

    for worker in (second, first, second):
        worker.next_claim = 0.0
        worker.round()

    held = {len(first.drivers), len(second.drivers)}
    assert sum(len(worker.drivers) for worker in (first, second)) == len(sweeps)
    assert max(held) <= 4


def test_a_worker_that_starts_later_gets_its_share_of_what_is_driven(
    stage: Stage, a_sweep: Callable[..., Experiment]
) -> None:
    stage.holds = True
    for _ in range(6):
        a_sweep(limits=Limits(max_trials=1))
    first = stage.worker()
    for _ in range(3):
        first.round()
    before = set(stage.world.playing)
    second = stage.worker()

    for worker in (first, second, first, second, first, second):
        worker.next_claim = 0.0
        worker.round()

    assert sorted(len(worker.drivers) for worker in (first, second)) == [2, 4]
    assert not first.drivers.keys() & second.drivers.keys()
    assert before <= set(stage.world.playing) and stage.world.stops == []
    assert {playing.launches for playing in stage.world.playing.values()} == {1}
    second.leave()
    first.next_claim = 0.0
    first.round()
    assert len(first.drivers) == 6


def test_an_experiment_is_not_left_to_another_machine(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    stage.holds = True
    for _ in range(6):
        a_sweep()
    worker = stage.worker()
    worker.round()
    Worker.objects.create(name="there-1-1-elsewhere", host="there", pid=1, slots=1)

    worker.next_claim = 0.0
    worker.round()

    assert len(worker.drivers) == 6


def test_a_chore_has_one_holder_until_its_lease_ends(db: None) -> None:
    first, second, again = upkeep.hold("c", "one"), upkeep.hold("c", "other"), upkeep.hold("c", "one")
    Chore.objects.update(until=timezone.now() - timedelta(seconds=1))

    assert (first, second, again) == (True, False, True)
    assert upkeep.hold("c", "other")


@pytest.mark.parametrize(("ahead", "is_taken"), [(timedelta(hours=1), True), (timedelta(seconds=1), False)])
def test_a_chore_from_before_the_clock_was_set_back_is_taken_but_not_one_of_a_moment_ago(
    db: None, ahead: timedelta, is_taken: bool
) -> None:
    upkeep.hold("c", "one")
    Chore.objects.update(until=F("until") + ahead)

    assert upkeep.hold("c", "other") == is_taken


def test_experiments_without_a_living_driver_become_unknown(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    experiment = a_sweep()
    leases.claim("gone", most=1)
    Experiment.objects.update(lease_until=timezone.now() - timedelta(minutes=1))

    upkeep.run("one", Place(ReplayExecutor(stage.data, stage.play), stage.data, "stage", 4, "stage"))

    experiment.refresh_from_db()
    assert (experiment.status, experiment.reason) == ("UNKNOWN", "no optimizer is driving it")


def test_orphans_are_stopped_and_others_are_not(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    stage.holds = True
    one = a_sweep()
    worker = stage.worker()
    worker.round()
    known = list(stage.world.playing)
    executor = worker.place.executor
    executor.launch(LaunchSpec(key="tb-orphan", place=("gone", 0, 1), steps=("true",)))
    executor.launch(LaunchSpec(key="tb-second", place=(one.key, 7, 3), steps=("true",)))

    for _ in range(2):
        upkeep.stop_orphans(worker.place)

    assert set(stage.world.stops) == {"tb-orphan", "tb-second"}
    notes = Event.objects.filter(kind="note", payload__text__startswith="orphan").values_list("stream", "payload__text")
    assert list(notes) == [(f"exp:{one.key}", "orphan stopped: attempt tb-second of trial 7 ran and nobody knew of it")]
    assert set(known) == set(Attempt.objects.values_list("launch_key", flat=True))


def test_what_runs_is_no_orphan_when_its_cluster_has_another_address(
    stage: Stage, a_sweep: Callable[..., Experiment]
) -> None:
    stage.holds = True
    a_sweep()
    worker = stage.worker()
    worker.round()
    assert stage.world.playing

    Attempt.objects.update(host="as-it-was-called-before:8265")
    found = upkeep.stop_orphans(worker.place)

    assert (found, stage.world.stops) == (0, [])


def test_a_dead_workers_experiments_are_free_at_once(a_sweep: Callable[..., Experiment], tmp_path: Path) -> None:
    experiment = a_sweep()
    process = subprocess.Popen(["sleep", "60"])
    name = census.name_of_this_process("here").replace(f"-{os.getpid()}-", f"-{process.pid}-")
    ticks = census.runner.start_ticks(process.pid)
    name = "-".join([*name.split("-")[:-2], str(ticks), name.split("-")[-1]])
    Worker.objects.create(name=name, host="here", pid=process.pid, slots=1)
    leases.claim(name, most=1)

    alive = census.bury("here", tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    dead = census.bury("here", tmp_path)

    experiment.refresh_from_db()
    assert (alive, dead) == (0, 1)
    assert experiment.driver == ""


def test_a_worker_that_this_process_cannot_see_is_not_buried(db: None, tmp_path: Path) -> None:
    Worker.objects.create(name="here-1-1-elsewhere", host="here", pid=1, slots=1)

    assert census.bury("here", tmp_path) == 0


def test_metrics_that_cannot_be_read_fail_the_trial_with_the_reason(
    stage: Stage, make_experiment: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job(readings=Readings("table", ("select 1 as loss",)), limits=Limits(max_trials=1))
    experiment = make_experiment(job=job)
    stage.play = lambda spec: Recording()  # type: ignore[method-assign]

    stage.worker(until_idle=True).run()

    (trial,) = experiment.trials.all()
    assert trial.status == "FAILED"
    assert "TUNEBOOK_TABLE_DATABASE_URL" in trial.reason


def test_two_experiments_take_turns_at_the_only_slot(stage: Stage, a_sweep: Callable[..., Experiment]) -> None:
    limits = Limits(max_trials=4, max_concurrent=2)
    a_sweep(limits=limits), a_sweep(limits=limits), a_sweep(limits=limits)
    worker = stage.worker(until_idle=True)
    worker.place = Place(worker.place.executor, stage.data, "stage", 1, "stage")

    worker.run()

    order = [playing.spec.place[0] for playing in stage.world.playing.values()]
    assert len(order) == 12
    assert all(len(set(order[start : start + 3])) == 3 for start in range(0, 12, 3)), order


def test_sqlite_serves_a_few_optimizers_only(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "is_on_sqlite", lambda: True)
    for _ in range(census.MOST_ON_SQLITE):
        stage.worker()

    with pytest.raises(census.TooMany, match="PostgreSQL"):
        stage.worker()


def test_a_database_that_fails_in_a_turn_costs_nothing_but_time(
    stage: Stage, a_sweep: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = a_sweep()
    monkeypatch.setattr(worker_module, "RETRY_DATABASE", 0.0)
    monkeypatch.setattr(worker_module, "close_old_connections", lambda: None)
    worker = stage.worker(until_idle=True)
    worker.round()
    (driver,) = worker.drivers.values()

    def broken(*_given: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(driver, "tick", broken)
    worker.run()

    experiment.refresh_from_db()
    assert experiment.counts == {"FINISHED": 3}
    assert Attempt.objects.count() == 3


class Cluster(ReplayExecutor):
    """A stage elsewhere, which may be away."""

    name, is_remote, trouble = "cluster", True, ""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.data, self.note, World())
        self.scope = "cluster"
        self.specs: list[LaunchSpec] = []

    def note(self, spec: LaunchSpec) -> Recording:
        self.specs.append(spec)
        return Recording(points=[{"loss": 1.0}])

    def health(self) -> Health:
        return Health(not self.trouble, self.trouble)


@pytest.fixture
def on_ray(a_sweep: Callable[..., Experiment], settings: Any) -> Experiment:
    settings.TUNEBOOK_RAY_ADDRESS = "http://127.0.0.1:1"
    return a_sweep(platform=Platform(name="RAY", cpus=2, gpus=0.5))


def test_trials_run_on_the_platform_of_their_job(
    stage: Stage, on_ray: Experiment, a_sweep: Callable[..., Experiment]
) -> None:
    here, cluster = a_sweep(), Cluster(stage)
    worker = stage.worker(elsewhere={"RAY": (cluster, 7)}, until_idle=True)

    worker.run()

    assert len(cluster.specs) == len(stage.world.playing) == 3
    assert all((spec.cpus, spec.gpus) == (2, 0.5) and spec.token for spec in cluster.specs)
    assert {(one.executor, one.host) for one in Attempt.objects.filter(experiment=on_ray)} == {("cluster", "cluster")}
    assert {one.executor for one in Attempt.objects.filter(experiment=here)} == {"replay"}


def test_an_experiment_waits_while_its_platform_is_away_and_says_why(
    stage: Stage, on_ray: Experiment, a_sweep: Callable[..., Experiment]
) -> None:
    here, cluster = a_sweep(), Cluster(stage)
    cluster.trouble = "the head cannot be reached"
    worker = stage.worker(elsewhere={"RAY": (cluster, 7)})

    for _ in range(20):
        worker.round()

    on_ray.refresh_from_db()
    here.refresh_from_db()
    assert (on_ray.status, on_ray.reason, cluster.specs) == ("WAITING", "the head cannot be reached", [])
    assert here.finished_count


def test_an_optimizer_without_the_platform_leaves_its_trials_alone(stage: Stage, on_ray: Experiment) -> None:
    worker = stage.worker()

    for _ in range(5):
        worker.round()

    on_ray.refresh_from_db()
    assert (on_ray.status, on_ray.trial_count) == ("WAITING", 0)
    assert "TUNEBOOK_RAY_ADDRESS" in on_ray.reason
