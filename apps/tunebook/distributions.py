"""The ten distributions a hyperparameter can have.

One meaning for all wires: bounds of the log types are natural-log EXPONENTS, q types are not clipped unless they say
``clip=True``, and ``Randint(upper)`` starts at 0. ``between(low, high)`` builds the log types from plain bounds.

Every distribution is a frozen declaration with three abilities that agree with each other: ``sample(u)`` turns one
uniform number in [0, 1) into a value (the inverse of the cumulative distribution), ``position(value)`` goes back to
the middle of what leads there, and ``contains(value)`` tells what ``sample`` can give.
"""

from __future__ import annotations

import json
import math
import random
import sys
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar, Self

from tunebook.errors import SpecError

Value = Any  # what JSON can hold: a number, a text, true/false, null, a list or an object

_STANDARD = NormalDist()
_FIRST, _LAST = 2.0**-53, 1.0 - 2.0**-53
_EXACT = 2.0**53  # beyond this many steps a float no longer tells neighbours apart
_LOG_LIMIT = 700.0  # exp() of more is no number any more


class Distribution(ABC):
    """What values a hyperparameter may take and how likely each is."""

    type: ClassVar[str]
    is_log: ClassVar[bool] = False
    is_numeric: ClassVar[bool] = True

    @abstractmethod
    def sample(self, u: float) -> Value:
        """The value at one uniform number in [0, 1)."""

    @abstractmethod
    def position(self, value: Value) -> float:
        """A number in [0, 1) whose sample is this value (the middle of them, for a stepped one)."""

    @abstractmethod
    def contains(self, value: object) -> bool:
        """True when this value can be drawn."""

    @abstractmethod
    def describe(self) -> str:
        """The values in a few words, for people."""

    @property
    def size(self) -> int | None:
        """How many different values there are; None when they cannot be counted."""
        return None

    @property
    def lowest(self) -> float | None:
        """The smallest value; None when there is none."""
        return None

    @property
    def highest(self) -> float | None:
        """The largest value; None when there is none."""
        return None

    def to_dict(self) -> dict[str, Any]:
        """The distribution as plain JSON: its type word and its arguments, without those that are None."""
        members = {name: getattr(self, name) for name in _arguments(type(self))}
        return {"type": self.type, **{name: value for name, value in members.items() if value is not None}}

    @staticmethod
    def from_dict(document: object, path: str = "") -> Distribution:
        """Build one from plain JSON; a SpecError names the place below ``path``."""
        try:
            return _build(document)
        except SpecError as error:
            raise error.under(path) from None


class _Curve(Distribution):
    """A numeric distribution with a cumulative curve; continuous as it stands."""

    def sample(self, u: float) -> float:
        return self._value(u)

    def position(self, value: float) -> float:
        return min(max(self._share(float(value)), 0.0), _LAST)

    def contains(self, value: object) -> bool:
        low, high = self._support()
        return _is_number(value) and _within(float(value), low, high)  # type: ignore[arg-type]

    def describe(self) -> str:
        return self._words()

    @property
    def size(self) -> int | None:
        low, high = self._support()
        return 1 if low == high else None

    @property
    def lowest(self) -> float | None:
        low = self._support()[0]
        return low if math.isfinite(low) else None

    @property
    def highest(self) -> float | None:
        high = self._support()[1]
        return high if math.isfinite(high) else None

    @abstractmethod
    def _value(self, u: float) -> float:
        """The unrounded value at u."""

    @abstractmethod
    def _share(self, value: float) -> float:
        """How much of the mass lies below an unrounded value."""

    @abstractmethod
    def _support(self) -> tuple[float, float]:
        """Between which unrounded values the mass lies."""

    @abstractmethod
    def _words(self) -> str:
        """The values without their step, in words."""


