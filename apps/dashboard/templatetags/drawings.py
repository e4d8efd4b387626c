"""Small drawings that need no script: bars of shares with their uncertainty, strips of what was tried."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.dashboard import ansi
from apps.insights.comparison import Density
from apps.insights.spaces import Strip

register = template.Library()

STRIP_WIDTH, STRIP_HEIGHT = 240, 32
CURVE_WIDTH, CURVE_HEIGHT = 80, 20


@register.filter
def terminal(text: str) -> SafeString:
    """A log as safe HTML, its colours as classes."""
    return ansi.html(text)


@register.filter
def percent(share: float | None) -> str:
    """A share in whole percent; what is below half of one is "<1%"."""
    if share is None:
        return "–"
    return "<1%" if 0 < share < 0.005 else f"{share * 100:.0f}%"


@register.simple_tag
def share_bar(share: float, spread: float) -> SafeString:
    """A bar from 0 to a share of 1, with a whisker of one spread to each side."""
    low, high = max(share - spread, 0.0) * 100, min(share + spread, 1.0) * 100
    whisker = (
        format_html('<line class="whisker" x1="{}" y1="5" x2="{}" y2="5"/>', _at(low), _at(high)) if spread else ""
    )
    return format_html(
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="ground" width="100" height="10"/><rect class="bar" width="{}" height="10"/>{}</svg>',
        _at(share * 100),
        whisker,
    )


@register.simple_tag
def mini_curve(points: Sequence[tuple[float, float]]) -> SafeString:
    """Reported values by step as a small line; the page adds what is reported later (static/js/sparkline.js)."""
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" data-curve="{}">'
        '<polyline points="{}"/></svg>',
        CURVE_WIDTH,
        CURVE_HEIGHT,
        json.dumps([[step, float(f"{value:.4g}")] for step, value in points], separators=(",", ":")),
        curve_points(points),
    )


def curve_points(points: Sequence[tuple[float, float]]) -> str:
    """The corners of the line; empty for fewer than two points."""
    if len(points) < 2:
        return ""
    first, across = points[0][0], (points[-1][0] - points[0][0]) or 1.0
    low, high = min(value for _, value in points), max(value for _, value in points)
    middle = CURVE_HEIGHT / 2
    return " ".join(
        f"{(step - first) / across * CURVE_WIDTH:.1f},"
        f"{1 + (high - value) / (high - low) * (CURVE_HEIGHT - 2) if high > low else middle:.1f}"
        for step, value in points
    )


@register.simple_tag
def strip_chart(strip: Strip) -> SafeString:
    """How often each part of a range was tried as bars, with a mark for each of the best trials."""
    most = max(strip.counts) or 1
    width = STRIP_WIDTH / len(strip.counts)
    bars = (
        (
            _at(place * width),
            _at(STRIP_HEIGHT * (1 - count / most)),
            _at(max(width - 1, 0.5)),
            _at(STRIP_HEIGHT * count / most),
        )
        for place, count in enumerate(strip.counts)
        if count
    )
    best = ((_at(share * STRIP_WIDTH),) * 2 for share in strip.best)
    return format_html(
        '<svg class="strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>',
        STRIP_WIDTH,
        STRIP_HEIGHT + 6,
        _words(strip),
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"/>', bars),
        format_html_join("", f'<line x1="{{}}" y1="{STRIP_HEIGHT - 6}" x2="{{}}" y2="{STRIP_HEIGHT + 6}"/>', best),
    )


@register.simple_tag
def density_chart(density: Density) -> SafeString:
    """How often each part of a range was tried, as one shape, with a mark where the best trial lies."""
    most, width = max(density.counts) or 1, STRIP_WIDTH / len(density.counts)
    bars = "".join(
        f"M{_at(place * width)} {STRIP_HEIGHT}v-{_at(STRIP_HEIGHT * count / most)}h{_at(max(width - 1, 0.5))}"
        f"v{_at(STRIP_HEIGHT * count / most)}z"
        for place, count in enumerate(density.counts)
        if count
    )
    best = (
        format_html(
            '<line x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>',
            _at(density.best * STRIP_WIDTH),
            STRIP_HEIGHT - 6,
            STRIP_HEIGHT + 6,
        )
        if density.best is not None
        else ""
    )
    return format_html(
        '<svg class="strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}"/>{}</svg>',
        STRIP_WIDTH,
        STRIP_HEIGHT + 6,
        density.words,
        bars,
        best,
    )


def _words(strip: Strip) -> str:
    """What the drawing shows, for those who do not see it."""
    if strip.labels:
        counted = sorted(zip(strip.counts, strip.labels, strict=True), reverse=True)[:5]
        tried = ", ".join(f"{label} {count} times" for count, label in counted if count)
    else:
        half = len(strip.counts) // 2
        tried = f"{sum(strip.counts[:half])} in the lower half of the range, {sum(strip.counts[half:])} in the upper"
    best = f"; the best have {strip.lowest_best}" if strip.best else ""
    return f"Tried: {tried}{best}{f' to {strip.highest_best}' if strip.best and strip.highest_best else ''}"


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
