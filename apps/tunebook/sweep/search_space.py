"""The ten distributions with the constructors of azure.ai.ml.sweep.

They are the declarations of `tunebook.distributions` with a looser face, because scripts written for the original rely
on it: arguments may be left out, attributes may be changed, and nothing is checked before the sweep is written or sent.
"""

from typing import Any, ClassVar, Self

from tunebook.distribution import Distribution
from tunebook.sweep.errors import ValidationException
from tunebook.wire import expressions


class SweepDistribution:
    """Base of the distributions; two are equal when the wire says the same of them."""

    word: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]
    __hash__ = None  # type: ignore[assignment]  # they can be changed

    def __init__(self, *, type: str | None = None) -> None:
        self.type = type

    def to_wire(self) -> list[Any]:
        """`[type, args]`, as the service is told."""
        return [self.type, [getattr(self, name) for name in self.arguments]]

    @classmethod
    def from_wire(cls, expression: list[Any]) -> "SweepDistribution":
        """The distribution of a `[type, args]`."""
        word, arguments = expression
        if word not in KINDS:
            raise ValidationException("", f"Unknown search space type: {word}")
        return KINDS[word]._of(arguments)

    @classmethod
    def _of(cls, arguments: list[Any]) -> Self:
        return cls(*arguments)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SweepDistribution):
            return NotImplemented
        return self.to_wire() == other.to_wire()

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.arguments)
        return f"{type(self).__name__}({given})"


class Choice(SweepDistribution):
    """One of several values: numbers, texts, or objects whose members may be distributions themselves.

    Example:
        >>> Choice([16, 32])
        Choice(values=[16, 32])
    """

    word = "choice"
    arguments = ("values",)

    def __init__(self, values: list[Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("type", self.word)
        super().__init__(**kwargs)
        self.values = values

    def to_wire(self) -> list[Any]:
        return [self.type, [[_option(value) for value in self.values or []]]]

    @classmethod
    def _of(cls, arguments: list[Any]) -> Self:
        return cls([_read_option(value) for value in arguments[0]])


class Normal(SweepDistribution):
    """A number around a mean. Args: mu, the mean; sigma, the standard deviation, 0 or more."""

    word = "normal"
    arguments: ClassVar[tuple[str, ...]] = ("mu", "sigma")

    def __init__(self, mu: float | None = None, sigma: float | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("type", self.word)
        super().__init__(**kwargs)
        self.mu = mu
        self.sigma = sigma


class LogNormal(Normal):
    """exp of a normal number. Args: mu and sigma, mean and standard deviation of the logarithm."""

    word = "lognormal"


class QNormal(Normal):
    """round(N / q) * q for a normal N. Args: mu, sigma, and q, the step; left out it is 1."""

    word = "qnormal"
    arguments = ("mu", "sigma", "q")

    def __init__(
        self, mu: float | None = None, sigma: float | None = None, q: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(mu=mu, sigma=sigma, **kwargs)
        self.q = q


class QLogNormal(QNormal):
    """round(exp(N) / q) * q for a normal N. Args: mu and sigma of the logarithm, and q, the step; left out it is 1."""

    word = "qlognormal"


class Randint(SweepDistribution):
    """A whole number from 0 to upper - 1. Args: upper, above 0."""

    word = "randint"
    arguments = ("upper",)

    def __init__(self, upper: int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("type", self.word)
        super().__init__(**kwargs)
        self.upper = upper


class Uniform(SweepDistribution):
    """A number between two bounds. Args: min_value and max_value.

    Example:
        >>> Uniform(0.9, 0.99)
        Uniform(min_value=0.9, max_value=0.99)
    """

    word = "uniform"
    arguments: ClassVar[tuple[str, ...]] = ("min_value", "max_value")

    def __init__(self, min_value: float | None = None, max_value: float | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("type", self.word)
        super().__init__(**kwargs)
        self.min_value = min_value
        self.max_value = max_value


class LogUniform(Uniform):
    """exp of a number between two bounds. Args: min_value and max_value, natural LOGARITHMS of the bounds."""

    word = "loguniform"


class QUniform(Uniform):
    """round(U / q) * q for U between two bounds, which rounding may leave. Args: the bounds, and q, the step."""

    word = "quniform"
    arguments = ("min_value", "max_value", "q")

    def __init__(
        self,
        min_value: float | None = None,
        max_value: float | None = None,
        q: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)
        self.q = q


class QLogUniform(QUniform):
    """round(exp(U) / q) * q for U between two bounds. Args: logarithms of the bounds, and q, the step of the value."""

    word = "qloguniform"


_CLASSES = (Choice, Normal, LogNormal, QNormal, QLogNormal, Randint, Uniform, LogUniform, QUniform, QLogUniform)
KINDS: dict[str, type[SweepDistribution]] = {kind.word: kind for kind in _CLASSES}


def faced(distribution: Any) -> Any:
    """A distribution of `tunebook` itself with this face; everything else as it is."""
    if isinstance(distribution, Distribution):
        return SweepDistribution.from_wire(expressions.dump(distribution))
    return distribution


def is_distribution(value: object) -> bool:
    """Is it a distribution, with this face or without?"""
    return isinstance(value, SweepDistribution | Distribution)


def _option(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    members = {name: faced(member) for name, member in value.items()}
    return {
        name: member.to_wire() if isinstance(member, SweepDistribution) else member for name, member in members.items()
    }


def _read_option(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: SweepDistribution.from_wire(member) if expressions.is_expression(member) else member
        for name, member in value.items()
    }
