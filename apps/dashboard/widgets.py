"""Fields of forms that stand on a page by the hundred, written without a template for each, which takes ten times as long."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Attributes = dict[str, Any] | None


class Text(forms.TextInput):
    def render(self, name: str, value: Any, attrs: Attributes = None, renderer: object = None) -> SafeString:
        first = {"value": self.format_value(value)}
        rest = self.build_attrs(self.attrs, attrs)
        return format_html('<input type="{}" name="{}"{}{}>', self.input_type, name, flatatt(first), flatatt(rest))


class Area(forms.Textarea):
    def render(self, name: str, value: Any, attrs: Attributes = None, renderer: object = None) -> SafeString:
        rest = flatatt(self.build_attrs(self.attrs, attrs))
        return format_html('<textarea name="{}"{}>\n{}</textarea>', name, rest, self.format_value(value) or "")


class Pick(forms.Select):
    """One of a flat list."""

    def render(self, name: str, value: Any, attrs: Attributes = None, renderer: object = None) -> SafeString:
        chosen = self.format_value(value)
        options = ((word, SafeString(" selected" if word in chosen else ""), text) for word, text in self.choices)
        rest = flatatt(self.build_attrs(self.attrs, attrs))
        inner = format_html_join("", '<option value="{}"{}>{}</option>', options)
        return format_html('<select name="{}"{}>{}</select>', name, rest, inner)