class _Stepped(_Curve):
    """A numeric distribution rounded to multiples of q (half to even), and clipped to its bounds if it says so."""

    q: float

    def sample(self, u: float) -> float:
        value = self._value(u)
        ratio = value / self.q
        return value if abs(ratio) >= _EXACT else self._multiple(round(ratio))

    def position(self, value: float) -> float:
        first, last = self._steps()
        step = float(value) / self.q
        if abs(step) < _EXACT:
            step = round(step)
        below = self._share((step - 0.5) * self.q) if step > first else 0.0
        above = self._share((step + 0.5) * self.q) if step < last else 1.0
        return min(max((below + above) / 2, 0.0), _LAST)

    def contains(self, value: object) -> bool:
        if not _is_number(value):
            return False
        number = float(value)  # type: ignore[arg-type]
        first, last = self._steps()
        ratio = number / self.q
        if abs(ratio) >= _EXACT:
            return _within(number, *self._support())
        step = round(min(max(ratio, first), last))
        return math.isclose(number, self._multiple(step), rel_tol=1e-9, abs_tol=1e-9 * self.q)

    def describe(self) -> str:
        return f"{self._words()}, step {self.q:g}"

    @property
    def size(self) -> int | None:
        first, last = self._steps()
        return int(last - first) + 1 if math.isfinite(first) and math.isfinite(last) else None

    @property
    def lowest(self) -> float | None:
        first = self._steps()[0]
        return self._multiple(int(first)) if math.isfinite(first) else None

    @property
    def highest(self) -> float | None:
        last = self._steps()[1]
        return self._multiple(int(last)) if math.isfinite(last) else None

    @cached_property
    def _unit(self) -> Decimal:
        return Decimal(repr(float(self.q)))

    @cached_property
    def _ends(self) -> tuple[float, float]:
        low, high = (bound / self.q for bound in self._support())
        return tuple(round(end) if abs(end) < _EXACT else end for end in (low, high))  # type: ignore[return-value]

    def _steps(self) -> tuple[float, float]:
        """The first and the last step, infinite where the mass has no end."""
        return self._ends

    def _multiple(self, step: int) -> float:
        """step x q, reckoned in decimals so that 3 x 0.1 is 0.3, and clipped if that is asked for."""
        value = float(self._unit * step)
        if not getattr(self, "clip", False):
            return value
        low, high = self._support()
        return min(max(value, low), high)


@dataclass(frozen=True)
class _UniformCurve(_Curve):
    min_value: float
    max_value: float

    def __post_init__(self) -> None:
        _check_ordered(self.min_value, self.max_value)
        if not math.isfinite(float(self.max_value) - float(self.min_value)):
            raise SpecError("max_value", f"is too far from min_value ({self.min_value:g}) to reckon with")
        _check_step(self)

    def _value(self, u: float) -> float:
        return min(self.min_value + u * (self.max_value - self.min_value), float(self.max_value))

    def _share(self, value: float) -> float:
        width = self.max_value - self.min_value
        return (value - self.min_value) / width if width else 0.5

    def _support(self) -> tuple[float, float]:
        return float(self.min_value), float(self.max_value)

    def _words(self) -> str:
        return f"{self.min_value:g} to {self.max_value:g}"


@dataclass(frozen=True)
class _LogUniformCurve(_Curve):
    min_value: float
    max_value: float
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)

    is_log: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_ordered(self.min_value, self.max_value)
        for name in ("min_value", "max_value"):
            if abs(getattr(self, name)) > _LOG_LIMIT:
                raise SpecError(
                    name, f"is a natural-log exponent and must be from -700 to 700, got {getattr(self, name):g}"
                )
        for name, exponent in (("low", self.min_value), ("high", self.max_value)):
            bound = getattr(self, name)
            if bound is not None and not (_is_number(bound) and bound > 0 and abs(math.log(bound) - exponent) < 1e-6):
                raise SpecError(name, f"must be the value of its exponent ({math.exp(exponent):g}), got {bound!r}")
        _check_step(self)

    def _value(self, u: float) -> float:
        low, high = self._support()
        if self.low is not None and self.max_value - self.min_value < _LOG_LIMIT:
            value = low * (high / low) ** u  # between 0.1 and 10 the middle is 1, not 1.0000000000000002
        else:
            value = math.exp(self.min_value + u * (self.max_value - self.min_value))
        return float(min(max(value, low), high))

    def _share(self, value: float) -> float:
        width = self.max_value - self.min_value
        if value <= 0 or not width:
            return 0.5 if value > 0 else 0.0
        return (math.log(value) - self.min_value) / width

    def _support(self) -> tuple[float, float]:
        return self._bounds

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        low = math.exp(self.min_value) if self.low is None else float(self.low)
        high = math.exp(self.max_value) if self.high is None else float(self.high)
        return low, high

    def _words(self) -> str:
        low, high = self._support()
        return f"{low:g} to {high:g}, log"


