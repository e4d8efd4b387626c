"""What `manage.py test` does about programs that are not there."""

from contextlib import nullcontext

import pytest

from apps.config import testbed
from apps.config.management.commands import test as command


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A machine without Chromium and PostgreSQL; what is asked of apt is listed."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(testbed, "chromium", lambda: None)
    monkeypatch.setattr(testbed, "postgresql", lambda: None)
    monkeypatch.setattr(testbed, "_apt", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(testbed.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.delenv("CI", raising=False)
    return asked


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The runs of pytest that were started."""
    runs: list[list[str]] = []

    def note(arguments: list[str], **environ: str) -> int:
        runs.append(arguments)
        return 0

    monkeypatch.setattr(command, "pytest", note)
    return runs


def test_root_gets_what_is_missing_from_apt(bare, monkeypatch):
    monkeypatch.setattr(testbed.os, "geteuid", lambda: 0)

    testbed.provide()

    assert [arguments[0] for arguments in bare] == ["update", "install"]
    assert bare[1][-2:] == ("chromium", "postgresql")


def test_nobody_else_has_anything_installed(bare, monkeypatch):
    monkeypatch.setattr(testbed.os, "geteuid", lambda: 1000)

    missing = testbed.provide()

    assert bare == []
    assert [tool.name for tool in missing] == ["Chromium", "PostgreSQL"]


def test_what_is_left_out_is_named_and_the_rest_runs(bare, ran, monkeypatch, capsys):
    monkeypatch.setattr(testbed.os, "geteuid", lambda: 1000)

    status = command.run(None, False, [])

    said = capsys.readouterr().err
    assert status == 0
    assert "Chromium is not installed" in said
    assert "PostgreSQL is not installed" in said
    assert [arguments[1] for arguments in ran] == ["not browser"]


def test_in_ci_a_missing_program_fails_before_any_test(bare, ran, monkeypatch, capsys):
    monkeypatch.setattr(testbed.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", "true")

    status = command.run(None, False, [])

    assert status == 1
    assert ran == []
    assert "nothing may be left out" in capsys.readouterr().err


def test_preparing_runs_nothing(ran, monkeypatch):
    monkeypatch.setattr(testbed, "provide", list)

    assert command.run(None, True, []) == 0
    assert ran == []


def test_a_few_named_tests_run_on_sqlite_alone(ran, monkeypatch):
    monkeypatch.setattr(testbed, "provide", list)

    command.run(None, False, ["tests/config/test_env.py"])

    assert ran == [["tests/config/test_env.py"]]


def test_a_whole_run_takes_the_browser_apart_and_then_postgresql(ran, monkeypatch):
    monkeypatch.setattr(testbed, "provide", list)
    monkeypatch.setattr(testbed, "postgresql", lambda: "/programs")
    monkeypatch.setattr(testbed, "running_postgresql", lambda programs: nullcontext("postgres://x@y/z"))

    command.run(None, False, [])

    assert [arguments[1] for arguments in ran] == ["not browser", "browser", "database and not browser"]


def test_a_failure_in_any_run_is_the_status(monkeypatch):
    monkeypatch.setattr(testbed, "provide", list)
    statuses = iter([0, 1, 5])
    monkeypatch.setattr(command, "pytest", lambda *_, **__: next(statuses, 5))

    assert command.run("sqlite", False, []) == 1


def test_an_empty_selection_is_no_success(monkeypatch):
    monkeypatch.setattr(testbed, "provide", list)
    monkeypatch.setattr(command, "pytest", lambda *_, **__: command.NOTHING_SELECTED)

    assert command.run("sqlite", False, ["-k", "nothing"]) == command.NOTHING_SELECTED
