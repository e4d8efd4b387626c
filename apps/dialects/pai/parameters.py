"""The parameters of the native API's operations, as tables (sections 2.2 to 2.14 of its reference)."""

from __future__ import annotations

import re
from typing import Any

from apps.dialects.body import MOST_BYTES, read_json
from apps.dialects.pai.shape import CONFIGURATION
from apps.dialects.parameters import INT32, Moment, Parameter, Record, Series, Text, Truth, Whole, Word
from apps.dialects.refusal import Refusal
from apps.tags.models import MAX_LENGTH, MAX_TAGS, checked
from tunebook.errors import SpecError
from tunebook.status import ExperimentStatus
from tunebook.wire.pai import TERMINATING

TAG_NAME = re.compile(r"Tag\.([1-9][0-9]{0,3})\.(Key|Value)")
TAG_MEMBERS = {"Key", "Value"}


class Tags(Parameter):
    """An array of {Key, Value}, in a body as JSON, in a query as JSON text. Read as pairs."""

    kind = "array"

    def from_text(self, text: str) -> tuple[tuple[str, str | None], ...]:
        """As a filter: a tag without Value matches every value of its key."""
        try:
            value = read_json(text.encode("utf-8", "surrogatepass"))
        except Refusal as refusal:
            raise ValueError(f"must be a JSON array of {{Key, Value}}: {refusal.message}") from None
        return filtered(_pairs(value))

    def from_json(self, value: Any) -> tuple[tuple[str, str], ...]:
        """As the tags of an experiment: a missing Value is the empty one."""
        pairs = [(key, value or "") for key, value in _pairs(value)]
        try:
            return tuple(checked(pairs, "Tag").items())
        except SpecError as error:
            raise ValueError(f"{error.path.removeprefix('Tag').lstrip('.')} {error.message}".strip()) from None

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "maxLength": MAX_LENGTH}
        tag = {"type": "object", "properties": {"Key": text, "Value": text}, "required": ["Key"]}
        return {"type": "array", "description": self.about, "maxItems": MAX_TAGS, "items": tag}


