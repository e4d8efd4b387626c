"""A backup is whole, for its owner only, and begins a timeline of its own when it is restored."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.experiments.models import Experiment
from apps.feed.models import feed_id

pytestmark = pytest.mark.django_db(transaction=True)


def names_in(path: Path) -> tuple[list[str], int]:
    """The experiments of a backup, and how many timelines it has."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(path)) as copy:
            names = [name for (name,) in copy.execute("SELECT name FROM experiments_experiment ORDER BY name")]
            return names, copy.execute("SELECT count(*) FROM feed_timeline").fetchone()[0]
    command = ["pg_restore", "--data-only", "--table=experiments_experiment", "--table=feed_timeline", "--file=-", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [name for name in ("one", "two") if f"\t{name}\t" in text], text.count("COPY public.feed_timeline")


def test_a_backup_holds_everything_but_the_timeline(make_experiment: Callable[..., Experiment], tmp_path: Path) -> None:
    make_experiment(name="one")
    make_experiment(name="two")
    before, target = feed_id(), tmp_path / "book.backup"

    call_command("backup", target, stdout=StringIO())

    assert names_in(target) == (["one", "two"], 0)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]
    assert feed_id() == before


def test_a_backup_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "book.backup"
    target.write_text("mine")

    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", target)

    assert target.read_text() == "mine"


def test_a_backup_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"could not be written: .*No such file or directory"):
        call_command("backup", tmp_path / "nowhere" / "book.backup")

    assert list(tmp_path.iterdir()) == []
