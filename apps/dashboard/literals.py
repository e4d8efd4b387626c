"""Plain values as people type them: numbers, true, false, null, words."""

from __future__ import annotations

import json
import math
import re
from typing import Any

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
    """A JSON list, or values parted by commas or lines. ValueError for a JSON list that does not end."""
    text = text.strip()
    if text.startswith("["):
        return list(json.loads(text))
    return [read(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"|[^,\n]+', text) if part.strip()]


def write_list(values: list[Any]) -> str:
    if any(isinstance(value, dict | list) for value in values):
        return json.dumps(values, ensure_ascii=False, indent=1)
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
