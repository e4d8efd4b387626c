"""The `tunebook` command."""

import io
import json
from pathlib import Path

import pytest

from tests.tunebook.native_server import NativeServer, an_experiment
from tunebook import client, examples
from tunebook.cli import DONE, NOT_WELL, REFUSED, UNREACHABLE, USAGE, looking, main
from tunebook.client import load_credentials

DIGITS = Path(examples.__file__).parent / "digits.json"


@pytest.fixture(autouse=True)
def server(tmp_path, monkeypatch):
    running = NativeServer()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TUNEBOOK_SERVER", running.url)
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", "tb_1")
    monkeypatch.setattr(client.time, "sleep", lambda _: None)
    running.answers["GET experiments"] = (200, {"total": 1, "items": [an_experiment()]})
    running.answers["GET experiments/sORVEck"] = (200, an_experiment())
    running.answers["POST experiments"] = (201, an_experiment())
    running.answers["GET events"] = (200, {"items": []})
    running.answers["GET me"] = (200, {"username": "ada", "roles": {"lab": "admin"}})
    yield running
    running.close()


def test_signing_in_is_tried_before_it_is_stored(server, capsys):
    assert main(["login", server.url, "--token", "tb_2", "--workspace", "lab"]) == DONE
    assert load_credentials() == {"url": server.url, "token": "tb_2", "workspace": "lab"}


def test_a_token_may_come_by_standard_input(server, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("tb_3\n"))

    assert main(["login", server.url, "--token", "-"]) == DONE
    assert load_credentials()["token"] == "tb_3"


def test_a_refused_token_is_not_stored(server, capsys):
    server.answers["GET me"] = (401, {"error": {"code": "unauthorized", "message": "unknown token"}})

    assert main(["login", server.url, "--token", "x"]) == REFUSED
    assert load_credentials() == {}
    assert capsys.readouterr().err == "tunebook: unknown token\n"


@pytest.mark.parametrize("given", ["", " \n"])
def test_an_empty_token_never_stands_for_the_one_that_is_known(server, monkeypatch, capsys, given):
    monkeypatch.setattr("sys.stdin", io.StringIO(given))

    assert main(["login", server.url, "--token", "-"]) == USAGE
    assert main(["login", server.url, "--token", given]) == USAGE
    assert "--token: is empty" in capsys.readouterr().err
    assert (load_credentials(), server.got) == ({}, [])


def test_a_token_that_nobody_can_type_is_asked_for_as_an_option(server, monkeypatch, capsys):
    def nobody(prompt):
        raise EOFError

    monkeypatch.setattr("tunebook.cli.submitting.getpass.getpass", nobody)

    assert main(["login", server.url]) == USAGE
    assert "--token: is empty" in capsys.readouterr().err


def test_a_workspace_that_the_token_does_not_open_is_not_stored(server, capsys):
    assert main(["login", server.url, "--token", "tb_2", "--workspace", "labs"]) == USAGE
    assert capsys.readouterr().err == "tunebook: --workspace: the token opens lab, not 'labs'\n"
    assert load_credentials() == {}


def test_submitting_prints_the_key(server, capsys):
    assert main(["submit", str(DIGITS), "--name", "Mine", "--tag", "a=b=c"]) == DONE
    assert capsys.readouterr().out == "sORVEck\n"
    sent = server.got[-1][2]
    assert (sent["name"], sent["tags"]) == ("Mine", {"a": "b=c"})
    assert sent["job"] == json.loads(DIGITS.read_text())


def test_a_file_gives_its_name_when_none_is_given(server):
    main(["submit", str(DIGITS)])

    assert server.got[-1][2]["name"] == "digits"


def test_a_sweep_may_come_by_standard_input(server, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(DIGITS.read_text()))

    assert main(["submit", "-"]) == DONE


def test_checking_a_file_asks_no_server(server, capsys):
    assert main(["submit", "--check", str(DIGITS)]) == DONE
    assert "7 parameters" in capsys.readouterr().out
    assert server.got == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid"),
        ('{"lr": ["uniform", [0, 1]]}', "neither command nor objective"),
        (
            '{"space": {}, "objective": {"goal": "up"}, "command": {"steps": ["a"]}}',
            "objective.goal: must be minimize or maximize",
        ),
    ],
)
def test_what_is_no_sweep_is_refused_before_it_is_sent(server, tmp_path, capsys, text, said):
    file = tmp_path / "sweep.json"
    file.write_text(text)

    assert main(["submit", str(file)]) == USAGE
    assert said in capsys.readouterr().err
    assert server.got == []


def test_a_missing_file_is_said_so(capsys):
    assert main(["submit", "/nowhere/sweep.json"]) == USAGE
    assert capsys.readouterr().err == "tunebook: No such file or directory: /nowhere/sweep.json\n"


def test_a_tag_needs_a_value(capsys):
    assert main(["submit", str(DIGITS), "--tag", "a"]) == USAGE


def test_the_list_is_a_table(capsys):
    assert main(["list"]) == DONE
    assert capsys.readouterr().out.splitlines() == [
        "KEY      STATUS   TRIALS  BEST    NAME",
        "sORVEck  RUNNING  3/24    0.9716  Digits",
    ]


