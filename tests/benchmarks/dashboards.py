"""Tunebook's pages beside optuna-dashboard's and MLflow's, on the same trials, in the same browser.

    python tests/benchmarks/dashboards.py --peers PATH [--trials 1000] [--rounds 3] [--json]

PATH is a virtual environment of its own that holds `optuna`, `optuna-dashboard` and `mlflow`; nothing of it is needed
elsewhere. Each page is visited as by somebody who was never there: bytes on the wire, requests, milliseconds to the first
content, and until the chart stands there. Then the others' figures as multiples of ours.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PATIENCE = 60_000
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
FIRST_CONTENT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SETTLING = 2_000
"""Milliseconds that a new window gets before the visit: the browser loads pages of its own for it, on the same cores."""
WATCH = """
const look = () => document.querySelector(%s) ? (window.drawnAt = performance.now()) : requestAnimationFrame(look);
look();
"""
"""Runs in the page before its own scripts. What playwright brings into a page to wait for something would delay it more."""
DRAWN_AT = "window.drawnAt ?? null"
COMPARED = 100
"""Runs on MLflow's page that compares them, the only one of its pages with a parallel plot; it takes them by address."""


@dataclass
class Page:
    """One page to visit: where, and what stands there when its chart is drawn."""

    tool: str
    name: str
    address: str
    drawn: str
    cookie: dict[str, str] | None = None


@dataclass
class Visit:
    """What a first visit cost: medians over the rounds; None where the chart never came."""

    tool: str
    name: str
    kilobytes: float
    requests: int
    first_content_ms: float | None
    drawn_ms: float | None


def trials(count: int) -> list[dict[str, Any]]:
    """The same trials for all: parameters and a loss."""
    draw = random.Random(1)
    made = []
    for _ in range(count):
        params = {
            "lr": 10 ** draw.uniform(-5, -1),
            "depth": draw.randrange(1, 13),
            "dropout": draw.uniform(0, 0.6),
            "optimizer": draw.choice(["sgd", "adam"]),
            "weight_decay": 10 ** draw.uniform(-6, -2),
        }
        loss = (
            (math.log10(params["lr"]) + 2.7) ** 2
            + 0.01 * (params["depth"] - 8) ** 2
            + params["dropout"] * draw.random()
        )
        made.append({"params": params, "value": round(loss, 6)})
    return made


