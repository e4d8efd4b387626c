"""Values as plain JSON, whatever numpy made of them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunebook.errors import SpecError

_SIMPLE = frozenset({str, int, float, bool, type(None)})


def plain(value: Any, path: str) -> Any:
    """The same as plain JSON, without numpy's types; nothing is shared that could be changed."""
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, Mapping):
        return {
            name: member if type(member) in _SIMPLE else plain(member, f"{path}.{name!s:.80}")
            for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        members = [plain(member, f"{path}.{place}") for place, member in enumerate(value)]
        return tuple(members) if isinstance(value, tuple) else members
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), path)
    if not isinstance(value, str | int | float):
        raise SpecError(path, f"must be something JSON can hold, got {value!r:.80}")
    return value


def as_number(value: object) -> float | None:
    """A finite number; None for one that is not, or none at all. Raises SpecError for anything else."""
    if value is None:
        return None
    if isinstance(value, str | bytes | bool | np.bool_):
        raise SpecError("value", f"must be a number or None, got {value!r:.80}")
    try:
        number = float(value)  # type: ignore[arg-type]  # numpy's numbers too: whatever float() takes
    except (TypeError, ValueError, OverflowError):
        raise SpecError("value", f"must be a number or None, got {value!r:.80}") from None
    return number if math.isfinite(number) else None
