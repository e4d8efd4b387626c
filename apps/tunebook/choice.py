"""The choice between values, which may hold spaces of their own."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from tunebook.distribution import Distribution, Value, identity
from tunebook.errors import SpecError


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several values, each as likely.

    A value may be an object with distributions as members: a nested space that counts only when that value is chosen.
    Its member ``_name``, if there is one, is its label.

    Args:
        values: one or more JSON values.

    Example:
        >>> Choice(["adam", "sgd"]).sample(0.9)
        'sgd'
        >>> Choice([{"_name": "svm", "C": Uniform(0, 1)}, {"_name": "bayes"}]).labels
        ('svm', 'bayes')
    """

    values: Sequence[Value]

    type: ClassVar[str] = "choice"
    is_numeric: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if isinstance(self.values, str | bytes | Mapping) or not hasattr(self.values, "__iter__"):
            raise SpecError("values", f"must be a list, got {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))
        super().__post_init__()
        if not self.values:
            raise SpecError("values", "needs at least one value")
        for index, value in enumerate(self.values):
            for name, member in _members(value):
                _check_json(member, f"values.{index}{name}")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A text for each value, all different."""
        labels: list[str] = []
        taken: set[str] = set()
        for value in self.values:
            label = plain = _label(value)
            count = 1
            while label in taken:
                count += 1
                label = f"{plain} #{count}"
            taken.add(label)
            labels.append(label)
        return tuple(labels)

    @cached_property
    def is_nested(self) -> bool:
        """True when one of the values holds a space of its own."""
        return any(self._nested)

    def nested(self, option: int) -> dict[str, Distribution]:
        """The distributions inside one of the values, by member name."""
        return self._nested[option]

    def option(self, value: object) -> int | None:
        """The index of the value that was drawn here; None when it cannot have been."""
        index = self._plain.get(identity(value))
        if index is not None or not isinstance(value, Mapping):
            return index
        for number, members in enumerate(self._nested):
            if members and self._matches(number, value):
                return number
        return None

    def filled(self, option: int, members: Mapping[str, Value]) -> Value:
        """The value of an option with the distributions inside it replaced by drawn members."""
        value = self.values[option]
        return {**value, **members} if self._nested[option] else value

    def sample(self, u: float) -> Value:
        option = min(int(u * len(self.values)), len(self.values) - 1)
        if not self._nested[option]:
            return self.values[option]
        draw = random.Random(u)
        return self.filled(option, {name: inner.sample(draw.random()) for name, inner in self._nested[option].items()})

    def position(self, value: Value) -> float:
        return ((self.option(value) or 0) + 0.5) / len(self.values)

    def contains(self, value: object) -> bool:
        return self.option(value) is not None

    def describe(self) -> str:
        shown = ", ".join(self.labels[:6])
        return shown if len(self.labels) <= 6 else f"{shown} and {len(self.labels) - 6} more"

    @cached_property
    def size(self) -> int | None:
        total = len(self._plain)
        for members in self._nested:
            sizes = [inner.size for inner in members.values()]
            if None in sizes:
                return None
            total += math.prod(size for size in sizes if size is not None) if members else 0
        return total

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, "values": [_plain_option(value) for value in self.values]}

    @classmethod
    def _completed(cls, members: dict[str, Any]) -> dict[str, Any]:
        return {**members, "values": _options(members["values"])} if "values" in members else members

    @cached_property
    def _nested(self) -> tuple[dict[str, Distribution], ...]:
        return tuple(
            {name: member for name, member in value.items() if isinstance(member, Distribution)}
            if isinstance(value, Mapping)
            else {}
            for value in self.values
        )

    @cached_property
    def _plain(self) -> dict[Hashable, int]:
        plain: dict[Hashable, int] = {}
        for index, value in enumerate(self.values):
            if not self._nested[index]:
                plain.setdefault(identity(value), index)
        return plain

    def _matches(self, option: int, value: Mapping[str, Value]) -> bool:
        mine, inner = self.values[option], self._nested[option]
        if set(mine) != set(value):
            return False
        return all(
            inner[name].contains(member) if name in inner else identity(mine[name]) == identity(member)
            for name, member in value.items()
        )


def _options(values: object) -> list[Value]:
    if not isinstance(values, list | tuple):
        raise SpecError("values", f"must be a list, got {values!r:.80}")
    return [_option(value, f"values.{index}") for index, value in enumerate(values)]


def _option(value: Value, path: str) -> Value:
    """A choice's value with the nested distributions built: a member is one when its type is one of the ten words."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: Distribution.from_dict(member, f"{path}.{name}") if _is_declaration(member) else member
        for name, member in value.items()
    }


def _is_declaration(member: object) -> bool:
    return isinstance(member, Mapping) and isinstance(member.get("type"), str) and member["type"] in Distribution.kinds


def _plain_option(value: Value) -> Value:
    if not isinstance(value, Mapping):
        return value
    return {name: member.to_dict() if isinstance(member, Distribution) else member for name, member in value.items()}


def _members(value: Value) -> list[tuple[str, Value]]:
    """What of a choice's value must be plain JSON: the value, or the members that are no distributions."""
    if not isinstance(value, Mapping):
        return [("", value)]
    return [(f".{name}", member) for name, member in value.items() if not isinstance(member, Distribution)]


def _label(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        if isinstance(value.get("_name"), str):
            return str(value["_name"])
        if any(isinstance(member, Distribution) for member in value.values()):
            return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)


def _check_json(value: object, path: str) -> None:
    if isinstance(value, list | tuple):
        for index, member in enumerate(value):
            _check_json(member, f"{path}.{index}")
    elif isinstance(value, Mapping):
        for name, member in value.items():
            _check_json(member, f"{path}.{name}")
    elif isinstance(value, Distribution):
        raise SpecError(path, "a distribution can only be a direct member of a choice's value")
    elif not (
        value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
    ):
        raise SpecError(path, f"must be something JSON can hold, got {value!r:.80}")
