"""What a path inside an artifact store or a snapshot may look like (one rule for uploads, archives and outputs)."""

from __future__ import annotations

import unicodedata

MOST_BYTES = 1024
MOST_NAME_BYTES = 255
MOST_DEPTH = 16


class BadPath(ValueError):
    """The path cannot be kept; the text says why."""


def checked(path: str) -> str:
    """The path as it is kept: relative, composed (NFC), parted by single slashes. Raises BadPath."""
    if not isinstance(path, str) or not path:
        raise BadPath("the path must not be empty")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise BadPath("the path must not hold half of a surrogate pair") from None
    if size > MOST_BYTES:
        raise BadPath(f"the path must have at most {MOST_BYTES} bytes, got {size}")
    if any(unicodedata.category(letter) == "Cc" for letter in path):
        raise BadPath("the path must not hold control characters")
    if path.startswith("/"):
        raise BadPath("the path must be relative")
    if "\\" in path or path[1:2] == ":":
        raise BadPath("the path must hold no backslash and no drive letter")
    parts = unicodedata.normalize("NFC", path).split("/")
    if len(parts) > MOST_DEPTH:
        raise BadPath(f"the path must be at most {MOST_DEPTH} folders deep, got {len(parts)}")
    for part in parts:
        if part in ("", ".", ".."):
            raise BadPath(f"the path must have no part that is {part!r}")
        if len(part.encode()) > MOST_NAME_BYTES:
            raise BadPath(f"each name in the path must have at most {MOST_NAME_BYTES} bytes")
    kept = "/".join(parts)
    if len(kept.encode()) > MOST_BYTES:
        raise BadPath(f"the path must have at most {MOST_BYTES} bytes")
    return kept


def parents(path: str) -> list[str]:
    """The folders that a path lies in, from the outermost in."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
