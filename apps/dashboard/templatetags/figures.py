"""Numbers, durations and times as people read them. static/js/format.js follows the same rules."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.insights.wording import metric

register = template.Library()

NOTHING = "–"
UNREAD = 10**15  # a count from here on is told by its size alone
WORDS = {"NaN": "NaN", "Infinity": "∞", "-Infinity": "-∞"}
FOUR = Context(prec=4, rounding=ROUND_HALF_UP)  # as a browser rounds what lies in the middle
TURNING = frozenset({"R", "AL", "LRE", "RLE", "LRO", "RLO", "LRI", "RLI", "FSI"})
MINUTE, HOUR, DAY = 60, 3600, 86400


@register.filter
def number(value: Any) -> str:
    """Four significant digits, zeros at the end dropped; whole numbers below a million in full; else as 1.2e-7.

    Charts get six digits of a value (insights/charts/numbers.py), so it is cut to six before: both then say the same.
    None is a dash, non-finite values are words; anything that is no number comes back as text.
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(value, str):
        return WORDS.get(value, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else WORDS["Infinity" if value > 0 else "-Infinity"]
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    value = float(f"{value:.6g}")
    if 1e-4 <= abs(value) < 1e6:
        places = max(0, 3 - math.floor(math.log10(abs(value))))
        return _trim(f"{Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}")
    mantissa, _, exponent = f"{FOUR.create_decimal_from_float(value):.3e}".partition("e")
    return f"{_trim(mantissa)}e{int(exponent)}"


@register.filter
def count(value: int) -> str:
    """A count with its thousands apart: 12,345; of one that nobody reads only its size: about 10^21."""
    return f"{value:,}" if value < UNREAD else f"about 10^{round(math.log10(value))}"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def column_digits(values: Iterable[float | None], most: int = 8) -> int | None:
    """How many decimals tell a column's numbers apart: about four digits of their spread.

    None for no numbers, and for such as are written with powers.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    if max(map(abs, finite)) < 1e-4 and any(finite):
        return None  # each with its own power: decimals would cut the smaller ones down to nothing
    spread = max(finite) - min(finite) or max(abs(finite[0]), 1e-300)
    if all(float(value).is_integer() for value in finite):
        return 0
    return min(most, max(0, 3 - math.floor(math.log10(spread))))


@register.filter
def aligned(value: Any, digits: int | None) -> str:
    """A number with exactly so many decimals, for columns; what does not fit so is written as `number` does."""
    if digits is None or isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return number(value)
    if abs(value) >= 1e9 or (value != 0 and abs(value) < 10**-digits):
        return number(value)
    return f"{value:.{digits}f}"


@register.filter
def isolated(value: Any) -> str:
    """A name for the middle of a sentence: one that turns the direction of writing does not turn what stands around it."""
    text = str(value)
    if text.isascii() or not any(unicodedata.bidirectional(one) in TURNING for one in text):
        return text
    return f"\u2068{text}\u2069"


@register.filter
def exact(value: Any) -> str:
    """Every digit, for titles and copying."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


@register.filter
def duration(seconds: Any) -> str:
    """Two units at most: "20 ms", "0.4 s", "14 s", "2 m 14 s", "3 h 12 m", "2 d 4 h"."""
    if seconds is None:
        return NOTHING
    if hasattr(seconds, "total_seconds"):
        seconds = seconds.total_seconds()
    if seconds <= 0:
        return "0 s"
    if seconds < 0.0995:
        return f"{max(1, int(seconds * 1000 + 0.5))} ms"
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} m {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} m"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


@register.simple_tag
def took(started: datetime | None, ended: datetime | None) -> str:
    """How long something took, or has taken so far."""
    if started is None:
        return NOTHING
    return duration(((ended or timezone.now()) - started).total_seconds())


def since(moment: datetime, now: datetime) -> str:
    """ "now", "14 s ago", "3 min ago", "2 h ago", "5 d ago", then the day itself."""
    age = (now - moment).total_seconds()
    if age < 5:
        return "now"
    for limit, size, unit in ((MINUTE, 1, "s"), (HOUR, MINUTE, "min"), (DAY, HOUR, "h"), (30 * DAY, DAY, "d")):
        if age < limit:
            return f"{int(age // size)} {unit} ago"
    return f"{moment:%Y-%m-%d}"


@register.simple_tag
def ago(moment: datetime | None, field: str = "") -> SafeString | str:
    """A time element with relative words; the exact moment stands in its title and its datetime."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    return format_html(
        '<time data-relative datetime="{}" title="{}"{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        format_html(' data-field="{}"', field) if field else "",
        since(moment, timezone.now()),
    )


register.filter(metric)


@register.filter
def of_param(name: Any, query: Any) -> str:
    """The end of an address that asks for one parameter, behind a query string or as its beginning; empty without one."""
    return f"{'&' if query else '?'}{urlencode({'param': name})}" if name else ""


@register.filter
def plain_json(value: Any) -> str:
    """A document as JSON in one line, without what was not given."""
    given = {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value
    return json.dumps(given, ensure_ascii=False)


@register.filter
def middle(text: str, most: int = 28) -> str:
    """A long name with its middle left out, because names often differ at their ends."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[-(most - 1 - head) :]}"


@register.filter
def brief(value: Any) -> str:
    """A parameter's value at a glance: fractions to four digits, all else as `words` has it."""
    return number(value) if isinstance(value, float) else words(value)


@register.filter
def words(value: Any) -> str:
    """A parameter's value as text: numbers in full length up to ten digits, nested options by label; true, false and
    null as documents write them."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, dict) and "_name" in value:
        return str(value["_name"])
    return str(value)
