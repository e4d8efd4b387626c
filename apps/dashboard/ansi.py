"""What programs write for terminals, made fit for a page: colours as classes, everything else that steers left out.

static/js/page/ansi.js does the same with what a log gains while it is looked at.
"""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

COLOURS = ("grey", "red", "green", "yellow", "blue", "magenta", "cyan", "")
STYLES = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
STEERING = re.compile(
    r"\x1b\[(?P<codes>[0-9;:]*)m"  # colours and weights
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences: cursor, erase
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links and other strings
    r"|\x1b[@-_]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]",
    re.DOTALL,
)


def html(text: str) -> SafeString:
    """The text as safe HTML. Of a line that was written over (a progress bar's) the last state counts."""
    pieces: list[str] = []
    classes: dict[str, str] = {}
    at = 0
    text = overwritten(text)
    for found in STEERING.finditer(text):
        pieces.append(_span(text[at : found.start()], classes))
        at = found.end()
        if found["codes"] is not None:
            classes = _turned(classes, found["codes"])
    pieces.append(_span(text[at:], classes))
    return mark_safe("".join(pieces))  # every piece is escaped


def overwritten(text: str) -> str:
    """The text with each line as it stood at last, after its carriage returns."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(next((part for part in reversed(line.split("\r")) if part), "") for line in lines)


def _turned(classes: dict[str, str], codes: str) -> dict[str, str]:
    """What holds after these codes; those of 256 or more colours have no class of ours and are passed over."""
    classes = dict(classes)
    numbers = [int(part) if part.isdecimal() and len(part) < 4 else 0 for part in re.split("[;:]", codes)]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            classes = {}
        elif code in STYLES:
            classes[STYLES[code]] = STYLES[code]
        elif code == 22:
            classes = {name: word for name, word in classes.items() if name not in ("bold", "dim")}
        elif code in (23, 24):
            classes.pop(STYLES[code - 20], None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            classes["colour"] = COLOURS[code % 10]
        elif code == 39:
            classes.pop("colour", None)
        elif code in (38, 48) and numbers:
            kind = numbers.pop(0)
            del numbers[: 1 if kind == 5 else 3]
    return classes


def _span(text: str, classes: dict[str, str]) -> str:
    if not text:
        return ""
    words = " ".join(f"ansi-{word}" for word in classes.values() if word)
    return f'<span class="{words}">{escape(text)}</span>' if words else str(escape(text))
