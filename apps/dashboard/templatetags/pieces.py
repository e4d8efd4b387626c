"""Small pieces of page that stand many times on one: icons, status badges, sparklines, links that change one part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.dashboard import words
from apps.search.grammar import quoted
from apps.tags.models import Tag

register = template.Library()

SPARK_WIDTH, SPARK_HEIGHT = 80, 20


def sprite() -> str:
    return static("img/icons.svg")


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One drawing of the sprite, silent to screen readers: say its meaning in words beside it."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        f" {extra}" if extra else "",
        sprite(),
        name,
    )


@register.simple_tag
def status(state: str, desired: str = "run", short: bool = False) -> SafeString:
    """A status badge: shape, colour and word. `short` keeps the word for screen readers and the title only."""
    state = words.shown(state, desired)
    label, css = words.STATE_WORDS.get(state, state), words.css_class(state)
    return format_html(
        '<span class="status {}"{}>{}<span data-status-words{}>{}</span></span>',
        css,
        format_html(' title="{}"', label) if short else "",
        icon(css),
        mark_safe(' class="visually-hidden"') if short else "",
        label,
    )


@register.simple_tag
def sparkline(points: Sequence[Any], total: int | None = None) -> SafeString:
    """Best so far as a step line, from [[ended trials, best], ...]; an empty frame of the same size for fewer than two.

    `total` is how far the line is drawn out to the right.
    """
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" data-spark>'
        '<polyline points="{}"/></svg>',
        SPARK_WIDTH,
        SPARK_HEIGHT,
        spark_points(points, total),
    )


def spark_points(points: Sequence[Any], total: int | None = None) -> str:
    pairs = [(float(x), float(y)) for x, y in points if isinstance(y, int | float)]
    if not pairs:
        return ""
    last = max(float(total or 0), pairs[-1][0])
    low, high = min(y for _, y in pairs), max(y for _, y in pairs)
    first = pairs[0][0]
    across, up = (last - first) or 1.0, (high - low) or 1.0
    corners: list[str] = []
    height = SPARK_HEIGHT / 2
    for x, y in pairs:
        left = (x - first) / across * SPARK_WIDTH
        if corners:
            corners.append(f"{left:.1f},{height:.1f}")
        if high > low:
            height = 1 + (high - y) / up * (SPARK_HEIGHT - 2)
        corners.append(f"{left:.1f},{height:.1f}")
    corners.append(f"{SPARK_WIDTH},{height:.1f}")
    return " ".join(corners)


@register.simple_tag
def position(share: float | None) -> SafeString | str:
    """Where a value lies in its range, 0 to 1, as a mark on a line."""
    if share is None:
        return ""
    return format_html(
        '<svg class="range" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label="{}% of the range">'
        '<line x1="0" y1="6" x2="100" y2="6"/><rect x="{}" y="1" width="3" height="10"/></svg>',
        round(share * 100),
        f"{min(max(share, 0.0), 1.0) * 97:.1f}",
    )


@register.simple_tag
def status_words(state: str) -> str:
    """A status as its word alone."""
    return words.STATE_WORDS.get(state, state)


@register.filter
def said_today(line: str) -> str:
    """A line of an event log in today's words for states."""
    return words.said_today(line)


@register.simple_tag(takes_context=True)
def address(context: template.Context, **changes: Any) -> str:
    """This page's query string with some parts set, or dropped when empty. Paging starts anew unless it is set.

    Where nothing is left of a query it is an empty one, for without any a catalog opens with the view of one's choice.
    """
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    changes.setdefault("page", None)
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return "?" + (query.urlencode() or ("q=" if "q" in changes else ""))


@register.inclusion_tag("components/sort.html", takes_context=True)
def sortable(context: template.Context, name: str, label: str, first: str = "asc", css: str = "") -> dict[str, Any]:
    """A column head that sorts: ascending, descending, in turn. The address carries `sort=name` or `sort=-name`.

    Where the context has `sorts`, several orders can stand behind each other, and Shift adds this one (static/js/page/rows.js).
    """
    current = context.get("sorts") or [str(context.get("sort") or "")]
    up, down = name in current, f"-{name}" in current
    following = f"-{name}" if up or (not down and first == "desc") else name
    return {
        "also": address(context, sort=",".join(_with(context["sorts"], name, following)))
        if context.get("sorts")
        else "",
        "place": (context.get("orders") or {}).get(name, 0),
        "label": label,
        "css": css,
        "state": "ascending" if up else "descending" if down else "",
        "href": address(context, sort=following),
        "icon": "up-arrow" if up else "down-arrow" if down else "",
    }


def _with(sorts: Sequence[str], name: str, part: str) -> list[str]:
    """The orders with this one turned round, or behind them. Behind the number of a trial nothing is left to order."""
    if any(one.removeprefix("-") == name for one in sorts):
        return [part if one.removeprefix("-") == name else one for one in sorts]
    return [*(one for one in sorts if one.removeprefix("-") != "number"), part]


@register.inclusion_tag("components/sort_choice.html", takes_context=True)
def sort_choice(context: template.Context, *columns: str) -> dict[str, Any]:
    """The orders of `sortable` as a choice, for screens without a table head; columns are "name:Label"."""
    current = str(context.get("sort") or "")
    pairs = [column.partition(":")[::2] for column in columns]
    values = [(f"{sign}{name}", f"{label} {arrow}") for name, label in pairs for sign, arrow in (("", "↑"), ("-", "↓"))]
    given = [(name, value) for name, values in context["request"].GET.lists() for value in values]
    return {
        "choices": [(value, words, value == current) for value, words in values],
        "kept": [(name, value) for name, value in given if name not in ("sort", "page", "after", "before")],
    }


@register.filter
def asking(tag: Tag) -> str:
    """The query that finds what has this tag."""
    return "tag:" + quoted(f"{tag.key}={tag.value}" if tag.value else tag.key)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A mapping's member by a name that is only known at run time; None when it has none."""
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.simple_tag
def plural(count: int, one: str, many: str = "") -> str:
    """ "1 trial", "2 trials"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
