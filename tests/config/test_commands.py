"""The commands as somebody runs them: real processes, an empty data folder, a free port."""

import json
import os
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.optimizer.waiting import until
from tests.running import ROOT, Running


@pytest.fixture
def run(tmp_path: Path) -> Iterator[object]:
    running: list[Running] = []

    def start(*arguments: str, **variables: str) -> Running:
        running.append(Running(tmp_path / "data", *arguments, **variables))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.communicate(timeout=300)
        one.process.stdout.close()


def get(url: str, token: str = "") -> dict[str, object]:
    """A JSON answer, asked for once: an address is printed when it answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.loads(answer.read())


def status(url: str) -> int:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_the_demo_runs_a_sweep_to_its_end_and_shows_how_to_get_in(run, tmp_path):
    demo = run("demo", "--port", "0", "--exit-when-done")
    address = re.search(r"http://\S+", demo.line("Tunebook is at"))[0]
    demo.line("Sign in as demo with the password")
    token = re.search(r"Bearer (\S+)'", demo.line("curl"))[1]
    url = re.search(r"(http://\S+)$", demo.said.strip())[1]

    document = get(url, token)
    demo.said += demo.process.communicate(timeout=300)[0]

    assert demo.process.returncode == 0, demo.said
    assert document["Name"] == "Handwritten digits"
    assert address.endswith(f"/e/{url.rsplit('/', 1)[1]}/")
    assert "FINISHED: 24 of 24 trials, best accuracy 0.9" in demo.said
    assert "Traceback" not in demo.said
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.slow
def test_up_starts_on_an_empty_folder_and_term_ends_it_all(run):
    up = run("up", "--port", "0")
    said = up.line("Tunebook is at")
    address = re.search(r"http://[^/]+", said)[0]
    first = up.line("Nobody has an account yet")

    ready = get(f"{address}/readyz")
    status = up.end()

    assert ready == {"status": "ok"}
    assert re.search(rf"{address}/setup\?code=\S{{20,}}", first)
    assert status == 0, up.said


def test_serve_refuses_a_database_of_another_version_and_says_what_to_run(run):
    serve = run("serve", "--port", "0")

    said = serve.process.communicate(timeout=300)[0]

    assert serve.process.returncode == 78
    assert "python3 manage.py migrate" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_nothing_works_with_a_database_of_a_later_release(run, tmp_path):
    run("migrate").process.communicate(timeout=60)
    with closing(sqlite3.connect(tmp_path / "data" / "tunebook.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('trials', '9999_later', '2030-01-01')"
        )

    started = [run("serve", "--port", "0"), run("run_optimizer"), run("up", "--port", "0")]
    said = [one.process.communicate(timeout=60)[0] for one in started]

    assert [one.process.returncode for one in started] == [78, 78, 1]
    assert all("The database is newer than this release (trials.9999_later)" in text for text in said)


@pytest.mark.slow
def test_serve_with_two_processes_answers_and_says_that_it_leaves_before_it_does(run):
    run("migrate", "-v0").process.wait(120)
    serve = run("serve", "--port", "0", "--workers", "2", TUNEBOOK_DRAIN_SECONDS="60")
    address = re.search(r"http://[^/]+", serve.line("Tunebook is at"))[0]

    answers = [get(f"{address}/healthz") for _ in range(4)]
    ready = status(f"{address}/readyz")
    serve.process.terminate()
    until(lambda: {status(f"{address}/readyz") for _ in range(8)} == {503}, what="all are unready")
    meanwhile = status(f"{address}/login")
    until(lambda: serve.process.send_signal(signal.SIGTERM) or serve.process.poll() is not None, what="they end")

    assert answers == [{"status": "ok"}] * 4
    assert (ready, meanwhile) == (200, 200)


NOWHERE = "postgres://ada@127.0.0.1:1/tunebook"


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["up", "--port", "70000"], {}, "There is no port 70000"),
        (["up"], {"TUNEBOOK_SLOTS": "many"}, "TUNEBOOK_SLOTS: must be a whole number"),
        (["up", "--host", "0.0.0.0"], {"TUNEBOOK_DEBUG": "1"}, "TUNEBOOK_DEBUG shows settings and code"),
        (["up", "--port", "0"], {"TUNEBOOK_SECRET_KEY": "short"}, "TUNEBOOK_SECRET_KEY can be guessed"),
        (["up", "--port", "0"], {"TUNEBOOK_DATA": "/dev/null/x"}, "set TUNEBOOK_DATA to another folder"),
        (["key"], {"TUNEBOOK_DATA": "/dev/null/x", "TUNEBOOK_SECRET_KEY": ""}, "set TUNEBOOK_DATA to another folder"),
        (["up", "--port", "0"], {"TUNEBOOK_DATABASE_URL": NOWHERE}, "The database cannot be reached"),
        (["run_optimizer"], {"TUNEBOOK_DATABASE_URL": NOWHERE}, "The database cannot be reached"),
        (["backup", "copy"], {"TUNEBOOK_DATABASE_URL": NOWHERE}, "The database cannot be reached"),
        (["migrate"], {"TUNEBOOK_DATABASE_URL": str(ROOT / "README.md")}, "README.md is not a database"),
        (["key", "--user", "ada", "--workspace", "w", "--role", "admin"], {}, "Run: python3 manage.py migrate"),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(tmp_path, monkeypatch, arguments, variables, words):
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
        "TUNEBOOK_DATA": str(tmp_path),
        **variables,
    }

    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_help_comes_quickly():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    done = subprocess.run(
        [sys.executable, "manage.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "demo" in done.stdout
    assert after.ru_utime - before.ru_utime < 2  # of the processor, however busy the machine; it takes 0.3
