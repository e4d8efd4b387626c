"""Text to a query: `resnet status:running,failed (tag:vision or best<0.1) not owner:ben created:2026-01-01..7d`.

Words and conditions that stand beside each other must all hold; `or`, `not`, `-` and brackets say otherwise. What cannot
be understood becomes a Problem with its place and, where that is known, the corrected text; it is left out, and the rest
still works. Nothing is looked up here: the conditions become database lookups in `experiments` and `trials`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from apps.search.grammar import Field, Grammar, Kind, Value, Wrong, quoted, unquoted

Found = TypeVar("Found")
LONGEST = 1_000
DEEPEST = 20
MOST_CONDITIONS = 30
"""More make a statement that databases refuse to plan."""
TOKEN = re.compile(r'\s*(?P<text>[()]|(?:"(?:[^"\\]|\\.)*"?|[^\s"()])+)')
HEAD = re.compile(r"(?P<field>[A-Za-z_][\w.\-]*?)(?P<operator>!=|<=|>=|<|>|=|:)(?P<value>.*)", re.DOTALL)
LIST = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+')
RANGE = re.compile(r"(?P<low>[^\s]*?)\.\.(?P<high>[^\s]*)")


@dataclass(frozen=True)
class Condition:
    """`field operator values`; several values are alternatives. A bare word has the field "word". A range has two."""

    field: str
    operator: str
    values: tuple[Value, ...]
    is_range: bool = False


@dataclass(frozen=True)
class Not:
    node: Node


@dataclass(frozen=True)
class Every:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    nodes: tuple[Node, ...]


Node = Condition | Not | Every | Either


@dataclass(frozen=True)
class Term:
    """One of the parts that must all hold, as typed between `start` and `end`."""

    text: str
    start: int
    end: int
    node: Node

    @property
    def condition(self) -> Condition | None:
        """The condition, if the part is a single one that is not negated."""
        return self.node if isinstance(self.node, Condition) else None


@dataclass(frozen=True)
class Problem:
    """A part that was not understood: where, why, and what to write instead (the whole corrected query) if known."""

    start: int
    end: int
    message: str
    suggestion: str = ""
    corrected: str = ""


@dataclass
class Query:
    """A query as typed, its parts, and what was not understood."""

    text: str
    grammar: Grammar
    terms: list[Term] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def conditions(self) -> list[Condition] | None:
        """All parts as single conditions; None where one is negated or bracketed."""
        found = [term.condition for term in self.terms]
        return [one for one in found if one is not None] if None not in found else None

    def without(self, term: Term) -> str:
        """The query's text with one part taken out."""
        return " ".join(other.text for other in self.terms if other is not term)

    def plus(self, text: str) -> str:
        """The query's text with one part more."""
        return " ".join([*(term.text for term in self.terms), text])

    def has(self, name: str, value: str) -> Term | None:
        """The part that asks for this value of a field, alone or among others, if there is one."""
        wanted = self._stored(name, value)
        for term in self.terms:
            one = term.condition
            if one and one.field == name and one.operator == ":" and not one.is_range and wanted <= set(one.values):
                return term
        return None

    def toggled(self, name: str, value: str) -> str:
        """The text with this value of a field put in, or taken out if it is there.

        It joins the values that the field has already, as an alternative; tags must all hold and stand alone.
        """
        term = self.has(name, value)
        typed = quoted(value)
        if term is None:
            joined = next((one for one in self.terms if one.condition and one.condition.field == name), None)
            if name == "tag" or joined is None or joined.condition is None or joined.condition.operator != ":":
                return self.plus(f"{name}:{typed}")
            return self._replaced(joined, f"{joined.text},{typed}")
        gone = self._stored(name, value)
        raw = term.text.partition(":")[2]
        rest = [one for one in LIST.findall(raw) if not self._stored(name, unquoted(one)) <= gone]
        return self._replaced(term, f"{name}:{','.join(rest)}" if rest else "")

    def _replaced(self, term: Term, text: str) -> str:
        texts = [text if other is term else other.text for other in self.terms]
        return " ".join(one for one in texts if one)

    def _stored(self, name: str, value: str) -> set[Value]:
        return set(_listed(self.grammar.find(name), quoted(value)))

    def marked(self) -> Iterator[tuple[str, Problem | None]]:
        """The text in pieces, each with the problem it has, for underlining."""
        at = 0
        for problem in sorted(self.problems, key=lambda problem: problem.start):
            if problem.start > at:
                yield self.text[at : problem.start], None
            yield self.text[max(at, problem.start) : problem.end], problem
            at = problem.end
        if at < len(self.text):
            yield self.text[at:], None


