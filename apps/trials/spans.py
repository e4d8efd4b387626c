"""The time between two moments as the database works it out itself."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import FloatField, Func
from django.db.models.sql.compiler import SQLCompiler


class Seconds(Func):
    """Seconds from the first moment to the second.

    Django's difference of moments calls Python for every row on SQLite, which costs 15 microseconds each.
    """

    output_field = FloatField()
    arity = 2

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self._sql(compiler, connection, "((julianday({1}) - julianday({0})) * 86400.0)")

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self._sql(compiler, connection, "EXTRACT(EPOCH FROM ({1} - {0}))::double precision")

    def _sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, template: str) -> Any:
        (first, given), (second, more) = (compiler.compile(one) for one in self.get_source_expressions())
        return template.format(first, second), (*more, *given)
