"""What every distribution of a hyperparameter is, whatever its shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields
from typing import Any, ClassVar, TypeGuard, cast

from tunebook.errors import SpecError
from tunebook.fields import is_finite

_PLAIN = frozenset({str, int, float})  # what most values are: known at once, without a look at abstract classes
LAST = 1.0 - 2.0**-53  # the largest number below 1

Value = Any  # what JSON can hold: a number, a text, true/false, null, a list or an object


class Distribution(ABC):
    """What values a hyperparameter may take and how likely each is."""

    kinds: ClassVar[Mapping[str, type[Distribution]]]  # by their type words; tunebook.distributions says which

    type: ClassVar[str]
    is_log: ClassVar[bool] = False
    is_numeric: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Take numpy's numbers for Python's. A distribution that checks its arguments does so after this."""
        for name in _arguments(type(self)):
            object.__setattr__(self, name, bare(getattr(self, name)))

    @abstractmethod
    def sample(self, u: float) -> Value:
        """The value at one uniform number in [0, 1)."""

    @abstractmethod
    def position(self, value: Value) -> float:
        """A number in [0, 1) whose sample is this value (the middle of them, for a stepped one)."""

    @abstractmethod
    def contains(self, value: object) -> bool:
        """True when this value can be drawn."""

    @abstractmethod
    def describe(self) -> str:
        """The values in a few words, for people."""

    @property
    def size(self) -> int | None:
        """How many different values there are; None when they cannot be counted."""
        return None

    @property
    def lowest(self) -> float | None:
        """The smallest value; None when there is none."""
        return None

    @property
    def highest(self) -> float | None:
        """The largest value; None when there is none."""
        return None

    def to_dict(self) -> dict[str, Any]:
        """The distribution as plain JSON: its type word and its arguments, without those that are None."""
        members = {name: getattr(self, name) for name in _arguments(type(self))}
        return {"type": self.type, **{name: value for name, value in members.items() if value is not None}}

    @staticmethod
    def from_dict(document: object, path: str = "") -> Distribution:
        """Build one from plain JSON; a SpecError names the place below ``path``."""
        try:
            return _build(document)
        except SpecError as error:
            raise error.under(path) from None

    @classmethod
    def _completed(cls, members: dict[str, Any]) -> dict[str, Any]:
        """The members of a document as arguments; a class that reads more than it is built from adds to them."""
        return members


def identity(value: object) -> Hashable:
    """Something hashable that is equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is bool or value is None:
        return (kind, value)
    if isinstance(value, list | tuple):
        return ("list", tuple(map(identity, value)))
    if isinstance(value, Mapping):
        return ("object", frozenset([(name, identity(member)) for name, member in value.items()]))
    return value


def bare(value: object) -> Any:
    """The same with Python's own numbers and texts in place of numpy's, of which nothing else is known here."""
    if type(value) in _PLAIN:
        return value
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        return cast(Any, value).item()
    if type(value) in (list, tuple):
        return cast(Any, type(value))(map(bare, cast(Any, value)))
    return {name: bare(member) for name, member in value.items()} if type(value) is dict else value


def is_number(value: object) -> TypeGuard[float]:
    return is_finite(value)


def check_number(name: str, value: object) -> float:
    if not is_number(value):
        raise SpecError(name, f"must be a finite number, got {value!r:.80}")
    return value


def _arguments(kind: type[Distribution]) -> dict[str, bool]:
    """The arguments of a distribution, and whether each must be given."""
    return {entry.name: entry.default is MISSING for entry in fields(cast(Any, kind))}


def _build(document: object) -> Distribution:
    words = ", ".join(Distribution.kinds)
    if not isinstance(document, Mapping):
        raise SpecError("", f"must be an object with a type (one of {words}), got {document!r:.80}")
    if "type" not in document:
        raise SpecError("type", f"is missing; must be one of {words}")
    kind = Distribution.kinds.get(document["type"]) if isinstance(document["type"], str) else None
    if kind is None:
        raise SpecError("type", f"must be one of {words}, got {document['type']!r:.80}")
    given = {name: value for name, value in document.items() if name != "type"}
    arguments = _arguments(kind)
    for name in given:
        if name not in arguments:
            raise SpecError(str(name), f"is not a member of {kind.type}; allowed: {', '.join(arguments)}")
    given = kind._completed(given)
    for name, needed in arguments.items():
        if needed and name not in given:
            raise SpecError(name, "is missing")
    return kind(**given)
