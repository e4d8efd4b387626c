"""How fast lists are: `python tests/benchmarks/lists.py --token TOKEN --largest KEY [--url http://127.0.0.1:8000]`.

Fill a catalog first (`manage.py seed_catalog` prints the token and the key of the largest experiment), serve it
(`manage.py serve`), then run this. Clients keep their connection and sign in with the token on every request.
Prints a table: median and 99th percentile at one client, requests a second at eight; with `--json` the numbers.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from urllib.parse import urlencode, urlsplit

BASE = "/api/automl/v1/hpo"


@dataclass
class Figure:
    """What one request cost."""

    name: str
    p50_ms: float
    p99_ms: float
    per_second: float
    bytes: int
    rows: int


class Connection:
    """A keep-alive connection that reads an answer with as little work as possible."""

    def __init__(self, url: str, path: str, token: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {token}", "", ""]
        self.request = "\r\n".join(lines).encode()

    def ask(self) -> bytes:
        """Send the request once and return the body; raises on anything but 200."""
        self.socket.sendall(self.request)
        data = self.socket.recv(262_144)
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(262_144)
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head[:60]!r} {body[:300]!r}")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        pieces, got = [body], len(body)
        while got < length:
            piece = self.socket.recv(262_144)
            pieces.append(piece)
            got += len(piece)
        return b"".join(pieces)


def timed(url: str, path: str, token: str, seconds: float) -> list[float]:
    """Milliseconds of each request that one client gets done in this time, after a short warm-up."""
    connection = Connection(url, path, token)
    for _ in range(20):
        connection.ask()
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        connection.ask()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def figure(name: str, url: str, path: str, token: str, seconds: float) -> Figure:
    """One client for the times, then eight in processes of their own for the rate."""
    body = Connection(url, path, token).ask()
    answer = json.loads(body)
    rows = len(next((value for value in answer.values() if isinstance(value, list)), []))
    times = sorted(timed(url, path, token, seconds))
    with ProcessPoolExecutor(8) as clients:
        jobs = [clients.submit(timed, url, path, token, seconds) for _ in range(8)]
        rate = sum(len(job.result()) for job in jobs) / seconds
    return Figure(
        name=name,
        p50_ms=round(statistics.median(times), 2),
        p99_ms=round(times[int(len(times) * 0.99)], 2),
        per_second=round(rate),
        bytes=len(body),
        rows=rows,
    )


def requests(largest: str) -> dict[str, str]:
    """Name -> path of everything that is measured."""
    first = {"PageSize": 100}
    lists = {
        "first page of 100": {},
        "page 90": {"PageNumber": 90},
        "status": {"Status": "FINISHED"},
        "status, page 50": {"Status": "FINISHED", "PageNumber": 50},
        "tag": {"Tag": '[{"Key":"team","Value":"vision"}]'},
        "two tags": {"Tag": '[{"Key":"team"},{"Key":"stage","Value":"final"}]'},
        "name": {"Name": "resnet on cifar"},
        "name without match": {"Name": "nothing like this"},
        "created between": {"MinCreateTime": "2020-01-01", "MaxCreateTime": "2040-01-01"},
        "by create_time ascending": {"SortBy": "create_time", "Order": "ASC"},
        "by update_time": {"SortBy": "update_time"},
        "by status": {"SortBy": "status"},
        "by status ascending": {"SortBy": "status", "Order": "ASC"},
        "by accessibility": {"SortBy": "accessibility"},
        "by workspace_id": {"SortBy": "workspace_id"},
        "with configuration": {"IncludeConfigData": "True"},
        "page of 10": {"PageSize": 10},
    }
    found = {f"experiments: {name}": f"{BASE}/experiments?{urlencode({**first, **q})}" for name, q in lists.items()}
    trials = {
        "first page": {},
        "page 150": {"PageNumber": 150},
        "by metric": {"SortBy": "FINAL_METRIC", "Order": "ASC"},
        "by metric descending": {"SortBy": "FINAL_METRIC", "Order": "DESC"},
        "by metric, page of 10": {"SortBy": "FINAL_METRIC", "PageSize": 10},
        "by metric, page 150": {"SortBy": "FINAL_METRIC", "PageNumber": 150},
    }
    for name, query in trials.items():
        found[f"trials: {name}"] = f"{BASE}/experiment/{largest}/trials?{urlencode({**first, **query})}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True)
    parser.add_argument("--largest", required=True, help="key of the experiment with the most trials")
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement")
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = []
    for name, path in requests(options.largest).items():
        if options.only not in name:
            continue
        figures.append(figure(name, options.url, path, options.token, options.seconds))
        if not options.json:
            one = figures[-1]
            times = f"p50 {one.p50_ms:7.2f} ms   p99 {one.p99_ms:7.2f} ms   8 clients {one.per_second:5.0f}/s"
            print(f"{name:42} {times}   {one.rows:3} rows {one.bytes:7} bytes", flush=True)
    if options.json:
        print(json.dumps([asdict(one) for one in figures], indent=1))


if __name__ == "__main__":
    main()
