"""Search spaces written as `{"lr": {"_type": "uniform", "_value": [0, 1]}}`: PAI's and NNI's form."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tunebook.distributions import (
    Choice,
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    Uniform,
)
from tunebook.errors import SpecError
from tunebook.fields import Fields, is_finite, join, kind, listed, unknown
from tunebook.placeholders import unwrapped, wrapped
from tunebook.space import Space

_BUILDERS: dict[str, tuple[tuple[str, ...], Callable[..., Distribution]]] = {
    "randint": (("lower", "upper"), lambda lower, upper: Randint(_whole(upper, 1), _whole(lower, 0))),
    "uniform": (("low", "high"), Uniform),
    "quniform": (("low", "high", "q"), lambda low, high, q: QUniform(low, high, q, clip=True)),
    "loguniform": (("low", "high"), LogUniform.between),
    "qloguniform": (("low", "high", "q"), lambda low, high, q: QLogUniform.between(low, high, q, clip=True)),
    "normal": (("mu", "sigma"), Normal),
    "qnormal": (("mu", "sigma", "q"), QNormal),
    "lognormal": (("mu", "sigma"), LogNormal),
    "qlognormal": (("mu", "sigma", "q"), QLogNormal),
}
TYPES = ("choice", *_BUILDERS)
# The arguments of the library's constructors, by their place in `_value`.
_PLACES = {
    "lower": 0, "low": 0, "min_value": 0, "mu": 0,
    "upper": 1, "high": 1, "max_value": 1, "sigma": 1,
    "q": 2,
}  # fmt: skip
MAX_OPTIONS = 10_000
PLAIN = frozenset({str, int, float, bool, type(None)})


def load_space(document: object, path: str = "search_space") -> tuple[Space, dict[str, str]]:
    """The space, and for every variable not written as `${name}` the text that stands for it in commands.

    Raises SpecError with the wire's path: `search_space.${lr}._value`.
    """
    entries = Fields(document, path).document
    found: dict[str, Distribution] = {}
    literals: dict[str, str] = {}
    for key, entry in entries.items():
        name, where = _name_of(key, path), join(path, key)
        if name in found:
            raise SpecError(where, f"the variable {name} is given twice")
        found[name] = _load(entry, where, name, literals)
        if key != wrapped(name):
            literals[name] = key
    return Space(found), literals


def dump_space(space: Mapping[str, Distribution], literals: Mapping[str, str]) -> dict[str, Any]:
    """The space in this form, its keys written as they came (`${name}` when nothing else is known)."""
    return {literals.get(name, wrapped(name)): _dump(one, name, literals) for name, one in space.items()}


def wrap_params(params: Mapping[str, Any], literals: Mapping[str, str]) -> dict[str, Any]:
    """A parameter set with its keys written as the submitted space wrote them."""
    return {
        literals.get(name) or wrapped(name): value if type(value) in PLAIN else _wrap_option(value, name, literals)
        for name, value in params.items()
    }


def unwrap_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter set with bare names, whatever its keys were written like."""
    return {
        unwrapped(key): unwrap_params(value) if isinstance(value, Mapping) and "_name" in value else value
        for key, value in params.items()
    }


def _name_of(key: str, path: str) -> str:
    name = unwrapped(key).strip()
    if not name:
        raise SpecError(join(path, key), "a variable needs a name")
    return name


def _load(entry: object, where: str, name: str, literals: dict[str, str]) -> Distribution:
    fields = Fields(entry, where, ("_type", "_value")).require("_type", "_value")
    word = fields.text("_type")
    if word not in TYPES:
        raise SpecError(fields.at("_type"), unknown(word, TYPES, f"type {word!r}"))
    values = fields.items("_value")
    place = fields.at("_value")
    if word == "choice":
        return _load_choice(values, place, name, literals)
    names, build = _BUILDERS[word]
    if len(values) != len(names):
        raise SpecError(place, f"{word} takes {len(names)} numbers [{listed(names)}], got {len(values)}")
    for index, value in enumerate(values):
        if not is_finite(value):
            raise SpecError(f"{place}.{index}", f"must be a number, got {_short(value)}")
    try:
        return build(*values)
    except SpecError as error:
        argument = _PLACES.get(error.path)
        raise SpecError(place if argument is None else f"{place}.{argument}", error.message) from None


