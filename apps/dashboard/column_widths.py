"""How wide the columns of the table of trials are: as static/js/page/columns.js has kept it in a cookie of the page.

They stand in the page as the server sends it, so that nothing moves when scripts begin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

from apps.dashboard.trial_listing import Column

COOKIE = "widths"
LEAST, MOST, USUAL = 48, 1_200, 128
"""Pixels; the usual ones are of a column that was not there when the widths were chosen."""


@dataclass(frozen=True)
class Col:
    """One column: its name where its width can be chosen, a class where it is given, and the width that was chosen."""

    name: str = ""
    css: str = ""
    width: int | None = None


def cols(request: HttpRequest, columns: Iterable[Column]) -> tuple[list[Col], bool]:
    """The columns in the order of the table, and whether any has a width that was chosen."""
    shown = [column for column in columns if column.on]
    pinned, free = [one for one in shown if one.pin], [one.name for one in shown if not one.pin]
    chosen = _chosen(request)
    names = ["status", "value", *free]
    sized = any(name in chosen for name in names)
    fixed = [Col(css="c-tick"), Col(css="c-stick"), *(Col(css="c-pin") for _ in pinned)]
    return fixed + [Col(name, width=chosen.get(name, USUAL) if sized else None) for name in names], sized


def _chosen(request: HttpRequest) -> dict[str, int]:
    given = [(name, str(text)) for name, text in QueryDict(request.COOKIES.get(COOKIE, "")).items()]
    whole = [(name, int(text)) for name, text in given if text.isascii() and text.isdecimal() and len(text) < 6]
    return {name: min(max(wide, LEAST), MOST) for name, wide in whole}
