"""Bounds of log types that were given as exponents of another base than e."""

import math
from collections.abc import Mapping
from dataclasses import replace

from tunebook.distributions import (
    Choice,
    Distribution,
    LogNormal,
    LogUniform,
    QLogNormal,
    QLogUniform,
    Value,
)
from tunebook.errors import SpecError
from tunebook.space import Space


def rebased(space: Space, base: float) -> Space:
    """The space with base ** U in place of exp(U), for all log types whose bounds were given as exponents.

    Raises SpecError, its path ``logbase``, when a bound cannot be reckoned with then.
    """
    return Space({name: _fitted(name, distribution, base) for name, distribution in space.items()})


def _fitted(name: str, distribution: Distribution, base: float) -> Distribution:
    try:
        return _rebased(distribution, base)
    except SpecError as error:
        raise SpecError("logbase", f"does not fit {name}: {error.path} {error.message}") from None


def _rebased(distribution: Distribution, base: float) -> Distribution:
    factor = math.log(base)
    if isinstance(distribution, Choice):
        return Choice(tuple(_rebased_option(value, base) for value in distribution.values))
    if isinstance(distribution, LogUniform | QLogUniform) and distribution.low is None:
        first, last = sorted((distribution.min_value, distribution.max_value), key=lambda bound: bound * factor)
        exact = replace(distribution, min_value=first * factor, max_value=last * factor)
        return replace(exact, low=float(base) ** first, high=float(base) ** last)
    if isinstance(distribution, LogNormal | QLogNormal):
        return replace(distribution, mu=distribution.mu * factor, sigma=distribution.sigma * abs(factor))
    return distribution


def _rebased_option(value: Value, base: float) -> Value:
    if not isinstance(value, Mapping):
        return value
    return {
        name: _rebased(member, base) if isinstance(member, Distribution) else member for name, member in value.items()
    }
