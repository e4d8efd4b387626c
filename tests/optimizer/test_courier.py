"""What a courier finds on the machine of a cluster, and leaves there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.optimizer import bundle, courier, folders, home
from apps.optimizer.executors import orders
from apps.optimizer.executors.base import LaunchSpec
from apps.trials.models import Attempt, Trial
from apps.workspaces.models import hash_token
from tunebook import mirror

OLD = 1_000_000_000


@dataclass
class Done:
    """What an attempt has come to: its status there, its last note and its work folder here, and what it said there."""

    code: int
    last: Mapping[str, Any]
    work: Path
    said: str


@dataclass
class Away:
    """An attempt of an experiment on a machine that has nothing but the program that a job fetches."""

    experiment: Experiment
    data: Path
    there: Path
    url: str

    def folder(self, attempt: int) -> Path:
        return folders.attempt(self.data, (self.experiment.key, 0, attempt))

    def run(self, step: str, *, attempt: int = 1, work_of: int | None = None, **named: list[str]) -> Done:
        """Run one step. named: `follows` and `outputs`, below the work folder."""
        trial = Trial.objects.create(experiment=self.experiment, number=0, params={}, attempt_count=attempt)
        row = {"launch_key": "k", "token_hash": hash_token("secret")}
        Attempt.objects.create(trial=trial, experiment=self.experiment, number=attempt, **row)
        spec = LaunchSpec(key="k", place=(self.experiment.key, 0, attempt), steps=(step,), work_of=work_of)
        here, work = self.folder(attempt), self.folder(work_of or attempt) / "work"
        here.mkdir(parents=True)
        order = {**orders.order(str(self.data), spec, {}), "lost_after": 30.0}
        order |= {name: [str(work / one) for one in below] for name, below in named.items()}
        (here / mirror.ORDER).write_text(json.dumps(order))
        self.there.mkdir()
        program = shutil.copy(bundle.write(self.data), self.there)
        variables = {**os.environ, "TUNEBOOK_URL": self.url, "TUNEBOOK_TOKEN": "secret"}
        ran = subprocess.run([sys.executable, "-E", program], env=variables, capture_output=True, text=True, timeout=60)
        notes = (here / "attempt.jsonl").read_text().splitlines()
        return Done(ran.returncode, json.loads(notes[-1]), work, ran.stderr)


def a_folder(above: Path, name: str, *, old: bool = True) -> Path:
    program = above / name / "remote.pyz"
    program.parent.mkdir()
    program.write_bytes(b"")
    if old:
        os.utime(program, (OLD, OLD))
    return program


def test_what_killed_attempts_have_left_is_removed_and_what_runs_is_not(tmp_path: Path) -> None:
    mine, left = a_folder(tmp_path, "tunebook-mine"), a_folder(tmp_path, "tunebook-left")
    fresh, other = a_folder(tmp_path, "tunebook-fresh", old=False), a_folder(tmp_path, "another-left")
    held = a_folder(tmp_path, "tunebook-held")
    holder = f"import fcntl, sys; f = open({str(held)!r}); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert courier.hold(mine)

        courier.clear(mine)
        process.communicate()

    assert [path.exists() for path in (mine, fresh, other, held, left)] == [True, True, True, True, False]


def test_an_order_names_the_folder_of_its_machine() -> None:
    order = {
        "cwd": "/data/trials/k/3/1/work",
        "steps": [{"command": ["cat", "/data/trials/k/3/1/params.json"]}],
        "n": 1,
    }

    found = courier.localised(order, "/data/trials/k/3", "/tmp/x")

    assert found == {"cwd": "/tmp/x/1/work", "steps": [{"command": ["cat", "/tmp/x/1/params.json"]}], "n": 1}


@pytest.fixture
def away(make_experiment: Callable[..., Experiment], live_server: Any, tmp_path: Path, settings: Any) -> Away:
    settings.TUNEBOOK_DATA = tmp_path / "home"
    return Away(make_experiment(), settings.TUNEBOOK_DATA, tmp_path / "there", live_server.url)


def test_files_with_odd_names_do_not_cost_the_attempt_its_others(away: Away) -> None:
    odd = r"mkdir -p outputs/a; cd outputs; touch $(printf '\377') $(printf 'a\bb') 'ä %2e?#\\'; echo kept > a/b.txt; mkfifo f"
    lines = r"touch 'two\nlines'; python3 -c 'open(\"two\\nlines\", \"w\")'"

    done = away.run(f"{odd}; {lines}; ln -s /etc/passwd link", outputs=["outputs"])

    kept = {str(path.relative_to(done.work)) for path in done.work.rglob("*") if path.is_file()}
    assert (done.code, done.last["reason"]) == (0, "exit"), done.said
    assert {"outputs/a/b.txt", "outputs/ä %2e?#\\\\"} <= kept
    assert "outputs/link" not in kept
    assert "no file may be called that" in done.said


def test_what_an_attempt_that_goes_on_from_the_first_writes_lies_with_the_first(away: Away) -> None:
    first = away.folder(1) / "work"
    first.mkdir(parents=True)
    (first / "begun.txt").write_text("begun\n")

    write = "cat begun.txt > result.json && mkdir outputs && echo kept > outputs/a"
    done = away.run(write, attempt=2, work_of=1, follows=["result.json"], outputs=["outputs"])

    assert (done.code, done.last["reason"]) == (0, "exit"), done.said
    assert (first / "result.json").read_text() == "begun\n"
    assert (first / "outputs/a").read_text() == "kept\n"


def test_a_proxy_that_does_not_find_the_server_fences_nobody() -> None:
    lost = [answer_of(404, b"404 page not found"), answer_of(401, b"<html>sign in</html>"), answer_of(403, b"")]
    ours = json.dumps({"error": {"code": "fenced", "message": "superseded"}}).encode()

    said = [answer_of(409, ours), answer_of(400, ours), answer_of(413, b"<html>too large</html>"), answer_of(503, ours)]

    assert lost == [home.Away] * 3
    assert said == [home.Fenced, home.NotTaken, home.NotTaken, home.Away]


def answer_of(status: int, body: bytes) -> type[Exception]:
    """What an attempt makes of an answer."""

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(Exception) as caught:
            home.Home(f"http://127.0.0.1:{server.server_port}", "t").alive()
    return caught.type
