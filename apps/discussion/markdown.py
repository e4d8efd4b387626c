"""Markdown of people to HTML that is safe to show: no HTML of theirs, no links but http, https and mailto, and links in
place of pictures."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import cache
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LINKS = ("http://", "https://", "mailto:")


def html(text: str) -> SafeString:
    """The text as HTML. Headings begin at the third level, since they stand below those of a page."""
    rendered = _reader().render(text)
    return mark_safe(rendered)  # everything in it was escaped or made by the renderer


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("js-default", {"html": False, "linkify": False, "breaks": True})
    reader.validateLink = _may_link  # type: ignore[method-assign]  # the library's own way of saying which links are safe
    reader.add_render_rule("heading_open", _heading)
    reader.add_render_rule("heading_close", _heading)
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("image", _picture)
    reader.add_render_rule("table_open", _table)
    reader.add_render_rule("th_open", _aligned)
    reader.add_render_rule("td_open", _aligned)
    return reader


def _may_link(url: str) -> bool:
    text = url.strip().lower()
    return text.startswith((*LINKS, "/", "#")) and not text.startswith("//")


def _heading(self: Any, tokens: Any, index: int, options: Mapping[str, Any], env: MutableMapping[str, Any]) -> str:
    token = tokens[index]
    token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    return str(self.renderToken(tokens, index, options, env))


def _link(self: Any, tokens: Any, index: int, options: Mapping[str, Any], env: MutableMapping[str, Any]) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    return str(self.renderToken(tokens, index, options, env))


def _table(self: Any, tokens: Any, index: int, options: Mapping[str, Any], env: MutableMapping[str, Any]) -> str:
    tokens[index].attrSet("class", "prose-table")
    return str(self.renderToken(tokens, index, options, env))


def _aligned(self: Any, tokens: Any, index: int, options: Mapping[str, Any], env: MutableMapping[str, Any]) -> str:
    """A class in place of the style, which the Content-Security-Policy refuses."""
    style = tokens[index].attrs.pop("style", "")
    if style:
        tokens[index].attrSet("class", style.removeprefix("text-align:"))
    return str(self.renderToken(tokens, index, options, env))


def _picture(self: Any, tokens: Any, index: int, options: Mapping[str, Any], env: MutableMapping[str, Any]) -> str:
    """A link to the picture: fetching it would tell its server who reads here. Inside of a link its words alone."""
    token = tokens[index]
    words = escape(self.renderInlineAsText(token.children, options, env) or token.attrs["src"])
    depth = sum(one.nesting for one in tokens[:index] if one.type in ("link_open", "link_close"))
    if depth:
        return str(words)
    return f'<a href="{escape(token.attrs["src"])}" rel="noopener noreferrer nofollow">{words}</a>'
