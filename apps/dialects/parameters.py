"""Parameters as tables: one entry says what a value may be, reads it, refuses it in a sentence, and documents it.

A view declares `{"PageSize": Whole(1, 100, default=10), ...}`. The same table reads the request and fills the OpenAPI
document, so that the two cannot disagree. A name that stands in no table is refused.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.http import QueryDict

from apps.dialects.body import check_text
from apps.dialects.refusal import Refusal

INT32 = 2**31 - 1


class Parameter:
    """One parameter. `from_text` reads it from a query, `from_json` from a body."""

    kind = "string"

    def __init__(self, about: str = "", *, default: Any = None, required: bool = False) -> None:
        self.about = about
        self.default = default
        self.required = required

    def from_text(self, text: str) -> Any:
        raise TypeError(f"{type(self).__name__} is not read from text")

    def from_json(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be text, got {shown(value)}")
        return self.from_text(value)

    def schema(self) -> dict[str, Any]:
        """The OpenAPI schema of the value."""
        described = {"type": self.kind, "description": self.about, "default": self.default}
        return {name: value for name, value in described.items() if value not in (None, "")}


class Text(Parameter):
    """Any text up to a length, composed (NFC), without NUL or lone surrogates."""

    def __init__(self, about: str = "", *, longest: int = 1024, shortest: int = 0, **options: Any) -> None:
        super().__init__(about, **options)
        self.longest, self.shortest = longest, shortest

    def from_text(self, text: str) -> Any:
        return self.composed(text)

    def composed(self, text: str) -> str:
        """The text in its composed form; refused when it is too long, too short or no text at all."""
        text = unicodedata.normalize("NFC", check_text(text))
        if len(text) > self.longest:
            raise ValueError(f"must have at most {self.longest} characters, got {len(text)}")
        if len(text) < self.shortest:
            raise ValueError(f"must have at least {self.shortest} characters, got {len(text)}")
        return text

    def schema(self) -> dict[str, Any]:
        bounds = {"maxLength": self.longest} | ({"minLength": self.shortest} if self.shortest else {})
        return super().schema() | bounds


class Whole(Parameter):
    """A whole number within bounds."""

    kind = "integer"

    def __init__(self, lowest: int, highest: int, about: str = "", **options: Any) -> None:
        super().__init__(about, **options)
        self.lowest, self.highest = lowest, highest

    def from_text(self, text: str) -> int:
        # isdecimal takes other scripts' digits too; those are no numbers on this wire
        if not (len(text) <= 20 and re.fullmatch(r"[+-]?[0-9]+", text)):
            raise ValueError(f"must be a whole number {self._range}, got {shown(text)}")
        return self._bounded(int(text))

    def from_json(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be a whole number {self._range}, got {shown(value)}")
        return self._bounded(value)

    def _bounded(self, value: int) -> int:
        if not self.lowest <= value <= self.highest:
            raise ValueError(f"must be a whole number {self._range}, got {value}")
        return value

    @property
    def _range(self) -> str:
        return f"from {self.lowest} to {self.highest}"

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minimum": self.lowest, "maximum": self.highest}


class Number(Parameter):
    """A finite number."""

    kind = "number"

    def from_text(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if len(text) > 40 or not math.isfinite(value):
            raise ValueError(f"must be a number, got {shown(text)}")
        return value

    def from_json(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be a number, got {shown(value)}")
        return float(value)


class Word(Parameter):
    """One of a few words, or one of their other spellings; the case does not matter."""

    def __init__(self, words: Sequence[str] | Mapping[str, str], about: str = "", **options: Any) -> None:
        super().__init__(about, **options)
        self.words = dict(words) if isinstance(words, Mapping) else {word: word for word in words}
        self._folded = {word.casefold(): meaning for word, meaning in self.words.items()}

    def from_text(self, text: str) -> Any:
        return self.meant(text)

    def meant(self, text: str) -> str:
        """What one of the words stands for."""
        try:
            return self._folded[text.casefold()]
        except KeyError:
            raise ValueError(f"must be one of {', '.join(self.words)}, got {shown(text)}") from None

    def schema(self) -> dict[str, Any]:
        spelled = [word for word, meaning in self.words.items() if meaning == self.default]
        default = {"default": spelled[0]} if spelled else {}
        return {"type": self.kind, "description": self.about, "enum": list(self.words), **default}


class Truth(Parameter):
    """True or false, as JSON or as text in any case."""

    kind = "boolean"
    _texts = {"true": True, "false": False, "1": True, "0": False}

    def from_text(self, text: str) -> bool:
        try:
            return self._texts[text.lower()]
        except KeyError:
            raise ValueError(f"must be true or false, got {shown(text)}") from None

    def from_json(self, value: Any) -> bool:
        if not isinstance(value, bool | str):
            raise ValueError(f"must be true or false, got {shown(value)}")
        return value if isinstance(value, bool) else self.from_text(value)


class Moment(Parameter):
    """A moment in UTC: `yyyy-mm-dd hh:mm:ss`, the same with T and Z, or a bare day.

    As an upper end it includes the whole second, and for a bare day the whole day.
    """

    FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")

    def __init__(self, about: str = "", *, upper: bool = False, **options: Any) -> None:
        super().__init__(about, **options)
        self.upper = upper

    def from_text(self, text: str) -> datetime:
        try:
            return self._read(text)
        except (ValueError, OverflowError):
            shapes = "yyyy-mm-dd hh:mm:ss or yyyy-mm-dd"
            raise ValueError(f"must be a date like {shapes} (UTC), got {shown(text)}") from None

    def _read(self, text: str) -> datetime:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            return day + timedelta(days=1, microseconds=-1) if self.upper else day
        shape = self.FORMATS["T" in text]
        moment = datetime.strptime(text, shape).replace(tzinfo=UTC)
        return moment.replace(microsecond=999_999) if self.upper else moment


class Record(Parameter):
    """A JSON object, handed on as it is: a codec or a verb knows what may stand in it. `shape` is for readers only."""

    kind = "object"

    def __init__(self, about: str = "", *, shape: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> None:
        super().__init__(about, **options)
        self.shape = shape

    def from_json(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"must be an object, got {shown(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"additionalProperties": True} | dict(self.shape)


class Series(Parameter):
    """A JSON array whose members are all of one kind."""

    kind = "array"

    def __init__(self, member: Parameter, about: str = "", *, longest: int = 1000, **options: Any) -> None:
        super().__init__(about, **options)
        self.member, self.longest = member, longest

    def from_json(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"must be an array, got {shown(value)}")
        if len(value) > self.longest:
            raise ValueError(f"must have at most {self.longest} members, got {len(value)}")
        return [self._member(index, item) for index, item in enumerate(value)]

    def _member(self, index: int, value: Any) -> Any:
        try:
            return self.member.from_json(value)
        except ValueError as error:
            raise ValueError(f"member {index} {error}") from None

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"items": self.member.schema(), "maxItems": self.longest}


def read_query(table: Mapping[str, Parameter], query: QueryDict, also: re.Pattern[str] | None = None) -> dict[str, Any]:
    """The parameters of a query by the table; absent and empty ones get their default.

    `also` is a pattern of further names that the view reads itself (`Tag.1.Key`).
    """
    values = {name: parameter.default for name, parameter in table.items()}
    for name, texts in query.lists():
        parameter = table.get(name)
        if parameter is None:
            if also is None or not also.fullmatch(name):
                raise _unknown(name, table)
            continue
        if len(texts) > 1:
            raise Refusal("bad_parameter", "must be given once", field=name)
        if texts[0]:
            values[name] = _read(name, parameter.from_text, texts[0])
    _require(table, values)
    return values


def read_fields(table: Mapping[str, Parameter], document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a body by the table; only those that were sent, null counting as not sent."""
    values: dict[str, Any] = {}
    for name, value in document.items():
        parameter = table.get(name)
        if parameter is None:
            raise _unknown(name, table)
        if value is not None:
            values[name] = _read(name, parameter.from_json, value)
    _require(table, values)
    return values


def _read(name: str, reader: Any, value: Any) -> Any:
    try:
        return reader(value)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, field=name, status=refusal.status) from None
    except ValueError as error:
        raise Refusal("bad_parameter", str(error), field=name) from None


def _require(table: Mapping[str, Parameter], values: Mapping[str, Any]) -> None:
    for name, parameter in table.items():
        if parameter.required and values.get(name) is None:
            raise Refusal("missing_parameter", "is required", field=name)


def _unknown(name: str, table: Mapping[str, Parameter]) -> Refusal:
    allowed = ", ".join(table) if table else "none"
    return Refusal("unknown_field", f"is not known here; allowed: {allowed}", field=shown(name)[1:-1])


def shown(value: Any) -> str:
    """The value as an error message shows it: short, on one line, never a whole document."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 80 else text[:77] + "..."