def test_the_list_is_json_for_scripts(capsys):
    assert main(["list", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["total"] == 1


def test_the_list_can_be_narrowed(server):
    assert main(["list", "digits", "status:RUNNING", "status:FAILED", "tag:a=b", "--limit", "5"]) == DONE
    assert server.got[0][1] == {
        "page": "1",
        "page_size": "5",
        "word": "digits",
        "status": "RUNNING,FAILED",
        "tag": "a=b",
    }


def test_a_long_list_takes_as_many_requests_as_it_needs(server, capsys, monkeypatch):
    monkeypatch.setattr(looking, "PAGE", 2)

    def page(query, body):
        start = (int(query["page"]) - 1) * int(query["page_size"])
        keys = [f"k{number}" for number in range(7)][start : start + int(query["page_size"])]
        return 200, {"total": 7, "items": [an_experiment(key=key) for key in keys]}

    server.answers["GET experiments"] = page

    for limit, seen in (("1", 1), ("2", 2), ("5", 5), ("50", 7)):
        assert main(["list", "--json", "--limit", limit]) == DONE
        assert [one["key"] for one in json.loads(capsys.readouterr().out)["items"]] == [f"k{n}" for n in range(seen)]


@pytest.mark.parametrize("arguments", [["list", "--limit", "0"], ["list", "--limit", "-1"], ["logs", "sORVEck", "-1"]])
def test_numbers_that_cannot_be_are_wrong_usage(server, capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)

    assert left.value.code == USAGE
    assert "must be a whole number from" in capsys.readouterr().err
    assert server.got == []


@pytest.mark.parametrize("word", ["page:2", "page_size:3"])
def test_pages_are_no_filter(server, capsys, word):
    assert main(["list", word]) == USAGE
    assert "--limit" in capsys.readouterr().err


def test_any_word_may_be_a_field_for_the_server_to_judge(server):
    assert main(["list", "self:x", "workspace:lab"]) == DONE
    assert server.got[0][1]["self"] == "x"


def test_one_experiment_is_shown(capsys):
    assert main(["show", "sORVEck"]) == DONE
    assert "Digits" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "code"), [("FINISHED", DONE), ("EARLY_STOPPED", DONE), ("FAILED", NOT_WELL)])
def test_watching_ends_with_the_experiment_and_tells_how(server, capsys, status, code):
    server.answers["GET experiments/sORVEck"] = [(200, an_experiment()), (200, an_experiment(status=status))]

    assert main(["watch", "sORVEck"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[###.....................]  3/24  RUNNING  running 2  best 0.9716"
    assert status in lines[1]


def test_submit_can_watch(server, capsys):
    server.answers["GET experiments/sORVEck"] = (200, an_experiment(status="FINISHED"))

    assert main(["submit", str(DIGITS), "--watch"]) == DONE


def test_the_best_trial_is_shown(server, capsys):
    server.answers["GET experiments/sORVEck/trials/2"] = (200, {"number": 2, "params": {"lr": 0.1, "opt": "adam"}})

    assert main(["best", "sORVEck"]) == DONE
    assert capsys.readouterr().out.splitlines() == ["trial 2: 0.9716", "lr   0.1", 'opt  "adam"']


def test_without_a_value_there_is_no_best_trial(server, capsys):
    server.answers["GET experiments/sORVEck"] = (200, an_experiment(best=None))

    assert main(["best", "sORVEck"]) == NOT_WELL


def test_stopping_says_what_became_of_it(server, capsys):
    server.answers["POST experiments/sORVEck/stop"] = (200, an_experiment())

    assert main(["stop", "sORVEck"]) == DONE
    server.answers["POST experiments/sORVEck/stop"] = (200, an_experiment(status="FINISHED"))
    assert main(["stop", "sORVEck"]) == DONE
    said = capsys.readouterr().out.splitlines()
    assert said == ["sORVEck: RUNNING, asked to stop", "sORVEck: FINISHED, it has ended"]


@pytest.mark.parametrize("text", ["type: sweep", "[]", ""])
def test_what_is_no_exported_experiment_is_not_imported(server, tmp_path, capsys, text):
    file = tmp_path / "whole.json"
    file.write_text(text)

    assert main(["import", "--from", "tunebook", str(file)]) == USAGE
    assert "export --whole" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--follow"]])
def test_logs_are_read_to_the_end(server, capsys, monkeypatch, options):
    written = [f"line {number}" for number in range(5)]
    monkeypatch.setattr(looking, "LINES", 2)

    def page(query, body):
        start = (int(query["page"]) - 1) * 2
        return 200, {"total": 5, "items": written[start : start + 2]}

    server.answers["GET experiments/sORVEck/trials/3/logs"] = page
    server.answers["GET experiments/sORVEck/trials/3"] = (200, {"status": "FINISHED"})

    assert main(["logs", "sORVEck", "3", "--stderr", *options]) == DONE
    assert capsys.readouterr().out.splitlines() == written
    assert server.got[-1][1]["stream"] == "stderr"


def test_following_a_log_goes_on_while_the_trial_runs(server, capsys):
    server.answers["GET experiments/sORVEck/trials/3"] = [(200, {"status": "RUNNING"}), (200, {"status": "FINISHED"})]
    server.answers["GET experiments/sORVEck/trials/3/logs"] = [
        (200, {"total": 1, "items": ["one"]}),
        (200, {"total": 2, "items": ["one", "two"]}),
    ]

    assert main(["logs", "sORVEck", "3", "-f"]) == DONE
    assert capsys.readouterr().out == "one\ntwo\n"


def test_an_unknown_experiment_is_refused_in_words(capsys):
    assert main(["show", "nothing"]) == REFUSED
    assert capsys.readouterr().err == "tunebook: no such thing\n"


def test_a_server_that_is_away_has_an_exit_code_of_its_own(capsys):
    assert main(["list", "--server", "http://127.0.0.1:9"]) == UNREACHABLE


def test_a_wrong_command_is_wrong_usage():
    with pytest.raises(SystemExit) as left:
        main(["fly"])

    assert left.value.code == USAGE
