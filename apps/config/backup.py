"""A copy of the database that is whole, taken while everything runs.

It holds no timeline, so the first who asks for one after it was restored draws a new one: cursors from before are refused
instead of skipping what happened since.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import Error, connection

from apps.feed.models import Timeline

NOT_INSTALLED = "pg_dump is not installed here; it comes with PostgreSQL's client programs."


class BackupFailed(Exception):
    """There is no backup; the text says why."""


def write(target: Path) -> int:
    """Write the database into a new file that only its owner may read; its size. Raises BackupFailed, and OperationalError
    when the database itself is out of reach."""
    if target.exists():
        raise BackupFailed(f"{target} is there already; a backup replaces nothing.")
    connection.ensure_connection()
    draft = target.with_name(f"{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        WRITERS[connection.vendor](draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(target)
    except (OSError, Error, sqlite3.Error) as error:
        raise BackupFailed(f"{target} could not be written: {' '.join(str(error).split())}") from error
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def _sqlite(draft: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(draft)])
    with closing(sqlite3.connect(draft)) as copy:
        copy.execute(f'DELETE FROM "{Timeline._meta.db_table}"')
        copy.commit()


def _postgresql(draft: Path) -> None:
    """In pg_dump's own form, for pg_restore."""
    known = connection.settings_dict
    given = {"host": known["HOST"], "port": known["PORT"], "username": known["USER"], "dbname": known["NAME"]}
    options = [f"--{name}={value}" for name, value in given.items() if value]
    skipped = f"--exclude-table-data={Timeline._meta.db_table}"
    command = ["pg_dump", "--no-password", "--format=custom", f"--file={draft}", skipped, *options]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PGPASSWORD": known["PASSWORD"] or ""},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BackupFailed(NOT_INSTALLED) from None
    if done.returncode:
        raise BackupFailed(f"pg_dump failed: {' '.join(done.stderr.split())[:500]}")


WRITERS = {"sqlite": _sqlite, "postgresql": _postgresql}
