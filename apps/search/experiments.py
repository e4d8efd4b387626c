"""A query of the catalog as lookups on experiments. Nothing here asks the database more than once per list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, Q
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from apps.discussion.models import Comment, Note
from apps.experiments.models import Desired, Experiment
from apps.search.models import Archived, Fact, Star
from apps.search.parser import Condition, Every, Node, Not, Query, Value
from apps.tags.models import Tag
from apps.workspaces.access import Actor
from tunebook.status import ENDED_EXPERIMENT, ExperimentStatus

LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte", ":": "exact"}
NUMBERS = {"best": "best_value", "trials": "trial_count", "succeeded": "finished_count", "failed": "failed_count"}
MOMENTS = {"created": "created", "updated": "modified"}
EXACT = {"source": "dialect", "sampler": "sampler", "policy": "policy", "metric": "metric", "key": "key"}
CHOICES = {"status": "status", "visibility": "accessibility"}
DAY = timedelta(days=1)
Meaning = Callable[[Condition], Q]


def meaning(query: Query, actor: Actor) -> Q:
    """What all parts of the query ask for."""
    found = Q()
    for term in query.terms:
        found &= of_node(term.node, Catalog(actor).meaning)
    return found


def of_node(node: Node, meant: Meaning) -> Q:
    """A node and what lies below it, with the conditions as `meant` understands them."""
    if isinstance(node, Condition):
        return meant(node)
    if isinstance(node, Not):
        return ~of_node(node.node, meant)
    found = Q()
    for inner in node.nodes:
        found = found & of_node(inner, meant) if isinstance(node, Every) else found | of_node(inner, meant)
    return found


def asks_for(query: Query, name: str, value: Value) -> bool:
    """Whether any part of the query speaks of this value of a field, be it that it must not hold."""
    return any(_speaks(term.node, name, value) for term in query.terms)


def _speaks(node: Node, name: str, value: Value) -> bool:
    if isinstance(node, Condition):
        return node.field == name and value in node.values
    if isinstance(node, Not):
        return _speaks(node.node, name, value)
    return any(_speaks(inner, name, value) for inner in node.nodes)


class Catalog:
    """What each field means for this actor."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def meaning(self, one: Condition) -> Q:
        if one.field in NUMBERS:
            return compared(NUMBERS[one.field], one)
        if one.field in MOMENTS:
            return at_time(MOMENTS[one.field], one)
        if one.field in EXACT:
            return Q(**{f"{EXACT[one.field]}__in": list(one.values)})
        if one.field in CHOICES:
            return Q(**{f"{CHOICES[one.field]}__in": list(one.values)})
        if one.field.startswith(("param.", "metric.")):
            return _by_fact(one)
        special: Mapping[str, Meaning] = {
            "word": self._word,
            "name": self._text("name"),
            "description": self._text("description"),
            "tag": self._tag,
            "owner": self._owner,
            "running": _running,
            "is": self._is,
        }
        return special[one.field](one)

    def _word(self, one: Condition) -> Q:
        """The places that a bare word is looked for in: name, key, description, tags, notes in force and comments."""
        word = str(one.values[0])
        tags = Tag.objects.filter(workspace__in=list(self.actor.roles))
        tagged = _tagged(tags.filter(Q(key__icontains=word) | Q(value__icontains=word)))
        return Q(name__icontains=word) | Q(key=word) | Q(description__icontains=word) | tagged | self._written(word)

    def _written(self, word: str) -> Q:
        """Experiments about which, or about whose trials, somebody wrote this."""
        reach = {"experiment__workspace__in": list(self.actor.roles), "text__icontains": word}
        written: tuple[Any, ...] = (Note.objects.in_force(), Comment.objects.kept())
        return either(Q(pk__in=rows.filter(**reach).values("experiment")) for rows in written)

    @staticmethod
    def _text(column: str) -> Meaning:
        def holds(one: Condition) -> Q:
            lookup = "iexact" if one.operator == "=" else "icontains"
            return either(Q(**{f"{column}__{lookup}": value}) for value in one.values)

        return holds

    def _tag(self, one: Condition) -> Q:
        """All of the tags: `key`, or `key=value`."""
        found = Q()
        for value in one.values:
            text = str(value)
            key, separator, rest = (text if "=" in text else text.replace(":", "=", 1)).partition("=")
            tags = Tag.objects.filter(workspace__in=list(self.actor.roles), key=key)
            found &= _tagged(tags.filter(value=rest) if separator else tags)
        return found

    def _owner(self, one: Condition) -> Q:
        names = [str(value) for value in one.values]
        found = Q(creator_id=self.actor.user_id) if "me" in names else Q(pk__in=[])
        named = [name for name in names if name != "me"]
        if not named:
            return found
        return found | Q(creator_id__in=get_user_model().objects.filter(username__in=named).values("pk"))

    def _is(self, one: Condition) -> Q:
        return either(self._marked(str(word)) for word in one.values)

    def _marked(self, word: str) -> Q:
        running = ~Q(status__in=list(ENDED_EXPERIMENT))
        return {
            "starred": lambda: Q(pk__in=Star.objects.filter(user_id=self.actor.user_id).values("experiment")),
            "archived": lambda: Q(pk__in=Archived.objects.values("experiment")),
            "mine": lambda: Q(creator_id=self.actor.user_id),
            "private": lambda: Q(accessibility="PRIVATE"),
            "public": lambda: Q(accessibility="PUBLIC"),
            "paused": lambda: Q(desired=Desired.PAUSE) & running,
            "stuck": lambda: Q(status=ExperimentStatus.UNKNOWN) | (Q(troubles__gt=0) & running),
        }[word]()


