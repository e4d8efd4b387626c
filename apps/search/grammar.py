"""What can be asked of a list: its fields, what values they take, and how these are read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import Enum

from tunebook.status import ENDED_EXPERIMENT, ExperimentStatus, TrialStatus

Value = str | float | datetime
AGE = re.compile(r"(\d+)\s*(min|h|d|w)")
AGES = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
STATUS_NAMES: Mapping[str, tuple[str, ...]] = {
    "created": ("CREATED",),
    "waiting": ("WAITING",),
    "running": ("RUNNING",),
    "active": ("CREATED", "WAITING", "RUNNING", "NO_MORE_TRIAL", "UNKNOWN"),
    "no_more_trials": ("NO_MORE_TRIAL",),
    "no_more_trial": ("NO_MORE_TRIAL",),
    "finishing": ("NO_MORE_TRIAL",),
    "succeeded": ("FINISHED",),
    "finished": ("FINISHED",),
    "stopped_early": ("EARLY_STOPPED",),
    "early_stopped": ("EARLY_STOPPED",),
    "failed": ("FAILED",),
    "stopped": ("USER_CANCELED",),
    "user_canceled": ("USER_CANCELED",),
    "cancelled": ("SYS_CANCELED",),
    "sys_canceled": ("SYS_CANCELED",),
    "unknown": ("UNKNOWN",),
    "ended": tuple(sorted(ENDED_EXPERIMENT)),
}
STATUSES = (*(status.value for status in ExperimentStatus), *(status.value for status in TrialStatus))


class Kind(Enum):
    """What values a field takes, and so which comparisons."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    MOMENT = "moment"
    PARAM = "parameter"

    @property
    def compares(self) -> bool:
        return self not in (Kind.TEXT, Kind.CHOICE)


class Wrong(Exception):
    """A part of a query that cannot be understood: why, and what to write instead if that is known."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion


@dataclass(frozen=True)
class Field:
    """One thing that can be asked: what it means in a few words, and an example."""

    name: str
    kind: Kind
    about: str
    example: str
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, raw: str) -> Value | tuple[str, ...]:
        """One value as typed, without its quotes. A choice may stand for several stored words."""
        if self.kind is Kind.NUMBER:
            return number(self, raw)
        if self.kind is Kind.MOMENT:
            return moment(self, raw)
        if self.kind is Kind.CHOICE:
            return choice(self, raw)
        return raw


@dataclass(frozen=True)
class Family:
    """Fields whose second part is free, as `param.lr`; `known` are the names that exist, where that is known."""

    name: str
    about: str
    example: str
    known: frozenset[str] | None = None


@dataclass(frozen=True)
class Grammar:
    """The fields of a list. `bare` are parameters that may stand without `param.` before them."""

    fields: Mapping[str, Field]
    families: Mapping[str, Family]
    other_names: Mapping[str, str] = field(default_factory=dict)
    bare: frozenset[str] = frozenset()

    def find(self, typed: str) -> Field:
        """The field of that name. Raises Wrong with the nearest name there is."""
        if typed in self.bare:
            return Field(f"param.{typed}", Kind.PARAM, "", f"{typed}>0.1")
        head, dot, rest = typed.partition(".")
        family = self.families.get(head.lower())
        if family is not None and dot:
            return self._member(family, rest)
        name = self.other_names.get(typed.lower(), typed.lower())
        if name in self.fields:
            return self.fields[name]
        near = get_close_matches(typed, self.names(), 1, 0.5) or get_close_matches(typed.lower(), self.names(), 1, 0.5)
        known = ", ".join([*self.fields, *(f"{name}.*" for name in self.families)])
        raise Wrong(f"there is no field {typed!r}; fields are {known}", near[0] if near else self._parameter(typed))

    def _parameter(self, typed: str) -> str:
        """What somebody meant who wrote a parameter's name alone, where parameters have a prefix and any name may be one."""
        family = self.families.get("param")
        return f"param.{typed}" if family is not None and family.known is None and "." not in typed else ""

    def _member(self, family: Family, name: str) -> Field:
        if not name:
            raise Wrong(f"{family.name}. needs a name behind it, for example {family.example}")
        if family.known is not None and name not in family.known:
            near = get_close_matches(name, family.known, 1, 0.5)
            known = ", ".join(sorted(family.known)[:12]) or "none"
            fixed = f"{family.name}.{near[0]}" if near else ""
            raise Wrong(f"there is no {family.name} {name!r}; there are {known}", fixed)
        return Field(f"{family.name}.{name}", Kind.PARAM, family.about, family.example)

    def names(self) -> list[str]:
        """Every name that may stand before a colon or a comparison."""
        members = [f"{family.name}.{name}" for family in self.families.values() for name in sorted(family.known or ())]
        return [*self.fields, *sorted(self.bare), *members]