@dataclass(frozen=True)
class _NormalCurve(_Curve):
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        _check_number("mu", self.mu)
        _check_number("sigma", self.sigma)
        if self.sigma < 0:
            raise SpecError("sigma", f"must not be negative, got {self.sigma:g}")
        self._check_reach()
        _check_step(self)

    def _check_reach(self) -> None:
        if abs(self.mu) + 9.0 * self.sigma > sys.float_info.max / 4:
            raise SpecError("sigma" if abs(self.mu) < self.sigma else "mu", "is too large to reckon with")

    def _value(self, u: float) -> float:
        return self.mu + self.sigma * _STANDARD.inv_cdf(min(max(u, _FIRST), _LAST))

    def _share(self, value: float) -> float:
        return _STANDARD.cdf((value - self.mu) / self.sigma) if self.sigma else 0.5

    def _support(self) -> tuple[float, float]:
        return (float(self.mu), float(self.mu)) if self.sigma == 0 else (-math.inf, math.inf)

    def _words(self) -> str:
        return f"normal, mean {self.mu:g}, deviation {self.sigma:g}"


@dataclass(frozen=True)
class _LogNormalCurve(_NormalCurve):
    is_log: ClassVar[bool] = True

    def _check_reach(self) -> None:
        if abs(self.mu) + 9.0 * self.sigma > _LOG_LIMIT:
            name = "sigma" if abs(self.mu) < 9.0 * self.sigma else "mu"
            raise SpecError(name, "belongs to the natural logarithm of the value and is too large for that")

    def _value(self, u: float) -> float:
        return math.exp(super()._value(u))

    def _share(self, value: float) -> float:
        return super()._share(math.log(value)) if value > 0 else 0.0

    def _support(self) -> tuple[float, float]:
        return (math.exp(self.mu), math.exp(self.mu)) if self.sigma == 0 else (0.0, math.inf)

    def contains(self, value: object) -> bool:
        return super().contains(value) and (value != 0 or isinstance(self, _Stepped))

    def _words(self) -> str:
        return f"log-normal, mean {self.mu:g}, deviation {self.sigma:g} of the logarithm"


@dataclass(frozen=True)
class Uniform(_UniformCurve):
    """A real number between two bounds, each as likely.

    Args:
        min_value: the smallest value.
        max_value: the largest value, not below min_value.

    Example:
        >>> Uniform(0, 10).sample(0.25)
        2.5
    """

    type: ClassVar[str] = "uniform"


@dataclass(frozen=True)
class QUniform(_Stepped, _UniformCurve):
    """round(U / q) * q for U between two bounds; rounding may leave the bounds unless ``clip`` is set.

    Args:
        min_value: lower bound of U.
        max_value: upper bound of U.
        q: the step, above 0.
        clip: keep the rounded value within the bounds.

    Example:
        >>> [QUniform(2, 10, 5, clip=True).sample(u) for u in (0.0, 0.4, 0.9)]
        [2.0, 5.0, 10.0]
    """

    q: float
    clip: bool = False

    type: ClassVar[str] = "quniform"


@dataclass(frozen=True)
class LogUniform(_LogUniformCurve):
    """exp(U) for U between two bounds: each order of magnitude is as likely.

    Args:
        min_value: natural logarithm of the smallest value.
        max_value: natural logarithm of the largest value.
        low, high: the exact values of the bounds; ``between`` sets them.

    Example:
        >>> LogUniform.between(0.0001, 0.1).describe()
        '0.0001 to 0.1, log'
    """

    type: ClassVar[str] = "loguniform"

    @classmethod
    def between(cls, low: float, high: float) -> Self:
        """Build one from the values of its bounds, which draws then never leave."""
        return cls(*_logarithms(low, high), low=low, high=high)


