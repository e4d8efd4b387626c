"""Queries that are compiled once, for the few that every request of a list runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

from django.db import connection
from django.db.models import QuerySet

TWO, LIST_OF_TWO = (1, 2), "IN (%s, %s)"
Converter = tuple[int, list[Any], Any]
"""Column, the functions that its values go through, and the expression they ask for."""


class Statement:
    """A query whose text never changes, only its parameters.

    Building and compiling a query costs Django several times what the database needs to answer a narrow one. `build`
    is called once, at the first use, and gives a `values_list` with any values for its parameters; `rows` then runs
    the same text with others, which must come in the order in which they stand in the text.
    """

    prepared = True
    """Whether PostgreSQL may plan it once for all parameters. Not where the best plan depends on them."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build

    @cached_property
    def _compiled(self) -> tuple[str, int, list[Converter]]:
        compiler = self.build().query.get_compiler(connection=connection)
        text, parameters = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        return text, len(parameters), [(at, list(how), what) for at, (how, what) in converters.items()]

    def _cursor(self) -> Any:
        """One that sends the text once per connection where the database can keep it (apps/config/postgresql)."""
        keeping = getattr(connection, "prepared_cursor", None) if self.prepared else None
        return keeping() if keeping else connection.cursor()

    def rows(self, parameters: Sequence[Any]) -> list[Sequence[Any]]:
        """The rows for these parameters, their values as the ORM would give them. One query."""
        text, expected, converters = self._compiled
        if len(parameters) != expected:
            raise ValueError(f"the statement takes {expected} parameters, got {len(parameters)}")
        with self._cursor() as cursor:
            cursor.execute(text, parameters)
            found = cursor.fetchall()
        if not converters:
            return list(found)
        rows = [list(row) for row in found]
        for at, how, what in converters:
            for row in rows:
                value = row[at]
                for convert in how:
                    value = convert(value, what, connection)
                row[at] = value
        return list(rows)


class ById:
    """A statement that reads the rows of some ids: `build(ids)` filters by them and has no other parameter.

    One text serves all pages: PostgreSQL takes the ids as one array, for others fewer than `most` are filled up by
    repeating the last one.
    """

    def __init__(self, most: int, build: Callable[[Sequence[int]], QuerySet[Any, Any]]) -> None:
        self.build = build
        self.sizes = sorted({10, 100, most})
        self.padded = {size: Statement(partial(build, range(1, size + 1))) for size in self.sizes}
        self.array = _OfArray(partial(build, TWO))

    def rows(self, ids: Sequence[int]) -> list[Sequence[Any]]:
        """The rows of these ids, in the query's own order. One query; none for no ids."""
        if not ids:
            return []
        if connection.vendor == "postgresql":
            return self.array.rows([list(ids)])
        size = next(size for size in self.sizes if size >= len(ids))
        return self.padded[size].rows([*ids, *[ids[-1]] * (size - len(ids))])

    def where(self, ids: Callable[[], QuerySet[Any, Any]], order: Sequence[str], *, prepared: bool = True) -> Statement:
        """A statement for the rows of one page of those whose ids `ids` finds, both in this order.

        Its parameters are those of `ids`, then how many rows and how many to pass over.
        """
        statement = _OfPage(lambda: self.build(TWO).order_by(*order), lambda: ids().order_by(*order))
        statement.prepared = prepared
        return statement


class _OfArray(Statement):
    """The statement with its list of two ids turned into one array."""

    @cached_property
    def _compiled(self) -> tuple[str, int, list[Converter]]:
        text, _, converters = super()._compiled
        return text.replace(LIST_OF_TWO, "= ANY(%s)"), 1, converters


class _OfPage(Statement):
    """A statement whose list of two ids is another statement that finds one page of ids in a narrow index."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]], ids: Callable[[], QuerySet[Any, Any]]) -> None:
        super().__init__(build)
        self.ids = ids

    @cached_property
    def _compiled(self) -> tuple[str, int, list[Converter]]:
        text, _, converters = super()._compiled
        found, parameters = self.ids().query.sql_with_params()
        page = f"{found} LIMIT %s OFFSET %s"
        # as an array, PostgreSQL looks the rows up one by one; a join might walk the whole table in order
        within = f"= ANY(ARRAY({page}))" if connection.vendor == "postgresql" else f"IN ({page})"
        return text.replace(LIST_OF_TWO, within), len(parameters) + 2, converters
