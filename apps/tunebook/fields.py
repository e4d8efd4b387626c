"""Typed reads of a document's members, with errors that name the path and what is allowed there."""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, TypeGuard, TypeVar

from tunebook.errors import SpecError

T = TypeVar("T")

_WORDS: dict[type, str] = {bool: "true or false", str: "text", list: "a list", dict: "an object", type(None): "null"}


def kind(value: object) -> str:
    """How a person would call what stands there: "text", "a number", "a list" ..."""
    for of, word in _WORDS.items():
        if isinstance(value, of):
            return word
    return "a number" if isinstance(value, int | float) else type(value).__name__


def is_finite(value: object) -> TypeGuard[float]:
    """A finite number that a float can hold; true and false are none."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def join(path: str, name: str) -> str:
    """The path of a member: `space` and `lr` give `space.lr`."""
    return f"{path}.{name}" if path else name


def listed(names: Iterable[object]) -> str:
    """The names in one line: `a, b, c`."""
    return ", ".join(str(name) for name in names)


def meant(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or an empty text."""
    by_lower = {one.lower().replace("-", "_"): one for one in known}
    close = difflib.get_close_matches(name.lower().replace("-", "_"), by_lower, n=1, cutoff=0.72)
    return by_lower[close[0]] if close else ""


def unknown(name: str, known: Iterable[str], what: str = "member") -> str:
    """The sentence that refuses a name nobody knows: what was probably meant, and what there is."""
    names = list(known)
    guess = meant(name, names)
    hint = f"did you mean {guess}? " if guess else ""
    return f"unknown {what}, {hint}allowed: {listed(names)}" if names else f"unknown {what}, none is allowed here"


@contextmanager
def below(path: str) -> Iterator[None]:
    """Put `path` in front of the path of every SpecError raised inside."""
    try:
        yield
    except SpecError as error:
        raise SpecError(join(path, error.path), error.message) from None


class Fields:
    """One JSON object being read: `Fields(document, "limits", ("max_trials", ...))` refuses unknown members at once.

    Each reader returns the member with its type checked, the default when it is absent or null,
    and raises SpecError with the member's path otherwise.
    """

    def __init__(self, document: object, path: str, allowed: Iterable[str] | None = None) -> None:
        if not isinstance(document, Mapping):
            raise SpecError(path, f"must be an object, got {kind(document)}")
        self.document: Mapping[str, Any] = document
        self.path = path
        names = None if allowed is None else list(allowed)
        for name in document:
            if not isinstance(name, str):
                raise SpecError(path, f"member names must be text, got {name!r}")
            if names is not None and name not in names:
                raise SpecError(self.at(name), unknown(name, names))

    def at(self, name: str) -> str:
        """The path of one member."""
        return join(self.path, name)

    def has(self, name: str) -> bool:
        """Is the member there, and not null?"""
        return self.document.get(name) is not None

    def require(self, *names: str) -> Self:
        """Refuse the document when one of these members is missing or null."""
        for name in names:
            if not self.has(name):
                raise SpecError(self.at(name), "is required")
        return self

    def text(self, name: str, default: str = "", *, empty: bool = True) -> str:
        """A text; `empty=False` refuses blank ones."""
        value = self._typed(name, str, default)
        if not empty and not value.strip():
            raise SpecError(self.at(name), "must not be empty")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or None when it is absent."""
        return self.text(name) if self.has(name) else None

    def word(self, name: str, allowed: Iterable[str], default: str) -> str:
        """One of some words, compared without case; the known spelling is returned."""
        words = {word.lower(): word for word in allowed}
        value = self.text(name, default)
        if value.lower() not in words:
            raise SpecError(self.at(name), f"must be one of {listed(filter(None, words.values()))}, got {value!r}")
        return words[value.lower()]

    def flag(self, name: str, default: bool = False) -> bool:
        """A JSON true or false."""
        return self._typed(name, bool, default)

    def integer(self, name: str, *, low: int | None = None, high: int | None = None) -> int | None:
        """A whole number within the bounds (ends included), or None when it is absent."""
        if not self.has(name):
            return None
        value = self.document[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise SpecError(self.at(name), f"must be a whole number, got {_shown(value)}")
        self._within(name, value, low, high)
        return value

    def number(self, name: str, *, low: float | None = None, high: float | None = None) -> float | None:
        """A finite number within the bounds (ends included), or None when it is absent."""
        if not self.has(name):
            return None
        value = self.document[name]
        if not is_finite(value):
            raise SpecError(self.at(name), f"must be a number, got {_shown(value)}")
        self._within(name, value, low, high)
        return float(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when it is absent."""
        values = self._typed(name, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise SpecError(f"{self.at(name)}.{index}", f"must be text, got {kind(value)}")
        return tuple(values)

    def items(self, name: str) -> list[Any]:
        """A list of anything; empty when it is absent."""
        return self._typed(name, list, [])

    def mapping(self, name: str) -> dict[str, Any]:
        """An object of anything, its names checked to be text; empty when it is absent."""
        value = self.document.get(name)
        return {} if value is None else dict(Fields(value, self.at(name)).document)

    def text_mapping(self, name: str) -> dict[str, str]:
        """An object whose values are texts; empty when it is absent."""
        found = Fields(self.mapping(name), self.at(name))
        return {key: found.text(key) for key in found.document}

    def inside(self, name: str, allowed: Iterable[str] | None = None) -> "Fields":
        """The member's own members; an absent member reads as an empty object."""
        value = self.document.get(name)
        return Fields({} if value is None else value, self.at(name), allowed)

    def _typed(self, name: str, of: type[T], default: T) -> T:
        value = self.document.get(name)
        if value is None:
            return default
        if not isinstance(value, of):
            raise SpecError(self.at(name), f"must be {_WORDS[of]}, got {kind(value)}")
        return value

    def _within(self, name: str, value: float, low: float | None, high: float | None) -> None:
        if low is not None and value < low:
            raise SpecError(self.at(name), f"must be at least {low:g}, got {value!s:.40}")
        if high is not None and value > high:
            raise SpecError(self.at(name), f"must be at most {high:g}, got {value!s:.40}")


def _shown(value: object) -> str:
    return f"{value!r:.60}" if isinstance(value, str | int | float) and not isinstance(value, bool) else kind(value)
