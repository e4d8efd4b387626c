"""SQLite files of other tools, opened for reading only."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunebook.errors import SpecError

MAGIC = b"SQLite format 3\x00"


@contextlib.contextmanager
def opened(source: str, tables: tuple[str, ...], what: str) -> Iterator["Store"]:
    """The database in a file, which must have these tables. Raises SpecError with what is wrong."""
    path = Path(source.removeprefix("sqlite:///"))
    if "://" in str(source) and not source.startswith("sqlite:///"):
        raise SpecError("source", f"must be a file; copy what is in another database to SQLite first: {source[:80]}")
    try:
        with path.open("rb") as file:
            is_database = file.read(16) == MAGIC
    except OSError as error:
        raise SpecError("source", f"cannot be read: {error.strerror or error}") from None
    if not is_database:
        raise SpecError("source", f"is no SQLite file, so it is no {what}")
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    try:
        store = Store(database)
        there = {row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        missing = [table for table in tables if table not in there]
        if missing:
            raise SpecError("source", f"is no {what}: it has no table {missing[0]}")
        yield store
    except sqlite3.Error as error:
        raise SpecError("source", f"cannot be read as {what}: {error}") from None
    finally:
        database.close()


class Store:
    """Questions to an open file."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        return self.database.execute(statement, values).fetchall()
