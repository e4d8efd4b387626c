"""Numeric distributions: four shapes of mass, each continuous or rounded to steps."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar

from tunebook.distribution import LAST, Distribution, bare, check_number, is_number
from tunebook.errors import SpecError

_STANDARD = NormalDist()
_FIRST = 2.0**-53
_EXACT = 2.0**53  # beyond this many steps a float no longer tells neighbours apart
_LOG_LIMIT = 700.0  # exp() of more is no number any more


def _brief(value: float) -> str:
    """Six significant digits at most, and exponents without zeros in front: 0.01, 1e-5."""
    mantissa, _, exponent = f"{value:g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


class Curve(Distribution):
    """A numeric distribution with a cumulative curve; continuous as it stands."""

    def sample(self, u: float) -> float:
        return self._value(u)

    def position(self, value: float) -> float:
        return min(max(self._share(float(value)), 0.0), LAST)

    def contains(self, value: object) -> bool:
        low, high = self._support()
        return is_number(value) and _within(float(value), low, high)

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


class Stepped(Curve):
    """A numeric distribution rounded to multiples of q (half to even), and clipped to its bounds if it says so.

    With ``from_min`` its values are min_value, min_value + q and so on up to max_value, each as likely. With ``whole``
    they are given as whole numbers.
    """

    q: float

    def sample(self, u: float) -> float:
        if self._from is not None:
            return self._multiple(min(int(u * (self._steps()[1] + 1)), int(self._steps()[1])))
        value = self._value(u)
        ratio = value / self.q
        if abs(ratio) >= _EXACT:
            return int(value) if getattr(self, "whole", False) else value
        return self._multiple(round(ratio))

    def position(self, value: float) -> float:
        first, last = self._steps()
        if self._from is not None:
            return min(max((round((float(value) - self._from) / self.q) + 0.5) / (last + 1), 0.0), LAST)
        step = float(value) / self.q
        if abs(step) < _EXACT:
            step = round(step)
        below = self._share((step - 0.5) * self.q) if step > first else 0.0
        above = self._share((step + 0.5) * self.q) if step < last else 1.0
        return min(max((below + above) / 2, 0.0), LAST)

    def contains(self, value: object) -> bool:
        if not is_number(value):
            return False
        number = float(value)
        first, last = self._steps()
        ratio = (number - (self._from or 0.0)) / self.q
        if abs(ratio) >= _EXACT:
            return _within(number, *self._support())
        step = round(min(max(ratio, first), last))
        return math.isclose(number, self._multiple(step), rel_tol=1e-9, abs_tol=1e-9 * self.q)

    def describe(self) -> str:
        return f"{self._words()}, step {_brief(self.q)}"

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

    def values(self) -> tuple[float, ...]:
        """Every value in order; only of one that has an end on both sides."""
        first, last = self._steps()
        return tuple(self._multiple(step) for step in range(int(first), int(last) + 1))

    def value_at(self, place: int) -> float:
        """The value at a place of that order, from 0 on."""
        return self._multiple(int(self._steps()[0]) + place)

    @cached_property
    def _unit(self) -> Decimal:
        return Decimal(repr(float(self.q)))

    @cached_property
    def _from(self) -> float | None:
        """Where the steps are counted from, if not from 0."""
        return self._support()[0] if getattr(self, "from_min", False) else None

    @cached_property
    def _ends(self) -> tuple[float, float]:
        low, high = self._support()
        if self._from is not None:
            return 0, int((high - low) / self.q * (1 + 1e-12) + 1e-9)
        first, last = (_whole(bound / self.q) for bound in (low, high))
        return first, last

    def _steps(self) -> tuple[float, float]:
        """The first and the last step, infinite where the mass has no end."""
        return self._ends

    def _multiple(self, step: int) -> float:
        """step x q, reckoned in decimals so that 3 x 0.1 is 0.3, and clipped if that is asked for."""
        if self._from is not None:
            value = float(Decimal(repr(self._from)) + self._unit * step)
        else:
            value = float(self._unit * step)
        if getattr(self, "clip", False):
            low, high = self._support()
            value = min(max(value, low), high)
        return int(value) if getattr(self, "whole", False) else value


@dataclass(frozen=True)
class UniformCurve(Curve):
    min_value: float
    max_value: float

    def __post_init__(self) -> None:
        super().__post_init__()
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
        return f"{_brief(self.min_value)} to {_brief(self.max_value)}"


@dataclass(frozen=True)
class LogUniformCurve(Curve):
    min_value: float
    max_value: float
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)

    is_log: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_ordered(self.min_value, self.max_value)
        for name in ("min_value", "max_value"):
            if abs(getattr(self, name)) > _LOG_LIMIT:
                raise SpecError(
                    name, f"is a natural-log exponent and must be from -700 to 700, got {getattr(self, name):g}"
                )
        for name, exponent in (("low", self.min_value), ("high", self.max_value)):
            bound = getattr(self, name)
            if bound is not None and not (is_number(bound) and bound > 0 and abs(math.log(bound) - exponent) < 1e-6):
                raise SpecError(name, f"must be the value of its exponent ({math.exp(exponent):g}), got {bound!r}")
        _check_step(self)

    @classmethod
    def _completed(cls, members: dict[str, Any]) -> dict[str, Any]:
        if {"low", "high"} <= set(members) and "min_value" not in members and "max_value" not in members:
            low, high = logarithms(members["low"], members["high"])
            return {**members, "min_value": low, "max_value": high}
        return members

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
        return f"{_brief(low)} to {_brief(high)}, log"


@dataclass(frozen=True)
class NormalCurve(Curve):
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("mu", self.mu)
        check_number("sigma", self.sigma)
        if self.sigma < 0:
            raise SpecError("sigma", f"must not be negative, got {self.sigma:g}")
        self._check_reach()
        _check_step(self)

    def _check_reach(self) -> None:
        if abs(self.mu) + 9.0 * self.sigma > sys.float_info.max / 4:
            raise SpecError("sigma" if abs(self.mu) < self.sigma else "mu", "is too large to reckon with")

    def _value(self, u: float) -> float:
        return self.mu + self.sigma * _STANDARD.inv_cdf(min(max(u, _FIRST), LAST))

    def _share(self, value: float) -> float:
        return _STANDARD.cdf((value - self.mu) / self.sigma) if self.sigma else 0.5

    def _support(self) -> tuple[float, float]:
        return (float(self.mu), float(self.mu)) if self.sigma == 0 else (-math.inf, math.inf)

    def _words(self) -> str:
        return f"normal, mean {_brief(self.mu)}, deviation {_brief(self.sigma)}"


@dataclass(frozen=True)
class LogNormalCurve(NormalCurve):
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
        return super().contains(value) and (value != 0 or isinstance(self, Stepped))

    def _words(self) -> str:
        return f"log-normal, mean {_brief(self.mu)}, deviation {_brief(self.sigma)} of the logarithm"


def _whole(step: float) -> float:
    return round(step) if abs(step) < _EXACT else step


def logarithms(low: object, high: object) -> tuple[float, float]:
    """The natural logarithms of two bounds. Raises SpecError when they are none, not above 0 or out of order."""
    first, last = check_number("low", bare(low)), check_number("high", bare(high))
    for name, bound in (("low", first), ("high", last)):
        if bound <= 0:
            raise SpecError(name, f"must be above 0, got {bound:g}")
    if last < first:
        raise SpecError("high", f"must not be below low ({first:g}), got {last:g}")
    return math.log(first), math.log(last)


def _within(value: float, low: float, high: float) -> bool:
    return low - abs(low) * 1e-12 <= value <= high + abs(high) * 1e-12


def _check_ordered(low: object, high: object) -> None:
    first, last = check_number("min_value", low), check_number("max_value", high)
    if last < first:
        raise SpecError("max_value", f"must not be below min_value ({first:g}), got {last:g}")


def _check_step(distribution: Distribution) -> None:
    if not isinstance(distribution, Stepped):
        return
    check_number("q", distribution.q)
    if distribution.q < sys.float_info.min:
        raise SpecError("q", f"must be above 0, got {distribution.q:g}")
    for name in ("clip", "from_min", "whole"):
        flag = getattr(distribution, name, False)
        if not isinstance(flag, bool):
            raise SpecError(name, f"must be true or false, got {flag!r:.80}")
    low, high = distribution._support()
    if getattr(distribution, "from_min", False) and (high - low) / distribution.q >= _EXACT:
        raise SpecError("q", f"is too small to count steps between {low:g} and {high:g}, got {distribution.q:g}")
    if getattr(distribution, "whole", False):
        counted = (distribution.q, low if getattr(distribution, "from_min", False) else 0)
        if any(value != int(value) for value in counted):
            raise SpecError("whole", "needs a step and a start that are whole numbers")
