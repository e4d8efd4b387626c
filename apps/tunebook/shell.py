"""Filling texts into a shell line so that each stays what it is, whatever quotes stand around it."""

import re
import shlex
from collections.abc import Mapping

# A filled text is one word; a tuple of texts is that many words.
Filling = str | tuple[str, ...]

_SUBSTITUTION = "$("
_SPECIAL_IN_DOUBLE = re.compile(r'([\\"$`])')


def fill_line(line: str, pattern: re.Pattern[str], fillings: Mapping[str, Filling]) -> str:
    """The shell line with every match of `pattern` replaced by its filling, quoted for the place where it stands.

    A text that needs no quoting stays bare. A match behind a backslash or in a comment is left alone.
    """
    done: list[str] = []
    quotes = [""]
    at = 0
    while at < len(line):
        here = line[at]
        if here == "\\" and quotes[-1] != "'":
            done.append(line[at : at + 2])
            at += 2
        elif here == "#" and quotes[-1] not in ("'", '"') and _starts_a_word(line, at):
            end = line.find("\n", at)
            end = len(line) if end < 0 else end
            done.append(line[at:end])
            at = end
        elif found := pattern.match(line, at):
            done.append(quoted(fillings[found.group(0)], quotes[-1]))
            at = found.end()
        else:
            step = 2 if quotes[-1] != "'" and line.startswith(_SUBSTITUTION, at) else 1
            done.append(line[at : at + step])
            _follow(quotes, line[at : at + step])
            at += step
    return "".join(done)


def quoted(filling: Filling, quote: str) -> str:
    """The filling as it must be written inside these quotes: `'`, `"`, or anything else for none."""
    if quote in ("'", '"'):
        text = filling if isinstance(filling, str) else " ".join(filling) + " "
        return text.replace("'", "'\\''") if quote == "'" else _SPECIAL_IN_DOUBLE.sub(r"\\\1", text)
    if isinstance(filling, str):
        return shlex.quote(filling)
    return "".join(f"{shlex.quote(word)} " for word in filling)


def _starts_a_word(line: str, at: int) -> bool:
    return at == 0 or line[at - 1] in " \t\n;&|("


def _follow(quotes: list[str], seen: str) -> None:
    """Keep the stack of open quotes and substitutions as the shell would."""
    top = quotes[-1]
    if top == "'":
        if seen == "'":
            quotes.pop()
    elif seen == _SUBSTITUTION or (seen == "(" and top != '"'):
        quotes.append("(")
    elif seen == ")" and top == "(":
        quotes.pop()
    elif seen == "`":
        if "`" in quotes:
            del quotes[quotes.index("`") :]
        else:
            quotes.append("`")
    elif seen == '"':
        if top == '"':
            quotes.pop()
        else:
            quotes.append('"')
    elif seen == "'" and top != '"':
        quotes.append("'")
