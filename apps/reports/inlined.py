"""Scripts, styles and data as parts of one file: under a policy that allows these alone, and nothing from anywhere."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils.safestring import SafeString, mark_safe

SCRIPT, STYLE = "js/report.js", "css/site.css"
ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


@cache
def script() -> SafeString:
    """The charts with all that they import."""
    return _whole(SCRIPT)


@cache
def style() -> SafeString:
    return _whole(STYLE)


def _whole(entry: str) -> SafeString:
    text = settings.TUNEBOOK_BUNDLE(entry, _source)
    if "</s" in text.lower():
        raise ValueError(f"{entry} holds what would end the element that it is written into")
    return mark_safe(text)  # our own files, without the end of an element


def _source(name: str) -> str:
    path = finders.find(name)
    if not path:
        raise FileNotFoundError(name)
    return Path(path).read_text(encoding="utf-8")


@cache
def policy() -> str:
    """What a browser may do with the file: run this script and this style, ask nobody for anything."""
    return f"default-src 'none'; script-src {_hash(script())}; style-src {_hash(style())}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def data(payload: Any) -> SafeString:
    """JSON for a data block, which no text in it can end."""
    text = json.dumps(payload, separators=(",", ":"), allow_nan=False).translate(ESCAPED)
    return mark_safe(text)  # every sign that means something to HTML was written as a number
