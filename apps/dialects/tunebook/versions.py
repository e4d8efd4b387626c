"""Edits on a condition: `If-Match` with the ETag of what was read refuses to change something newer."""

from __future__ import annotations

import re

from django.http import HttpRequest

from apps.dialects.refusal import Refusal

HEADER = "If-Match"
TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
TAGS = re.compile(rf"[ \t]*+,*+[ \t]*+{TAG}(?:[ \t]*+,[ \t]*+(?:{TAG})?+)*+[ \t]*+")
"""A list of tags. What was matched is kept: else spaces between many commas could be divided in endless ways."""


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def expected(http: HttpRequest, version: int | None) -> int | None:
    """The version that must still be in force when the change is written; None for any.

    `version` is the one in force, None of what has no versions, which never meets a condition. Raises Refusal: 412 for
    another version, 400 for what is no list of ETags. A bare number stands for its ETag.
    """
    text = http.headers.get(HEADER)
    if text is None or text.strip() == "*":
        return None
    text = f'"{text.strip()}"' if text.strip().isascii() and text.strip().isdigit() else text
    if not TAGS.fullmatch(text):
        raise Refusal("bad_parameter", 'must be the ETag of what was read, as "3", several of them, or *', field=HEADER)
    if version is None:
        raise Refusal("stale", "what is changed here has no versions", field=HEADER, status=412)
    if etag(version) not in re.findall(TAG, text):
        raise Refusal("stale", f"it was changed meanwhile: the version is {version}", field=HEADER, status=412)
    return version
