"""What a client sends, read with its limits. Members that nobody knows are passed over, as MLflow's own server does."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from tunebook.errors import SpecError
from tunebook.fields import kind

MOST_METRICS = 1_000
MOST_PARAMS = 100
MOST_TAGS = 100
MOST_IN_BATCH = 1_000
MOST_KEY = 250
MOST_PARAM = 6_000
MOST_TAG = 8_000
MAX_STEP = 2**53 - 1
"""Steps may lie as far below 0: scripts count a warm-up that way."""
MAX_TIME = 253_402_300_799_000
"""The last millisecond that a date can be of: year 9999."""
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_KEY = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,250}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


class Metric(NamedTuple):
    """One value; `timestamp` is in milliseconds since 1970."""

    key: str
    value: float
    step: int
    timestamp: int


@dataclass(frozen=True)
class LoggedBatch:
    """What one log-batch call carries."""

    metrics: Sequence[Metric]
    params: Mapping[str, str]
    tags: Mapping[str, str]


def run_id_of(document: Mapping[str, Any]) -> str:
    """The run that a call is about: run_id, or run_uuid as older clients say it."""
    for name in ("run_id", "run_uuid"):
        value = document.get(name)
        if value not in (None, ""):
            if not isinstance(value, str):
                raise SpecError(name, f"must be text, got {kind(value)}")
            return value
    raise SpecError("run_id", "is required")


def batch(document: Mapping[str, Any]) -> LoggedBatch:
    """The metrics, parameters and tags of a log-batch call. Raises SpecError with the path of the first wrong one."""
    metrics = metrics_of(document)
    params = pairs_of(document, "params", MOST_PARAMS, MOST_PARAM)
    tags = pairs_of(document, "tags", MOST_TAGS, MOST_TAG)
    if len(metrics) + len(params) + len(tags) > MOST_IN_BATCH:
        raise SpecError("metrics", f"a call may carry at most {MOST_IN_BATCH} metrics, params and tags together")
    return LoggedBatch(metrics, params, tags)


def metrics_of(document: Mapping[str, Any]) -> list[Metric]:
    """The list `metrics`; one that is not there is empty."""
    items = _list(document, "metrics", MOST_METRICS)
    found = []
    for index, item in enumerate(items):
        try:
            found.append(metric_of(item))
        except SpecError as error:
            raise SpecError(f"metrics[{index}].{error.path}".rstrip("."), error.message) from None
    return found


def metric_of(item: object) -> Metric:
    """One metric, alone in a call or one of a list."""
    if not isinstance(item, Mapping):
        raise SpecError("", f"must be an object, got {kind(item)}")
    key = item.get("key")
    if not isinstance(key, str) or not _is_key(key):
        raise SpecError("key", f"must be a text of 1 to {MOST_KEY} characters without control characters")
    value = item.get("value")
    if type(value) is not float:
        value = _value(value)
    step = item.get("step")
    if type(step) is not int or not -MAX_STEP <= step <= MAX_STEP:
        step = 0 if step is None else whole("step", step, -MAX_STEP, MAX_STEP)
    timestamp = item.get("timestamp")
    if type(timestamp) is not int or not 0 <= timestamp <= MAX_TIME:
        timestamp = whole("timestamp", timestamp, 0, MAX_TIME)
    return Metric(key, value, step, timestamp)


def pairs_of(document: Mapping[str, Any], name: str, most: int, longest: int) -> dict[str, str]:
    """A list of {key, value} by key. Said twice with the same value is said once; with another it is refused."""
    found: dict[str, str] = {}
    for index, item in enumerate(_list(document, name, most)):
        where = f"{name}[{index}]"
        if not isinstance(item, Mapping):
            raise SpecError(where, f"must be an object, got {kind(item)}")
        key, value = pair_of(item, longest, f"{where}.")
        if name == "params" and found.get(key, value) != value:
            raise SpecError(f"{where}.key", f"{key!r:.80} stands twice with different values")
        found[key] = value
    return found


def pair_of(item: Mapping[str, Any], longest: int, where: str = "") -> tuple[str, str]:
    """One {key, value}. A value that is longer is cut, as MLflow's server does: no script is to fail for that."""
    key = item.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise SpecError(f"{where}key", f"must be a text of 1 to {MOST_KEY} characters without control characters")
    value = item.get("value")
    return key, text_of({"value": value[:longest]} if isinstance(value, str) else item, "value", longest, where)


def text_of(document: Mapping[str, Any], name: str, longest: int, where: str = "") -> str:
    """A text up to a length; what is not there is empty."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SpecError(f"{where}{name}", f"must be text, got {kind(value)}")
    if len(value) > longest:
        raise SpecError(f"{where}{name}", f"must have at most {longest} characters, got {len(value)}")
    return value


def whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number, also as text, as JSON of protocol buffers writes large ones."""
    number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**63:
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise SpecError(name, f"must be a whole number from {least} to {most}, got {value!r:.40}")
    return number


@lru_cache(maxsize=4096)
def _is_key(key: str) -> bool:
    return _KEY.fullmatch(key) is not None


def _value(value: object) -> float:
    if isinstance(value, str) and value in WORDS:
        return WORDS[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError("value", f"must be a number or one of {', '.join(WORDS)}, got {value!r:.40}")
    try:
        return float(value)
    except OverflowError:
        raise SpecError("value", "is too large for a floating-point number") from None


def _list(document: Mapping[str, Any], name: str, most: int) -> list[object]:
    items = document.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise SpecError(name, f"must be a list, got {kind(items)}")
    if len(items) > most:
        raise SpecError(name, f"a call may carry at most {most}, got {len(items)}")
    return items
