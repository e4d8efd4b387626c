"""A query of an experiment's trials as lookups on its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.experiments.models import Experiment
from apps.search.experiments import LOOKUPS, at_time, compared, either, of_node
from apps.search.grammar import quoted
from apps.search.parser import Condition, Query, Value
from apps.trials.filters import param
from apps.trials.models import Measurement, Trial
from tunebook.rules import VARYING
from tunebook.space import Space

Rows = QuerySet[Trial]
NUMBERS = {"value": "value", "number": "number", "step": "last_step", "attempts": "attempt_count"}
MOMENTS = {"started": "started", "ended": "ended"}
MOST_REASON = 200
SHORTEST_REASON = 4


def narrowed(rows: Rows, query: Query, experiment: Experiment, space: Space) -> Rows:
    """The rows that meet the query."""
    if not query.terms:
        return rows
    asked = _Asked(rows, experiment, space)
    found = Q()
    for term in query.terms:
        found &= of_node(term.node, asked.meaning)
    return asked.rows.filter(found)


def failed_like(reason: str) -> str:
    """The query that shows the failures of a reason's kind: by its longest part without numbers and addresses."""
    part = max(VARYING.split(reason), key=len).strip()[:MOST_REASON]
    return f"status:failed reason:{quoted(part)}" if len(part) >= SHORTEST_REASON else "status:failed"


class _Asked:
    """What each field means for the trials of one experiment; parameters and metrics become named expressions."""

    def __init__(self, rows: Rows, experiment: Experiment, space: Space) -> None:
        self.rows, self.experiment, self.space = rows, experiment, space
        self.names: dict[str, str] = {}

    def meaning(self, one: Condition) -> Q:
        if one.field in NUMBERS:
            return compared(NUMBERS[one.field], one)
        if one.field in MOMENTS:
            return at_time(MOMENTS[one.field], one)
        if one.field.startswith("param."):
            return self._param(one)
        if one.field.startswith("metric."):
            return compared(self._alias(one.field, self._metric(one.field.removeprefix("metric."))), one)
        special: Mapping[str, Callable[[Condition], Q]] = {
            "status": lambda one: Q(status__in=list(one.values)),
            "source": lambda one: Q(source__in=list(one.values)),
            "key": lambda one: Q(key__in=list(one.values)),
            "reason": lambda one: either(Q(reason__icontains=value) for value in one.values),
            "word": lambda one: Q(reason__icontains=one.values[0]) | Q(key=one.values[0]) | _number(one.values[0]),
            "is": lambda one: either(self._marked(str(word)) for word in one.values),
        }
        return special[one.field](one)

    def _alias(self, name: str, expression: Any) -> str:
        if name not in self.names:
            self.names[name] = f"asked_{len(self.names)}"
            self.rows = self.rows.alias(**{self.names[name]: expression})
        return self.names[name]

    def _param(self, one: Condition) -> Q:
        name = one.field.removeprefix("param.")
        alias = self._alias(one.field, param(self.space, name))
        if one.is_range:
            low, high = one.values
            found = Q() if low == "" else Q(**{f"{alias}__gte": low})
            return found if high == "" else found & Q(**{f"{alias}__lte": high})
        if one.operator != ":":
            return Q(**{f"{alias}__{LOOKUPS[one.operator]}": one.values[0]})
        return either(_is_value(alias, value) for value in one.values)

    @staticmethod
    def _metric(name: str) -> Subquery:
        """The value at the highest step of the newest attempt, through the index of measurements."""
        of_trial = Measurement.objects.filter(trial=OuterRef("pk"), name=name)
        return Subquery(of_trial.order_by("-attempt", "-source", "-step").values("value")[:1])

    def _marked(self, word: str) -> Q:
        return {
            "best": Q(number=self.experiment.best_trial) if self.experiment.best_trial is not None else Q(pk__in=[]),
            "excluded": Q(excluded=True),
            "counted": Q(excluded=False),
            "restarted": Q(restart_of__isnull=False),
            "queued": Q(source="queued"),
        }[word]


def _is_value(alias: str, value: Value) -> Q:
    """A parameter of this value: as text, as a nested option's label, and as a number or truth where it is one."""
    text = str(value)
    found = Q(**{alias: text}) | Q(**{f"{alias}___name": text})
    if text in ("true", "false"):
        return found | Q(**{alias: text == "true"})
    try:
        number = float(text)
    except ValueError:
        return found
    if number != number or number in (float("inf"), float("-inf")):
        return found
    return found | Q(**{alias: int(number) if number.is_integer() and abs(number) < 2**53 else number})


def _number(value: Value) -> Q:
    text = str(value)
    return Q(number=int(text)) if text.isdecimal() and len(text) < 10 else Q(pk__in=[])
