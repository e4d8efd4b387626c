"""What a group of trials has in common that others have not: "9 of 11 failures have batch_size >= 512".

A small and honest search: one condition on one parameter, or two together where the second makes the group clearly
purer. A condition is only told when chance would hardly bring it about (Fisher's exact test, corrected for how many
conditions were looked at), and always with its support: how many of the group have it, and how many trials in all.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.distributions import Value

FEWEST = 3
"""Members a group must have before anything is said about it."""
LIKELY = 0.05
HALF = 0.5
MOST_CUTS = 40
SYMBOLS = {">=": "≥", "<=": "≤", "=": "is"}

VARYING = re.compile(r"0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)

Flat = Mapping[str, Value]


@dataclass(frozen=True)
class Condition:
    """One condition on one parameter: `lr >= 0.1`, `optimizer = sgd`."""

    name: str
    operator: str  # >=, <= or =
    value: Value

    def holds(self, params: Flat) -> bool:
        """Whether these parameters meet it; a parameter that is not there does not."""
        value = params.get(self.name)
        if value is None:
            return False
        if self.operator == "=":
            return bool(value == self.value)
        return _is_number(value) and (value >= self.value if self.operator == ">=" else value <= self.value)

    def __str__(self) -> str:
        value = f"{self.value:.6g}" if isinstance(self.value, float) else _text(self.value)
        return f"{self.name} {SYMBOLS[self.operator]} {value}"

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "operator": self.operator, "value": self.value}


@dataclass(frozen=True)
class Rule:
    """Conditions that most of a group meet and others mostly do not.

    Args:
        conditions: one, or two that must both hold.
        inside: members of the group that meet them.
        members: members of the group.
        tried: all trials that meet them, the group's and others.
        total: all trials that were looked at.
        chance: how likely so telling a split is by chance alone, corrected for the search.
    """

    conditions: tuple[Condition, ...]
    inside: int
    members: int
    tried: int
    total: int
    chance: float

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": str(self),
            "conditions": [condition.to_dict() for condition in self.conditions],
            "inside": self.inside,
            "members": self.members,
            "tried": self.tried,
            "total": self.total,
            "chance": float(f"{self.chance:.2g}"),
        }


def rule(members: Sequence[Flat], others: Sequence[Flat]) -> Rule | None:
    """The condition that tells a group from other trials best; None when nothing does beyond chance.

    Args:
        members: flat parameters of the trials in question.
        others: flat parameters of the rest.

    Example:
        >>> found = rule([{"b": 512}] * 5, [{"b": 64}] * 20)
        >>> str(found), found.inside, found.tried
        ('b ≥ 512', 5, 5)
    """
    if len(members) < FEWEST or not others:
        return None
    looked, best = _search(members, others)
    if best is None:
        return None
    found = _rated((best,), members, others, looked)
    if found.chance > LIKELY or found.inside < HALF * len(members):
        return None
    return _refined(found, members, others, looked)


def kind_of(reason: str) -> str:
    """A reason without what varies from trial to trial: numbers and addresses."""
    return VARYING.sub("#", reason.strip())[:300]


def _refined(found: Rule, members: Sequence[Flat], others: Sequence[Flat], looked: int) -> Rule:
    """The rule with a second condition where that leaves out most of the others inside and few of the group."""
    (first,) = found.conditions
    inside = [params for params in members if first.holds(params)]
    beside = [params for params in others if first.holds(params)]
    if len(inside) < FEWEST or len(beside) < FEWEST:
        return found
    more, second = _search(inside, beside, without=first.name)
    if second is None:
        return found
    both = _rated((first, second), members, others, looked * max(more, 1))
    kept = both.inside >= 0.8 * found.inside and both.tried - both.inside <= 0.5 * (found.tried - found.inside)
    return both if kept and both.chance < found.chance else found


def _search(members: Sequence[Flat], others: Sequence[Flat], without: str = "") -> tuple[int, Condition | None]:
    """How many conditions were looked at, and the most telling of them."""
    best: tuple[float, Condition] | None = None
    looked = 0
    names = dict.fromkeys(name for params in members for name in params)
    for name in names:
        if name == without:
            continue
        mine = [value for params in members if (value := params.get(name)) is not None]
        theirs = [value for params in others if (value := params.get(name)) is not None]
        for condition, inside, beside in _conditions(name, mine, theirs):
            looked += 1
            score = _telling(inside, len(members), beside, len(others))
            if best is None or score > best[0]:
                best = (score, condition)
    return looked, best[1] if best is not None and best[0] > 0 else None


def _conditions(name: str, mine: list[Value], theirs: list[Value]) -> Iterator[tuple[Condition, int, int]]:
    """Conditions on one parameter, with how many of the group and of the others meet each."""
    if all(map(_is_number, mine)) and all(map(_is_number, theirs)):
        mine.sort()
        theirs.sort()
        cuts = list(dict.fromkeys(mine))
        step = max(1, len(cuts) // MOST_CUTS)
        for cut in cuts[::step]:
            yield Condition(name, ">=", cut), len(mine) - bisect_left(mine, cut), len(theirs) - bisect_left(theirs, cut)
            yield Condition(name, "<=", cut), bisect_right(mine, cut), bisect_right(theirs, cut)
        return
    for value in dict.fromkeys(map(_text, mine)):
        plain = next(one for one in mine if _text(one) == value)
        yield Condition(name, "=", plain), sum(one == plain for one in mine), sum(one == plain for one in theirs)


def _telling(inside: int, members: int, beside: int, others: int) -> float:
    """How far a condition parts the group from the others: the likelihood ratio, 0 where it does so the wrong way."""
    if inside * others <= beside * members:
        return 0.0
    tried, total = inside + beside, members + others
    cells = (
        (inside, tried * members),
        (beside, tried * others),
        (members - inside, (total - tried) * members),
        (others - beside, (total - tried) * others),
    )
    return sum(seen * math.log(seen * total / expected) for seen, expected in cells if seen and expected)


def _rated(conditions: tuple[Condition, ...], members: Sequence[Flat], others: Sequence[Flat], looked: int) -> Rule:
    inside = sum(all(one.holds(params) for one in conditions) for params in members)
    beside = sum(all(one.holds(params) for one in conditions) for params in others)
    tried, total = inside + beside, len(members) + len(others)
    chance = min(1.0, _tail(inside, len(members), tried, total) * looked)
    return Rule(conditions, inside, len(members), tried, total, chance)


def _tail(inside: int, members: int, tried: int, total: int) -> float:
    """The chance of at least so many members among `tried` drawn from all (hypergeometric)."""
    most = min(members, tried)
    whole = _choose(total, tried)
    terms = (_choose(members, k) + _choose(total - members, tried - k) - whole for k in range(inside, most + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _choose(n: int, k: int) -> float:
    """The logarithm of how many ways there are to pick k of n."""
    if k < 0 or k > n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