def parse(text: str, grammar: Grammar, *, limit: int = LONGEST) -> Query:
    """Read a query. Never raises: what is wrong stands in `problems`; text beyond the limit is cut off."""
    text = text.replace("\x00", "")[:limit]
    return _Reading(text, grammar).query()


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The keyword it is, else empty."""
        return self.text.lower() if self.text.lower() in ("and", "or", "not") else ""


class _Reading:
    """One pass over the tokens; each method reads one rule of the grammar and gives its node, or None for nothing."""

    def __init__(self, text: str, grammar: Grammar) -> None:
        self.text, self.grammar = text, grammar
        self.tokens = [_Token(match["text"], *match.span("text")) for match in TOKEN.finditer(text)]
        self.at = self.depth = self.conditions = 0
        self.problems: list[Problem] = []

    def query(self) -> Query:
        terms: list[Term] = []
        while self.at < len(self.tokens):
            if self.tokens[self.at].text == ")":
                self._drop(self._next(), "there is no bracket that this one closes")
                continue
            terms += self._parts()
        return Query(self.text, self.grammar, terms, self.problems)

    def _parts(self) -> list[Term]:
        """The conjunction at the top as parts of its own; with an `or` in it, it is one part."""
        begin, found, alternatives = self.at, self._conjunction(), False
        branches = [found]
        while self._sees("or"):
            alternatives = True
            branches.append(self._alternative())
        if not alternatives:
            return found
        nodes = [_all(branch) for branch in branches if branch]
        if len(nodes) == 1:
            return next(branch for branch in branches if branch)
        start, end = self.tokens[begin].start, self.tokens[self.at - 1].end
        return [Term(f"({self.text[start:end]})", start, end, Either(tuple(nodes)))] if nodes else []

    def _alternative(self) -> list[Term]:
        sign = self._next()
        if self.at == 1 or not self._begins():
            self._drop(sign, "an or stands between two conditions")
            return []
        return self._conjunction()

    def _conjunction(self) -> list[Term]:
        found: list[Term] = []
        while self.at < len(self.tokens) and not self._sees("or") and self.tokens[self.at].text != ")":
            if self._sees("and"):
                sign = self._next()
                if self.at == 1 or not self._begins():
                    self._drop(sign, "an and stands between two conditions")
                continue
            begin = self.at
            node = self._negation()
            start, end = self.tokens[begin].start, self.tokens[self.at - 1].end
            if node is not None:
                found.append(Term(self.text[start:end] + self._closing(begin), start, end, node))
        return found

    def _closing(self, begin: int) -> str:
        """The brackets that were forgotten behind the tokens from `begin` on."""
        texts = [token.text for token in self.tokens[begin : self.at]]
        return ")" * (texts.count("(") - texts.count(")"))

    def _negation(self) -> Node | None:
        token = self.tokens[self.at]
        if token.word == "not" or (token.text == "-" and self._follows("(")):
            self.at += 1
            if self.at >= len(self.tokens) or not self._begins():
                self._drop(token, "a not stands before a condition")
                return None
            node = self._negation()
            return Not(node) if node is not None else None
        if token.text == "(":
            return self._bracket()
        self.at += 1
        return self._condition(token)

    def _bracket(self) -> Node | None:
        opening = self._next()
        self.depth += 1
        if self.depth > DEEPEST:
            self.at = len(self.tokens)
            self._problem(opening, f"at most {DEEPEST} brackets within each other")
            return None
        branches = [self._conjunction()]
        while self._sees("or"):
            branches.append(self._alternative())
        self.depth -= 1
        if self.at >= len(self.tokens):
            whole = self.text.rstrip() + ")"
            self._problem(opening, "this bracket is not closed", _short(whole), whole)
        else:
            self.at += 1
        nodes = [_all(branch) for branch in branches if branch]
        if not nodes and self.tokens[self.at - 1].text == ")" and self.tokens[self.at - 2] is opening:
            self._problem(opening, "there is nothing between these brackets")
        return nodes[0] if len(nodes) == 1 else Either(tuple(nodes)) if nodes else None

    def _condition(self, token: _Token) -> Node | None:
        negated = token.text.startswith("-") and len(token.text) > 1
        sign, body = ("-", token.text[1:]) if negated else ("", token.text)
        try:
            node = condition(self.grammar, body)
        except Wrong as wrong:
            fixed = f"{sign}{wrong.suggestion}" if wrong.suggestion else ""
            corrected = self.text[: token.start] + fixed + self.text[token.end :] if fixed else ""
            self._problem(token, wrong.message, fixed, corrected)
            return None
        return self._afforded(token, Not(node) if negated else node)

    def _afforded(self, token: _Token, node: Node) -> Node | None:
        """The node, as long as there are not too many; each of several tags is a condition of its own."""
        one = node.node if isinstance(node, Not) else node
        before = self.conditions
        self.conditions += len(one.values) if isinstance(one, Condition) and one.field == "tag" else 1
        if self.conditions <= MOST_CONDITIONS:
            return node
        if before <= MOST_CONDITIONS:
            self._problem(token, f"at most {MOST_CONDITIONS} conditions; this one and the rest are left out")
        return None

    def _next(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _sees(self, word: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].word == word

    def _follows(self, text: str) -> bool:
        return self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].text == text

    def _begins(self) -> bool:
        """Whether a condition begins here."""
        return (
            self.at < len(self.tokens)
            and self.tokens[self.at].word not in ("and", "or")
            and (self.tokens[self.at].text != ")")
        )

    def _drop(self, token: _Token, message: str) -> None:
        rest = f"{self.text[: token.start].rstrip()} {self.text[token.end :].lstrip()}".strip()
        self._problem(token, message, _short(rest), rest)

    def _problem(self, token: _Token, message: str, suggestion: str = "", corrected: str = "") -> None:
        self.problems.append(Problem(token.start, token.end, message, suggestion, corrected))


def _short(query: str) -> str:
    """A corrected query as a suggestion; of a long one that it is there."""
    return query if len(query) <= 60 else "the query without this mistake"


def _all(terms: Sequence[Term]) -> Node:
    return terms[0].node if len(terms) == 1 else Every(tuple(term.node for term in terms))


def condition(grammar: Grammar, body: str) -> Node:
    """One condition. Raises Wrong with the body as it should be."""
    if len(re.findall(r'(?<!\\)"', body)) % 2:
        raise Wrong("this quote is not closed", f'{body}"')
    head = None if body.startswith('"') else HEAD.fullmatch(body)
    if head is None:
        word = unquoted(body)
        if not word:
            raise Wrong("there is nothing between the quotes")
        return Condition("word", ":", (word,))
    typed, operator, raw = head["field"], head["operator"], head["value"]
    known = _fixed(lambda: grammar.find(typed), lambda name: f"{name}{operator}{raw}")
    if not unquoted(raw):
        raise Wrong(f"{typed}{operator} needs a value, for example {known.example}")
    if operator in ("<", "<=", ">", ">=") and not known.kind.compares:
        raise Wrong(f"{known.name} cannot be compared with {operator}", f"{typed}:{raw}")
    span = RANGE.fullmatch(raw) if operator in (":", "=", "!=") and known.kind.compares else None
    if span is not None and (span["low"] or span["high"]):
        return _negated(operator, Condition(known.name, ":", _ends(known, span["low"], span["high"]), is_range=True))
    if known.kind.compares and operator not in (":", "=", "!="):
        return Condition(known.name, operator, (_compared(known, typed, operator, raw),))
    values = _fixed(lambda: _listed(known, raw), lambda text: f"{typed}{operator}{text}")
    kept = "=" if operator == "=" and known.kind is Kind.TEXT else ":"
    return _negated(operator, Condition(known.name, kept, values))


def _negated(operator: str, one: Condition) -> Node:
    return Not(one) if operator == "!=" else one


def _fixed(read: Callable[[], Found], whole: Callable[[str], str]) -> Found:
    """What was read; a suggestion for a part becomes one for the whole condition."""
    try:
        return read()
    except Wrong as wrong:
        raise Wrong(wrong.message, whole(wrong.suggestion) if wrong.suggestion else "") from None


def _listed(known: Field, raw: str) -> tuple[Value, ...]:
    """The values between the commas, each once."""
    found: list[Value] = []
    for part in LIST.findall(raw):
        text = unquoted(part).strip()
        if text:
            value = known.read(text)
            found += value if isinstance(value, tuple) else [value]
    if not found:
        raise Wrong(f"{known.name} needs a value, for example {known.example}")
    return tuple(dict.fromkeys(found))


def _ends(known: Field, low: str, high: str) -> tuple[Value, ...]:
    """Both ends of a range, each a text that is empty where the range is open."""
    return tuple(_end(known, unquoted(text)) if text else "" for text in (low, high))


def _end(known: Field, text: str) -> Value:
    if known.kind is Kind.PARAM:
        return _number_of(text, known.name)
    value = known.read(text)
    return value if not isinstance(value, tuple) else value[0]


def _compared(known: Field, typed: str, operator: str, raw: str) -> Value:
    if known.kind is Kind.PARAM:
        try:
            return _number_of(unquoted(raw), known.name)
        except Wrong as wrong:
            raise Wrong(wrong.message, f"{typed}:{raw}") from None
    value = known.read(unquoted(raw))
    return value if not isinstance(value, tuple) else value[0]


def _number_of(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Wrong(f"{text!r} is no number to compare {name} with") from None
