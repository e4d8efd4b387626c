"""The filter and order clauses of MLflow's searches: comparisons joined by AND, and columns with ASC or DESC."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.dialects.refusal import Refusal

MOST_TERMS = 20
METRIC, PARAM, TAG, DATASET, ATTRIBUTE = "metric", "param", "tag", "dataset", "attribute"
_KINDS = {
    **dict.fromkeys(("metric", "metrics"), METRIC),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), PARAM),
    **dict.fromkeys(("tag", "tags"), TAG),
    **dict.fromkeys(("dataset", "datasets"), DATASET),
    **dict.fromkeys(("attribute", "attributes", "attr", "run", "experiment"), ATTRIBUTE),
}
_NAME = r"(?P<name>(?:\w+\.)?(?:`[^`]+`|\"[^\"]+\"|[\w./\-]+))"
_TERM = re.compile(
    rf"\s*{_NAME}\s*(?P<op>!=|>=|<=|=|>|<|NOT\s+IN|IN|NOT\s+LIKE|LIKE|ILIKE|IS\s+NOT\s+NULL|IS\s+NULL)\s*"
    r"(?P<value>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\([^()]*\)|[-+\w.]+)?\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"AND\s", re.IGNORECASE)
_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_NUMBERS = frozenset(
    {"start_time", "end_time", "creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp"}
)
"""The attributes that are numbers."""
OF_DATASETS = ("name", "digest", "context")
"""What a data set that a run has read can be found by."""
_ALIASES = {"run id": "run_id", "run name": "run_name", "created": "start_time", "artifact uri": "artifact_uri"}
"""What MLflow's own pages call some attributes, in any case."""
_ORDER = re.compile(rf"\s*{_NAME}(?:\s+(?P<way>ASC|DESC))?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Name:
    """What a comparison or an order is about."""

    kind: str
    key: str

    @property
    def is_number(self) -> bool:
        return self.kind == METRIC or (self.kind == ATTRIBUTE and self.key in _NUMBERS)


Values = Mapping[Name, Any]
"""What one run or experiment has under the names that a search asks for."""


@dataclass(frozen=True)
class Like:
    """A pattern with % for any text and _ for any letter.

    What stands between two % is found where it comes first, so that no pattern takes longer than text times pattern, as
    one expression with many .* would.
    """

    parts: tuple[re.Pattern[str], ...]
    tail: int
    """How many letters the last part has."""
    longest: str = ""
    """The longest text that stands in it as it is."""

    @classmethod
    def of(cls, text: str, *, any_case: bool) -> Like:
        flags = re.DOTALL | (re.IGNORECASE if any_case else 0)
        parts = text.split("%")
        escaped = (re.escape(part).replace("_", ".") for part in parts)
        longest = max(re.split("[%_]", text), key=len)
        return cls(tuple(re.compile(part, flags) for part in escaped), len(parts[-1]), longest)

    def fits(self, text: str) -> bool:
        if len(self.parts) == 1:
            return self.parts[0].fullmatch(text) is not None
        first, *middle, last = self.parts
        found = first.match(text)
        for part in middle:
            found = found and part.search(text, found.end())
        end = len(text) - self.tail
        return found is not None and found.end() <= end and last.fullmatch(text, end) is not None


@dataclass(frozen=True)
class Term:
    """One comparison."""

    name: Name
    op: str
    value: Any

    def holds(self, one: Values) -> bool:
        """Whether it is so of a run; of several data sets one is enough."""
        found = one[self.name]
        if isinstance(found, list):
            return any(self._fits(each) for each in found)
        return self._fits(found)

    def _fits(self, found: Any) -> bool:
        if self.op in ("IS NULL", "IS NOT NULL"):
            return (found is None) == (self.op == "IS NULL")
        if found is None:
            return False
        if self.op in ("IN", "NOT IN"):
            return (str(found) in self.value) == (self.op == "IN")
        if self.op.endswith("LIKE"):
            return bool(self.value.fits(str(found))) != self.op.startswith("NOT")
        if isinstance(found, float | int):
            return bool(_COMPARE[self.op](found, self.value))
        return bool(_COMPARE[self.op](str(found), str(self.value)))


def parse(text: str, attributes: Collection[str], kinds: Collection[str] = (METRIC, PARAM, TAG, DATASET)) -> list[Term]:
    """The comparisons of a filter, all of which must hold. Refuses what it does not understand, with the place.

    attributes: those that there are; kinds: what else can be compared.
    """
    terms: list[Term] = []
    at = 0
    while text[at:].strip():
        if terms:
            joined = _AND.match(text, at)
            if joined is None:
                raise _bad(text, at, "AND between two comparisons")
            at = joined.end()
        found = _TERM.match(text, at)
        if found is None:
            raise _bad(text, at, "a comparison such as metrics.loss < 0.5 or params.kind = 'svm'")
        if len(terms) == MOST_TERMS:
            raise Refusal("bad_parameter", f"at most {MOST_TERMS} comparisons", field="filter")
        op = re.sub(r"\s+", " ", found["op"].upper())
        name = named(found["name"], attributes, kinds, "filter")
        value = _value(op, found["value"], text, at)
        if op in _COMPARE and name.is_number and not isinstance(value, float):
            value = _number(value, text, at)
        terms.append(Term(name, op, value))
        at = found.end()
    return terms


def order(
    clauses: Sequence[str], attributes: Collection[str], kinds: Collection[str] = (METRIC, PARAM, TAG)
) -> list[tuple[Name, bool]]:
    """What to order by, each with whether the largest comes first."""
    if len(clauses) > MOST_TERMS:
        raise Refusal("bad_parameter", f"at most {MOST_TERMS}", field="order_by")
    keys = []
    for clause in clauses:
        found = _ORDER.fullmatch(clause) if len(clause) < 600 else None
        if found is None:
            raise Refusal("bad_parameter", "must be like 'metrics.loss DESC'", field="order_by")
        downwards = (found["way"] or "ASC").upper() == "DESC"
        keys.append((named(found["name"], attributes, kinds, "order_by"), downwards))
    return keys


def ordered(found: Sequence[Values], keys: Sequence[tuple[Name, bool]]) -> list[Values]:
    """Sorted by the keys, the first one first; what has no value comes last."""
    rows = list(found)
    for name, downwards in reversed(keys):
        known = [row for row in rows if not _is_missing(row[name])]
        unknown = [row for row in rows if _is_missing(row[name])]
        rows = [*sorted(known, key=lambda row: row[name], reverse=downwards), *unknown]
    return rows


def named(text: str, attributes: Collection[str], kinds: Collection[str], field: str) -> Name:
    """What a text such as metrics.loss is about."""
    kind, dot, rest = text.partition(".")
    meant = _KINDS.get(kind.lower(), "") if dot else ""
    key = (rest if meant else text).strip('`"')
    if meant == DATASET and meant in kinds and key not in OF_DATASETS:
        words = f"of data sets there are {', '.join(OF_DATASETS)}, not {key!r:.80}"
        raise Refusal("bad_parameter", words, field=field)
    if meant in kinds:
        return Name(meant, key)
    if _ALIASES.get(key.lower()) in attributes:
        key = _ALIASES[key.lower()]
    if key not in attributes or meant not in ("", ATTRIBUTE):
        words = f"unknown name {text!r:.80}; attributes are {', '.join(attributes)}"
        raise Refusal("bad_parameter", words, field=field)
    return Name(ATTRIBUTE, key)


def _value(op: str, text: str | None, whole: str, at: int) -> Any:
    if op.startswith("IS"):
        return None
    if text is None:
        raise _bad(whole, at, f"a value after {op}")
    if op in ("IN", "NOT IN"):
        return {one[1:-1] for one in re.findall(r"'[^']*'|\"[^\"]*\"", text)}
    if text[0] in "'\"":
        plain = text[1:-1]
    elif op.endswith("LIKE") or not _is_number(text):
        raise _bad(whole, at, f"a quoted text or a number after {op}")
    else:
        return float(text)
    if op.endswith("LIKE"):
        return Like.of(plain, any_case=op == "ILIKE")
    return float(plain) if _is_number(plain) and op not in ("=", "!=") else plain


def _number(value: str, whole: str, at: int) -> float:
    if not _is_number(value):
        raise _bad(whole, at, "a comparison with a number")
    return float(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) < 40


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _bad(text: str, at: int, wanted: str) -> Refusal:
    return Refusal("bad_parameter", f"expected {wanted} at {text[at : at + 40]!r}", field="filter")
