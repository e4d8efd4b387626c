"""The query box's grammar, which the API shares: apps/search reads it, and turns it into lookups."""

from apps.search.grammar import CATALOG, quoted, trials_grammar
from apps.search.parser import Problem, Query, Term, parse

__all__ = ["CATALOG", "Problem", "Query", "Term", "parse", "quoted", "trials_grammar"]
