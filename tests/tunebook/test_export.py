"""Trials as a table, and completion in shells."""

import csv
import json
import subprocess

import pytest

from tests.tunebook.native_server import NativeServer
from tunebook.cli import DONE, USAGE, main
from tunebook.export import trials_text

TRIALS = [
    {"number": 0, "status": "FINISHED", "value": 0.5, "params": {"lr": 0.1, "opt": "adam"}, "started": "2026-05-01"},
    {"number": 1, "status": "FAILED", "value": None, "params": {"lr": 0.2, "m": {"_name": "svm"}}, "reason": "=1+1"},
]


@pytest.fixture
def server(tmp_path, monkeypatch):
    running = NativeServer()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TUNEBOOK_SERVER", running.url)
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", "tb_1")
    running.answers["GET experiments/k/trials"] = 200, {"total": 2, "items": TRIALS}
    yield running
    running.close()


def test_a_row_per_trial_and_a_column_per_parameter():
    head, *rows = csv.reader(trials_text(TRIALS, "csv").splitlines())

    assert head[:6] == ["number", "status", "value", "params.lr", "params.opt", "params.m"]
    assert rows[0][:6] == ["0", "FINISHED", "0.5", "0.1", "adam", ""]
    assert rows[1][:6] == ["1", "FAILED", "", "0.2", "", '{"_name": "svm"}']


def test_a_cell_is_no_formula():
    assert "'=1+1" in trials_text(TRIALS, "csv")
    assert csv.DictReader(trials_text([{"value": -0.5}], "csv").splitlines()).__next__()["value"] == "-0.5"


def test_json_is_the_trials_themselves():
    assert json.loads(trials_text(TRIALS, "json")) == TRIALS
    assert [json.loads(line) for line in trials_text(TRIALS, "jsonl").splitlines()] == TRIALS


def test_no_trials_are_a_table_too():
    assert trials_text([], "csv").startswith("number,status,value,last_step")
    assert trials_text([], "jsonl") == ""


@pytest.mark.parametrize(
    ("options", "start"), [([], "number,"), (["--json"], "["), (["--format", "jsonl"], '{"number": 0')]
)
def test_an_experiment_is_exported(server, capsys, options, start):
    assert main(["export", "k", *options]) == DONE
    assert capsys.readouterr().out.startswith(start)


def test_all_pages_are_exported(server, capsys):
    server.answers["GET experiments/k/trials"] = lambda query, body: (
        200,
        {"total": 150, "items": [{"number": n} for n in range(100 if query["page"] == "1" else 50)]},
    )

    main(["export", "k"])

    assert len(capsys.readouterr().out.splitlines()) == 151


def test_a_new_file_is_written_and_an_old_one_kept(server, tmp_path, capsys):
    path = tmp_path / "trials.json"

    assert main(["export", "k", "-o", str(path)]) == DONE
    assert main(["export", "k", "-o", str(path)]) == USAGE

    assert json.loads(path.read_text()) == TRIALS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_with_every_command(capsys, shell):
    assert main(["completion", shell]) == DONE

    text = capsys.readouterr().out
    assert all(word in text for word in ("submit", "watch", "export", "completion", "follow"))


def test_bash_completes_commands_and_options(capsys):
    main(["completion", "bash"])
    told = capsys.readouterr().out
    ask = 'COMP_WORDS=(tunebook {}); COMP_CWORD={}; _tunebook; echo "${{COMPREPLY[@]}}"'

    def completed(words, at):
        ran = subprocess.run(["bash", "-c", told + ask.format(words, at)], capture_output=True, text=True, check=True)
        return ran.stdout.split()

    assert completed("wa", 1) == ["watch"]
    assert completed("logs --f", 2) == ["--follow"]
    assert completed("completion z", 2) == ["zsh"]