@contextmanager
def tunebook(folder: Path, content: list[dict[str, Any]]) -> Iterator[list[Page]]:
    """Our own pages, served from a data folder of their own."""
    environment = {**os.environ, "TUNEBOOK_DATA": str(folder)}
    environment.pop("TUNEBOOK_DATABASE_URL", None)
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    filling = [sys.executable, str(Path(__file__).resolve()), "--fill"]
    filled = subprocess.run(
        filling, env=environment, input=json.dumps(content), capture_output=True, text=True, check=True
    )
    known = json.loads(filled.stdout.splitlines()[-1])
    server = subprocess.Popen([*manage, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = server.stdout.readline()
    base = said[said.index("http://") :].split()[0].rstrip("/")
    cookie = {"name": "tunebook_session", "value": known["session"], "url": base}
    place = f"{base}/w/bench/e/{known['key']}/"
    try:
        yield [
            Page("tunebook", "history", place, "#history[data-drawn]", cookie),
            Page("tunebook", "parallel", f"{place}analyse", "#parallel[data-drawn]", cookie),
        ]
    finally:
        server.terminate()
        server.wait(30)


def fill() -> None:
    """In a process of its own with our settings: store the trials from the standard input; print key and session."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    import django

    django.setup()
    from tests.benchmarks.filling import filled

    print(json.dumps(filled(json.load(sys.stdin))))


@contextmanager
def optuna_dashboard(folder: Path, peers: Path, content: list[dict[str, Any]]) -> Iterator[list[Page]]:
    storage, port = f"sqlite:///{folder / 'optuna.db'}", free_port()
    study = stored(peers, "optuna", storage, content)
    command = [peers / "bin/optuna-dashboard", storage, "--port", str(port)]
    with running(command, f"http://127.0.0.1:{port}/dashboard/") as base:
        yield [
            Page(
                "optuna-dashboard",
                "history",
                f"{base}studies/{study}",
                ".js-plotly-plot .scatterlayer .trace, .js-plotly-plot .gl-container canvas",
            ),
            Page(
                "optuna-dashboard",
                "parallel",
                f"{base}studies/{study}/smartSelection",
                "#plot-parallel-coordinate .parcoords",
            ),
        ]


@contextmanager
def mlflow(folder: Path, peers: Path, content: list[dict[str, Any]]) -> Iterator[list[Page]]:
    storage, port = f"sqlite:///{folder / 'mlflow.db'}", free_port()
    experiment, runs = stored(peers, "mlflow", storage, content)
    command = [peers / "bin/mlflow", "ui", "--backend-store-uri", storage, "--port", str(port)]
    compared = json.dumps(runs[:COMPARED], separators=(",", ":"))
    with running(command, f"http://127.0.0.1:{port}/") as base:
        yield [
            Page(
                "mlflow",
                "history",
                f"{base}#/experiments/{experiment}/runs?compareRunsMode=CHART",
                ".js-plotly-plot .plot",
            ),
            Page(
                "mlflow", "parallel", f'{base}#/compare-runs?runs={compared}&experiments=["{experiment}"]', ".parcoords"
            ),
        ]


def stored(peers: Path, peer: str, storage: str, content: list[dict[str, Any]]) -> Any:
    """Have a peer's database filled by the peer's own Python; what its pages are found by.

    -P: the folder of that script is no place for it to import from, a benchmark there is called as the peer is.
    """
    script = Path(__file__).resolve().with_name("peer_stores.py")
    command = [peers / "bin/python", "-P", script, peer, storage]
    told = subprocess.run(command, input=json.dumps(content), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(told.stdout.splitlines()[-1])


@contextmanager
def running(command: list[Any], address: str) -> Iterator[str]:
    """A server as long as it is needed."""
    words = [str(part) for part in command]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 90
        while not answers(address):
            assert time.monotonic() < deadline and server.poll() is None, f"{command[0]} does not answer"
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # theirs hold nothing that must be kept, and some take their time
        server.wait(30)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def visit(browser: Browser, page: Page) -> Visit:
    """One first visit, until the chart is drawn or a minute is over: a cold cache, in a window that is already there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    if page.cookie:
        context.add_cookies([page.cookie])  # type: ignore[list-item]  # a session of ours, as playwright types it
    tab = context.new_page()
    tab.add_init_script(WATCH % json.dumps(page.drawn))
    session = context.new_cdp_session(tab)
    session.send("Network.enable")
    sizes: dict[str, float] = {}
    session.on("Network.loadingFinished", lambda one: sizes.update({one["requestId"]: one["encodedDataLength"]}))
    tab.wait_for_timeout(SETTLING)
    tab.goto(page.address, wait_until="commit", timeout=PATIENCE)
    drawn, end = None, time.monotonic() + PATIENCE / 1000
    while drawn is None and time.monotonic() < end:
        tab.wait_for_timeout(250)
        drawn = asked(session, DRAWN_AT)
    tab.wait_for_timeout(500)
    first = asked(session, FIRST_CONTENT)
    context.close()
    return Visit(page.tool, page.name, sum(sizes.values()) / 1000, len(sizes), first, drawn)


def asked(session: CDPSession, expression: str) -> float | None:
    """A number of the page; None where it has none yet."""
    value = session.send("Runtime.evaluate", {"expression": expression})["result"].get("value")
    return None if value is None else float(value)


def middle(visits: list[Visit]) -> Visit:
    first = [one.first_content_ms for one in visits if one.first_content_ms is not None]
    drawn = [one.drawn_ms for one in visits if one.drawn_ms is not None]
    return Visit(
        visits[0].tool,
        visits[0].name,
        round(statistics.median(one.kilobytes for one in visits), 1),
        int(statistics.median(one.requests for one in visits)),
        round(statistics.median(first)) if first else None,
        round(statistics.median(drawn)) if drawn else None,
    )


def table(visits: list[Visit]) -> str:
    ours = {one.name: one for one in visits if one.tool == "tunebook"}
    lines = ["| Page | Tool | kB | Requests | First content | Drawn |", "| --- | --- | --- | --- | --- | --- |"]
    for one in visits:
        own = ours[one.name]
        cells = [
            _cell(one.kilobytes, own.kilobytes, "kB", one is own),
            str(one.requests),
            _cell(one.first_content_ms, own.first_content_ms, "ms", one is own),
            _cell(one.drawn_ms, own.drawn_ms, "ms", one is own),
        ]
        lines.append(f"| {one.name} | {one.tool} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None, own: float | None, unit: str, is_own: bool) -> str:
    if value is None:
        return "not drawn"
    ratio = "" if is_own or not own else f" ({value / own:.1f} x)"
    return f"{value:g} {unit}{ratio}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="a virtual environment with optuna-dashboard and mlflow")
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--json", action="store_true", help="print the numbers")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill()
        return
    if options.peers is None:
        parser.error("--peers is needed: python -m venv PATH; PATH/bin/pip install optuna optuna-dashboard mlflow")
    content = trials(options.trials)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        pages = [
            *stack.enter_context(tunebook(folder / "tunebook", content)),
            *stack.enter_context(optuna_dashboard(folder, options.peers, content)),
            *stack.enter_context(mlflow(folder, options.peers, content)),
        ]
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=options.chromium, args=QUIET)
        visits = [middle([visit(browser, page) for _ in range(options.rounds)]) for page in pages]
        browser.close()
    visits.sort(key=lambda one: one.name)
    if options.json:
        print(json.dumps([asdict(one) for one in visits], indent=2))
    else:
        print(f"{options.trials} trials, median of {options.rounds} first visits\n\n{table(visits)}")


if __name__ == "__main__":
    main()