@dataclass(frozen=True)
class QLogUniform(_Stepped, _LogUniformCurve):
    """round(exp(U) / q) * q for U between two bounds.

    Args:
        min_value: natural logarithm of the lower bound.
        max_value: natural logarithm of the upper bound.
        q: the step of the value, above 0.
        clip: keep the rounded value within the bounds.
        low, high: the exact values of the bounds; ``between`` sets them.

    Example:
        >>> QLogUniform.between(1, 1000, 10).describe()
        '1 to 1000, log, step 10'
    """

    q: float
    clip: bool = False

    type: ClassVar[str] = "qloguniform"

    @classmethod
    def between(cls, low: float, high: float, q: float, clip: bool = True) -> Self:
        """Build one from the values of its bounds, which draws then never leave unless clip is False."""
        return cls(*_logarithms(low, high), q, clip, low=low, high=high)


@dataclass(frozen=True)
class Normal(_NormalCurve):
    """A real number around a mean.

    Args:
        mu: the mean.
        sigma: the standard deviation, 0 or more.

    Example:
        >>> Normal(10, 2).sample(0.5)
        10.0
    """

    type: ClassVar[str] = "normal"


@dataclass(frozen=True)
class QNormal(_Stepped, _NormalCurve):
    """round(N / q) * q for a normal N.

    Args:
        mu: the mean of N.
        sigma: the standard deviation of N, 0 or more.
        q: the step, above 0.

    Example:
        >>> QNormal(10, 2, 5).sample(0.5)
        10.0
    """

    q: float

    type: ClassVar[str] = "qnormal"


@dataclass(frozen=True)
class LogNormal(_LogNormalCurve):
    """exp(N) for a normal N.

    Args:
        mu: the mean of the natural logarithm.
        sigma: the standard deviation of the natural logarithm, 0 or more.

    Example:
        >>> LogNormal(0, 1).sample(0.5)
        1.0
    """

    type: ClassVar[str] = "lognormal"


@dataclass(frozen=True)
class QLogNormal(_Stepped, _LogNormalCurve):
    """round(exp(N) / q) * q for a normal N; the value may be 0.

    Args:
        mu: the mean of the natural logarithm.
        sigma: the standard deviation of the natural logarithm, 0 or more.
        q: the step of the value, above 0.

    Example:
        >>> QLogNormal(3, 1, 5).sample(0.5)
        20.0
    """

    q: float

    type: ClassVar[str] = "qlognormal"


