"""Markdown of people to HTML that is safe to show: no HTML of theirs, no links but http, https and mailto, and links in
place of pictures. An address that stands in the text is a link as well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import cache
from typing import Any

from django.utils.html import Urlizer, escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

LINKS = ("http://", "https://", "mailto:")
ADDRESS = re.compile(r"(?<![\w/.])https?://\w[^\s<>\"]*", re.IGNORECASE)
REL = "noopener noreferrer nofollow"


def html(text: str) -> SafeString:
    """The text as HTML. Headings begin at the third level, since they stand below those of a page."""
    rendered = _reader().render(text)
    return mark_safe(rendered)  # everything in it was escaped or made by the renderer


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("js-default", {"html": False, "linkify": False, "breaks": True})
    reader.validateLink = _may_link  # type: ignore[method-assign]  # the library's own way of saying which links are safe
    reader.core.ruler.push("addresses", _addresses)
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
    tokens[index].attrSet("rel", REL)
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
    if "inside" in token.meta:
        return str(words)
    return f'<a href="{escape(token.attrs["src"])}" rel="{REL}">{words}</a>'


def _addresses(state: StateCore) -> None:
    """Link the addresses in the text, and mark the pictures inside of links."""
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_linked(state.md, block.children))


def _linked(reader: MarkdownIt, tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        if depth and token.type == "image":
            token.meta["inside"] = True
        if depth or token.type != "text":
            yield token
        else:
            yield from _parts(reader, token.content)


def _parts(reader: MarkdownIt, text: str) -> Iterator[Token]:
    """A text with links where addresses stand; a full stop or bracket behind one is not part of it."""
    at = 0
    for found in ADDRESS.finditer(text):
        _, shown, _ = Urlizer().trim_punctuation(found[0])
        address = reader.normalizeLink(shown)
        if not reader.validateLink(address):
            continue
        yield Token("text", "", 0, content=text[at : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield Token("text", "", 0, content=shown)
        yield Token("link_close", "a", -1)
        at = found.start() + len(shown)
    yield Token("text", "", 0, content=text[at:])
