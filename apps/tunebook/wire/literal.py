"""The printed form of a Python dictionary, as old clients send it, read without ever being compiled or evaluated.

One pass over the text builds what JSON could hold as well; size, depth and length are bounded before and on the way.
"""

import math
import re
from typing import Any

from tunebook.errors import SpecError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_COMMAS = 10_000
_BIGGEST = 2**63

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>[uU]?(?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<mark>[][(){},:])
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_WORDS = {"True": True, "False": False, "None": None}
_ESCAPE = re.compile(r"\\(\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {
    "\n": "", "\\": "\\", "'": "'", '"': '"',
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
_CLOSING = {"{": "}", "[": "]", "(": ")"}


def parse_literal(text: str) -> Any:
    """The dictionary, list or plain value that a Python literal prints. Tuples are read as lists.

    Raises SpecError with the place for anything else: expressions, sets, bytes, names, and what is too much.

        parse_literal("{'lr': 0.1, 'on': True}")
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise SpecError("", f"a Python literal must be at most {MAX_BYTES} bytes, got {size}; send JSON")
    if text.count(",") > MAX_COMMAS:
        raise SpecError("", f"a Python literal must have at most {MAX_COMMAS} commas; send JSON")
    reader = _Reader(text)
    value = reader.value(0)
    reader.end()
    return value


class _Reader:
    """Walks through the tokens of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind, self._token = "", ""
        self._step()

    def value(self, depth: int) -> Any:
        kind, token = self._kind, self._token
        if kind == "mark" and token in _CLOSING:
            if depth >= MAX_DEPTH:
                raise SpecError("", f"is nested deeper than {MAX_DEPTH} levels")
            self._step()
            return self._object(depth) if token == "{" else self._list(depth, _CLOSING[token])
        if kind == "text":
            return self._joined()
        self._step()
        if kind == "number":
            return self._number(token)
        if kind == "word" and token in _WORDS:
            return _WORDS[token]
        raise self._wrong(token or "the end of the text")

    def end(self) -> None:
        if self._kind:
            raise self._wrong(self._token)

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._takes("}"):
            name = self.value(depth + 1)
            if not isinstance(name, str):
                raise SpecError("", f"member names must be text, got {name!r:.40}")
            if name in found:
                raise SpecError(name, "is given twice")
            self._expect(":")
            found[name] = self.value(depth + 1)
            if not self._takes(","):
                self._expect("}")
                break
        return found

    def _list(self, depth: int, closing: str) -> Any:
        found: list[Any] = []
        is_tuple = closing == "]"
        while not self._takes(closing):
            found.append(self.value(depth + 1))
            if not self._takes(","):
                self._expect(closing)
                break
            is_tuple = True
        return found if is_tuple or not found else found[0]

    def _joined(self) -> str:
        """Texts that stand side by side are one."""
        parts = []
        while self._kind == "text":
            parts.append(self._unquoted(self._token))
            self._step()
        return "".join(parts)

    def _unquoted(self, token: str) -> str:
        inner = token[token.index(token[-1]) + 1 : -1]
        text = _ESCAPE.sub(self._unescaped, inner) if "\\" in inner else inner
        if "\0" in text or any("\ud800" <= mark <= "\udfff" for mark in text):
            raise SpecError("", "must not hold NUL or half characters")
        return text

    @staticmethod
    def _unescaped(found: re.Match[str]) -> str:
        said = found[1]
        if said[0] in "xuU" and len(said) > 1:
            code = int(said[1:], 16)
        elif said[0] in "01234567":
            code = int(said, 8)
        else:
            return _ESCAPED.get(said, found[0])
        if code > 0x10FFFF:
            raise SpecError("", f"{found[0]} is no character")
        return chr(code)

    @staticmethod
    def _number(token: str) -> float:
        if token.lstrip("+-").isdigit():
            if len(token) > 20 or not -_BIGGEST <= int(token) < _BIGGEST:
                raise SpecError("", f"whole numbers must fit in 64 bits, got {token[:30]}")
            return int(token)
        number = float(token)
        if not math.isfinite(number):
            raise SpecError("", f"numbers must be finite, got {token[:30]}")
        return number

    def _takes(self, mark: str) -> bool:
        if self._kind == "mark" and self._token == mark:
            self._step()
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._takes(mark):
            raise self._wrong(self._token or "the end of the text", f"{mark!r} was expected")

    def _step(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at :].lstrip()
            if rest:
                raise self._wrong(rest[:20])
            self._kind, self._token = "", ""
            return
        self._at = found.end()
        self._kind = found.lastgroup or ""
        self._token = found[self._kind]

    def _wrong(self, token: str, more: str = "") -> SpecError:
        line = self._text.count("\n", 0, self._at) + 1
        what = f"neither JSON nor a Python dictionary: {token[:40]} at line {line}"
        return SpecError("", f"{what}, where {more}" if more else what)
