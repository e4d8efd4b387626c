"""The filter and order clauses of MLflow's searches: comparisons joined by AND, and columns with ASC or DESC."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.dialects.refusal import Refusal
from tunebook.wire.mlflow import RunFacts

MOST_SEARCHED = 20_000
MOST_TERMS = 20
Getter = Callable[[Any], Any]

RUN_ATTRIBUTES: Mapping[str, Getter] = {
    "run_id": lambda run: run.run_id,
    "run_name": lambda run: run.name,
    "status": lambda run: run.status,
    "user_id": lambda run: run.user,
    "start_time": lambda run: run.started,
    "end_time": lambda run: run.ended,
    "artifact_uri": lambda run: "",
}
_KINDS = {
    **dict.fromkeys(("metric", "metrics"), "metric"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "param"),
    **dict.fromkeys(("tag", "tags"), "tag"),
    **dict.fromkeys(("attribute", "attributes", "attr", "run", "experiment"), "attribute"),
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
_ORDER = re.compile(rf"\s*{_NAME}(?:\s+(?P<way>ASC|DESC))?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Term:
    """One comparison: whether it holds of a run."""

    get: Getter
    op: str
    value: Any

    def holds(self, one: Any) -> bool:
        found = self.get(one)
        if self.op in ("IS NULL", "IS NOT NULL"):
            return (found is None) == (self.op == "IS NULL")
        if found is None:
            return False
        if self.op in ("IN", "NOT IN"):
            return (str(found) in self.value) == (self.op == "IN")
        if self.op.endswith("LIKE"):
            return bool(self.value.fullmatch(str(found))) != self.op.startswith("NOT")
        if isinstance(found, float | int):
            return bool(_COMPARE[self.op](found, self.value))
        return bool(_COMPARE[self.op](str(found), str(self.value)))


def parse(text: str, attributes: Mapping[str, Getter]) -> list[Term]:
    """The comparisons of a filter, all of which must hold. Refuses what it does not understand, with the place."""
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
        terms.append(Term(getter(found["name"], attributes), op, _value(op, found["value"], text, at)))
        at = found.end()
    return terms


def order(clauses: Sequence[str], attributes: Mapping[str, Getter]) -> list[tuple[Getter, bool]]:
    """What to order by, each with whether the largest comes first."""
    keys = []
    for clause in clauses:
        found = _ORDER.fullmatch(clause) if len(clause) < 600 else None
        if found is None:
            raise Refusal("bad_parameter", "must be like 'metrics.loss DESC'", field="order_by")
        keys.append((getter(found["name"], attributes), (found["way"] or "ASC").upper() == "DESC"))
    return keys


def ordered(found: Sequence[RunFacts], keys: Sequence[tuple[Getter, bool]]) -> list[RunFacts]:
    """Sorted by the keys, the first one first; what has no value comes last."""
    rows = list(found)
    for get, downwards in reversed(keys):
        known = [row for row in rows if not _is_missing(get(row))]
        unknown = [row for row in rows if _is_missing(get(row))]
        rows = [*sorted(known, key=lambda row: get(row), reverse=downwards), *unknown]
    return rows


def getter(name: str, attributes: Mapping[str, Getter]) -> Getter:
    """What a name such as metrics.loss reads of a run."""
    kind, dot, rest = name.partition(".")
    meant = _KINDS.get(kind.lower()) if dot else None
    key = (rest if meant else name).strip('`"')
    if meant == "metric":
        return lambda run: next((point.value for point in run.metrics if point.key == key), None)
    if meant == "param":
        return lambda run: run.params.get(key)
    if meant == "tag":
        return lambda run: run.name if key == "mlflow.runName" else run.tags.get(key)
    if key not in attributes:
        raise Refusal(
            "bad_parameter", f"unknown name {name!r:.80}; attributes are {', '.join(attributes)}", field="filter"
        )
    return attributes[key]


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
        pattern = "".join(
            ".*" if one == "%" else "." if one == "_" else re.escape(one) for one in re.sub("%+", "%", plain)
        )
        return re.compile(pattern, re.DOTALL | (re.IGNORECASE if op == "ILIKE" else 0))
    return float(plain) if _is_number(plain) and op not in ("=", "!=") else plain


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
