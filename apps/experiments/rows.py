"""Inserting and updating rows by statements that are put together once.

The ORM builds each statement anew, which costs more than the database does. Where a hundred trials end each second
that counts; everywhere else use the ORM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, JSONField, Model

PLAIN = frozenset({int, float, str, bool, type(None)})


def insert(rows: Sequence[Model]) -> None:
    """Store new rows of one model and give them their keys. One query."""
    if not rows:
        return
    model, database = type(rows[0]), connections[DEFAULT_DB_ALIAS]
    values: list[Any] = []
    plan, get = _insert_plan(model)
    for row in rows:
        for (field, is_json), value in zip(plan, get(row), strict=True):
            plain = type(value) in PLAIN and not is_json
            values.append(value if plain else _as_stored(field, value, database))
    with database.cursor() as cursor:
        cursor.execute(_insert_sql(model, len(rows)), values)
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def update(model: type[Model], changes: Mapping[str, Any], **where: Any) -> int:
    """Change the rows that match; how many did. A set stands for any of its members, None for no value. One query."""
    database = connections[DEFAULT_DB_ALIAS]
    names = tuple(changes)
    shape = tuple((name, _shape(value)) for name, value in where.items())
    values = [_as_stored(_field(model, name), value, database) for name, value in changes.items()]
    for name, value in where.items():
        if isinstance(value, frozenset):
            values += [_as_stored(_field(model, name), one, database) for one in sorted(value)]
        elif value is not None:
            values.append(_as_stored(_field(model, name), value, database))
    with prepared() as cursor:
        cursor.execute(_update_sql(model, names, shape), values)
        return int(cursor.rowcount)


def read(model: type[Model], names: tuple[str, ...], key: int) -> tuple[Any, ...] | None:
    """Columns of one row as the database has them: for numbers and texts, which need no translation. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_read_sql(model, names), [key])
        row = cursor.fetchone()
    return None if row is None else tuple(row)


def prepared() -> Any:
    """A cursor for statements whose text never changes: where the database can keep them, only parameters are sent."""
    return connection.prepared_cursor() if hasattr(connection, "prepared_cursor") else connection.cursor()


def _as_stored(field: Field[Any, Any], value: Any, database: BaseDatabaseWrapper) -> Any:
    """A value as the driver takes it; the kinds that are by far the most frequent are not sent through the field."""
    kind = type(value)
    if kind in PLAIN and not isinstance(field, JSONField):
        return value
    if kind is datetime:
        return database.ops.adapt_datetimefield_value(value)
    return field.get_db_prep_save(value, database)


def _shape(value: Any) -> int:
    """How many placeholders a condition needs; 0 for "is null", -1 for equality."""
    if value is None:
        return 0
    return len(value) if isinstance(value, frozenset) else -1


@cache
def _own_fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)


@cache
def _insert_plan(
    model: type[Model],
) -> tuple[list[tuple[Field[Any, Any], bool]], Callable[[Model], tuple[Any, ...]]]:
    """The columns of a new row, whether each is JSON, and what reads their values off a row all at once."""
    fields = _own_fields(model)
    return [(field, isinstance(field, JSONField)) for field in fields], attrgetter(*(one.attname for one in fields))


@cache
def _field(model: type[Model], name: str) -> Field[Any, Any]:
    field = model._meta.get_field(name)
    if not isinstance(field, Field):
        raise TypeError(f"{name} is no column of {model.__name__}")
    return field


@cache
def _insert_sql(model: type[Model], count: int) -> str:
    quote = connection.ops.quote_name
    columns = [quote(str(field.column)) for field in _own_fields(model)]
    row = f"({', '.join(['%s'] * len(columns))})"
    table, key = quote(model._meta.db_table), quote(str(model._meta.pk and model._meta.pk.column))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)} RETURNING {key}"


@cache
def _update_sql(model: type[Model], names: tuple[str, ...], shape: tuple[tuple[str, int], ...]) -> str:
    quote = connection.ops.quote_name
    changes = ", ".join(f"{quote(str(_field(model, name).column))} = %s" for name in names)
    conditions = " AND ".join(_condition(quote(str(_field(model, name).column)), count) for name, count in shape)
    return f"UPDATE {quote(model._meta.db_table)} SET {changes} WHERE {conditions}"


@cache
def _read_sql(model: type[Model], names: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(_field(model, name).column)) for name in names)
    key = quote(str(model._meta.pk and model._meta.pk.column))
    return f"SELECT {columns} FROM {quote(model._meta.db_table)} WHERE {key} = %s"


def _condition(column: str, count: int) -> str:
    if count < 0:
        return f"{column} = %s"
    return f"{column} IN ({', '.join(['%s'] * count)})" if count else f"{column} IS NULL"
