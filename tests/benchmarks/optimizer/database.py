"""What a trial costs through a database: TPE asked and told by the optimizer, and by Optuna on its storage.

    TUNEBOOK_DATABASE_URL=postgres://tunebook@localhost/bench \
        python tests/benchmarks/optimizer/database.py --peer postgresql+psycopg://tunebook@localhost/peer

Both get so many finished trials of 10 mixed parameters put in, then trials that take no time are run one after the
other. Ours are driven as in production, by recordings in place of processes: launch, measurement, feed and all; once
as a whole, once with clocks around the ask and around the transaction of the end only.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--peer", default="", help="SQLAlchemy's address of Optuna's storage; without it only ours")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tunebook-benchmark-") as folder:
        prepare(Path(folder))
        experiment = filled(options.trials, options.trials + 3 * options.repeats + 5)
        driver = driven(experiment, Path(folder))
        run(driver, experiment, 5)  # builds what is kept
        ours, cpu = timed(driver, experiment, options.repeats)
        transactions, queries = counted(driver, experiment, options.repeats)
        alone = asked_and_told(driver, experiment, options.repeats)
    show("tunebook, a whole trial", ours, cpu)
    show("tunebook, ask and tell", *alone)
    print(f"  {transactions:.2f} transactions and {queries:.1f} queries per trial")
    if options.peer:
        theirs, cpu = optuna(options.peer, options.trials, options.repeats)
        show("optuna, ask and tell", theirs, cpu)
        print(f"  ours to theirs, wall: {ours / theirs:.3f}, ask and tell alone {alone[0] / theirs:.3f}")


def show(name: str, wall: float, cpu: float) -> None:
    print(f"{name:24} {1e3 * wall:8.2f} ms wall, {1e3 * cpu:8.2f} ms CPU of the asking process")


def prepare(data: Path) -> None:
    """Django on an empty database, with one user in one workspace."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "apps.config.settings", "TUNEBOOK_DATA": str(data)}
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User

    from apps.workspaces.models import Member, Role, Workspace

    user = User.objects.create_user("ada")
    Member.objects.create(workspace=Workspace.objects.create(slug="lab", name="Lab"), user=user, role=Role.ADMIN)


def filled(trials: int, planned: int) -> Any:
    """An experiment with so many finished trials."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from apps.trials.models import Trial
    from apps.tuning import experiments
    from apps.workspaces.access import actor_of_user
    from apps.workspaces.models import Workspace
    from tests.benchmarks.optimizer.speed import mixed, value_of
    from tunebook.command import Command
    from tunebook.job import Job
    from tunebook.limits import Limits
    from tunebook.objective import Metric, Objective
    from tunebook.sampling import Sampling

    space = mixed(10)
    job = Job(
        space=space,
        objective=Objective("minimize", (Metric("loss"),)),
        command=Command(steps=("true",)),
        sampling=Sampling("tpe", seed=1),
        limits=Limits(max_trials=planned, max_concurrent=1),
    )
    experiment = experiments.create(
        actor_of_user(User.objects.get(username="ada")), job, workspace=Workspace.objects.get()
    )
    draw, now = random.Random(1), timezone.now()
    rows = [
        Trial(
            experiment=experiment,
            number=number,
            params=space.sample(draw),
            status="FINISHED",
            value=value_of(number),
            started=now,
            ended=now,
        )
        for number in range(trials)
    ]
    Trial.objects.bulk_create(rows)
    type(experiment).objects.filter(pk=experiment.pk).update(trial_count=trials, finished_count=trials)
    return experiment


def driven(experiment: Any, data: Path) -> Any:
    """A driver of the experiment whose trials report one value and end at once."""
    from apps.optimizer.driver import Driver
    from apps.optimizer.executors.replay import Recording, ReplayExecutor
    from apps.optimizer.work import Place
    from apps.tuning import leases

    executor = ReplayExecutor(data, lambda spec: Recording(points=[{"loss": spec.params["p0"]}]))
    (lease,) = leases.claim("benchmark", most=1)
    return Driver(lease, lambda platform: Place(executor, data, "benchmark", 1, "benchmark"))


def run(driver: Any, experiment: Any, count: int) -> None:
    """Drive until so many more trials have finished."""
    from apps.trials.models import Trial

    ended = Trial.objects.filter(experiment=experiment, status="FINISHED")
    wanted = ended.count() + count
    views = driver.work.views
    while sum(view.has_ended for view in views.values()) < wanted:
        driver.turn(announced=True, changed=False)


def timed(driver: Any, experiment: Any, repeats: int) -> tuple[float, float]:
    """Seconds of wall clock and of CPU for one trial."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(driver, experiment, repeats)
    return (time.perf_counter() - wall) / repeats, (time.process_time() - cpu) / repeats


def asked_and_told(driver: Any, experiment: Any, repeats: int) -> tuple[float, float]:
    """Seconds of wall clock and of CPU of a trial's ask and of the transaction that takes in its end.

    What lies between them, the launch, is left out. The end's transaction may hold other work of the same tick.
    """
    from apps.optimizer import driver as drivers

    spent = [0.0, 0.0]

    def clocked(call: Any) -> Any:
        def run(*given: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return call(*given)
            finally:
                spent[0] += time.perf_counter() - wall
                spent[1] += time.process_time() - cpu

        return run

    ask, tick = drivers.ask, driver.tick

    def told(obstacle: str) -> None:
        has_ends = any(live.observation and live.has_ended for live in driver.work.live.values())
        (clocked(tick) if has_ends else tick)(obstacle)

    drivers.ask, driver.tick = clocked(ask), told
    try:
        run(driver, experiment, repeats)
    finally:
        drivers.ask, driver.tick = ask, tick
    return spent[0] / repeats, spent[1] / repeats


def counted(driver: Any, experiment: Any, repeats: int) -> tuple[float, float]:
    """How many transactions and queries one trial takes."""
    from django.db import connection, reset_queries

    connection.force_debug_cursor = True
    connection.queries_log.clear()
    reset_queries()
    run(driver, experiment, repeats)
    said = [query["sql"] for query in connection.queries]
    connection.force_debug_cursor = False
    commits = sum(text == "COMMIT" for text in said)
    return commits / repeats, sum(text not in ("BEGIN", "COMMIT") for text in said) / repeats


def optuna(url: str, trials: int, repeats: int) -> tuple[float, float]:
    """Seconds of wall clock and of CPU for one ask and one tell of Optuna's TPE on its storage."""
    import optuna

    from tests.benchmarks.optimizer.peers import suggested
    from tests.benchmarks.optimizer.speed import mixed, value_of

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space, draw = mixed(10), random.Random(1)
    study = optuna.create_study(storage=url, sampler=optuna.samplers.TPESampler(seed=1))
    first = study.ask()
    space.assemble(lambda name, distribution: suggested(first, name, distribution))
    study.tell(first, 0.0)
    for number in range(trials):
        params = {}
        for name, inner, value in space.walk(space.sample(draw)):
            params[name] = round(value / inner.q) if hasattr(inner, "q") else value
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=first.distributions, value=value_of(number))
        )
    walls, cpus = [], []
    for number in range(repeats + 2):
        wall, cpu = time.perf_counter(), time.process_time()
        trial = study.ask()
        space.assemble(lambda name, distribution, trial=trial: suggested(trial, name, distribution))
        study.tell(trial, value_of(number))
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return median(walls[2:]), median(cpus[2:])


if __name__ == "__main__":
    main()
