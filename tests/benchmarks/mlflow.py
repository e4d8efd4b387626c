"""How many metrics a second training scripts can log, beside `mlflow server` on the same kind of database.

    python -m tests.benchmarks.mlflow /path/to/venv/with/mlflow [--postgres postgres://user@host:port/] [--seconds 5]

The venv holds the full `mlflow` (and psycopg2-binary for PostgreSQL); its server and ours run one after the other, in
the same run, each with one web process for one client and as many as it starts by itself for eight. The clients are
processes with one kept connection each, which send what MLflow's own client sends for `log_metric(key, value, step)`
and for a `log_batch` of 1,000 metrics; reading its answers costs the same for both. Figures are requests (or metrics)
a second and the 99th percentile of a request; what counts is the ratio.

The clients acknowledge whatever arrives at once. `mlflow server` sends an answer in two pieces and holds the second one
back until the first is acknowledged, for which a kernel takes its time: 40 ms for each of its answers on a kept
connection, which is what MLflow's own client sees too, but says nothing about what the server can do.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
BATCH = 1_000
CLIENTS = 8
GOALS = {"one metric, 1 client": 3.0, "one metric, 8 clients": 4.0, "batches, 1 client": 5.0, "batches, 8 clients": 5.0}
LATENCY_GOAL = 0.2


@dataclass(frozen=True)
class Target:
    """A run to log to, as a client needs to know it."""

    port: int
    run_id: str
    token: str


@dataclass(frozen=True)
class Figure:
    """What came of one measurement."""

    per_second: float
    p99: float


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server on port {port} ended with status {process.returncode}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"nothing answers on port {port}")


@contextmanager
def running(command: list[str], environment: dict[str, str], port: int, path: str, cwd: str) -> Iterator[None]:
    """A server process, ended afterwards with all that it started."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for(port, path, process)
            yield
        except BaseException:
            said.seek(0)
            sys.stderr.write(said.read()[-3000:].decode(errors="replace"))
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


# Ours


def ours(database: str, folder: Path) -> tuple[int, dict[str, str], list[str]]:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TUNEBOOK_", "DJANGO_"))},
        "TUNEBOOK_DATA": str(folder),
        "TUNEBOOK_DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
    }
    command = [sys.executable, "manage.py", "serve", "--quiet", "--port", str(port)]
    return port, environment, command


PREPARE = """
import json, sys, django
django.setup()
from django.contrib.auth.models import User
from apps.trials.models import Attempt, Trial
from apps.tuning import experiments
from apps.workspaces.access import actor_of_user
from apps.workspaces.models import Member, Role, Workspace, hash_token
from tunebook.job import Job

workspace = Workspace.objects.create(slug="bench", name="Bench")
user = User.objects.create_user("bench")
Member.objects.create(workspace=workspace, user=user, role=Role.ADMIN)
job = Job.from_dict({
    "space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "minimize", "metrics": [{"name": "loss"}]},
    "command": {"steps": ["true"]},
})
experiment = experiments.create(actor_of_user(user), job, workspace=workspace, start=False)
runs = []
for number in range(int(sys.argv[1])):
    trial = Trial.objects.create(
        experiment=experiment, number=number, params={"x": 0.5}, source="random", status="RUNNING", attempt_count=1
    )
    token = f"bench-{trial.key}"
    Attempt.objects.create(
        trial=trial, experiment=experiment, number=1, launch_key=trial.key, token_hash=hash_token(token)
    )
    runs.append([trial.key, token])
print(json.dumps(runs))
"""


@contextmanager
def our_server(database: str) -> Iterator[Callable[[int], list[Target]]]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        port, environment, command = ours(database, Path(name))
        quiet = {"cwd": ROOT, "env": environment, "check": True}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], **quiet)
        stack.enter_context(running(command, environment, port, "/healthz", str(ROOT)))

        def targets(count: int) -> list[Target]:
            said = subprocess.run(
                [sys.executable, "-c", PREPARE, str(count)], **quiet, capture_output=True, text=True
            ).stdout
            return [Target(port, run_id, token) for run_id, token in json.loads(said.splitlines()[-1])]

        yield targets


# Theirs


