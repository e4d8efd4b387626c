"""What a clone changes: the difference between two declarations, part by part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunebook.job import Job

NOTHING = "–"


@dataclass(frozen=True)
class Difference:
    """One part of a declaration, as it was and as it would be."""

    path: str
    before: str
    after: str


def differences(before: Job, after: Job) -> list[Difference]:
    """Every part that differs; a distribution and a list are one part each. The new one's parts first."""
    old, new = _parts(before.to_dict()), _parts(after.to_dict())
    return [
        Difference(path, _said(old.get(path)), _said(new.get(path)))
        for path in dict.fromkeys([*new, *old])
        if old.get(path) != new.get(path)
    ]


def _parts(document: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        place = f"{path}.{name}" if path else name
        if isinstance(value, Mapping) and value and "type" not in value:
            found |= _parts(value, place)
        elif value not in (None, {}, []):
            found[place] = value
    return found


def _said(value: Any) -> str:
    if value is None:
        return NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
