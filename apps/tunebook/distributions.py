"""The ten distributions a hyperparameter can have.

One meaning for all wires: bounds of the log types are natural-log EXPONENTS, q types are not clipped unless they say
``clip=True``, and ``Randint(upper)`` starts at 0. ``between(low, high)`` builds the log types from plain bounds.

Every distribution is a frozen declaration with three abilities that agree with each other: ``sample(u)`` turns one
uniform number in [0, 1) into a value (the inverse of the cumulative distribution), ``position(value)`` goes back to
the middle of what leads there, and ``contains(value)`` tells what ``sample`` can give.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from tunebook.choice import Choice
from tunebook.curves import LogNormalCurve, LogUniformCurve, NormalCurve, Stepped, UniformCurve, logarithms
from tunebook.distribution import LAST, Distribution, Value, identity, is_number
from tunebook.errors import SpecError

__all__ = [
    "TYPES",
    "Choice",
    "Distribution",
    "LogNormal",
    "LogUniform",
    "Normal",
    "QLogNormal",
    "QLogUniform",
    "QNormal",
    "QUniform",
    "Randint",
    "Uniform",
    "Value",
    "identity",
]


@dataclass(frozen=True)
class Uniform(UniformCurve):
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
class QUniform(Stepped, UniformCurve):
    """round(U / q) * q for U between two bounds; rounding may leave the bounds unless ``clip`` is set.

    Args:
        min_value: lower bound of U.
        max_value: upper bound of U.
        q: the step, above 0.
        clip: keep the rounded value within the bounds.
        from_min: the values are min_value, min_value + q and so on up to max_value, each as likely.
        whole: give whole numbers (2, not 2.0).

    Example:
        >>> [QUniform(2, 10, 5, clip=True).sample(u) for u in (0.0, 0.4, 0.9)]
        [2.0, 5.0, 10.0]
    """

    q: float
    clip: bool = False
    from_min: bool = field(default=False, kw_only=True)
    whole: bool = field(default=False, kw_only=True)

    type: ClassVar[str] = "quniform"


@dataclass(frozen=True)
class LogUniform(LogUniformCurve):
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
        return cls(*logarithms(low, high), low=low, high=high)


@dataclass(frozen=True)
class QLogUniform(Stepped, LogUniformCurve):
    """round(exp(U) / q) * q for U between two bounds.

    Args:
        min_value: natural logarithm of the lower bound.
        max_value: natural logarithm of the upper bound.
        q: the step of the value, above 0.
        clip: keep the rounded value within the bounds.
        low, high: the exact values of the bounds; ``between`` sets them.
        whole: give whole numbers (2, not 2.0).

    Example:
        >>> QLogUniform.between(1, 1000, 10).describe()
        '1 to 1000, log, step 10'
    """

    q: float
    clip: bool = False
    whole: bool = field(default=False, kw_only=True)

    type: ClassVar[str] = "qloguniform"

    @classmethod
    def between(cls, low: float, high: float, q: float, clip: bool = True, whole: bool = False) -> Self:
        """Build one from the values of its bounds, which draws then never leave unless clip is False."""
        return cls(*logarithms(low, high), q, clip, low=low, high=high, whole=whole)


@dataclass(frozen=True)
class Normal(NormalCurve):
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
class QNormal(Stepped, NormalCurve):
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
class LogNormal(LogNormalCurve):
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
class QLogNormal(Stepped, LogNormalCurve):
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
        super().__post_init__()
        for name in ("upper", "lower"):
            if type(getattr(self, name)) is not int:
                raise SpecError(name, f"must be a whole number, got {getattr(self, name)!r}")
            if not is_number(getattr(self, name)):
                raise SpecError(name, "is too far from 0 to reckon with")
        if self.upper <= self.lower:
            raise SpecError("upper", f"must be above lower ({self.lower}), got {self.upper}")

    def sample(self, u: float) -> int:
        return min(self.lower + int(u * (self.upper - self.lower)), self.upper - 1)

    def position(self, value: float) -> float:
        return min(max((value - self.lower + 0.5) / (self.upper - self.lower), 0.0), LAST)

    def contains(self, value: object) -> bool:
        return is_number(value) and value == int(value) and self.lower <= value < self.upper

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
Distribution.kinds = TYPES
