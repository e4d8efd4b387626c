"""A JSON body, read with the limits every wire shares; what passes is safe to store and to hand to a codec."""

from __future__ import annotations

import json
import re
from typing import Any

from apps.dialects.refusal import Refusal

MOST_BYTES = 1024 * 1024
MOST_DEPTH = 32
SMALLEST_INT, LARGEST_INT = -(2**63), 2**63 - 1

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_JSON_TYPES = ("application/json", "text/json")


def check_content_type(content_type: str) -> None:
    """Refuse a body that says to be something else than JSON in UTF-8; saying nothing is taken as JSON."""
    kind, *options = [part.strip().lower() for part in content_type.split(";")]
    if kind and kind not in _JSON_TYPES and not kind.endswith("+json"):
        raise Refusal("bad_type", f"must be application/json, got {kind[:80]!r}", field="content-type", status=415)
    for option in options:
        name, _, value = option.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8", ""):
            raise Refusal("bad_type", f"charset must be utf-8, got {value[:80]!r}", field="content-type", status=415)


def check_size(size: int, most: int = MOST_BYTES) -> None:
    """Refuse a body larger than the limit."""
    if size > most:
        raise Refusal("too_large", f"the body must have at most {most} bytes, got {size}", status=413)


def read_object(body: bytes, most_depth: int = MOST_DEPTH, *, most: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object in `body`; an empty body is an empty object."""
    if not body.strip():
        return {}
    value = read_json(body, most_depth, most=most)
    if not isinstance(value, dict):
        raise Refusal("bad_json", "the body must be a JSON object")
    return value


def read_json(body: bytes, most_depth: int = MOST_DEPTH, *, most: int = MOST_BYTES) -> Any:
    """The JSON value in `body`, or a refusal that says what no JSON reader should swallow.

    Depth is checked before anything is decoded. Refused are duplicate keys, NaN and Infinity, numbers beyond 64 bits,
    NUL and lone surrogates in text.
    """
    check_size(len(body), most)
    _check_depth(body, most_depth)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("bad_json", f"this is not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_float=_number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Refusal("bad_json", f"this is no JSON: {error.msg} at {where}") from None
    if "\\u" in text:
        check_texts(value)
    return value


def check_text(text: str, field: str = "") -> str:
    """The text itself, or a refusal when it holds what no database or page can."""
    if "\0" in text:
        raise Refusal("bad_text", "must not contain the character NUL", field=field)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal("bad_text", "must not contain half of a surrogate pair", field=field) from None
    return text


def check_texts(value: Any, field: str = "") -> None:
    """Refuse NUL and lone surrogates in every text and key of a decoded document."""
    if isinstance(value, str):
        check_text(value, field)
    elif isinstance(value, dict):
        for name, member in value.items():
            check_text(name, field)
            check_texts(member, f"{field}.{name}" if field else name)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            check_texts(member, f"{field}[{index}]")


def _check_depth(body: bytes, most_depth: int) -> None:
    if body.count(b"[") + body.count(b"{") <= most_depth:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        token = found[0]
        if token in b"[{":
            depth += 1
            if depth > most_depth:
                raise Refusal("bad_json", f"this must nest at most {most_depth} deep")
        elif token in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Refusal("bad_json", "stands twice in one object", field=name[:80])
        seen.add(name)
    return members


def _whole(text: str) -> int:
    # the length first: turning a million digits into a number is what an attacker would like us to do
    if len(text) > 20 or not SMALLEST_INT <= (value := int(text)) <= LARGEST_INT:
        raise Refusal("bad_number", f"whole numbers must fit in 64 bits, got {text[:24]}")
    return value


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Refusal("bad_number", f"numbers must be finite, got {text[:24]}")
    return value


def _constant(text: str) -> float:
    raise Refusal("bad_json", f"{text} is no JSON; send the word in quotes where a metric may be non-finite")
