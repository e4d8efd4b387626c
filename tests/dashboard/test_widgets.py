"""Fields written without templates say the same as Django's own."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms

from apps.dashboard.widgets import Area, Pick, Text

CHOICES = (("a", "one"), ("b<", 'two "quoted"'))
ATTRS = {"id": "x", "data-switch": "", "required": True, "disabled": False, "aria-label": "a < b"}


class Elements(HTMLParser):
    """What a browser reads: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.found += [data.strip("\n")] if data.strip() else []


@pytest.mark.parametrize(
    ("own", "plain"),
    [(Text, forms.TextInput), (Area, forms.Textarea), (Pick, forms.Select)],
)
@pytest.mark.parametrize("value", [None, "", "a", "b<", '1 < 2 & "3"', 0.5])
def test_a_field_reads_as_djangos_own(own: type[forms.Widget], plain: type[forms.Widget], value: object) -> None:
    given = {"choices": CHOICES} if own is Pick else {}

    said = [kind({"rows": 1}, **given).render("space-0-low", value, ATTRS) for kind in (own, plain)]

    assert Elements(said[0]).found == Elements(said[1]).found
