"""How findings write numbers."""

from __future__ import annotations


def short(value: float) -> str:
    """Four significant digits at most, and exponents without zeros in front: 0.01213, 1e-9."""
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
