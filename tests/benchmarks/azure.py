"""How fast ARM jobs are: `python tests/benchmarks/azure.py [--seconds 5] [--clients 8] [--json]`.

Starts a server of its own on an empty folder (or on TUNEBOOK_DATABASE_URL), without an optimizer, and asks it: jobs
put for the first time, put again, read, listed. Clients are processes that keep their connection. Prints requests a
second with all clients, and the median and the 99th percentile of one request among them.
With `--url URL --token TOKEN --workspace SLUG` it asks a server that is running.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
VERSION = "2024-10-01"
SWEEP: dict[str, Any] = {
    "properties": {
        "jobType": "Sweep",
        "experimentName": "benchmark",
        "searchSpace": {"lr": ["loguniform", [-6, -1]], "bs": ["choice", [[16, 32, 64]]]},
        "samplingAlgorithm": {"samplingAlgorithmType": "Random"},
        "objective": {"goal": "Maximize", "primaryMetric": "accuracy"},
        "limits": {"jobLimitsType": "Sweep", "maxTotalTrials": 20, "maxConcurrentTrials": 4, "timeout": "PT2H"},
        "earlyTermination": {"policyType": "Bandit", "slackFactor": 0.1, "evaluationInterval": 1},
        "trial": {"command": "python train.py --lr ${{search_space.lr}} --bs ${{search_space.bs}}"},
        "tags": {"team": "vision"},
    }
}


@dataclass(frozen=True)
class Site:
    """A server and who asks it."""

    url: str
    token: str
    workspace: str

    @property
    def jobs(self) -> str:
        scope = "subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"
        return f"/{scope}/{self.workspace}/jobs"


@dataclass(frozen=True)
class Figure:
    """What one kind of request came to with all clients at once."""

    name: str
    per_second: float
    p50_ms: float
    p99_ms: float


class Asker:
    """One client with one connection."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
        self.body = json.dumps(SWEEP)
        self.own = f"job-{uuid.uuid4().hex[:12]}"
        self.put(self.own)

    def put(self, name: str) -> None:
        self.ask("PUT", f"{self.site.jobs}/{name}?api-version={VERSION}", self.body)

    def ask(self, method: str, path: str, body: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {self.site.token}", "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")


OPERATIONS: dict[str, Callable[[Asker], None]] = {
    "PUT, new": lambda asker: asker.put(uuid.uuid4().hex),
    "PUT, again": lambda asker: asker.put(asker.own),
    "GET": lambda asker: asker.ask("GET", f"{asker.site.jobs}/{asker.own}?api-version={VERSION}"),
    "list of 50": lambda asker: asker.ask("GET", f"{asker.site.jobs}?api-version={VERSION}"),
}


def timed(site: Site, name: str, seconds: float) -> list[float]:
    """Milliseconds of each request that one client gets done in this time, after a short warm-up."""
    asker, operation = Asker(site), OPERATIONS[name]
    for _ in range(5):
        operation(asker)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        operation(asker)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def figure(site: Site, name: str, seconds: float, clients: int) -> Figure:
    """One kind of request by all clients at once."""
    with ProcessPoolExecutor(clients) as pool:
        parts = list(pool.map(timed, [site] * clients, [name] * clients, [seconds] * clients))
    times = sorted(one for part in parts for one in part)
    p99 = times[min(int(len(times) * 0.99), len(times) - 1)]
    return Figure(name, len(times) / seconds, statistics.median(times), p99)


@contextmanager
def serving() -> Iterator[Site]:
    """A server on an empty folder, with a workspace and a key."""
    with tempfile.TemporaryDirectory() as data:
        environ = {**os.environ, "TUNEBOOK_DATA": data, "PYTHONUNBUFFERED": "1"}

        def manage(*arguments: str) -> list[str]:
            return [sys.executable, str(ROOT / "manage.py"), *arguments]

        subprocess.run(manage("migrate", "-v0"), env=environ, check=True)
        key = manage("key", "--user", "bench", "--workspace", "bench", "--role", "admin", "--create")
        told = subprocess.run(key, env=environ, check=True, capture_output=True, text=True).stdout
        server = subprocess.Popen(manage("serve", "--port", "0"), env=environ, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            said = next(line for line in server.stdout if "Tunebook is at" in line)
            found = re.search(r"http://[^/]+", said)
            assert found is not None
            yield Site(found[0], json.loads(told)["token"], "bench")
        finally:
            server.terminate()
            server.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--url")
    parser.add_argument("--token", default="")
    parser.add_argument("--workspace", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.url:
        report(Site(options.url.rstrip("/"), options.token, options.workspace), options)
        return
    with serving() as site:
        report(site, options)


def report(site: Site, options: argparse.Namespace) -> None:
    figures = [figure(site, name, options.seconds, options.clients) for name in OPERATIONS]
    if options.json:
        print(json.dumps([asdict(one) for one in figures]))
        return
    print(f"{'request':<12} {'per second':>10} {'p50 ms':>8} {'p99 ms':>8}   ({options.clients} clients)")
    for one in figures:
        print(f"{one.name:<12} {one.per_second:>10.0f} {one.p50_ms:>8.1f} {one.p99_ms:>8.1f}")


if __name__ == "__main__":
    main()
