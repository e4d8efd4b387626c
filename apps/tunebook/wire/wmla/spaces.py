"""`hyperParams` as a space, and `experiments` as parameter sets.

Unused members come as 0 or []: what a type does not need is not looked at.
"""

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from tunebook.distributions import (
    Choice,
    Distribution,
    LogUniform,
    QLogUniform,
    QUniform,
    Randint,
    Uniform,
    Value,
)
from tunebook.errors import SpecError
from tunebook.fields import Fields, kind, listed
from tunebook.space import Params, Space
from tunebook.wire.wmla.documents import MAX_NAME, number, to_number, to_whole, whole

TYPES = ("Range", "Discrete")
DATA_TYPES = {"int": "int", "double": "double", "str": "str", "string": "str"}
MAX_VALUES = 10_000
MAX_PARAMETERS = 1_000
MAX_EXPERIMENTS = 10_000
_BOUNDS = {"int": ("minIntVal", "maxIntVal"), "double": ("minDbVal", "maxDbVal")}
# The last one is misspelt for good; written right it is understood too.
_LISTS = {"int": ("discreteIntVal",), "double": ("discreteDbVal",), "str": ("discreateStrVal", "discreteStrVal")}
_LARGEST_WHOLE = 2.0**53


def load_space(entries: list[Any], path: str = "hyperParams") -> Space:
    """The space of `hyperParams`. Raises SpecError with the wire's path: `hyperParams.0.maxDbVal`."""
    if not entries:
        raise SpecError(path, "must have at least one hyperparameter")
    if len(entries) > MAX_PARAMETERS:
        raise SpecError(path, f"must have at most {MAX_PARAMETERS} hyperparameters, got {len(entries)}")
    return Space({fields.document["name"]: _distribution(fields) for fields in _named(entries, path)})


def load_experiments(entries: list[Any], path: str = "experiments") -> list[Params]:
    """The parameter set of each of `experiments`; ids count from 0 by their order, whatever ids were given."""
    if not 1 <= len(entries) <= MAX_EXPERIMENTS:
        raise SpecError(path, f"must have 1 to {MAX_EXPERIMENTS} experiments, got {len(entries)}")
    found = []
    for index, entry in enumerate(entries):
        fields = Fields(entry, f"{path}.{index}").require("hyperParams")
        whole(fields, "id", -(2**31), 2**31)
        inside = _named(fields.items("hyperParams"), fields.at("hyperParams"))
        found.append({one.document["name"]: _fixed(one) for one in inside})
    return found


def data_type(fields: Fields) -> str:
    """`int`, `double` or `str`."""
    fields.require("dataType")
    return DATA_TYPES[fields.word("dataType", DATA_TYPES, "")]


def _named(entries: list[Any], path: str) -> Iterator[Fields]:
    """The entries as fields; each has a name that no other has."""
    seen = set()
    for index, entry in enumerate(entries):
        fields = Fields(entry, f"{path}.{index}").require("name")
        name = fields.text("name", empty=False)
        if len(name) > MAX_NAME:
            raise SpecError(fields.at("name"), f"must be at most {MAX_NAME} characters, got {len(name)}")
        if name in seen:
            raise SpecError(fields.at("name"), f"{name!r:.60} is given twice")
        seen.add(name)
        yield fields


def _distribution(fields: Fields) -> Distribution:
    fields.require("type", "dataType")
    word = fields.word("type", TYPES, "")
    data = data_type(fields)
    if word == "Discrete":
        return _discrete(fields, data)
    if data not in _BOUNDS:
        raise SpecError(fields.at("dataType"), f"a Range must be of {listed(_BOUNDS)}; texts are Discrete")
    try:
        return _range(fields, data)
    except SpecError as error:
        if error.path.startswith(fields.path):
            raise
        places = {"q": "step", "max_value": _BOUNDS[data][1], "high": _BOUNDS[data][1]}
        raise SpecError(fields.at(places.get(error.path, _BOUNDS[data][0])), error.message) from None