class TagsText(Tags):
    """The same in a query: one parameter that holds the array as JSON text."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": self.about, "example": '[{"Key":"group","Value":"group_name"}]'}


class JsonText(Text):
    """A JSON object written as text."""

    def from_text(self, text: str) -> dict[str, Any]:
        try:
            value = read_json(self.composed(text).encode())
        except Refusal as refusal:
            raise ValueError(f"must be a JSON object as text: {refusal.message}") from None
        if not isinstance(value, dict):
            raise ValueError("must be a JSON object as text")
        return value


def filtered(pairs: list[tuple[str, str | None]]) -> tuple[tuple[str, str | None], ...]:
    """The pairs of a tag filter, within the limits of tags."""
    if len(pairs) > MAX_TAGS:
        raise ValueError(f"must have at most {MAX_TAGS} tags, got {len(pairs)}")
    for index, (key, value) in enumerate(pairs):
        if not key or len(key) > MAX_LENGTH:
            raise ValueError(f"[{index}].Key must have 1 to {MAX_LENGTH} characters, got {len(key)}")
        if value is not None and len(value) > MAX_LENGTH:
            raise ValueError(f"[{index}].Value must have at most {MAX_LENGTH} characters, got {len(value)}")
    return tuple(pairs)


def numbered_tags(names: dict[str, str]) -> tuple[tuple[str, str | None], ...]:
    """The pairs of `Tag.1.Key`, `Tag.1.Value` and so on; a Value needs its Key."""
    found: dict[int, dict[str, str]] = {}
    for name, text in names.items():
        if match := TAG_NAME.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2]] = text
    for number, tag in found.items():
        if "Key" not in tag:
            raise Refusal("missing_parameter", f"is required beside Tag.{number}.Value", field=f"Tag.{number}.Key")
    try:
        return filtered([(tag["Key"], tag.get("Value")) for _, tag in sorted(found.items())])
    except ValueError as error:
        raise Refusal("bad_parameter", str(error), field="Tag") from None


def _pairs(value: Any) -> list[tuple[str, str | None]]:
    if not isinstance(value, list):
        raise ValueError("must be an array of {Key, Value}")
    pairs = []
    for index, tag in enumerate(value):
        if not isinstance(tag, dict) or not TAG_MEMBERS.issuperset(tag):
            raise ValueError(f"[{index}] must be an object with Key and Value and nothing else")
        if not isinstance(tag.get("Key"), str):
            raise ValueError(f"[{index}].Key must be text")
        if not isinstance(tag.get("Value"), str | None):
            raise ValueError(f"[{index}].Value must be text")
        pairs.append((tag["Key"], tag.get("Value")))
    return pairs


EXPERIMENT_SORT = {
    "GmtCreateTime": "created",
    "GmtModifiedTime": "modified",
    "create_time": "created",
    "update_time": "modified",
    "workspace_id": "workspace",
    "status": "status",
    "accessibility": "accessibility",
}
TRIAL_SORT = {"FINAL_METRIC": "value", "CREATE_TIME": "number"}
VISIBILITY = ("PRIVATE", "PUBLIC")
ORDER = ("ASC", "DESC")
LIST_PAGE = {
    "PageNumber": Whole(1, INT32, "the page, from 1", default=1),
    "PageSize": Whole(1, 100, "rows per page", default=10),
}
LOG_PAGE = {
    "PageNumber": Whole(1, INT32, "the page, from 1; without page parameters the whole file"),
    "PageSize": Whole(1, 1000, "lines per page"),
}

LIST_EXPERIMENTS = {
    "Name": Text("part of the name, the case does not matter", longest=255),
    "Creator": Text("the user's id", longest=150),
    **LIST_PAGE,
    "MinCreateTime": Moment("created then or later: yyyy-mm-dd hh:mm:ss or yyyy-mm-dd, UTC"),
    "MaxCreateTime": Moment("created then or earlier; a bare day means its end", upper=True),
    "Status": Word([*(status.value for status in ExperimentStatus), TERMINATING], "the status"),
    "WorkspaceId": Text("the workspace", longest=64),
    "Accessibility": Word(VISIBILITY, "who may see it"),
    "IncludeConfigData": Truth("with SearchSpace, ConfigIni and ConfigYml", default=False),
    "SortBy": Word(EXPERIMENT_SORT, "the order", default="created"),
    "Order": Word(ORDER, "its direction", default="DESC"),
    "Tag": TagsText(
        "JSON array of {Key, Value} as text, all must match; also as Tag.1.Key and Tag.1.Value", default=()
    ),
}
LIST_TRIALS = {
    **LIST_PAGE,
    "SortBy": Word(TRIAL_SORT, "the order; trials without a final metric come last", default="number"),
    "Order": Word(ORDER, "its direction", default="ASC"),
}
EXPERIMENT_FIELDS = {
    "Name": Text("the name; it need not be unique", longest=255),
    "WorkspaceId": Text("the workspace; the key's own by default", longest=64),
    "Description": Text("what it is for", longest=10_000),
    "Accessibility": Word(VISIBILITY, "PUBLIC: everyone in the workspace; PRIVATE: its creator and administrators"),
    "HpoExperimentConfiguration": Record("what to search and how to run it", shape=CONFIGURATION),
    "Tag": Tags("tags, at most 20"),
}
TRIAL_IDS = Series(Text(longest=64), "ids of trials", longest=1000)
STOP_TRIALS = {"TrialIds": TRIAL_IDS}
RESTART_TRIALS = {
    "TrialIds": TRIAL_IDS,
    "TrialHyperParameters": JsonText("a JSON object as text: the parameters of one new trial", longest=MOST_BYTES),
}
EXPERIMENT_LOGS = {"LogName": Word(["nnimanager.log", "dispatcher.log"], "which log", required=True), **LOG_PAGE}
TRIAL_LOGS = {
    "LogName": Text("stdout, stderr, trial.log, or a name of lognames", longest=255, required=True),
    **LOG_PAGE,
}
