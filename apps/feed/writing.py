"""Appending to the feed. Call inside the transaction that makes the change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from apps.feed import wake
from apps.feed.models import Event, Stream

Happening = tuple[str, dict[str, Any]]

EVENTS = connection.ops.quote_name(Event._meta.db_table)
STREAMS = connection.ops.quote_name(Stream._meta.db_table)


class Along(NamedTuple):
    """Statements that change something else in the same round trip: `name AS (...), name AS (...)`. PostgreSQL only."""

    text: str
    parameters: Sequence[Any]


def append(stream: str, happenings: Sequence[Happening], *, along: Along | None = None) -> int:
    """Number and store (kind, payload) pairs at the end of a stream; the number of the last one.

    One query on PostgreSQL, two elsewhere, one or two more at the first event of a stream. Readers are woken after the
    commit.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("feed events are written inside the transaction of their change")
    head = _append_at_once(stream, happenings, along) if connection.vendor == "postgresql" else 0
    if not head:
        head = _advance(stream, len(happenings))
        _insert(stream, head - len(happenings) + 1, happenings)
    transaction.on_commit(wake.poke_once())
    return head


def _append_at_once(stream: str, happenings: Sequence[Happening], along: Along | None) -> int:
    """Move the head and store the events by one statement that the server keeps; 0 when there is no such stream yet."""
    text, before = (f"{along.text}, ", along.parameters) if along is not None else ("", ())
    kinds = [kind for kind, _ in happenings]
    payloads = [json.dumps(payload) for _, payload in happenings]
    cursor = connection.prepared_cursor() if hasattr(connection, "prepared_cursor") else connection.cursor()
    with cursor:
        values = [*before, len(kinds), stream, stream, len(kinds), timezone.now(), kinds, payloads]
        cursor.execute(f"WITH {text}{AT_ONCE}", values)
        return max((seq for (seq,) in cursor.fetchall()), default=0)


AT_ONCE = f"""
moved AS (UPDATE {STREAMS} SET head = head + %s WHERE key = %s RETURNING head)
INSERT INTO {EVENTS} (stream, seq, kind, payload, at)
SELECT %s, moved.head - %s + said.place, said.kind, said.payload::jsonb, %s
FROM moved, unnest(%s::text[], %s::text[]) WITH ORDINALITY AS said(kind, payload, place)
RETURNING seq"""


def _insert(stream: str, first: int, happenings: Sequence[Happening]) -> None:
    """Store the events by one statement of our own: this runs for whatever happens, and the ORM would triple its cost."""
    operations = connection.ops
    at = operations.adapt_datetimefield_value(timezone.now())
    values: list[Any] = []
    for seq, (kind, payload) in enumerate(happenings, start=first):
        values += [stream, seq, kind, operations.adapt_json_value(payload, None), at]
    rows = ", ".join(["(%s, %s, %s, %s, %s)"] * len(happenings))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {EVENTS} (stream, seq, kind, payload, at) VALUES {rows}", values)


def _advance(stream: str, count: int) -> int:
    """Move the head by count and return where it is now; the update's row lock orders the writers."""
    statement = f"UPDATE {STREAMS} SET head = head + %s WHERE key = %s RETURNING head"
    with connection.cursor() as cursor:
        cursor.execute(statement, [count, stream])
        found = cursor.fetchone()
        if found is None:
            Stream.objects.bulk_create([Stream(key=stream, head=0)], ignore_conflicts=True)
            cursor.execute(statement, [count, stream])
            found = cursor.fetchone()
    return int(found[0])