def _load_choice(options: list[Any], place: str, name: str, literals: dict[str, str]) -> Distribution:
    if not options:
        raise SpecError(place, "choice needs at least one option")
    if len(options) > MAX_OPTIONS:
        raise SpecError(place, f"choice takes at most {MAX_OPTIONS} options, got {len(options)}")
    loaded = []
    for index, option in enumerate(options):
        where = f"{place}.{index}"
        nested = isinstance(option, Mapping) and "_name" in option
        loaded.append(_load_option(option, where, name, literals) if nested else option)
    try:
        return Choice(tuple(loaded))
    except SpecError as error:
        raise SpecError(place, error.message) from None


def _load_option(option: Mapping[str, Any], where: str, name: str, literals: dict[str, str]) -> dict[str, Any]:
    """A nested option: its label, and the spaces that count only when it is chosen."""
    label = Fields(option, where).text("_name", empty=False)
    members: dict[str, Any] = {"_name": label}
    for key, entry in option.items():
        if key == "_name":
            continue
        inner = _name_of(key, where)
        if inner in members:
            raise SpecError(join(where, key), f"the variable {inner} is given twice")
        members[inner] = _load(entry, join(where, key), f"{name}.{inner}", literals)
        if key != inner:
            literals[f"{name}.{inner}"] = key
    return members


def _dump(one: Distribution, name: str, literals: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(one, Choice):
        return {"_type": "choice", "_value": [_dump_option(option, name, literals) for option in one.values]}
    if isinstance(one, QUniform) and one.from_min and (one.size or 0) <= MAX_OPTIONS:
        return {"_type": "choice", "_value": list(one.values())}
    for of, write in _WRITERS.items():
        if type(one) is of:
            return {"_type": one.type, "_value": write(one)}
    raise SpecError(name, f"{one.type} has no word in this form; there are {listed(TYPES)}")


def _dump_option(option: Any, name: str, literals: Mapping[str, str]) -> Any:
    if not isinstance(option, Mapping):
        return option
    return {
        literals.get(f"{name}.{key}", key): _dump(member, f"{name}.{key}", literals)
        if isinstance(member, Distribution)
        else member
        for key, member in option.items()
    }


def _wrap_option(value: Any, name: str, literals: Mapping[str, str]) -> Any:
    if not isinstance(value, Mapping) or "_name" not in value:
        return value
    return {
        literals.get(f"{name}.{key}", key): _wrap_option(member, f"{name}.{key}", literals)
        for key, member in value.items()
    }


def _whole(value: float, place: int) -> int:
    if value != int(value):
        raise SpecError("upper" if place else "lower", f"must be a whole number, got {value}")
    return int(value)


def _value_bounds(one: LogUniform | QLogUniform) -> list[float]:
    low = math.exp(one.min_value) if one.low is None else one.low
    return [low, math.exp(one.max_value) if one.high is None else one.high]


def _short(value: object) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float) else kind(value)


_WRITERS: dict[type[Distribution], Callable[[Any], list[Any]]] = {
    Randint: lambda one: [one.lower, one.upper],
    Uniform: lambda one: [one.min_value, one.max_value],
    QUniform: lambda one: [one.min_value, one.max_value, one.q],
    LogUniform: _value_bounds,
    QLogUniform: lambda one: [*_value_bounds(one), one.q],
    Normal: lambda one: [one.mu, one.sigma],
    QNormal: lambda one: [one.mu, one.sigma, one.q],
    LogNormal: lambda one: [one.mu, one.sigma],
    QLogNormal: lambda one: [one.mu, one.sigma, one.q],
}
