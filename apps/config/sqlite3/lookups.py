"""Texts compared without case, in every alphabet.

SQLite's LIKE knows the case of a to z alone. A word of these goes on being looked for by it, which is fast; any other by
Python, which is asked for each row.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import CharField, Field, TextField
from django.db.models.lookups import IContains, IExact

HOLDS, IS = "tunebook_holds", "tunebook_is"


def holds(text: str | None, word: str) -> bool | None:
    """Whether the word stands in the text, in whatever case; None where there is no text."""
    return None if text is None else word.casefold() in str(text).casefold()


def is_same(text: str | None, word: str) -> bool | None:
    """Whether both are the same but for case; None where there is no text."""
    return None if text is None else word.casefold() == str(text).casefold()


FUNCTIONS = {HOLDS: holds, IS: is_same}


class Folded:
    """A lookup that asks one of our functions for a word beyond ASCII; other databases know case themselves."""

    function: ClassVar[str]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lookup: Any = self
        if not isinstance(lookup.rhs, str) or lookup.rhs.isascii():
            sql, params = lookup.as_sql(compiler, connection)
            return sql, list(params)
        left, params = lookup.process_lhs(compiler, connection)
        return f"{self.function}({left}, %s)", [*params, lookup.rhs]


class Contains(Folded, IContains):
    """`icontains`"""

    function = HOLDS


class Exact(Folded, IExact):
    """`iexact`"""

    function = IS


def register() -> None:
    """Let every field of text have these lookups."""
    fields: tuple[type[Field[Any, Any]], ...] = (CharField, TextField)
    for field in fields:
        field.register_lookup(Contains)
        field.register_lookup(Exact)
