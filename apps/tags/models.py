"""Tags: a key with an optional value, shared by the experiments of a workspace."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import ClassVar

from django.db import models

from apps.workspaces.models import Workspace
from tunebook.errors import SpecError

MAX_TAGS = 20
MAX_LENGTH = 128
FORBIDDEN_KEY = ("aliyun", "acs:")
FORBIDDEN_VALUE = ("acs:",)


class TagQuerySet(models.QuerySet["Tag"]):
    def ensure(self, workspace: Workspace, pairs: Mapping[str, str]) -> list[Tag]:
        """The tags of these pairs, made where missing. Two queries, whatever their number."""
        if not pairs:
            return []
        # in one order, so that two who make the same ones at once do not wait for each other
        wanted = [Tag(workspace=workspace, key=key, value=value) for key, value in sorted(pairs.items())]
        Tag.objects.bulk_create(wanted, ignore_conflicts=True)
        found = self.filter(workspace=workspace, key__in=list(pairs))
        return [tag for tag in found if pairs[tag.key] == tag.value]


class Tag(models.Model):
    """One key and value in one workspace; experiments point here."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="tags")
    key = models.CharField(max_length=MAX_LENGTH)
    value = models.CharField(max_length=MAX_LENGTH, blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["key", "value"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "key", "value"], name="one_tag_per_pair")]

    def __str__(self) -> str:
        return f"{self.key}:{self.value}" if self.value else self.key


def checked(pairs: Iterable[tuple[str, str]], path: str = "tags") -> dict[str, str]:
    """The pairs as a mapping, or SpecError: at most 20, unique keys, 128 characters, no reserved beginnings.

    Letters with accents are kept in one form (NFC), the one in which names are looked for.
    The limits are those of the vendor's sibling tag APIs (specs of the native API, section 2.4).
    """
    tags: dict[str, str] = {}
    for index, pair in enumerate(pairs):
        key, value = (unicodedata.normalize("NFC", text) for text in pair)
        where = f"{path}[{index}]"
        _check_text(f"{where}.Key", key, FORBIDDEN_KEY)
        _check_text(f"{where}.Value", value, FORBIDDEN_VALUE)
        if not key:
            raise SpecError(f"{where}.Key", "must not be empty")
        if key in tags:
            raise SpecError(f"{where}.Key", f"{key!r} stands twice; each key once")
        tags[key] = value
    if len(tags) > MAX_TAGS:
        raise SpecError(path, f"at most {MAX_TAGS} tags, got {len(tags)}")
    return tags


def _check_text(path: str, text: str, forbidden: tuple[str, ...]) -> None:
    if len(text) > MAX_LENGTH:
        raise SpecError(path, f"at most {MAX_LENGTH} characters, got {len(text)}")
    if text.lower().startswith(forbidden):
        raise SpecError(path, f"must not start with {' or '.join(forbidden)}")
    if "http://" in text or "https://" in text:
        raise SpecError(path, "must not contain http:// or https://")
    if any(ord(letter) < 32 for letter in text):
        raise SpecError(path, "must not contain control characters")
