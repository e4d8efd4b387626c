"""How long a change needs: from commit to websocket message, and from a report to the changed number on a page.

    .venv/bin/python -m tests.benchmarks.live --viewers 50 --rate 100 --seconds 10
    .venv/bin/python -m tests.benchmarks.live --whole --rate 10 --seconds 20

The first writes to the database itself; with --whole a real optimizer runs a real script that calls `tunebook.run.log`,
and what is measured is the time from that call to the changed number.
Starts a server of its own on a throw-away data folder. The writer, the viewers and the browser are processes of their
own, so that none waits for another; all read the same clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRIALS = 10
SETTLE = 1.0


SCRIPT = """
import sys, time
from tunebook import run
rate, seconds = float(sys.argv[1]), float(sys.argv[2])
time.sleep(8)
for step in range(int(rate * seconds)):
    run.log(loss=time.time(), step=step)
    time.sleep(1 / rate)
"""


def main() -> None:
    options = _options()
    if options.whole:
        _whole(options)
    else:
        _feed_alone(options)


def _feed_alone(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="tunebook-live-") as data:
        os.environ.update(TUNEBOOK_DATA=data, DJANGO_SETTINGS_MODULE="apps.config.settings")
        manage = [sys.executable, str(ROOT / "manage.py")]
        subprocess.run([*manage, "migrate", "--verbosity", "0"], check=True)
        context = multiprocessing.get_context("spawn")
        with context.Manager() as manager, _serving(manage) as (address, server):
            shared = manager.dict()
            _in_process(context, _prepare, shared)
            stop = context.Event()
            viewers = context.Process(target=_view, args=(address, dict(shared), options.viewers, stop, shared))
            browser = context.Process(target=_watch, args=(address, dict(shared), stop, shared))
            for process in (viewers, browser):
                process.start()
            while not {"listening", "looking"} <= set(shared.keys()):
                if not (viewers.is_alive() and browser.is_alive()):
                    raise SystemExit("the viewers or the browser could not start")
                time.sleep(0.1)
            busy = _processor_time(server)
            _in_process(context, _write, shared, options.rate, options.seconds)
            shared["busy"] = _processor_time(server) - busy
            time.sleep(SETTLE)
            stop.set()
            for process in (viewers, browser):
                process.join()
            _report(dict(shared), options)


def _whole(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="tunebook-live-") as data:
        os.environ.update(TUNEBOOK_DATA=data, DJANGO_SETTINGS_MODULE="apps.config.settings")
        manage = [sys.executable, str(ROOT / "manage.py")]
        context = multiprocessing.get_context("spawn")
        with context.Manager() as manager, _serving(manage, "up") as (address, _):
            shared = manager.dict()
            script = Path(data) / "train.py"
            script.write_text(SCRIPT)
            command = f"{sys.executable} {script} {options.rate} {options.seconds}"
            _in_process(context, _prepare, shared, command)
            stop = context.Event()
            browser = context.Process(target=_watch, args=(address, dict(shared), stop, shared))
            browser.start()
            while "looking" not in shared and browser.is_alive():
                time.sleep(0.1)
            time.sleep(options.seconds + 10)
            stop.set()
            browser.join()
            print(f"log() to pixel      {_spread([at - value for value, at in shared['seen']])}   goal: median 100 ms")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=50, help="websockets on the experiment (50)")
    parser.add_argument("--rate", type=float, default=100, help="metrics a second (100)")
    parser.add_argument("--seconds", type=float, default=10, help="how long (10)")
    parser.add_argument("--whole", action="store_true", help="through a real optimizer and a real training script")
    return parser.parse_args()


@contextmanager
def _serving(manage: list[str], command: str = "serve") -> Iterator[tuple[str, int]]:
    server = subprocess.Popen([*manage, command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        said = next(line for line in server.stdout if "http://" in line)
        yield said[said.index("http://") :].split()[0].rstrip("/"), server.pid
    finally:
        server.terminate()
        server.wait()


def _processor_time(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _in_process(context: Any, work: Any, *arguments: Any) -> None:
    process = context.Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")


def _prepare(shared: Any, command: str = "") -> None:
    """A workspace, a user with a session and a key, and an experiment: one whose trials this program plays, or a real one."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from apps.tuning import experiments
    from apps.workspaces.access import actor_of_user
    from apps.workspaces.models import Key, Member, Workspace
    from tests.people import a_job
    from tunebook.command import Command
    from tunebook.limits import Limits

    workspace = Workspace.objects.create(slug="lab", name="The lab")
    user = User.objects.create_user("ada")
    Member.objects.create(workspace=workspace, user=user, role="admin")
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    if command:
        job = a_job(limits=Limits(max_trials=1), command=Command(steps=(command,)))
    else:
        job = a_job(limits=Limits(max_trials=1000, max_concurrent=1000))
    experiment = experiments.create(actor_of_user(user), job, workspace=workspace, name="live", accessibility="PUBLIC")
    shared.update(
        key=experiment.key,
        token=Key.objects.issue(user=user, workspace=workspace, role="admin").token,
        cookie=(cookie.key, cookie.value),
    )
    if not command:
        _sweep(experiment.key).begin(TRIALS)
        return
    while not experiment.trials.filter(status="RUNNING").exists():
        time.sleep(0.1)


