"""The catalog's query box: words, `field:value`, comparisons, `-` to negate, quotes around what has spaces.

    resnet status:running,failed tag:team=vision best<0.1 trials>10 created>2026-01-01 -owner:ben "two words"

A query is a list of terms that must all hold; several values of one field, after commas or in several terms, are
alternatives (tags: all must hold). What cannot be understood becomes a Problem with its place and a suggestion, and
is left out; the rest still works.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

Value = str | float | datetime
STATUS_NAMES: Mapping[str, tuple[str, ...]] = {
    "created": ("CREATED",),
    "waiting": ("WAITING",),
    "running": ("RUNNING",),
    "active": ("CREATED", "WAITING", "RUNNING", "NO_MORE_TRIAL", "UNKNOWN"),
    "finishing": ("NO_MORE_TRIAL",),
    "no_more_trial": ("NO_MORE_TRIAL",),
    "succeeded": ("FINISHED",),
    "finished": ("FINISHED",),
    "early_stopped": ("EARLY_STOPPED",),
    "failed": ("FAILED",),
    "stopped": ("USER_CANCELED",),
    "user_canceled": ("USER_CANCELED",),
    "cancelled": ("SYS_CANCELED",),
    "sys_canceled": ("SYS_CANCELED",),
    "unknown": ("UNKNOWN",),
    "ended": ("FINISHED", "EARLY_STOPPED", "FAILED", "USER_CANCELED", "SYS_CANCELED"),
}
VISIBILITY = {"public": "PUBLIC", "private": "PRIVATE"}

PIECE = re.compile(r'\s*(?P<text>(?P<not>-)?(?P<body>(?:"[^"]*"?|[^\s"])+))')
HEAD = re.compile(r"(?P<field>[A-Za-z_][\w.]*)(?P<operator><=|>=|<|>|=|:)(?P<value>.*)", re.DOTALL)
AGE = re.compile(r"(\d+)\s*(min|h|d|w)")
AGES = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Term:
    """One condition: `text` as typed between `start` and `end`; a bare word has the field "word"."""

    text: str
    start: int
    end: int
    field: str
    operator: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Problem:
    """A part that was not understood: where, why, and what to write instead (the whole corrected query) if known."""

    start: int
    end: int
    message: str
    suggestion: str = ""
    corrected: str = ""


@dataclass(frozen=True)
class Grammar:
    """The fields of a list. Parameters stand for themselves (`lr<0.1`) or behind `param.`; they take any comparison."""

    words: frozenset[str]
    numbers: frozenset[str]
    moments: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    other_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> list[str]:
        return sorted(self.words | self.numbers | self.moments) + sorted(self.params)


@dataclass
class Query:
    """A query as typed, its terms, and what was not understood."""

    text: str
    grammar: Grammar
    terms: list[Term] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def without(self, term: Term) -> str:
        """The query's text with one term taken out."""
        return " ".join(other.text for other in self.terms if other is not term)

    def plus(self, text: str) -> str:
        """The query's text with one term more."""
        return " ".join([*(term.text for term in self.terms), text])

    def has(self, name: str, value: str) -> Term | None:
        """The positive term that asks for this value of a field, alone or among others, if there is one."""
        wanted = set(_understood(self.grammar, name, quoted(value)))
        for term in self.terms:
            if not term.negated and term.field == name and term.operator == ":" and wanted <= set(term.values):
                return term
        return None

    def toggled(self, name: str, value: str) -> str:
        """The text with `name:value` taken out if it is there, else added."""
        term = self.has(name, value)
        if term is None:
            return self.plus(f"{name}:{quoted(value)}")
        gone = set(_understood(self.grammar, name, quoted(value)))
        rest = ",".join(
            quoted(str(one).lower() if name == "status" else str(one)) for one in term.values if one not in gone
        )
        texts = [other.text if other is not term else f"{name}:{rest}" for other in self.terms]
        return " ".join(text for text in texts if text != f"{name}:")

    def marked(self) -> Iterator[tuple[str, Problem | None]]:
        """The text in pieces, each with the problem it has, for underlining."""
        at = 0
        for problem in sorted(self.problems, key=lambda problem: problem.start):
            if problem.start > at:
                yield self.text[at : problem.start], None
            yield self.text[problem.start : problem.end], problem
            at = problem.end
        if at < len(self.text):
            yield self.text[at:], None


def quoted(value: str) -> str:
    """A value as it must be typed: in quotes when it has spaces or commas."""
    return f'"{value}"' if re.search(r"[\s,]", value) else value


def parse(text: str, grammar: Grammar, *, limit: int = 500) -> Query:
    """Read a query. Never raises: what is wrong stands in `problems`; text beyond the limit is cut off."""
    text = text.replace("\x00", "")[:limit]
    query = Query(text, grammar)
    for piece in PIECE.finditer(text):
        start, end = piece.span("text")
        body, negated = piece.group("body"), bool(piece.group("not"))
        try:
            name, operator, values = _condition(grammar, body, "-" if negated else "")
            query.terms.append(Term(piece.group("text"), start, end, name, operator, values, negated))
        except _Wrong as wrong:
            corrected = text[:start] + wrong.suggestion + text[end:] if wrong.suggestion else ""
            query.problems.append(Problem(start, end, wrong.message, wrong.suggestion, corrected))
    return query


class _Wrong(Exception):
    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion


