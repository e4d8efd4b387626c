"""Databases of other tools, opened for reading only: SQLite files, and PostgreSQL by its address."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tunebook.errors import SpecError

MAGIC = b"SQLite format 3\x00"
POSTGRES = ("postgres", "postgresql")
SECONDS = 10
Row = Mapping[str, Any]


class Store(Protocol):
    """Questions to an open database; `?` stands for a value."""

    def rows(self, statement: str, *values: Any) -> Sequence[Row]: ...


@contextlib.contextmanager
def opened(source: str, tables: tuple[str, ...], what: str) -> Iterator[Store]:
    """The database in a file or at an address, which must have these tables. Raises SpecError with what is wrong."""
    scheme, is_address, rest = source.partition("://")
    driver = scheme.partition("+")[0]
    if is_address and driver in POSTGRES:
        with _server(f"postgresql://{rest}", tables, what) as server:
            yield server
        return
    if is_address and driver != "sqlite":
        raise SpecError("source", f"must be a file or on PostgreSQL; copy it to SQLite first: {driver}://...")
    with _file(Path(rest.removeprefix("/") if is_address else source), tables, what) as file:
        yield file


@contextlib.contextmanager
def _file(path: Path, tables: tuple[str, ...], what: str) -> Iterator["File"]:
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
        store = File(database)
        _check({row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}, tables, what)
        yield store
    except sqlite3.Error as error:
        raise SpecError("source", f"cannot be read as {what}: {error}") from None
    finally:
        database.close()


@contextlib.contextmanager
def _server(address: str, tables: tuple[str, ...], what: str) -> Iterator["Server"]:
    try:
        import psycopg
        from psycopg.rows import dict_row
    except ImportError:
        raise SpecError("source", "reading PostgreSQL needs psycopg: pip install 'psycopg[binary]'") from None
    try:
        with psycopg.connect(address, row_factory=dict_row, connect_timeout=SECONDS) as connection:
            connection.read_only = True
            store = Server(connection)
            names = "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY(current_schemas(false))"
            _check({row["table_name"] for row in store.rows(names)}, tables, what)
            yield store
    except psycopg.Error as error:
        raise SpecError("source", f"cannot be read as {what}: {' '.join(str(error).split())}") from None


def _check(there: set[str], tables: tuple[str, ...], what: str) -> None:
    missing = [table for table in tables if table not in there]
    if missing:
        raise SpecError("source", f"is no {what}: it has no table {missing[0]}")


class File:
    """An open SQLite file."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        found: list[Any] = self.database.execute(statement, values).fetchall()
        return found


class Server:
    """A database of a PostgreSQL server."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        found: list[Row] = self.connection.execute(statement.replace("?", "%s"), values).fetchall()
        return found
