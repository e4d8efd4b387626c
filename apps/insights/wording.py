"""How findings write numbers and names."""

from __future__ import annotations

import re

EXPRESSION = re.compile(r"[()\[\]\\*+?^$|]")
LETTERS = re.compile(r"(?<!\\)[A-Za-z_][A-Za-z0-9_ .-]*[A-Za-z0-9_]")


def short(value: float) -> str:
    """Four significant digits at most, and exponents without zeros in front: 0.01213, 1e-9."""
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def metric(name: str) -> str:
    """A metric's name for people: of a regular expression, the word it begins with."""
    if not EXPRESSION.search(name):
        return name
    plain = LETTERS.search(name)
    return plain[0] if plain else name
