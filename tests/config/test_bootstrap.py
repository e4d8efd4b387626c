"""The sentences that somebody reads whose machine cannot run Tunebook yet."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from apps.config import bootstrap

# One program that plays venv and pip: it prints what they print when something is wrong, and fails.
FAKE = """#!/bin/sh
cat <<'END'
{output}
END
exit 1
"""
NO_ENSUREPIP = "The virtual environment was not created successfully because ensurepip is not available."
NO_NETWORK = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/django/
ERROR: Could not find a version that satisfies the requirement Django (from versions: none)"""
NO_SPACE = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
READ_ONLY = "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system: 'x'"
NO_BUILD = """  error: subprocess-exited-with-error
      error: package directory 'apps/tunebook/x' does not exist
error: metadata-generation-failed"""
NO_VERSION = "ERROR: No matching distribution found for Django==9.9"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without an environment, where nothing is importable."""
    (tmp_path / "apps" / "config").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    pins = tmp_path / "apps" / "config" / "constraints.txt"
    pins.write_text("Django==5.2\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "CONSTRAINTS", pins)
    monkeypatch.setattr(bootstrap, "_check_space", lambda extras: None)
    return tmp_path


def play(checkout: Path, name: str, output: str) -> Path:
    """A program that fails with this output."""
    program = checkout / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(FAKE.format(output=output))
    program.chmod(0o755)
    return program


def sentence(checkout: Path) -> str:
    """What somebody reads who runs `manage.py demo` now."""
    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure(["manage.py", "demo"])
    return str(ended.value)


@pytest.fixture
def with_venv(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose environment exists, so that pip comes next."""
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: None)
    return checkout


def test_without_the_venv_module_the_debian_package_is_named(checkout, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(play(checkout, "python", NO_ENSUREPIP)))

    said = sentence(checkout)

    assert f"apt install python3.{sys.version_info.minor}-venv" in said
    assert "run the same command again" in said


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (NO_NETWORK, "The package index cannot be reached. Check the network"),
        (NO_SPACE, "The disk is full. Make room (about 600 MiB"),
        (READ_ONLY, "cannot be written. Run as the owner of this folder, or copy it"),
        (NO_BUILD, "package directory 'apps/tunebook/x' does not exist"),
        (NO_VERSION, "No matching distribution found for Django==9.9"),
    ],
)
def test_when_pip_fails_the_cause_is_told_with_what_to_do(with_venv, output, words):
    play(with_venv, ".venv/bin/python", output)

    said = sentence(with_venv)

    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EACCES, "cannot be written"), (errno.EROFS, "cannot be written"), (errno.ENOSPC, "The disk is full")],
)
def test_a_folder_that_takes_no_files_is_told_with_what_to_do(checkout, monkeypatch, number, words):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "mkdir", refuse)

    assert words in sentence(checkout)


def test_too_little_space_is_told_before_anything_is_downloaded(checkout, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(bootstrap, "VENV", checkout / ".venv")
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100 * 2**20}))

    with pytest.raises(OSError, match="No space left"):
        bootstrap._check_space(["server"])


def test_an_old_python_is_told_to_use_a_newer_one():
    source = (bootstrap.ROOT / "manage.py").read_text(encoding="utf-8")
    old = "import sys; sys.version_info = (3, 8, 1); exec(compile(sys.stdin.read(), 'manage.py', 'exec'))"

    done = subprocess.run([sys.executable, "-c", old], input=source, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "needs Python 3.11 or newer and this is 3.8." in done.stderr
    assert "Traceback" not in done.stderr


def test_help_does_not_install_anything(checkout, capsys):
    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure(["manage.py", "--help"])

    assert ended.value.code == 0
    assert "manage.py demo" in capsys.readouterr().out
    assert not (checkout / ".venv").exists()


def test_inside_an_environment_that_has_the_packages_nothing_happens():
    assert bootstrap.missing(["server", "dev"]) == []
    assert bootstrap.ensure(["manage.py", "check"]) is None


def test_an_environment_of_other_pins_is_brought_up_to_date(checkout):
    record = checkout / ".venv" / ".tunebook"
    play(checkout, ".venv/bin/python", "")
    record.write_text("\n".join([bootstrap._fingerprint(), "server"]))
    before = bootstrap.installed(["server"]), bootstrap.installed(["server", "dev"])

    bootstrap.CONSTRAINTS.write_text("Django==5.3\n")

    assert before == (True, False)
    assert not bootstrap.installed(["server"])
