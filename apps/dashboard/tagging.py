"""Tags as people type them: "vision, team=search"."""

from __future__ import annotations

from collections.abc import Iterable

from apps.tags.models import Tag


def read_tags(text: str) -> list[tuple[str, str]]:
    """Key and value of each tag in a list parted by commas; `key=value` or `key:value` or just a key."""
    pairs: list[tuple[str, str]] = []
    for part in text.split(","):
        part = part.strip()
        if not part:
            continue
        places = [place for place in (part.find("="), part.find(":")) if place > 0]
        cut = min(places) if places else len(part)
        pairs.append((part[:cut].strip(), part[cut + 1 :].strip()))
    return pairs


def written(tags: Iterable[Tag]) -> str:
    """The tags as `read_tags` reads them."""
    return ", ".join(f"{tag.key}={tag.value}" if tag.value else tag.key for tag in tags)
