"""Of a query that finds nothing, the part that is to blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.search.parser import Query, Term

MOST_TERMS = 8


@dataclass(frozen=True)
class Strictest:
    """The term whose removal would find most, how many that are, and the query without it."""

    text: str
    number: int
    rest: str


def strictest(query: Query, count: Callable[[Sequence[Term]], int]) -> Strictest | None:
    """None where dropping one term alone does not help. `count` says how many rows meet these terms; it is asked once
    for each of the first eight."""
    best: Strictest | None = None
    for term in query.terms[:MOST_TERMS]:
        number = count([other for other in query.terms if other is not term])
        if number and (best is None or number > best.number):
            best = Strictest(term.text, number, query.without(term))
    return best