def compared(column: str, one: Condition) -> Q:
    """A number compared, or within a range whose ends belong to it."""
    if one.is_range:
        return _between(column, one, "lte")
    if one.operator == ":":
        return Q(**{f"{column}__in": list(one.values)})
    return Q(**{f"{column}__{LOOKUPS[one.operator]}": one.values[0]})


def at_time(column: str, one: Condition) -> Q:
    """A moment compared; `:` means the 24 hours that begin there. A range ends with the day it names."""
    if one.is_range:
        low, high = one.values
        end = high + DAY if isinstance(high, datetime) and _is_midnight(high) else high
        return _between(column, Condition(one.field, ":", (low, end), is_range=True), "lt")
    if one.operator == ":":
        days = (value for value in one.values if isinstance(value, datetime))
        return either(Q(**{f"{column}__gte": day, f"{column}__lt": day + DAY}) for day in days)
    return Q(**{f"{column}__{LOOKUPS[one.operator]}": one.values[0]})


def _is_midnight(value: datetime) -> bool:
    return not (value.hour or value.minute or value.second or value.microsecond)


def _between(column: str, one: Condition, below: str) -> Q:
    low, high = one.values
    found = Q() if low == "" else Q(**{f"{column}__gte": low})
    return found if high == "" else found & Q(**{f"{column}__{below}": high})


def _running(one: Condition) -> Q:
    live = F("waiting_count") + F("running_count") + F("unknown_count")
    if one.is_range:
        low, high = one.values
        found = Q() if low == "" else Q(GreaterThanOrEqual(live, low))
        return found if high == "" else found & Q(LessThanOrEqual(live, high))
    if one.operator == ":":
        return either(Q(GreaterThanOrEqual(live, value)) & Q(LessThanOrEqual(live, value)) for value in one.values)
    lookup: Any = {"<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual}[one.operator]
    return Q(lookup(live, one.values[0]))


def _by_fact(one: Condition) -> Q:
    """A parameter or metric of the best trial, from the kept facts."""
    facts = Fact.objects.filter(name=one.field[:255])
    if one.is_range or one.operator != ":":
        facts = facts.filter(compared("number", one))
    else:
        facts = facts.filter(either(same(value) for value in one.values))
    return Q(pk__in=facts.values("experiment"))


def same(value: Value) -> Q:
    """A fact of this value, typed as a text: the number where it is one."""
    text = str(value)
    try:
        return Q(number=float(text)) | Q(text=text[:255])
    except ValueError:
        return Q(text=text[:255])


def _tagged(tags: Any) -> Q:
    return Q(pk__in=Experiment.tags.through.objects.filter(tag__in=tags).values("experiment"))


def either(conditions: Iterable[Q]) -> Q:
    """Any of the conditions; none of them finds nothing."""
    found = Q(pk__in=[])
    for one in conditions:
        found |= one
    return found