def _condition(grammar: Grammar, body: str, sign: str) -> tuple[str, str, tuple[Value, ...]]:
    if body.count('"') % 2:
        raise _Wrong("this quote is not closed", f'{sign}{body}"')
    head = None if body.startswith('"') else HEAD.fullmatch(body)
    if head is None:
        word = body.replace('"', "")
        if not word:
            raise _Wrong("there is nothing between the quotes")
        return "word", ":", (word,)
    typed, operator, raw = head.group("field"), head.group("operator"), head.group("value")
    param = typed.removeprefix("param.")
    if param in grammar.params:
        return "param", ":", (_param(param, operator, raw, sign),)
    name = grammar.other_names.get(typed.lower(), typed.lower())
    fields = grammar.fields
    if name not in fields:
        close = get_close_matches(param, fields, 1, 0.5)
        known = f"fields are {', '.join(fields[:20])}"
        raise _Wrong(f"there is no field {typed!r}; {known}", f"{sign}{close[0]}{operator}{raw}" if close else "")
    if not raw.strip('"'):
        raise _Wrong(f"{name}{operator} needs a value, for example {EXAMPLES[name]}")
    if name in grammar.words and operator not in (":", "="):
        raise _Wrong(f"{name} cannot be compared with {operator}", f"{sign}{name}:{raw}")
    operator = ":" if operator == "=" else operator
    try:
        return name, operator, _understood(grammar, name, raw)
    except _Wrong as wrong:
        fixed = f"{sign}{name}{operator}{wrong.suggestion}" if wrong.suggestion else ""
        raise _Wrong(wrong.message, fixed) from None


def _param(name: str, operator: str, raw: str, sign: str) -> str:
    value = raw.replace('"', "")
    if not value:
        raise _Wrong(f"{name}{operator} needs a value, for example {name}{operator}1")
    if operator in (":", "="):
        return f"{name}={value}"
    try:
        float(value)
    except ValueError:
        raise _Wrong(f"{value!r} is no number to compare with", f"{sign}{name}={raw}") from None
    return f"{name}{operator}{value}"


def _understood(grammar: Grammar, name: str, raw: str) -> tuple[Value, ...]:
    if name in grammar.numbers:
        return (_number(name, raw),)
    if name in grammar.moments:
        return (_moment(name, raw),)
    parts = [part.replace('"', "") for part in re.findall(r'"[^"]*"|[^,"]+', raw)]
    read = READERS.get(name)
    found = [value for part in parts if part for value in (read(part) if read else (part,))]
    return tuple(dict.fromkeys(found))


def _number(name: str, raw: str) -> float:
    try:
        value = float(raw.replace('"', "").replace(",", "."))
    except ValueError:
        raise _Wrong(f"{name} is a number, for example {EXAMPLES[name]}") from None
    if not math.isfinite(value):
        raise _Wrong(f"{name} is compared with finite numbers only")
    return value


def _moment(name: str, raw: str) -> datetime:
    raw = raw.replace('"', "").strip()
    age = AGE.fullmatch(raw)
    if age:
        return datetime.now(UTC) - int(age[1][:6]) * AGES[age[2]]
    if raw == "today":
        return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        raise _Wrong(f"{name} is a day like 2026-01-31, or an age like 7d, 12h") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _status(raw: str) -> Sequence[str]:
    name = raw.lower().replace(" ", "_").replace("-", "_")
    if name not in STATUS_NAMES:
        close = get_close_matches(name, STATUS_NAMES, 1, 0.5)
        raise _Wrong(f"there is no status {raw!r}", close[0] if close else "running")
    return STATUS_NAMES[name]


def _visibility(raw: str) -> Sequence[str]:
    if raw.lower() not in VISIBILITY:
        close = get_close_matches(raw.lower(), VISIBILITY, 1, 0.3)
        raise _Wrong("visibility is public or private", close[0] if close else "public")
    return (VISIBILITY[raw.lower()],)


READERS: Mapping[str, Callable[[str], Sequence[str]]] = {"status": _status, "visibility": _visibility}
EXAMPLES: Mapping[str, str] = {
    "name": "name:resnet",
    "status": "status:running",
    "tag": "tag:vision",
    "owner": "owner:me",
    "source": "source:native",
    "sampler": "sampler:tpe",
    "visibility": "visibility:private",
    "metric": "metric:loss",
    "key": "key:sORVEck",
    "best": "best<0.1",
    "trials": "trials>10",
    "running": "running>0",
    "failed": "failed>0",
    "succeeded": "succeeded>=20",
    "created": "created>2026-01-31",
    "updated": "updated>7d",
    "value": "value<0.1",
    "number": "number>=100",
    "step": "step>10",
}
CATALOG = Grammar(
    words=frozenset({"name", "status", "tag", "owner", "source", "sampler", "visibility", "metric", "key"}),
    numbers=frozenset({"best", "trials", "running", "failed", "succeeded"}),
    moments=frozenset({"created", "updated"}),
    other_names={
        "user": "owner",
        "creator": "owner",
        "tags": "tag",
        "dialect": "source",
        "modified": "updated",
        "id": "key",
    },
)


def trials_grammar(params: Iterable[str]) -> Grammar:
    """The fields of an experiment's trials; its parameters are fields too."""
    return Grammar(
        words=frozenset({"status", "source", "key"}),
        numbers=frozenset({"value", "number", "step"}),
        params=frozenset(params),
        other_names={"state": "status", "trial": "number", "id": "key"},
    )
