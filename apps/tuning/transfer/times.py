"""Moments of a document."""

from __future__ import annotations

from datetime import UTC, datetime

from tunebook.errors import SpecError
from tunebook.fields import Fields


def moment(given: Fields, name: str) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC."""
    text = given.text(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SpecError(given.at(name), f"must be a time such as 2026-01-31T12:00:00Z, got {text!r:.40}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
