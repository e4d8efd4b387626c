"""What running a trial costs on top of running its command: CPU, rate, and the gap between two trials.

    python tests/benchmarks/orchestration.py --trials 200 --slots 2

Runs no-op commands bare, then as the trials of a real experiment with everything recorded: parameters, status, logs,
exit, events, in a database of its own. On a busy machine every column grows, the bare spawn's too: compare them.
Leave a minute between two runs: ext4 is up to twenty times slower at making files where many were just deleted.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
NOOP = (sys.executable, "-S", "-c", "pass")
PRINTS = (sys.executable, "-S", "-c", "print('loss=${x}')")


def main() -> None:
    options = arguments()
    folder = tempfile.TemporaryDirectory(prefix="tunebook-benchmark-", dir=options.folder)
    prepare(Path(folder.name))
    with folder:
        bare(options.trials, options.slots)  # warms the caches
        spawn = bare(options.trials, options.slots)
        show("bare spawn", *spawn)
        for name, step, metric, readings in (
            ("no-op trials", NOOP, "loss", "report"),
            ("trials that print a metric", PRINTS, r"loss=([0-9.e-]+)", "stdout"),
        ):
            experiment = submit(step, metric, readings, options.trials, options.slots)
            cpu, parts, seconds = drive(Path(folder.name), options.slots)
            starts, ends = times(Path(folder.name), experiment.key, options.trials)
            gaps = [start - end for start, end in zip(starts[options.slots :], ends, strict=False)]
            show(name, cpu / options.trials, options.trials / (ends[-1] - starts[0]))
            print(f"  on top of the bare spawn  {1000 * (cpu / options.trials - spawn[0]):8.2f} ms CPU per trial")
            for part, used in parts.items():
                print(f"    {part:24}{1000 * used / options.trials:8.2f} ms")
            print(f"  end to next start         {1000 * statistics.median(gaps):8.2f} ms median")
            print(f"                            {1000 * sorted(gaps)[int(len(gaps) * 0.95)]:8.2f} ms 95 %")
            experiment.refresh_from_db()
            attempts = experiment.attempts.count()
            print(f"  {experiment.status}, {experiment.counts}, {attempts} attempts, {seconds:.2f} s in all")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--folder", default=str(ROOT), help="where the data folder is made: the file system matters")
    return parser.parse_args()


def show(name: str, cpu: float, rate: float) -> None:
    print(f"{name:28}{1000 * cpu:8.2f} ms CPU per trial, {rate:7.1f} a second")


def bare(count: int, slots: int) -> tuple[float, float]:
    """CPU seconds per command and commands a second, spawned by the cheapest means there are."""
    before, began, live, started = usage(), time.perf_counter(), 0, 0
    while started < count or live:
        while started < count and live < slots:
            os.posix_spawn(NOOP[0], NOOP, os.environ)
            started, live = started + 1, live + 1
        os.waitpid(-1, 0)
        live -= 1
    return (usage() - before) / count, count / (time.perf_counter() - began)


def usage() -> float:
    mine, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + others.ru_utime + others.ru_stime


def prepare(data: Path) -> None:
    """Django on an empty data folder."""
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


def submit(step, metric, readings, trials, slots):
    from django.contrib.auth.models import User

    from apps.tuning import experiments
    from apps.workspaces.access import actor_of_user
    from apps.workspaces.models import Workspace
    from tunebook import Space
    from tunebook.command import Command
    from tunebook.distributions import Uniform
    from tunebook.job import Job
    from tunebook.limits import Limits
    from tunebook.objective import Metric, Objective
    from tunebook.readings import Readings
    from tunebook.sampling import Sampling

    job = Job(
        space=Space({"x": Uniform(0.0, 1.0)}),
        objective=Objective("minimize", (Metric(metric),)),
        command=Command(steps=(step,)),
        sampling=Sampling("random", seed=1),
        readings=Readings(readings),
        limits=Limits(max_trials=trials, max_concurrent=slots),
    )
    actor = actor_of_user(User.objects.get(username="ada"))
    return experiments.create(actor, job, workspace=Workspace.objects.get())


def drive(data: Path, slots: int) -> tuple[float, dict[str, float], float]:
    """CPU seconds used by optimizer, keeper, runners and commands together, the parts, and the wall time."""
    from apps.optimizer.executors.local import LocalExecutor
    from apps.optimizer.worker import OptimizerWorker, Options

    executor = LocalExecutor(data)
    keeper = int(executor.keeper.hello()["pid"])
    worker = OptimizerWorker(executor, data, slots=slots, options=Options(until_idle=True))
    before, began = time.process_time(), time.perf_counter()
    processes = tree(keeper)
    worker.run()
    optimizer, seconds = time.process_time() - before, time.perf_counter() - began
    after = tree(keeper)
    executor.keeper.retire()
    parts = {"optimizer": optimizer, **{name: after[name] - processes[name] for name in after}}
    return sum(parts.values()), parts, seconds


def tree(keeper: int) -> dict[str, float]:
    """CPU seconds of the keeper, of its runners, and of their commands."""
    own, reaped = cpu(keeper)
    runners = [cpu(int(pid)) for pid in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()]
    return {
        "keeper": own,
        "runners": sum(mine for mine, _ in runners),
        "commands, ended runners": reaped + sum(theirs for _, theirs in runners),
    }


def cpu(pid: int) -> tuple[float, float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    user, system, children_user, children_system = (int(field) / TICKS for field in fields[11:15])
    return user + system, children_user + children_system


def times(data: Path, key: str, trials: int) -> tuple[list[float], list[float]]:
    """When commands started and attempts ended, each in order."""
    from apps.optimizer.runner import read_journal

    folders = [data / "trials" / key / str(number) / "1" for number in range(trials)]
    notes = [{note["event"]: note for note in read_journal(str(folder))[1]} for folder in folders]
    starts, ends = [note["started"]["started"] for note in notes], [note["exit"]["ended"] for note in notes]
    return sorted(starts), sorted(ends)


if __name__ == "__main__":
    main()
