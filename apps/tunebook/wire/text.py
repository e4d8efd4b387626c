"""JSON and YAML from people and clients, read within bounds: size, depth, numbers, repeated names, aliases."""

import json
import math
import re
import unicodedata
from collections.abc import Hashable, Iterable
from typing import Any, ClassVar

from tunebook.errors import SpecError

try:
    import yaml
except ImportError:  # the client alone needs nothing but Python, and then reads JSON only
    yaml = None  # type: ignore[assignment]  # None is asked for before every use

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASES = 50
MAX_NODES = 200_000
_BIGGEST = 2**63

# The one in C is ten times as fast, and not everywhere; both build nothing but plain data.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", None) or getattr(yaml, "SafeLoader", object)


def parse(text: str | bytes) -> Any:
    """The document in a text that is JSON or YAML. Raises SpecError, with line and column where there is one."""
    clean = _clean(text)
    if clean.lstrip()[:1] not in ("{", "["):
        return parse_yaml(clean)
    try:
        return parse_json(clean)
    except NotJson as json_error:
        try:
            return parse_yaml(clean)  # its flow style looks like JSON: {lr: 0.1}
        except SpecError:
            raise SpecError(json_error.path, json_error.message) from None


def parse_json(text: str | bytes) -> Any:
    """The document in a JSON text. Repeated names, NaN, numbers beyond 64 bits and deep nesting are refused."""
    clean = _clean(text)
    _check_depth(clean)
    try:
        return json.loads(
            clean,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError as error:
        raise NotJson("", f"not valid JSON: {error.msg} at line {error.lineno} column {error.colno}") from None


def parse_yaml(text: str | bytes) -> Any:
    """The document in a YAML text, its plain words read as YAML 1.2 does: `1e-4` is a number, `no` and `22:00` texts."""
    if yaml is None:
        raise SpecError("", "is not JSON, and reading YAML needs the package PyYAML")
    clean = _clean(text)
    try:
        _check_events(clean)
        loader = _Loader(clean)
        try:
            document = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise SpecError("", f"not valid YAML: {said}{_place(error.problem_mark)}") from None
    except yaml.YAMLError as error:
        raise SpecError("", f"not valid YAML: {error}") from None
    except RecursionError:
        raise SpecError("", f"is nested deeper than {MAX_DEPTH} levels") from None
    _check_tree(document)
    return document


class NotJson(SpecError):
    """The text is not JSON at all; a JSON text that is refused for what it says is a plain SpecError."""


class _Loader(_SafeLoader):  # type: ignore[misc]  # object without PyYAML
    """A safe loader with the plain words of YAML 1.2 and without repeated names."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a name must be text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_whole(self, node: Any) -> int:
        return _integer(self.construct_scalar(node))

    def construct_real(self, node: Any) -> float:
        return _float(self.construct_scalar(node))


_PLAIN_WORDS: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
)
if yaml is not None:
    _Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)
    _Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_real)
    for _tag, _pattern, _first in _PLAIN_WORDS:
        _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first])
    _Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])


def _clean(text: str | bytes) -> str:
    """The text in its composed form, without a byte order mark; too long, NUL and half characters are refused."""
    if isinstance(text, bytes):
        _check_size(len(text))
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError:
            raise SpecError("", "must be UTF-8 text") from None
    try:
        _check_size(len(text.encode("utf-8")))
    except UnicodeEncodeError:
        raise SpecError("", "must not hold half characters (lone surrogates)") from None
    if "\0" in text:
        raise SpecError("", "must not hold NUL characters")
    if not text.strip():
        raise SpecError("", "is empty")
    return unicodedata.normalize("NFC", text.removeprefix("\ufeff"))


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise SpecError("", f"must be at most {MAX_BYTES} bytes, got {size}")


def _check_depth(text: str) -> None:
    """Count brackets outside texts before anything is built from them."""
    depth, inside, escaped = 0, False, False
    for mark in re.finditer(r'\\.|["{}\[\]]', text, re.DOTALL):
        found = mark.group()
        escaped = len(found) == 2
        if found == '"':
            inside = not inside
        elif not inside and not escaped:
            depth += 1 if found in "{[" else -1
            if depth > MAX_DEPTH:
                raise SpecError("", f"is nested deeper than {MAX_DEPTH} levels")


def _check_events(text: str) -> None:
    """Look at a YAML text's depth, aliases and size without building anything."""
    depth = aliases = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH:
            raise SpecError("", f"is nested deeper than {MAX_DEPTH} levels")
        if aliases > MAX_ALIASES:
            raise SpecError("", f"must have at most {MAX_ALIASES} aliases")
        if nodes > MAX_NODES:
            raise SpecError("", f"must have at most {MAX_NODES} parts")


def _check_tree(document: Any) -> None:
    """Refuse what aliases have made big, deep or circular."""
    level: list[Any] = [document]
    nodes = depth = 0
    while level:
        depth += 1
        nodes += len(level)
        if nodes > MAX_NODES:
            raise SpecError("", f"must have at most {MAX_NODES} parts")
        if depth > MAX_DEPTH + 1:
            raise SpecError("", f"is nested deeper than {MAX_DEPTH} levels")
        level = [child for parent in level for child in _children(parent)]


def _children(parent: Any) -> Iterable[Any]:
    if isinstance(parent, dict):
        return parent.values()
    return parent if isinstance(parent, list) else ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise SpecError(name, "is given twice")
        found[name] = value
    return found


def _no_constant(word: str) -> Any:
    raise SpecError("", f"{word} is not a JSON number")


def _integer(text: str) -> int:
    if len(text) > 20 or not -_BIGGEST <= int(text) < _BIGGEST:
        raise SpecError("", f"whole numbers must fit in 64 bits, got {text[:30]}")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise SpecError("", f"numbers must be finite, got {text[:30]}")
    return value


def _place(mark: Any) -> str:
    return "" if mark is None else f" at line {mark.line + 1} column {mark.column + 1}"
