"""Moments as the wires write them, made by the database.

Reading two hundred moments of a page and writing them again takes longer than all its other values together.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Func, TextField
from django.db.models.sql.compiler import SQLCompiler


class WireMoment(Func):
    """A moment as text, `2023-03-31T10:29:30Z`: UTC, whole seconds. Connections are in UTC on both databases."""

    arity = 1
    output_field = TextField()

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Any:
        template = "substr(%(expressions)s, 1, 10) || 'T' || substr(%(expressions)s, 12, 8) || 'Z'"
        return super().as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Any:
        template = """to_char(%(expressions)s, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
        return super().as_sql(compiler, connection, template=template, **extra)
