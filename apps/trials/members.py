"""A few members of a JSON column, taken out by the database: reading all fifty to use two costs five times as much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, JSONField
from django.db.models.sql.compiler import SQLCompiler


class Members(Func):
    """Two or more members of a JSON object as one list, in the order of the names; None for one that is missing."""

    output_field = JSONField()
    arity = 1

    def __init__(self, column: str, names: Sequence[str], **extra: Any) -> None:
        super().__init__(column, **extra)
        self.names = tuple(names)

    @staticmethod
    def can_take(names: Sequence[str]) -> bool:
        """Whether every database can take out members of these names: in SQLite's paths nothing can be escaped."""
        plain = all(name.isascii() and name.isprintable() and not {'"', "\\"} & set(name) for name in names)
        return plain and len(names) > 1

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        column, given = compiler.compile(self.source_expressions[0])
        paths = [f'$."{name}"' for name in self.names]
        return f"json_extract({column}, {', '.join(['%s'] * len(paths))})", [*given, *paths]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        column, given = compiler.compile(self.source_expressions[0])
        members = [f"{column} -> %s::text"] * len(self.names)
        return f"jsonb_build_array({', '.join(members)})", [*given * len(self.names), *self.names]
