"""The parameters of our own API, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.dialects.body import MOST_BYTES
from apps.dialects.parameters import INT32, Moment, Number, Parameter, Record, Series, Text, Truth, Whole, Word
from apps.experiments.filters import COMPARISONS, MOMENTS, NUMBERS
from apps.search.models import COLUMNS
from apps.workspaces.models import Role
from tunebook.status import ExperimentStatus, TrialStatus

PAGE: Mapping[str, Parameter] = {
    "page": Whole(1, INT32, "the page, from 1", default=1),
    "page_size": Whole(1, 200, "items per page", default=20),
}
ORDER = Word(("asc", "desc"), "the direction", default="desc")
COMPARED: Mapping[str, Parameter] = {
    **{f"{name}_{word}": Number(f"{name}, compared") for name in NUMBERS for word in COMPARISONS},
    **{f"{name}_{word}": Moment(f"{name}, compared (UTC)") for name in MOMENTS for word in COMPARISONS},
}


class Texts(Text):
    """Alternatives in one parameter, separated by commas."""

    def from_text(self, text: str) -> list[str]:
        return [part for part in (one.strip() for one in self.composed(text).split(",")) if part]


class Words(Word):
    """Several of a few words, separated by commas."""

    def from_text(self, text: str) -> list[str]:
        return [self.meant(part.strip()) for part in text.split(",") if part.strip()]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": f"{self.about}: any of {', '.join(self.words)}, separated by commas"}


class TagPairs(Parameter):
    """Tags as an object of texts: {"team": "vision", "draft": ""}. Read as pairs."""

    kind = "object"

    def from_json(self, value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ValueError("must be an object whose members are all text")
        return tuple(value.items())

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"additionalProperties": {"type": "string"}}


LIST_EXPERIMENTS: Mapping[str, Parameter] = {
    **PAGE,
    "sort": Word(("created", "modified", "status", "accessibility", "name", "best"), "the order", default="created"),
    "order": ORDER,
    "trashed": Truth("what lies in the trash instead", default=False),
    "workspace": Text("only this workspace", longest=64),
    "word": Texts("words in name, description, tags, or a key; all must occur", longest=500),
    "name": Texts("parts of the name, without case", longest=500),
    "key": Texts("keys", longest=500),
    "creator": Texts("user ids or user names", longest=500),
    "status": Words([status.value for status in ExperimentStatus], "status"),
    "accessibility": Words(("PUBLIC", "PRIVATE"), "who may see it"),
    "dialect": Texts("where it came from", longest=200),
    "sampler": Texts("samplers", longest=200),
    "metric": Texts("metrics", longest=500),
    "tag": Texts("tags, `key` or `key=value`; all must be there", longest=2000),
    "query": Text("what a query box takes, as `status:running (tag:vision or best<0.1)`", longest=1000),
    **COMPARED,
}
JOB = Record("the job document: space, objective, command and what else it has")
EXPERIMENT: Mapping[str, Parameter] = {
    "name": Text("the name; it need not be unique", longest=255),
    "description": Text("what it is for", longest=10_000),
    "accessibility": Word(("PUBLIC", "PRIVATE"), "PUBLIC: everyone in the workspace; PRIVATE: creator and admins"),
    "tags": TagPairs("tags, at most 20"),
    "workspace": Text("the workspace's slug; by default the key's own", longest=64, shortest=1),
    "job": JOB,
}
CREATE_EXPERIMENT: Mapping[str, Parameter] = {
    **EXPERIMENT,
    "job": Record(JOB.about, required=True),
    "document": Text(
        "the file that the job was made from, in any dialect; it is kept word for word", longest=MOST_BYTES
    ),
    "start": Truth("begin at once", default=True),
}
REOPEN = {"max_trials": Whole(1, INT32, "the new, higher limit", required=True)}
LIST_TRIALS: Mapping[str, Parameter] = {
    **PAGE,
    "sort": Word(("number", "value"), "the order; trials without a value come last", default="number"),
    "order": Word(("asc", "desc"), "the direction", default="asc"),
    "status": Words([status.value for status in TrialStatus], "status"),
    "query": Text("what a query box takes, as `status:failed param.lr>1e-3`", longest=1000),
}
QUEUE = {"params": Record("the parameters of the new trial", required=True)}
LIST_MEASUREMENTS: Mapping[str, Parameter] = {
    "page": PAGE["page"],
    "page_size": Whole(1, 5000, "items per page", default=1000),
    "metric": Text("only this metric", longest=255),
    "attempt": Whole(1, INT32, "only this attempt"),
}
LINES: Mapping[str, Parameter] = {
    "page": Whole(1, INT32, "the page, from 1", default=1),
    "page_size": Whole(1, 1000, "lines per page", default=100),
}
LOGS: Mapping[str, Parameter] = {
    "stream": Word(("stdout", "stderr"), "which", default="stdout"),
    "attempt": Whole(1, INT32, "which attempt; the newest by default"),
    **LINES,
}
LIST_ARTIFACTS: Mapping[str, Parameter] = {"folder": Text("the folder; the topmost by default", longest=1024)}
REPORT = {"items": Series(Record(), "measurements: {metric, step, value}; at most 1000", longest=1000, required=True)}
EVENTS: Mapping[str, Parameter] = {
    "stream": Text("`exp:<experiment key>` or `ws:<workspace slug>`", longest=80, required=True),
    "after": Text("the cursor of the last event that was seen, or its number; 0 for all that is kept", longest=60),
    "limit": Whole(1, 500, "most events", default=100),
    "wait": Whole(0, 25, "seconds to wait for one when there is none", default=0),
}
WORKSPACE: Mapping[str, Parameter] = {
    "name": Text("what people call it", longest=128, shortest=1),
    "default_accessibility": Word(
        ("", "PUBLIC", "PRIVATE"), "who sees new experiments that do not say it; empty: as each way in has it"
    ),
}
USAGE: Mapping[str, Parameter] = {"days": Whole(1, 3650, "how far back trials count", default=30)}
MEMBER = {
    "username": Text("the user's name", longest=150, shortest=1, required=True),
    "role": Word(Role.values, "what they may do", required=True),
}
KEY: Mapping[str, Parameter] = {
    "role": Word(Role.values, "what it may do at most", default="member"),
    "name": Text("a note on what it is for", longest=128),
    "days": Whole(1, 3650, "days until it expires; by default when the key that asks does, or never"),
}
QUERY_WORDS: Mapping[str, Parameter] = {
    "text": Text("the query so far", longest=1000, default=""),
    "at": Whole(0, 1000, "the place in the text; its end by default"),
    "workspace": Text("the workspace whose words to know", longest=64),
    "experiment": Text("complete a query of this experiment's trials instead", longest=16),
}
VIEW: Mapping[str, Parameter] = {
    "name": Text("its name, unique among yours", longest=80),
    "query": Text("the query", longest=1000),
    "sort": Text("the order, as `-created`", longest=16),
    "columns": Series(Word(COLUMNS, "a column"), "its columns; empty: whoever looks has their own", longest=20),
    "shared": Truth("whether everybody in the workspace sees it"),
}
EXPORT: Mapping[str, Parameter] = {
    "query": Text("which experiments; all by default", longest=1000, default=""),
    "format": Word(("csv", "json"), "the form of the file", default="csv"),
}
EXCLUDE = {"reason": Text("why, for the log and the trial's page", longest=255)}
LIMITS: Mapping[str, Parameter] = {
    "max_trials": Whole(1, 1_000_000, "trials in all; null for no limit"),
    "max_concurrent": Whole(1, 10_000, "trials at once"),
    "max_seconds": Number("seconds in all; null for no limit"),
    "trial_seconds": Number("seconds per trial; null for no limit"),
    "trial_memory": Whole(16, 16_777_216, "MiB of memory per trial; null for no limit"),
    "max_failed": Whole(1, 1_000_000, "failed trials it bears; null for any number"),
    "patience": Whole(1, 1_000_000, "trials in a row that may bring nothing better; null for any number"),
    "min_gain": Number("by how much a value must be better to count; null for any bit"),
}
IMPORT: Mapping[str, Parameter] = {
    "document": Record("what `export` gave: format, version, experiment, spaces, trials", required=True),
    "workspace": Text("the workspace's slug; by default the key's own", longest=64, shortest=1),
    "tags": TagPairs("tags to add to its own"),
}
WARM_START: Mapping[str, Parameter] = {
    "job": Record("the job document that would start warm", required=True),
    "sources": Series(Text(longest=16), "keys of earlier experiments; none: only those that compare", longest=20),
}
