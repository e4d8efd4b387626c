"""Search spaces written as `{"lr": ["uniform", [0, 1]]}`: Azure's form. Bounds of the log types are exponents."""

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
from tunebook.space import Space

# Word -> the names of its arguments and what is built from them.
WORDS: dict[str, tuple[tuple[str, ...], Callable[..., Distribution]]] = {
    "randint": (("upper",), lambda upper: Randint(_whole(upper))),
    "uniform": (("min_value", "max_value"), Uniform),
    "quniform": (("min_value", "max_value", "q"), QUniform),
    "loguniform": (("min_value", "max_value"), LogUniform),
    "qloguniform": (("min_value", "max_value", "q"), QLogUniform),
    "normal": (("mu", "sigma"), Normal),
    "qnormal": (("mu", "sigma", "q"), QNormal),
    "lognormal": (("mu", "sigma"), LogNormal),
    "qlognormal": (("mu", "sigma", "q"), QLogNormal),
}
TYPES = ("choice", *WORDS)


def load_space(document: object, path: str = "") -> Space:
    """The space. Raises SpecError with the path of the argument that is wrong: `lr.1.0`."""
    entries = Fields(document, path).document
    found = {name: load(entry, join(path, name)) for name, entry in entries.items()}
    try:
        return Space(found)
    except SpecError as error:
        name = error.path.removeprefix("space").removeprefix(".")
        raise SpecError(join(path, name) if name else path, error.message) from None


def is_expression(value: object) -> bool:
    """Does the value look like `[type, args]`?"""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and value[0].lower() in TYPES
        and isinstance(value[1], list)
    )


def load(expression: object, path: str) -> Distribution:
    """One distribution from `[type, args]`; type words are compared without case."""
    if not isinstance(expression, list) or len(expression) != 2:
        raise SpecError(path, f"must be [type, args], got {kind(expression)}")
    word, arguments = expression
    if not isinstance(word, str) or word.lower() not in TYPES:
        raise SpecError(join(path, "0"), unknown(str(word), TYPES, f"type {word!r:.40}"))
    place = join(path, "1")
    if not isinstance(arguments, list):
        raise SpecError(place, f"must be a list of arguments, got {kind(arguments)}")
    if word.lower() == "choice":
        return _load_choice(arguments, place)
    names, build = WORDS[word.lower()]
    if len(arguments) != len(names):
        raise SpecError(place, f"{word} takes {len(names)} numbers [{listed(names)}], got {len(arguments)}")
    # The SDK sends null for a step that was left out, as its documented examples do.
    arguments = [1 if name == "q" and value is None else value for name, value in zip(names, arguments, strict=True)]
    for index, value in enumerate(arguments):
        if not is_finite(value):
            raise SpecError(f"{place}.{index}", f"must be a number, got {kind(value)}")
    try:
        return build(*arguments)
    except SpecError as error:
        where = f"{place}.{names.index(error.path)}" if error.path in names else place
        raise SpecError(where, error.message) from None


def dump_space(space: Mapping[str, Distribution]) -> dict[str, Any]:
    """The space in this form. What it has no words for (a lower bound of randint, clipping) is refused by its name."""
    return {name: dump(distribution, name) for name, distribution in space.items()}


def dump(distribution: Distribution, path: str = "") -> list[Any]:
    """`[type, args]` for one distribution."""
    if isinstance(distribution, Choice):
        return ["choice", [[_dump_option(option, join(path, str(n))) for n, option in enumerate(distribution.values)]]]
    if isinstance(distribution, Randint) and distribution.lower != 0:
        raise SpecError(path, f"randint starts at 0 in this form, not at {distribution.lower}")
    if getattr(distribution, "clip", False):
        raise SpecError(path, f"{distribution.type} is not clipped to its bounds in this form")
    if getattr(distribution, "from_min", False):
        raise SpecError(path, f"{distribution.type} counts its steps from 0 in this form, not from its lower bound")
    names, _ = WORDS[distribution.type]
    return [distribution.type, [getattr(distribution, name) for name in names]]


def _load_choice(arguments: list[Any], place: str) -> Distribution:
    if len(arguments) != 1 or not isinstance(arguments[0], list):
        raise SpecError(place, "choice takes one list of options: [[option, option, ...]]")
    options = [_load_option(option, f"{place}.0.{index}") for index, option in enumerate(arguments[0])]
    try:
        return Choice(tuple(options))
    except SpecError as error:
        raise SpecError(place, error.message) from None


def _load_option(option: Any, where: str) -> Any:
    """An option; the expressions inside an object make a nested space."""
    if not isinstance(option, Mapping):
        return option
    return {
        name: load(member, join(where, name)) if is_expression(member) else member
        for name, member in Fields(option, where).document.items()
    }


def _dump_option(option: Any, path: str) -> Any:
    if not isinstance(option, Mapping):
        return option
    return {
        name: dump(member, join(path, name)) if isinstance(member, Distribution) else member
        for name, member in option.items()
    }


def _whole(value: float) -> int:
    if value != int(value):
        raise SpecError("upper", f"must be a whole number, got {value}")
    return int(value)
