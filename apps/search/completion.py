"""What could be typed next in a query: fields, then the values there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, QuerySet

from apps.experiments.models import Experiment
from apps.search.grammar import Field, Grammar, Kind, Wrong, quoted, unquoted
from apps.search.models import Fact
from apps.tags.models import Tag
from apps.trials.models import Trial
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tunebook.policies import POLICIES
from tunebook.sampling import SAMPLERS
from tunebook.space import Space

MOST = 12
PIECE = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^\s"()])*$')
TYPED = re.compile(r"(?P<field>[A-Za-z_][\w.\-]*?)(?P<operator>!=|<=|>=|<|>|=|:)(?P<value>.*)", re.DOTALL)
KEYWORDS = {"or": "either side holds", "not": "the next does not hold", "and": "both sides hold (as without it)"}
Values = Callable[[str, str], Iterable[str]]
"""Of a field's name and what was typed so far: the values there are, those that fit first. At most one query."""


@dataclass(frozen=True)
class Option:
    """What can be put in, and what it means."""

    text: str
    about: str = ""


@dataclass(frozen=True)
class Completion:
    """The options, and the part of the text (from, to) that each would take the place of."""

    start: int
    end: int
    options: Sequence[Option]

    def document(self) -> dict[str, Any]:
        shown = [{"text": one.text, "about": one.about} for one in self.options]
        return {"from": self.start, "to": self.end, "options": shown}


def complete(text: str, at: int, grammar: Grammar, values: Values) -> Completion:
    """The options at a place in the text. At most one query."""
    text = text[:1_000]
    at = max(0, min(at, len(text)))
    match = PIECE.search(text[:at])
    piece = match[0] if match else ""
    sign, start = ("-", at - len(piece) + 1) if piece.startswith("-") else ("", at - len(piece))
    body = piece.removeprefix(sign)
    typed = TYPED.fullmatch(body)
    if typed is None:
        return Completion(start, at, _names(body, grammar, values))
    try:
        known = grammar.find(typed["field"])
    except Wrong as wrong:
        fixed = [Option(wrong.suggestion + typed["operator"] + typed["value"])] if wrong.suggestion else []
        return Completion(start, at, fixed)
    value = typed["value"].rpartition(",")[2]
    options = [one for one in _values(known, unquoted(value), values) if one.text != value]
    return Completion(at - len(value), at, options)


def _names(body: str, grammar: Grammar, values: Values) -> list[Option]:
    """Fields whose name begins so, then those that hold it; of a family its members."""
    head, dot, rest = body.partition(".")
    family = grammar.families.get(head.lower())
    if family is not None and dot:
        members = sorted(family.known) if family.known is not None else list(values(f"{family.name}.", rest))
        found = [Option(f"{family.name}.{name}", family.about) for name in _fitting(members, rest)]
        return found[:MOST]
    fields = {name: f"{one.about}, as {one.example}" for name, one in grammar.fields.items()}
    fields |= {f"{name}.": f"{one.about}, as {one.example}" for name, one in grammar.families.items()}
    fields |= dict.fromkeys(sorted(grammar.bare), "a parameter")
    options = [Option(_opened(name, grammar), fields[name]) for name in _fitting(fields, body)]
    options += [Option(f"{word} ", about) for word, about in KEYWORDS.items() if body and word.startswith(body.lower())]
    return options[:MOST]


def _opened(name: str, grammar: Grammar) -> str:
    """A field with the colon behind it; where values are compared the sign is left to the one who types."""
    known = grammar.fields.get(name)
    return f"{name}:" if known is not None and not known.kind.compares else name


def _values(known: Field, typed: str, values: Values) -> list[Option]:
    if known.kind is Kind.CHOICE:
        # of words that mean the same the first
        meant = {stored: word for word, stored in reversed(list(known.choices.items()))}
        return [Option(word) for word in _fitting((meant[stored] for stored in known.choices.values()), typed)][:MOST]
    if known.kind is Kind.MOMENT:
        ages = {"1h": "within an hour", "1d": "within a day", "7d": "within a week", "4w": "within four weeks"}
        return [Option(age, about) for age, about in ages.items() if age.startswith(typed)]
    if known.kind is Kind.NUMBER:
        return []
    return [Option(quoted(one)) for one in _fitting(values(known.name, typed), typed)][:MOST]


def _fitting(words: Iterable[str], typed: str) -> list[str]:
    """The words that begin so, then the others that hold it, without case."""
    wanted, all_words = typed.lower(), list(dict.fromkeys(words))
    begin = [word for word in all_words if word.lower().startswith(wanted)]
    return begin + [word for word in all_words if wanted in word.lower() and word not in begin]


def of_catalog(actor: Actor, workspace: Workspace) -> Values:
    """The values that the experiments of a workspace have."""

    def values(name: str, typed: str) -> Iterable[str]:
        visible = Experiment.objects.visible_to(actor).filter(workspace=workspace)
        if name in ("param.", "metric."):
            names = Fact.objects.filter(name__istartswith=name + typed, experiment__in=visible.order_by("-pk")[:1000])
            return [one.removeprefix(name) for one in names.values_list("name", flat=True).distinct()[:MOST]]
        if name.startswith("param."):
            texts = Fact.objects.filter(name=name, number=None, text__istartswith=typed)
            return texts.filter(experiment__in=visible).values_list("text", flat=True).distinct()[:MOST]
        if name == "tag":
            return _tags(workspace, visible, typed)
        if name == "metric":
            return sorted(set(visible.order_by("-created", "-id").values_list("metric", flat=True)[:500]))
        return KNOWN[name](workspace, typed) if name in KNOWN else ()

    return values


def _tags(workspace: Workspace, visible: QuerySet[Experiment], typed: str) -> list[str]:
    """The tags of what the actor may see: a tag that only others' private experiments have tells of them."""
    key, separator, value = typed.partition("=")
    tags = Tag.objects.filter(Exists(visible.filter(tags=OuterRef("pk"))), workspace=workspace)
    tags = tags.filter(key=key, value__istartswith=value) if separator else tags.filter(key__icontains=typed)
    return [f"{key}={value}" if value else key for key, value in tags.values_list("key", "value")[: MOST * 2]]


def _people(workspace: Workspace, typed: str) -> list[str]:
    members = get_user_model().objects.filter(memberships__workspace=workspace, username__icontains=typed)
    return ["me", *members.order_by("username").values_list("username", flat=True)[:MOST]]


def _sources(workspace: Workspace, typed: str) -> list[str]:
    return ["native", "tunebook", "hyperdrive", "azureml", "wmla", "mlflow"]


KNOWN: Mapping[str, Callable[[Workspace, str], Sequence[str]]] = {
    "owner": _people,
    "source": _sources,
    "sampler": lambda workspace, typed: list(SAMPLERS),
    "policy": lambda workspace, typed: list(POLICIES),
}


def of_trials(experiment: Experiment) -> Values:
    """The values that the trials of an experiment have."""

    def values(name: str, typed: str) -> Iterable[str]:
        if name == "source":
            return Trial.objects.filter(experiment=experiment).values_list("source", flat=True).distinct().order_by()
        if name == "metric.":
            return [metric["name"] for metric in experiment.job["objective"]["metrics"]]
        if name.startswith("param."):
            leaf = Space.from_dict(experiment.job["space"]).leaves().get(name.removeprefix("param."))
            return [str(value) for value in getattr(leaf[0], "values", ())] if leaf else ()
        return ()

    return values