def _discrete(fields: Fields, data: str) -> Distribution:
    name = next((name for name in _LISTS[data] if fields.document.get(name)), _LISTS[data][0])
    values = fields.require(name).items(name)
    if not 1 <= len(values) <= MAX_VALUES:
        raise SpecError(fields.at(name), f"must have 1 to {MAX_VALUES} values, got {len(values)}")
    return Choice(tuple(_READ[data](value, f"{fields.at(name)}.{index}") for index, value in enumerate(values)))


def _range(fields: Fields, data: str) -> Distribution:
    """Steps count from the lower bound. With a power the bounds, and the steps, are exponents."""
    names = _BOUNDS[data]
    fields.require(*names)
    low, high = (_READ[data](fields.document[name], fields.at(name)) for name in names)
    if high < low:
        raise SpecError(fields.at(names[1]), f"must not be below {names[0]} ({low:g}), got {high:g}")
    step, power = _above_zero(fields, "step"), _above_zero(fields, "power")
    if power is not None:
        return _powers(fields, data, (low, high), step, power)
    if step is not None:
        if data == "int" and step != int(step):
            raise SpecError(fields.at("step"), f"must be a whole number for an int, got {step:g}")
        return QUniform(low, high, step, from_min=True, whole=data == "int")
    return Randint(high + 1, low) if data == "int" else Uniform(low, high)


def _powers(fields: Fields, data: str, bounds: tuple[float, float], step: float | None, power: float) -> Distribution:
    if power == 1:
        raise SpecError(fields.at("power"), "must not be 1, of which every power is 1")
    low, high = sorted(_powered(fields, power, exponent) for exponent in bounds)
    if data == "int" and high >= _LARGEST_WHOLE:
        raise SpecError(fields.at("power"), f"gives whole numbers of more than 53 bits: {power:g} to the {bounds[1]:g}")
    if step is not None:
        exponents = QUniform(*bounds, step, from_min=True)
        if (exponents.size or 0) > MAX_VALUES:
            raise SpecError(fields.at("step"), f"gives {exponents.size} powers; at most {MAX_VALUES} are taken")
        values = [_powered(fields, power, exponent) for exponent in exponents.values()]
        return Choice(tuple(dict.fromkeys(round(value) if data == "int" else value for value in values)))
    if data == "int":
        return QLogUniform.between(low, high, 1, clip=False, whole=True)
    return LogUniform.between(low, high)


def _powered(fields: Fields, power: float, exponent: float) -> float:
    """One power, without the dust that a float's own would have where the exponent is a whole number."""
    try:
        value = float(Decimal(repr(power)) ** int(exponent)) if exponent == int(exponent) else power**exponent
    except (OverflowError, ArithmeticError):
        value = math.inf
    if not 0 < value < math.inf:
        raise SpecError(fields.at("power"), f"to the {exponent:g} is no number that a float can hold: {power:g}")
    return value


def _above_zero(fields: Fields, name: str) -> float | None:
    """A number above 0; None for nothing, for 0 and for an empty text, which clients send for nothing."""
    if fields.document.get(name) in (None, "", 0, "0", "0.0"):
        return None
    found = number(fields, name)
    if found is None or found <= 0:
        raise SpecError(fields.at(name), f"must be above 0, got {found!r:.40}")
    return found


def _fixed(fields: Fields) -> Value:
    data = data_type(fields)
    fields.require("fixedVal")
    return _READ[data](fields.document["fixedVal"], fields.at("fixedVal"))


def _to_text(value: object, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SpecError(path, f"must be text, got {kind(value)}")
    if len(str(value)) > 4096:
        raise SpecError(path, f"must be at most 4096 characters, got {len(str(value))}")
    return str(value)


def _to_float(value: object, path: str) -> float:
    return float(to_number(value, path))


_READ: dict[str, Callable[[object, str], Any]] = {"int": to_whole, "double": _to_float, "str": _to_text}