@dataclass(frozen=True)
class Randint(Distribution):
    """A whole number from ``lower`` (included) to ``upper`` (excluded), each as likely.

    Args:
        upper: one more than the largest value.
        lower: the smallest value.

    Example:
        >>> Randint(10, lower=5).describe()
        '5 to 9'
    """

    upper: int
    lower: int = 0

    type: ClassVar[str] = "randint"

    def __post_init__(self) -> None:
        for name in ("upper", "lower"):
            if type(getattr(self, name)) is not int:
                raise SpecError(name, f"must be a whole number, got {getattr(self, name)!r}")
        if self.upper <= self.lower:
            raise SpecError("upper", f"must be above lower ({self.lower}), got {self.upper}")

    def sample(self, u: float) -> int:
        return min(self.lower + int(u * (self.upper - self.lower)), self.upper - 1)

    def position(self, value: float) -> float:
        return min(max((value - self.lower + 0.5) / (self.upper - self.lower), 0.0), _LAST)

    def contains(self, value: object) -> bool:
        return _is_number(value) and value == int(value) and self.lower <= value < self.upper  # type: ignore[call-overload,operator]

    def describe(self) -> str:
        return f"{self.lower} to {self.upper - 1}"

    @property
    def size(self) -> int:
        return self.upper - self.lower

    @property
    def lowest(self) -> float:
        return self.lower

    @property
    def highest(self) -> float:
        return self.upper - 1


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several values, each as likely.

    A value may be an object with distributions as members: a nested space that counts only when that value is chosen.
    Its member ``_name``, if there is one, is its label.

    Args:
        values: one or more JSON values.

    Example:
        >>> Choice(["adam", "sgd"]).sample(0.9)
        'sgd'
        >>> Choice([{"_name": "svm", "C": Uniform(0, 1)}, {"_name": "bayes"}]).labels
        ('svm', 'bayes')
    """

    values: tuple[Value, ...]

    type: ClassVar[str] = "choice"
    is_numeric: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if isinstance(self.values, str | bytes | Mapping) or not hasattr(self.values, "__iter__"):
            raise SpecError("values", f"must be a list, got {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise SpecError("values", "needs at least one value")
        for index, value in enumerate(self.values):
            for name, member in _members(value):
                _check_json(member, f"values.{index}{name}")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A text for each value, all different."""
        labels: list[str] = []
        taken: set[str] = set()
        for value in self.values:
            label = plain = _label(value)
            count = 1
            while label in taken:
                count += 1
                label = f"{plain} #{count}"
            taken.add(label)
            labels.append(label)
        return tuple(labels)

    @cached_property
    def is_nested(self) -> bool:
        """True when one of the values holds a space of its own."""
        return any(self._nested)

    def nested(self, option: int) -> dict[str, Distribution]:
        """The distributions inside one of the values, by member name."""
        return self._nested[option]

    def option(self, value: object) -> int | None:
        """The index of the value that was drawn here; None when it cannot have been."""
        index = self._plain.get(identity(value))
        if index is not None or not isinstance(value, Mapping):
            return index
        for number, members in enumerate(self._nested):
            if members and self._matches(number, value):
                return number
        return None

    def filled(self, option: int, members: Mapping[str, Value]) -> Value:
        """The value of an option with the distributions inside it replaced by drawn members."""
        value = self.values[option]
        return {**value, **members} if self._nested[option] else value

    def sample(self, u: float) -> Value:
        option = min(int(u * len(self.values)), len(self.values) - 1)
        if not self._nested[option]:
            return self.values[option]
        draw = random.Random(u)
        return self.filled(option, {name: inner.sample(draw.random()) for name, inner in self._nested[option].items()})

    def position(self, value: Value) -> float:
        return ((self.option(value) or 0) + 0.5) / len(self.values)

    def contains(self, value: object) -> bool:
        return self.option(value) is not None

    def describe(self) -> str:
        shown = ", ".join(self.labels[:6])
        return shown if len(self.labels) <= 6 else f"{shown} and {len(self.labels) - 6} more"

    @cached_property
    def size(self) -> int | None:
        sizes = [math.prod(sizes) for sizes in self._inner_sizes() if None not in sizes]  # type: ignore[arg-type]
        plain = len(self._plain)
        return plain + sum(sizes) if len(sizes) == sum(map(bool, self._nested)) else None

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, "values": [_plain_option(value) for value in self.values]}

    @cached_property
    def _nested(self) -> tuple[dict[str, Distribution], ...]:
        return tuple(
            {name: member for name, member in value.items() if isinstance(member, Distribution)}
            if isinstance(value, Mapping)
            else {}
            for value in self.values
        )

    @cached_property
    def _plain(self) -> dict[Hashable, int]:
        plain: dict[Hashable, int] = {}
        for index, value in enumerate(self.values):
            if not self._nested[index]:
                plain.setdefault(identity(value), index)
        return plain

    def _inner_sizes(self) -> Iterator[list[int | None]]:
        for members in self._nested:
            if members:
                yield [inner.size for inner in members.values()]

    def _matches(self, option: int, value: Mapping[str, Value]) -> bool:
        mine, inner = self.values[option], self._nested[option]
        if set(mine) != set(value):
            return False
        return all(
            inner[name].contains(member) if name in inner else identity(mine[name]) == identity(member)
            for name, member in value.items()
        )


_CLASSES: tuple[type[Distribution], ...] = (
    Choice,
    Randint,
    Uniform,
    QUniform,
    LogUniform,
    QLogUniform,
    Normal,
    QNormal,
    LogNormal,
    QLogNormal,
)
TYPES: dict[str, type[Distribution]] = {kind.type: kind for kind in _CLASSES}


def _arguments(kind: type[Distribution]) -> dict[str, bool]:
    """The arguments of a distribution, and whether each must be given."""
    return {entry.name: entry.default is MISSING for entry in fields(kind)}  # type: ignore[arg-type]