@contextmanager
def their_server(venv: Path, database: str) -> Iterator[Callable[[int], list[Target]]]:
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        environment = {**os.environ, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
        store = (
            database.replace("postgres://", "postgresql+psycopg2://", 1) if database else f"sqlite:///{name}/mlflow.db"
        )
        command = [str(venv / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port),
                   "--backend-store-uri", store, "--artifacts-destination", f"{name}/artifacts"]  # fmt: skip
        with running(command, environment, port, "/health", name):

            def targets(count: int) -> list[Target]:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                found = []
                for _ in range(count):
                    document = {"experiment_id": "0", "start_time": int(time.time() * 1000)}
                    made = post(connection, "runs/create", json.dumps(document).encode(), "")
                    found.append(Target(port, json.loads(made)["run"]["info"]["run_id"], ""))
                return found

            yield targets


# The clients


class Prompt(socket.socket):
    """A connection that acknowledges each piece of an answer as soon as it is looked for."""

    def recv_into(self, *arguments: Any) -> int:
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().recv_into(*arguments)


def connect(port: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    plain = socket.create_connection(("127.0.0.1", port), timeout=120)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sock = Prompt(fileno=plain.detach())
    return connection


def post(connection: http.client.HTTPConnection, call: str, body: bytes, token: str) -> bytes:
    headers = {"Content-Type": "application/json", "User-Agent": "mlflow-python-client/3.17.2"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    for patience in (0, 0.2, 1, 5, None):
        try:
            connection.request("POST", f"/api/2.0/mlflow/{call}", body, headers)
            answer = connection.getresponse()
            break
        except (http.client.RemoteDisconnected, ConnectionError):  # a server grows tired of a connection that rests
            connection.close()
            if patience is None:
                raise
            time.sleep(patience)
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{call}: {answer.status} {text[:300]!r}")
    return text


def one_metric(target: Target, step: int) -> tuple[str, bytes]:
    now = int(time.time() * 1000)
    metric = {"key": "loss", "value": 1 / (step + 1), "timestamp": now, "step": step}
    return "runs/log-metric", json.dumps({"run_uuid": target.run_id, "run_id": target.run_id, **metric}).encode()


def a_batch(target: Target, turn: int) -> tuple[str, bytes]:
    now = int(time.time() * 1000)
    metrics = [
        {"key": "loss", "value": 1 / (step + 1), "timestamp": now, "step": step, "run_id": target.run_id}
        for step in range(turn * BATCH, (turn + 1) * BATCH)
    ]
    return "runs/log-batch", json.dumps({"run_id": target.run_id, "metrics": metrics}).encode()


Make = Callable[[Target, int], tuple[str, bytes]]


def client(target: Target, make: Make, seconds: float, start: Any, results: Any) -> None:
    connection = connect(target.port)
    for turn in range(3):
        post(connection, *make(target, turn), target.token)
    start.wait()
    connection.close()  # a server may have grown tired of it
    connection = connect(target.port)
    post(connection, *make(target, 3), target.token)
    times = []
    end = time.perf_counter() + seconds
    turn = 4
    while (began := time.perf_counter()) < end:
        call, body = make(target, turn)
        sent = time.perf_counter()
        post(connection, call, body, target.token)
        times.append((time.perf_counter() - sent, time.perf_counter() - began))
        turn += 1
    results.put(times)


def measure(targets: list[Target], make: Make, seconds: float) -> Figure:
    """All clients at once for some seconds; how many calls a second they got through, and their 99th percentile."""
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(len(targets) + 1), context.Queue()
    processes = [context.Process(target=client, args=(one, make, seconds, start, results)) for one in targets]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    found = [results.get(timeout=seconds + 300) for _ in processes]
    took = time.perf_counter() - began
    for process in processes:
        process.join()
    waits = sorted(wait for times in found for wait, _ in times)
    return Figure(len(waits) / took, waits[min(int(len(waits) * 0.99), len(waits) - 1)])


def figures(targets: Callable[[int], list[Target]], seconds: float, rounds: int) -> dict[str, Figure]:
    """The median of some rounds of each measurement, each on runs that nothing was logged to."""
    cases: dict[str, tuple[int, Make, int]] = {
        "one metric, 1 client": (1, one_metric, 1),
        "one metric, 8 clients": (CLIENTS, one_metric, 1),
        "batches, 1 client": (1, a_batch, BATCH),
        "batches, 8 clients": (CLIENTS, a_batch, BATCH),
    }
    fresh = iter(targets(rounds * sum(clients for clients, _, _ in cases.values())))
    found = {}
    for name, (clients, make, of) in cases.items():
        measured = [measure([next(fresh) for _ in range(clients)], make, seconds) for _ in range(rounds)]
        found[name] = median(measured, of)
    return found


def median(found: list[Figure], of: int) -> Figure:
    return Figure(statistics.median(one.per_second for one in found) * of, statistics.median(one.p99 for one in found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("venv", type=Path, help="an environment with the full mlflow")
    parser.add_argument("--postgres", default="", help="where databases may be made, as postgres://user@host:port/")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="one kind of database alone")
    given = parser.parse_args()
    good = given.only == "postgres" or compare("SQLite", given, "", "")
    if given.postgres and given.only != "sqlite":
        with databases(given.postgres, "bench_ours", "bench_theirs") as (mine, yours):
            good = compare("PostgreSQL", given, mine, yours) and good
    return 0 if good else 1


def compare(kind: str, given: argparse.Namespace, mine: str, yours: str) -> bool:
    """Print both sides and their ratios; whether all goals are met."""
    with their_server(given.venv, yours) as targets:
        theirs = figures(targets, given.seconds, given.rounds)
    with our_server(mine) as targets:
        own = figures(targets, given.seconds, given.rounds)
    print(f"\n{kind:<24}{'ours/s':>12}{'theirs/s':>12}{'ratio':>8}{'p99 ours':>12}{'p99 theirs':>12}{'ratio':>8}")
    met = True
    for name, goal in GOALS.items():
        one, other = own[name], theirs[name]
        ratio, slower = one.per_second / other.per_second, one.p99 / other.p99
        met = met and ratio >= goal and ("8" not in name or "batches" in name or slower <= LATENCY_GOAL)
        print(
            f"{name:<24}{one.per_second:>12,.0f}{other.per_second:>12,.0f}{ratio:>8.1f}"
            f"{one.p99 * 1000:>9.1f} ms{other.p99 * 1000:>9.1f} ms{slower:>8.2f}"
        )
    return met


@contextmanager
def databases(server: str, *names: str) -> Iterator[list[str]]:
    """Fresh databases, dropped afterwards."""
    import psycopg

    base = server.rstrip("/")
    parts = urlsplit(base)
    admin = f"postgresql://{parts.netloc}/postgres"

    def each(statement: str) -> None:
        with psycopg.connect(admin, autocommit=True) as connection:
            for name in names:
                connection.execute(statement.format(name))

    each("DROP DATABASE IF EXISTS {}")
    each("CREATE DATABASE {}")
    try:
        yield [f"{base}/{name}" for name in names]
    finally:
        each("DROP DATABASE IF EXISTS {} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main())
