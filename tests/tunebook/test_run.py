"""What a training script uses: parameters, measurements, the wish to stop."""

import json
import logging
import os
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tunebook import run
from tunebook.run import Session
from tunebook.spool import Spool


class Trial:
    """A trial's folder and the environment that a script in it sees."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool" / "metrics.jsonl"
        self.stop = folder / "stop"
        self.params = folder / "params.json"
        self.params.write_text('{"lr": 0.5, "model": {"_name": "svm"}}')
        self.environment = {
            "TUNEBOOK_PARAMS_FILE": str(self.params),
            "TUNEBOOK_SPOOL": str(self.spool),
            "TUNEBOOK_STOP_FILE": str(self.stop),
        }

    def session(self, **more: str) -> Session:
        return Session({**self.environment, **more})

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.spool.read_text().splitlines()]

    def points(self) -> list[tuple[int, dict]]:
        return [(line["step"], line["metrics"]) for line in self.lines()]


@pytest.fixture
def trial(tmp_path):
    return Trial(tmp_path)


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_parameters_of_the_trial_win_over_defaults(trial):
    assert trial.session().read_params() == {"lr": 0.5, "model": {"_name": "svm"}}


def test_each_measurement_is_one_line(trial):
    session = trial.session()

    session.log({"loss": 0.25, "val/loss": 1}, 3)

    assert trial.points() == [(3, {"loss": 0.25, "val/loss": 1.0})]
    assert isinstance(trial.lines()[0]["at"], float)


def test_without_a_step_the_calls_are_counted_from_0(trial):
    session = trial.session()

    for step in (None, None, 10, None):
        session.log({"loss": 1.0}, step)

    assert [step for step, _ in trial.points()] == [0, 1, 10, 11]


def test_what_is_not_finite_is_written_in_words(trial):
    trial.session().log({"a": float("nan"), "b": float("inf"), "c": float("-inf")}, 0)

    assert trial.points() == [(0, {"a": "NaN", "b": "Infinity", "c": "-Infinity"})]


def test_numbers_of_other_libraries_are_taken(trial):
    class Scalar:
        def __float__(self) -> float:
            return 0.5

    trial.session().log({"a": Scalar(), "b": True}, 0)

    assert trial.points() == [(0, {"a": 0.5, "b": 1.0})]


def test_what_is_no_number_is_left_out_with_one_warning(trial, caplog):
    session = trial.session()

    for step in range(3):
        session.log({"loss": 1.0, "note": "good", "bad\nname": 1.0}, step)

    assert trial.points() == [(step, {"loss": 1.0}) for step in range(3)]
    assert len(warnings_of(caplog)) == 2


@pytest.mark.parametrize("name", ["top-5 acc (%)", "Verlust Größe", "دقة", "f1>0", "x" * 255])
def test_a_metric_is_called_as_a_job_may_call_it(trial, name):
    trial.session().log({name: 0.5}, 0)

    assert trial.points() == [(0, {name: 0.5})]


@pytest.mark.parametrize("step", [-1, "x", 2**53, float("nan")])
def test_a_step_that_is_none_is_left_out_with_a_warning(trial, caplog, step):
    trial.session().log({"loss": 1.0}, step)

    assert not trial.spool.exists()
    assert "step" in warnings_of(caplog)[0]


def test_the_spool_is_private_and_only_appended_to(trial):
    trial.spool.parent.mkdir()
    trial.spool.write_text('{"step": 0, "metrics": {"a": 1}}\n')

    trial.session().log({"a": 2.0}, 1)

    assert len(trial.lines()) == 2


def test_a_new_spool_can_be_read_by_its_owner_alone(trial):
    trial.session().log({"a": 2.0}, 1)

    assert stat.S_IMODE(trial.spool.stat().st_mode) == 0o600


def test_lines_of_several_processes_do_not_mix(trial):
    script = (
        "from tunebook import run\n"
        "import os\n"
        "child = os.fork()\n"
        "for step in range(200): run.log({'x' * 100: step})\n"
        "if child: os.waitpid(child, 0)\n"
    )

    environment = {**os.environ, **trial.environment}
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=environment, check=True)

    assert len(trial.lines()) == 400


def test_a_spool_that_cannot_be_written_never_stops_the_training(trial, caplog):
    trial.spool.parent.write_text("a file where the folder should be")
    session = trial.session()

    session.log({"a": 1.0}, 0)
    session.log({"a": 1.0}, 1)

    assert len(warnings_of(caplog)) == 1


def test_what_found_no_room_goes_with_the_next_measurement(tmp_path):
    spool = Spool(str(tmp_path / "metrics.jsonl"))
    spool.append(0, {"loss": 0.5})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool.size() + 10, before[1]))
    try:
        spool.append(1, {"loss": 0.25})  # a part of it finds room
        with pytest.raises(OSError):
            spool.append(2, {"loss": 0.125})
        settled = spool.settle(0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    spool.append(3, {"loss": 0.0625})

    records, _ = spool.read(0, 100)
    assert not settled
    assert [(one["step"], one["metrics"]["loss"]) for one in records] == [(0, 0.5), (1, 0.25), (2, 0.125), (3, 0.0625)]


def test_a_script_that_ends_waits_for_room_for_its_last_measurement(tmp_path):
    spool = tmp_path / "metrics.jsonl"
    spool.symlink_to("/dev/full")
    script = "from tunebook import run; run.log(loss=0.5, step=7); print('logged', flush=True)"
    environment = {**os.environ, "TUNEBOOK_SPOOL": str(spool)}

    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"logged\n"
        still_there = process.poll() is None
        process.kill()

    assert still_there


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_parameters_that_cannot_be_read_are_none(trial, caplog, content):
    trial.params.write_text(content)

    assert trial.session().read_params() == {}
    assert len(warnings_of(caplog)) == 1


def test_the_wish_to_stop_is_a_file(trial):
    session = trial.session()
    before = session.should_stop()
    trial.stop.touch()

    assert (before, session.should_stop()) == (False, True)


@pytest.fixture
def ear(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        folder = os.open(tmp_path, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/optimizer-2-b.sock")
        listening.setblocking(False)
        yield tmp_path, listening
        os.close(folder)


def test_whoever_waits_is_woken(trial, ear):
    folder, listening = ear

    trial.session(TUNEBOOK_WAKE=str(folder / "optimizer-2-b.sock")).log({"a": 1.0}, 0)

    assert listening.recv(10)


def test_who_waits_under_a_new_name_is_found(trial, ear):
    folder, listening = ear

    trial.session(TUNEBOOK_WAKE=str(folder / "optimizer-1-a.sock")).log({"a": 1.0}, 0)

    assert listening.recv(10)


def test_nobody_waiting_is_no_trouble(trial, tmp_path, caplog):
    session = trial.session(TUNEBOOK_WAKE=str(tmp_path / ("x" * 90) / "none-1.sock"))

    session.log({"a": 1.0}, 0)
    session.log({"a": 1.0}, 1)

    assert len(trial.lines()) == 2
    assert warnings_of(caplog) == []


def test_a_full_queue_does_not_block(trial, ear):
    folder, _ = ear
    session = trial.session(TUNEBOOK_WAKE=str(folder / "optimizer-2-b.sock"))

    for step in range(1000):
        session.log({"a": 1.0}, step)

    assert len(trial.lines()) == 1000


def test_outside_a_trial_the_script_runs_as_it_is():
    script = (
        "from tunebook import run\n"
        "assert run.params(lr=0.1) == {'lr': 0.1}\n"
        "run.log(accuracy=0.5, step=3)\n"
        "run.log({'val/loss': 0.5})\n"
        "assert not run.should_stop() and not run.in_trial()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEBOOK_")}

    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_public_functions_work_inside_a_trial(trial, monkeypatch):
    for name, value in trial.environment.items():
        monkeypatch.setenv(name, value)
    run._session.cache_clear()

    values = run.params(lr=0.1, batch=8)
    run.log({"a": 1.0}, b=2.0, step=4)

    assert values == {"lr": 0.5, "batch": 8, "model": {"_name": "svm"}}
    assert trial.points() == [(4, {"a": 1.0, "b": 2.0})]
    assert run.in_trial() and not run.should_stop()
    run._session.cache_clear()


def test_the_folders_of_checkpoints_are_told_where_there_are_any(monkeypatch):
    assert (run.checkpoint_dir(), run.parent_checkpoint_dir()) == (None, None)

    monkeypatch.setenv("TUNEBOOK_CHECKPOINT_DIR", "/data/7/checkpoint")
    monkeypatch.setenv("TUNEBOOK_PARENT_CHECKPOINT_DIR", "/data/3/checkpoint")

    assert (run.checkpoint_dir(), run.parent_checkpoint_dir()) == ("/data/7/checkpoint", "/data/3/checkpoint")
