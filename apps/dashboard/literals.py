"""Plain values as people type them: numbers, true, false, null, words."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import Any

DECODER = json.JSONDecoder()
SEPARATORS = re.compile(r"[\s,]*")
WORD = re.compile(r"[^,\n]+")
AFTER_VALUE = re.compile(r"[^\S\n]*(?:[,\n]|\Z)")
WITH_PARAMETERS = '{"_name": "sgd", "momentum": {"type": "uniform", "min_value": 0, "max_value": 1}}'
PAIR = re.compile(r"\s*(?P<name>\w+)\s*[=:]\s*(?P<value>[^,\n]*)\s*")


def read(text: str) -> Any:
    """The value a text stands for: JSON where it is that, else the text itself."""
    text = text.strip()
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value


def write(value: Any) -> str:
    """A value as `read` reads it back; text that would be read as something else is put in quotes."""
    if isinstance(value, str) and value and read(value) == value and not re.search(r"[,\n]", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def read_list(text: str) -> list[Any]:
    """A JSON list, or values parted by commas or lines, objects and lists among them. ValueError names what does not end."""
    with suppress(ValueError):
        whole = json.loads(text)
        if isinstance(whole, list):
            return whole
    found, place = [], 0
    while (start := SEPARATORS.match(text, place).end()) < len(text):  # type: ignore[union-attr]  # fits nothing too
        value, place = _value_at(text, start)
        found.append(value)
    return found


def _value_at(text: str, start: int) -> tuple[Any, int]:
    """The value that starts there, and where it ends."""
    word = WORD.match(text, start)
    plain, end = (word[0], word.end()) if word else ("", start)
    if text[start] not in '{["':
        return read(plain), end
    try:
        value, after = DECODER.raw_decode(text, start)
    except ValueError:
        after = -1
    if after >= 0 and AFTER_VALUE.match(text, after):
        return value, after
    if text[start] == '"':
        return read(plain), end
    found = text[start : start + 40]
    if text[start] == "[":
        raise ValueError(f"{found!r} is not a JSON list")
    raise ValueError(f"{found!r} is not a JSON object like {WITH_PARAMETERS}")


def write_list(values: list[Any]) -> str:
    """The values as `read_list` reads them, one a line where they are more than words and numbers."""
    if any(isinstance(value, dict | list) for value in values):
        lines = ",\n ".join(json.dumps(value, ensure_ascii=False) for value in values)
        return f"[{lines}]"
    return ", ".join(write(value) for value in values)


def read_pairs(text: str) -> dict[str, Any]:
    """`name=value, name=value`, or a JSON object. ValueError for what is neither."""
    found: dict[str, Any] = {}
    if text.lstrip().startswith("{"):
        return dict(json.loads(text))
    for part in re.split(r"[,\n]", text):
        if not part.strip():
            continue
        match = PAIR.fullmatch(part)
        if match is None:
            raise ValueError(f"{part.strip()!r} is not of the form name=value")
        found[match["name"]] = read(match["value"])
    return found


def write_pairs(pairs: dict[str, Any]) -> str:
    """The pairs as `read_pairs` reads them."""
    if any(isinstance(value, dict | list | str) and re.search(r"[,\n\[{]", str(value)) for value in pairs.values()):
        return json.dumps(pairs, ensure_ascii=False)
    return ", ".join(f"{name}={write(value)}" for name, value in pairs.items())
