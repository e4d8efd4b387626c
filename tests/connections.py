"""Connections to PostgreSQL that a test did not make itself, and breaking them, as a restart of the server does."""

from __future__ import annotations

from django.db import connection

OTHERS = (
    "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type = 'client backend'"
)


def others() -> int:
    """How many other connections to the test's database there are."""
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) {OTHERS}")
        return int(cursor.fetchone()[0])


def end_all_others() -> int:
    """End every other connection to the test's database; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(f"select count(pg_terminate_backend(pid, 10000)) {OTHERS}")
        return int(cursor.fetchone()[0])


def end_this() -> None:
    """End the connection of this thread, which does not know it yet."""
    connection.ensure_connection()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])
    other.close()
