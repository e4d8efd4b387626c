"""The options of samplers: their types and bounds, and how a value given by someone is read."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import listed


@dataclass(frozen=True)
class Word:
    """Reads one of some words, in any case."""

    words: tuple[str, ...]

    def __call__(self, value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in self.words:
            raise ValueError(f"must be one of {listed(self.words)}")
        return value.lower()


@dataclass(frozen=True)
class Option:
    """One option of a sampler: its name, what it is when not given, how it is read, and what it does."""

    name: str
    default: Any
    reader: Callable[[Any], Any]
    about: str

    def __str__(self) -> str:
        default = "" if self.default is None else f" ({self.default})"
        words = f"; one of {listed(self.reader.words)}" if isinstance(self.reader, Word) else ""
        return f"{self.name}{default}: {self.about}{words}"

    def read(self, value: Any) -> Any:
        """The value, checked. Raises SpecError with the option's name as path."""
        if value is None:
            return self.default
        try:
            return self.reader(value)
        except ValueError as error:
            raise SpecError(self.name, f"{error}, got {value!r:.80}") from None


def whole(low: int, high: int | None = None) -> Callable[[Any], int]:
    """Reads a whole number within bounds, ends included."""

    def read(value: Any) -> int:
        fits = not isinstance(value, bool) and isinstance(value, int | float) and value == value // 1
        if not fits or not low <= value <= _most(high):
            raise ValueError(f"must be a whole number {_limits(low, high)}")
        return int(value)

    return read


def number(low: float, high: float | None = None, above: bool = False) -> Callable[[Any], float]:
    """Reads a number within bounds, ends included; ``above`` leaves out the lower one."""

    def read(value: Any) -> float:
        fits = not isinstance(value, bool) and isinstance(value, int | float)
        if not fits or not low <= value <= _most(high) or (above and value == low):
            raise ValueError(f"must be a number {f'above {low:g}' if above else _limits(low, high)}")
        return float(value)

    return read


def word(*words: str) -> Word:
    """Reads one of some words, in any case."""
    return Word(words)


def flag(value: Any) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _most(high: float | None) -> float:
    """The upper bound; without one the largest number that can be reckoned with, so that infinity is none."""
    return sys.float_info.max if high is None else high


def _limits(low: float, high: float | None) -> str:
    return f"of at least {low:g}" if high is None else f"from {low:g} to {high:g}"
