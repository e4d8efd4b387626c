"""Answers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

FORM = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS | orjson.OPT_NON_STR_KEYS
SMALLEST, LARGEST = -(2**63), 2**64 - 1


def encoded(document: Any, form: int = FORM) -> bytes:
    """The document as JSON. Times are UTC with whole seconds, non-finite numbers null.

    PostgreSQL keeps 1e+20 as a number without a point, so that it comes back as a whole one; beyond 64 bits such a one is
    told as the float that it was.
    """
    try:
        return orjson.dumps(document, option=form)
    except orjson.JSONEncodeError:
        return orjson.dumps(_within_64_bits(document), option=form)


def _within_64_bits(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _within_64_bits(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_within_64_bits(member) for member in value]
    if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        return float(value)
    return value
