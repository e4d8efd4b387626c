"""The members of a hypersearch task, and numbers as these clients send them: bare or as text."""

import re
import unicodedata
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import Fields, is_finite, kind
from tunebook.wire.literal import parse_literal
from tunebook.wire.text import NotJson, parse_json

# Members by which a document is known to be a hypersearch task.
SECTIONS = frozenset({"modelSpec", "algoDef"})
UNLIMITED = -1
MAX_NAME = 255
_WHOLE = re.compile(r"\s*[-+]?[0-9]{1,19}\s*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*", re.ASCII)
RESERVED = frozenset({"algorithm"})
"""Words that stand in addresses where a task's name would."""


def read_data(text: str, path: str = "data") -> dict[str, Any]:
    """The object in a form's `data`: JSON, or the printed form of a Python dictionary. Raises SpecError."""
    try:
        try:
            found = parse_json(text)
        except NotJson:
            found = parse_literal(unicodedata.normalize("NFC", text))
    except SpecError as error:
        raise error.under(path) from None
    if not isinstance(found, dict):
        raise SpecError(path, f"must be an object, got {kind(found)}")
    return found


def task_name(document: Fields, name: str = "hpoName") -> str:
    """The name a document asks for, empty when it leaves that to the server. It becomes part of addresses."""
    wanted = document.text(name)
    if not wanted:
        return ""
    if len(wanted) > MAX_NAME or not _NAME.fullmatch(wanted):
        raise SpecError(
            document.at(name), f"must be letters, digits and . _ @ + - only, up to {MAX_NAME}, got {wanted!r:.60}"
        )
    if wanted.lower() in RESERVED:
        raise SpecError(document.at(name), f"{wanted!r} is taken by the service itself")
    return wanted


def whole(fields: Fields, name: str, low: int, high: int) -> int | None:
    """A whole number, or one as text, within bounds; None when it is absent."""
    value = fields.document.get(name)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return Fields({name: value}, fields.path).integer(name, low=low, high=high)


def number(fields: Fields, name: str) -> float | None:
    """A finite number, or one as text; None when it is absent."""
    value = fields.document.get(name)
    if isinstance(value, str):
        value = to_number(value, fields.at(name))
    return Fields({name: value}, fields.path).number(name)


def limit(fields: Fields, name: str, high: int) -> int | None:
    """A whole number from 1 on; None for -1 and for nothing, which is no limit."""
    found = whole(fields, name, UNLIMITED, high)
    if found == 0:
        raise SpecError(fields.at(name), f"must be at least 1, or {UNLIMITED} for no limit, got 0")
    return None if found == UNLIMITED else found


def to_number(value: object, path: str) -> float:
    """A number from a number or a text."""
    found = value
    if isinstance(value, str) and len(value) <= 40 and "_" not in value:
        try:
            found = int(value) if _WHOLE.fullmatch(value) else float(value)
        except ValueError:
            pass
    if not is_finite(found):
        raise SpecError(path, f"must be a number, got {value!r:.60}")
    return found


def to_whole(value: object, path: str) -> int:
    """A whole number from a number or a text."""
    found = to_number(value, path)
    if found != int(found) or abs(found) >= 2**63:
        raise SpecError(path, f"must be a whole number of at most 64 bits, got {value!r:.60}")
    return int(found)