def _build(document: object) -> Distribution:
    words = ", ".join(TYPES)
    if not isinstance(document, Mapping):
        raise SpecError("", f"must be an object with a type (one of {words}), got {document!r:.80}")
    if "type" not in document:
        raise SpecError("type", f"is missing; must be one of {words}")
    kind = TYPES.get(document["type"]) if isinstance(document["type"], str) else None
    if kind is None:
        raise SpecError("type", f"must be one of {words}, got {document['type']!r:.80}")
    given = {name: value for name, value in document.items() if name != "type"}
    arguments = _arguments(kind)
    for name in given:
        if name not in arguments:
            raise SpecError(str(name), f"is not a member of {kind.type}; allowed: {', '.join(arguments)}")
    if issubclass(kind, LogUniform | QLogUniform) and {"low", "high"} <= set(given) and "min_value" not in given:
        given["min_value"], given["max_value"] = _logarithms(given["low"], given["high"])
    for name, needed in arguments.items():
        if needed and name not in given:
            raise SpecError(name, "is missing")
    if kind is Choice:
        given["values"] = _options(given["values"])
    return kind(**given)


def _options(values: object) -> list[Value]:
    if not isinstance(values, list | tuple):
        raise SpecError("values", f"must be a list, got {values!r:.80}")
    return [_option(value, f"values.{index}") for index, value in enumerate(values)]


def _option(value: Value, path: str) -> Value:
    """A choice's value with the nested distributions built: a member is one when its type is one of the ten words."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: Distribution.from_dict(member, f"{path}.{name}") if _is_declaration(member) else member
        for name, member in value.items()
    }


def _is_declaration(member: object) -> bool:
    return isinstance(member, Mapping) and isinstance(member.get("type"), str) and member["type"] in TYPES


def _plain_option(value: Value) -> Value:
    if not isinstance(value, Mapping):
        return value
    return {name: member.to_dict() if isinstance(member, Distribution) else member for name, member in value.items()}


def _members(value: Value) -> list[tuple[str, Value]]:
    """What of a choice's value must be plain JSON: the value, or the members that are no distributions."""
    if not isinstance(value, Mapping):
        return [("", value)]
    return [(f".{name}", member) for name, member in value.items() if not isinstance(member, Distribution)]


def _label(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        if isinstance(value.get("_name"), str):
            return str(value["_name"])
        if any(isinstance(member, Distribution) for member in value.values()):
            return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)


def identity(value: object) -> Hashable:
    """Something hashable that is equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, bool) or value is None:
        return (type(value), value)
    if isinstance(value, list | tuple):
        return ("list", tuple(map(identity, value)))
    if isinstance(value, Mapping):
        return ("object", frozenset((name, identity(member)) for name, member in value.items()))
    return value


def _check_json(value: object, path: str) -> None:
    if isinstance(value, list | tuple):
        for index, member in enumerate(value):
            _check_json(member, f"{path}.{index}")
    elif isinstance(value, Mapping):
        for name, member in value.items():
            _check_json(member, f"{path}.{name}")
    elif isinstance(value, Distribution):
        raise SpecError(path, "a distribution can only be a direct member of a choice's value")
    elif not (
        value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
    ):
        raise SpecError(path, f"must be something JSON can hold, got {value!r:.80}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _within(value: float, low: float, high: float) -> bool:
    return low - abs(low) * 1e-12 <= value <= high + abs(high) * 1e-12


def _check_number(name: str, value: object) -> None:
    if not _is_number(value):
        raise SpecError(name, f"must be a finite number, got {value!r:.80}")


def _check_ordered(low: object, high: object) -> None:
    _check_number("min_value", low)
    _check_number("max_value", high)
    if high < low:  # type: ignore[operator]
        raise SpecError("max_value", f"must not be below min_value ({low:g}), got {high:g}")


def _check_step(distribution: Distribution) -> None:
    if not isinstance(distribution, _Stepped):
        return
    _check_number("q", distribution.q)
    if distribution.q < sys.float_info.min:
        raise SpecError("q", f"must be above 0, got {distribution.q:g}")
    if not isinstance(getattr(distribution, "clip", False), bool):
        raise SpecError("clip", f"must be true or false, got {distribution.clip!r:.80}")  # type: ignore[attr-defined]


def _logarithms(low: object, high: object) -> tuple[float, float]:
    for name, bound in (("low", low), ("high", high)):
        _check_number(name, bound)
        if bound <= 0:  # type: ignore[operator]
            raise SpecError(name, f"must be above 0, got {bound:g}")
    if high < low:  # type: ignore[operator]
        raise SpecError("high", f"must not be below low ({low:g}), got {high:g}")
    return math.log(low), math.log(high)  # type: ignore[arg-type]
