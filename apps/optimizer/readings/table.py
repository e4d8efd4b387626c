"""Metrics from a database: an SQL statement whose columns they are, run once when the attempt has ended."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import quote

import psycopg

from apps.optimizer.readings.base import Offsets, ReadingError, Request
from apps.tuning.measuring import MAX_POINTS, Reading

PATIENCE = 10
"""Seconds that a statement may take; the optimizer waits for it."""
STEPS_BETWEEN_LOOKS = 100_000
ROWS_AT_A_TIME = 1_000
NOT_CONFIGURED = "metrics of type table need TUNEBOOK_TABLE_DATABASE_URL, the database in which the statements run"

Rows = Iterator[tuple[Sequence[str], Sequence[Any]]]


def read_table(request: Request) -> tuple[list[Reading], Offsets]:
    """One measurement per row, in the order of the result. Nothing before the attempt has ended, nothing twice.

    Rows are read until there are more measurements than a trial may have, which shows that some are left out.
    """
    if not request.final or request.offsets.get("table"):
        return [], dict(request.offsets)
    readings = list(islice(_measurements(request), MAX_POINTS + 1))
    return readings, {**request.offsets, "table": True}


def _measurements(request: Request) -> Iterator[Reading]:
    for index, statement in enumerate(request.sources):
        for step, (names, row) in enumerate(query(request.table_url, statement)):
            for name in request.metrics:
                value = _number(row[names.index(name)]) if name in names else None
                if value is not None:
                    yield Reading(name, step, value, index)


def query(url: str, statement: str) -> Rows:
    """Each row of a statement with the names of its columns, on a connection that cannot write. Raises ReadingError.

    Rows come as they are asked for, so that a result of any length takes no memory.
    """
    if not url:
        raise ReadingError(NOT_CONFIGURED)
    try:
        if url.startswith(("postgres://", "postgresql://")):
            yield from _postgresql(url, statement)
            return
        path = f"/{url.removeprefix('sqlite://').lstrip('/')}" if url.startswith("sqlite://") else url
        yield from _sqlite(path, statement)
    except (sqlite3.Error, psycopg.Error) as error:
        raise ReadingError(f"the statement of the metrics failed: {str(error).strip()}") from error


def _sqlite(path: str, statement: str) -> Rows:
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        connection.execute("PRAGMA query_only=ON")
        deadline = time.monotonic() + PATIENCE
        connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
        cursor = connection.execute(statement)
        names = [column[0] for column in cursor.description or ()]
        for row in cursor:
            yield names, row


def _postgresql(url: str, statement: str) -> Rows:
    options = f"-c default_transaction_read_only=on -c statement_timeout={PATIENCE}s"
    with psycopg.connect(url, options=options, connect_timeout=10) as connection:
        connection.read_only = True
        # a cursor is declared by the extended protocol, by which the server takes a single statement: a second one could
        # end the read-only mode
        cursor = connection.cursor(name="metrics")
        cursor.itersize = ROWS_AT_A_TIME
        deadline = time.monotonic() + PATIENCE
        cursor.execute(statement.encode())
        names = [column.name for column in cursor.description or ()]
        for row in cursor:
            if time.monotonic() > deadline:
                raise ReadingError(f"the statement of the metrics failed: its rows took longer than {PATIENCE} s")
            yield names, row


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
