"""Metrics from a database: an SQL statement whose columns they are, run once when the attempt has ended."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import psycopg

from apps.optimizer.readings.base import Offsets, ReadingError, Request
from apps.tuning.measuring import Reading

MOST_ROWS = 10_000
PATIENCE = 10
"""Seconds that a statement may take; the optimizer waits for it."""
STEPS_BETWEEN_LOOKS = 100_000
NOT_CONFIGURED = "metrics of type table need TUNEBOOK_TABLE_DATABASE_URL, the database in which the statements run"

Rows = tuple[Sequence[str], Sequence[Sequence[Any]]]


def read_table(request: Request) -> tuple[list[Reading], Offsets]:
    """One measurement per row, in the order of the result. Nothing before the attempt has ended, nothing twice."""
    if not request.final or request.offsets.get("table"):
        return [], dict(request.offsets)
    readings: list[Reading] = []
    for index, statement in enumerate(request.sources):
        names, rows = query(request.table_url, statement)
        columns = {name: names.index(name) for name in request.metrics if name in names}
        for step, row in enumerate(rows):
            for name, column in columns.items():
                value = _number(row[column])
                if value is not None:
                    readings.append(Reading(name, step, value, index))
    return readings, {**request.offsets, "table": True}


def query(url: str, statement: str) -> Rows:
    """Column names and rows of a statement, on a connection that cannot write. Raises ReadingError."""
    if not url:
        raise ReadingError(NOT_CONFIGURED)
    try:
        if url.startswith(("postgres://", "postgresql://")):
            return _postgresql(url, statement)
        path = f"/{url.removeprefix('sqlite://').lstrip('/')}" if url.startswith("sqlite://") else url
        return _sqlite(path, statement)
    except (sqlite3.Error, psycopg.Error) as error:
        raise ReadingError(f"the statement of the metrics failed: {str(error).strip()}") from error


def _sqlite(path: str, statement: str) -> Rows:
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        connection.execute("PRAGMA query_only=ON")
        deadline = time.monotonic() + PATIENCE
        connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
        cursor = connection.execute(statement)
        return [column[0] for column in cursor.description or ()], cursor.fetchmany(MOST_ROWS)


def _postgresql(url: str, statement: str) -> Rows:
    options = f"-c default_transaction_read_only=on -c statement_timeout={PATIENCE}s"
    with psycopg.connect(url, options=options, connect_timeout=10) as connection:
        connection.read_only = True
        # prepared, because only then the server takes a single statement: a second one could end the read-only mode
        cursor = connection.execute(statement.encode(), prepare=True)
        return [column.name for column in cursor.description or ()], cursor.fetchmany(MOST_ROWS)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
