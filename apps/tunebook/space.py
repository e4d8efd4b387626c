"""The search space: names of hyperparameters and the distribution of each."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunebook.distributions import Choice, Distribution, Randint, Value
from tunebook.errors import SpecError

Params = dict[str, Value]


@dataclass(frozen=True)
class Condition:
    """When a nested parameter counts: the choice above it has one of these labels."""

    parent: str
    labels: tuple[str, ...]


Leaf = tuple[Distribution, Condition | None]
_NUMBERS = frozenset({int, float})


class Space(Mapping[str, Distribution]):
    """A search space: a mapping of parameter names to distributions.

    Args:
        parameters: name -> distribution. An object with distributions as a value of a Choice is a nested space.

    Example:
        >>> space = Space({"lr": LogUniform.between(0.001, 1), "model": Choice([{"_name": "svm", "C": Uniform(0, 1)}, "bayes"])})
        >>> space.flatten({"lr": 0.1, "model": {"_name": "svm", "C": 0.5}})
        {'lr': 0.1, 'model': 'svm', 'model.C': 0.5}
    """

    def __init__(self, parameters: Mapping[str, Distribution]) -> None:
        if not isinstance(parameters, Mapping):
            raise SpecError("space", f"must be an object of names and distributions, got {parameters!r:.80}")
        for name, distribution in parameters.items():
            if not isinstance(name, str) or not name.strip():
                raise SpecError("space", f"a parameter's name must be a text that is not empty, got {name!r:.80}")
            if not isinstance(distribution, Distribution):
                raise SpecError(f"space.{name}", f"must be a distribution, got {distribution!r:.80}")
        self._parameters = dict(parameters)
        self._choices = {name for name, distribution in parameters.items() if isinstance(distribution, Choice)}
        self._leaves: dict[str, Leaf] = {}
        self._inner: dict[str, tuple[dict[str, str], ...]] = {}
        for name, distribution in self._parameters.items():
            self._grow(name, distribution, None)

    def __getitem__(self, name: str) -> Distribution:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def __repr__(self) -> str:
        return f"Space({self._parameters!r})"

    @cached_property
    def size(self) -> int | None:
        """How many different parameter sets there are; None when they cannot be counted."""
        sizes = [distribution.size for distribution in self.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def leaves(self) -> dict[str, Leaf]:
        """Every parameter by its flat name, those above before those below, with the condition under which it counts.

        A nested member is called ``choice.member``; when options of one choice give the same member different
        distributions, ``choice.label.member``.
        """
        return dict(self._leaves)

    def contains(self, params: object) -> bool:
        """True when these parameters can be drawn from this space."""
        return (
            isinstance(params, Mapping)
            and params.keys() == self.keys()
            and all(distribution.contains(params[name]) for name, distribution in self.items())
        )

    def problems(self, params: object) -> list[str]:
        """One sentence for each thing that is wrong with these parameters; empty when they fit."""
        if not isinstance(params, Mapping):
            return [f"must be an object of names and values, got {params!r:.80}"]
        found = [f"{name}: is not a parameter of this space" for name in params if name not in self]
        for name, distribution in self.items():
            if name not in params:
                found.append(f"{name}: is missing")
            else:
                found += _problems(name, distribution, params[name])
        return found

    def sample(self, draw: random.Random) -> Params:
        """One random parameter set."""
        return self.assemble(lambda name, distribution: _pick(distribution, draw.random()))

    def assemble(self, pick: Callable[[str, Distribution], Value]) -> Params:
        """Build a parameter set by asking for each parameter that counts, those above before those below.

        ``pick`` gets the flat name and the distribution; it returns the value, for a Choice the index of the option.
        """
        return {name: self._fill(name, distribution, pick) for name, distribution in self._parameters.items()}

    def walk(self, params: Mapping[str, Value]) -> Iterator[tuple[str, Distribution, Value]]:
        """The reverse of ``assemble``: each parameter that counts with its value, for a Choice the option's index.

        Parameters that are missing or do not fit the space are left out.
        """
        for name, distribution in self._parameters.items():
            if name in params:
                yield from self._unfold(name, distribution, params[name])

    def flatten(self, params: Mapping[str, Value]) -> Params:
        """The parameters under flat names, each a single value: a nested choice gives its label and its members.

        What the space does not know is kept as it is.
        """
        flat: Params = {}
        for name, value in params.items():
            kind = type(value)
            if kind is str or (kind in _NUMBERS and name not in self._choices):
                flat[name] = value  # by far the most frequent, and the same whatever the distribution
                continue
            distribution = self._parameters.get(name)
            if isinstance(distribution, Choice) and distribution.contains(value):
                for leaf, inner, drawn in self._unfold(name, distribution, value):
                    flat[leaf] = _single(inner, drawn)
            elif isinstance(value, Mapping):
                flat[name] = str(value.get("_name", json.dumps(value, ensure_ascii=False)))
            else:
                flat[name] = value
        return flat

    def coerce(self, params: Mapping[str, Value]) -> Params:
        """The parameters with values given as text ("0.01") turned into what the space holds, where that works."""
        return {name: _coerced(self._parameters.get(name), value) for name, value in params.items()}

    def to_dict(self) -> dict[str, Any]:
        """The space as plain JSON."""
        return {name: distribution.to_dict() for name, distribution in self.items()}

    @classmethod
    def from_dict(cls, document: object, path: str = "space") -> Space:
        """Build one from plain JSON; a SpecError names the place below ``path``."""
        if not isinstance(document, Mapping):
            raise SpecError(path, f"must be an object of names and distributions, got {document!r:.80}")
        try:
            return cls({name: Distribution.from_dict(member, f"{path}.{name}") for name, member in document.items()})
        except RecursionError:
            raise SpecError(path, "is nested too deeply") from None

    def _grow(self, name: str, distribution: Distribution, condition: Condition | None) -> None:
        """Note a parameter and everything nested in it."""
        if name in self._leaves:
            raise SpecError(f"space.{name}", "is the name of two parameters; rename one")
        self._leaves[name] = (distribution, condition)
        if not isinstance(distribution, Choice) or not distribution.is_nested:
            return
        options = [distribution.nested(option) for option in range(len(distribution.values))]
        inner: list[dict[str, str]] = [{} for _ in options]
        for member in dict.fromkeys(member for nested in options for member in nested):
            variants: list[tuple[Distribution, list[int]]] = []
            for option, nested in enumerate(options):
                if member in nested:
                    _sort_in(variants, nested[member], option)
            for variant, chosen in variants:
                label = "" if len(variants) == 1 else f".{distribution.labels[chosen[0]]}"
                leaf = f"{name}{label}.{member}"
                for option in chosen:
                    inner[option][member] = leaf
                self._grow(leaf, variant, Condition(name, tuple(distribution.labels[option] for option in chosen)))
        self._inner[name] = tuple(inner)

    def _fill(self, name: str, distribution: Distribution, pick: Callable[[str, Distribution], Value]) -> Value:
        picked = pick(name, distribution)
        if not isinstance(distribution, Choice):
            return picked
        if not distribution.is_nested:
            return distribution.values[picked]
        leaves = self._inner[name][picked]
        nested = distribution.nested(picked)
        return distribution.filled(picked, {key: self._fill(leaves[key], nested[key], pick) for key in nested})

    def _unfold(self, name: str, distribution: Distribution, value: Value) -> Iterator[tuple[str, Distribution, Value]]:
        if not isinstance(distribution, Choice):
            if distribution.contains(value):
                yield name, distribution, value
            return
        option = distribution.option(value)
        if option is None:
            return
        yield name, distribution, option
        if distribution.is_nested:
            for key, inner in distribution.nested(option).items():
                yield from self._unfold(self._inner[name][option][key], inner, value[key])


def _problems(name: str, distribution: Distribution, value: Value) -> list[str]:
    """What is wrong with one value; inside an option that was clearly meant, what is wrong with its members."""
    if distribution.contains(value):
        return []
    if not isinstance(distribution, Choice):
        bounded = distribution.lowest is not None
        allowed = (
            f"must be within {distribution.describe()}" if bounded else f"must be a number ({distribution.describe()})"
        )
        return [f"{name}: {allowed}; got {value!r:.80}"]
    if isinstance(value, Mapping):
        for option, plain in enumerate(distribution.values):
            nested = distribution.nested(option)
            if nested and plain.keys() == value.keys() and plain.get("_name") == value.get("_name"):
                inner = [each for key in nested for each in _problems(f"{name}.{key}", nested[key], value[key])]
                if inner:
                    return inner
    return [f"{name}: must be one of {distribution.describe()}; got {value!r:.80}"]


def _sort_in(variants: list[tuple[Distribution, list[int]]], distribution: Distribution, option: int) -> None:
    """Put an option beside the earlier ones that give the same distribution."""
    for variant, chosen in variants:
        if variant == distribution:
            chosen.append(option)
            return
    variants.append((distribution, [option]))


def _pick(distribution: Distribution, u: float) -> Value:
    return int(u * len(distribution.values)) if isinstance(distribution, Choice) else distribution.sample(u)


def _single(distribution: Distribution, drawn: Value) -> Value:
    """A drawn value as one table cell: an object or a list becomes its label."""
    if not isinstance(distribution, Choice):
        return drawn
    value = distribution.values[drawn]
    return distribution.labels[drawn] if isinstance(value, Mapping | list | tuple) else value


def _coerced(distribution: Distribution | None, value: Value) -> Value:
    if distribution is None or distribution.contains(value):
        return value
    if isinstance(distribution, Choice):
        return _coerced_option(distribution, value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return int(number) if isinstance(distribution, Randint) and number.is_integer() else number


def _coerced_option(choice: Choice, value: Value) -> Value:
    """The option meant by a text, or by an object whose members are texts."""
    if isinstance(value, Mapping):
        for option in range(len(choice.values)):
            nested = choice.nested(option)
            filled = {name: _coerced(nested.get(name), member) for name, member in value.items()}
            if choice.option(filled) == option:
                return filled
        return value
    for option, plain in enumerate(choice.values):
        if not choice.nested(option) and value in (choice.labels[option], str(plain)):
            return plain
    return value