def number(of: Field, raw: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        raise Wrong(f"{of.name} is a number, for example {of.example}") from None
    if not math.isfinite(value):
        raise Wrong(f"{of.name} is compared with finite numbers only")
    return value


def moment(of: Field, raw: str) -> datetime:
    """A day, a moment, or an age before now, in UTC where no zone is said."""
    raw = raw.strip()
    age = AGE.fullmatch(raw)
    if age:
        return datetime.now(UTC) - min(int(age[1][:6]) * AGES[age[2]], timedelta(days=365_000))
    if raw in ("today", "yesterday"):
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=raw == "yesterday")
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise Wrong(f"{of.name} is a day like 2026-01-31, or an age like 7d, 12h") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def choice(of: Field, raw: str) -> tuple[str, ...]:
    word = raw.lower().replace(" ", "_").replace("-", "_")
    if word in of.choices:
        return of.choices[word]
    near = get_close_matches(word, of.choices, 1, 0.5)
    known = ", ".join(of.choices)
    raise Wrong(f"there is no {of.name} {raw!r}; there are {known}", near[0] if near else next(iter(of.choices)))


def _fields(*fields: Field) -> Mapping[str, Field]:
    return {one.name: one for one in fields}


CATALOG = Grammar(
    fields=_fields(
        Field("status", Kind.CHOICE, "how it stands", "status:running", STATUS_NAMES),
        Field("name", Kind.TEXT, "a part of its name; name=x for the whole name", "name:resnet"),
        Field("description", Kind.TEXT, "a part of its description", "description:baseline"),
        Field("tag", Kind.TEXT, "a tag, or key=value", "tag:team=vision"),
        Field("owner", Kind.TEXT, "who made it; me is you", "owner:me"),
        Field("source", Kind.TEXT, "the dialect it came through", "source:native"),
        Field("sampler", Kind.TEXT, "how parameters are chosen", "sampler:tpe"),
        Field("policy", Kind.TEXT, "how trials are stopped early", "policy:bandit"),
        Field("metric", Kind.TEXT, "the metric it is about", "metric:loss"),
        Field("key", Kind.TEXT, "its key", "key:sORVEck"),
        Field(
            "is",
            Kind.CHOICE,
            "a mark",
            "is:starred",
            {word: (word,) for word in ("starred", "archived", "mine", "private", "public", "paused", "stuck")},
        ),
        Field(
            "visibility",
            Kind.CHOICE,
            "who may see it",
            "visibility:private",
            {"public": ("PUBLIC",), "private": ("PRIVATE",)},
        ),
        Field("best", Kind.NUMBER, "its best value", "best<0.1"),
        Field("trials", Kind.NUMBER, "how many trials it has", "trials>10"),
        Field("running", Kind.NUMBER, "trials that run now", "running>0"),
        Field("succeeded", Kind.NUMBER, "trials that succeeded", "succeeded>=20"),
        Field("failed", Kind.NUMBER, "trials that failed", "failed>0"),
        Field("created", Kind.MOMENT, "when it was made: a day, or an age", "created>7d"),
        Field("updated", Kind.MOMENT, "when it last changed", "updated>2026-01-31"),
    ),
    families={
        "param": Family("param", "a parameter of its best trial", "param.lr>1e-3"),
        "metric": Family("metric", "a metric's last value in its best trial", "metric.acc>0.9"),
    },
    other_names={
        "user": "owner",
        "creator": "owner",
        "tags": "tag",
        "dialect": "source",
        "modified": "updated",
        "id": "key",
        "text": "description",
        "state": "status",
    },
)
TRIAL_MARKS = ("best", "excluded", "counted", "restarted", "queued")


def trials_grammar(params: Iterable[str], metrics: Iterable[str] | None = None) -> Grammar:
    """The fields of an experiment's trials; its parameters are fields too, with `param.` or without."""
    names = frozenset(params)
    return Grammar(
        fields=_fields(
            Field("status", Kind.CHOICE, "how it stands", "status:succeeded", STATUS_NAMES),
            Field("value", Kind.NUMBER, "the objective's value", "value<0.1"),
            Field("number", Kind.NUMBER, "the trial's number", "number>=100"),
            Field("step", Kind.NUMBER, "its last step", "step>10"),
            Field("attempts", Kind.NUMBER, "how often it was begun", "attempts>1"),
            Field("source", Kind.TEXT, "why it was tried", "source:model"),
            Field("reason", Kind.TEXT, "a part of the reason of its end", "reason:memory"),
            Field("key", Kind.TEXT, "its key", "key:sORVEck"),
            Field("is", Kind.CHOICE, "a mark", "is:excluded", {word: (word,) for word in TRIAL_MARKS}),
            Field("started", Kind.MOMENT, "when it began", "started>1h"),
            Field("ended", Kind.MOMENT, "when it ended", "ended>1h"),
        ),
        families={
            "param": Family("param", "one of its parameters", "param.lr>1e-3", names),
            "metric": Family(
                "metric", "a metric's last value", "metric.acc>0.9", None if metrics is None else frozenset(metrics)
            ),
        },
        other_names={"state": "status", "trial": "number", "id": "key"},
        bare=names,
    )


def quoted(value: str) -> str:
    """A value as it must be typed: in quotes when it has spaces, brackets, commas or looks like an operator."""
    plain = value and not re.search(r'[\s,()"]|\.\.', value) and not value.startswith("-")
    return (
        value
        if plain and value.lower() not in ("and", "or", "not")
        else f'"{value.replace(chr(34), chr(92) + chr(34))}"'
    )


def unquoted(raw: str) -> str:
    """A value without the quotes around it or inside it."""
    return re.sub(r'\\(["\\])|"', lambda match: match[1] or "", raw)