def _sweep(key: str) -> Any:
    from apps.experiments.models import Experiment
    from tests.browser.sweep import Sweep

    Experiment.objects.filter(key=key).update(lease_until=None)
    return Sweep(Experiment.objects.get(key=key))


def _write(shared: Any, rate: float, seconds: float) -> None:
    """Report numbered values at a steady rate; keep when each report began and was committed."""
    import django

    django.setup()
    from apps.trials.models import Attempt

    sweep = _sweep(shared["key"])
    sweep.attempts = {attempt.trial.number: attempt for attempt in Attempt.objects.select_related("trial")}
    began, committed = {}, {}
    start = time.time()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, start + number / rate - time.time()))
        value = float(number + 1)
        began[value] = time.time()
        sweep.report(number % TRIALS, number + 1, value)
        committed[value] = time.time()
    shared.update(began=began, committed=committed, took=time.time() - start)


def _view(address: str, known: Mapping[str, Any], viewers: int, stop: Event, shared: Any) -> None:
    """Many sockets that note when each value came."""
    heard: list[tuple[float, float]] = []

    async def one(ready: asyncio.Semaphore) -> None:
        from websockets.asyncio.client import connect

        headers = {"Authorization": f"Bearer {known['token']}"}
        async with connect(address.replace("http", "ws") + "/ws/live", additional_headers=headers) as socket:
            subscribe = {"type": "subscribe", "stream": f"exp:{known['key']}", "after": 0, "batch": True}
            await socket.send(json.dumps(subscribe))
            async for text in socket:
                now = time.time()
                message = json.loads(text)
                if message["type"] == "caught_up":
                    ready.release()
                for event in message.get("events", ()):
                    if event["kind"] == "metrics":
                        heard.append((event["payload"]["value"], now))

    async def everybody() -> None:
        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(one(ready)) for _ in range(viewers)]
        for _ in range(viewers):
            await ready.acquire()
        shared["listening"] = True
        while not stop.is_set():
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(everybody())
    shared["heard"] = heard


def _watch(address: str, known: Mapping[str, Any], stop: Event, shared: Any) -> None:
    """A browser on a trial's page that notes when its number has changed and is about to be painted."""
    from playwright.sync_api import sync_playwright

    from tests.browser.stage import CHROMIUM, QUIET

    note = """() => {
        window.seen = [];
        const target = document.querySelector('[data-field="last_value"]');
        new MutationObserver(() => {
            const value = Number(target.title);
            requestAnimationFrame(() => window.seen.push([value, (performance.timeOrigin + performance.now()) / 1000]));
        }).observe(target, { attributes: true, attributeFilter: ["title"] });
    }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        browser_context = browser.new_context()
        name, value = known["cookie"]
        browser_context.add_cookies([{"name": name, "value": value, "url": address}])
        page = browser_context.new_page()
        page.goto(f"{address}/w/lab/e/{known['key']}/t/0")
        page.wait_for_selector('[data-live-mark][data-state="live"]')
        page.evaluate(note)
        shared["looking"] = True
        while not stop.is_set():
            page.wait_for_timeout(200)
        shared["seen"] = [tuple(pair) for pair in page.evaluate("() => window.seen")]
        browser.close()


def _report(shared: Mapping[str, Any], options: argparse.Namespace) -> None:
    began, committed = shared["began"], shared["committed"]
    rate = len(began) / shared["took"]
    messages = [at - committed[value] for value, at in shared["heard"] if value in committed]
    pixels = [at - began[value] for value, at in shared["seen"] if value in began]
    lost = options.viewers * len(began) - len(messages)
    print(f"{options.viewers} viewers, {rate:.0f} metrics a second, {len(messages)} messages, {lost} lost")
    print(f"the server used {1000 * shared['busy'] / len(began):.1f} ms of processor time per metric")
    print(f"report itself       {_spread([committed[value] - began[value] for value in began])}")
    print(f"commit to message   {_spread(messages)}   goal: median 30 ms, p99 150 ms")
    print(f"report to pixel     {_spread(pixels)}   goal: median 100 ms")


def _spread(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "nothing was measured"
    cuts = statistics.quantiles(seconds, n=100)
    return f"median {cuts[49] * 1000:6.1f} ms   p90 {cuts[89] * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.1f} ms   ({len(seconds)})"


if __name__ == "__main__":
    main()
