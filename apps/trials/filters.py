"""The filters of every list of trials. The pages and each dialect use this one; a dialect renames parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, cast

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTransform

from apps.experiments.filters import COMPARISONS, TextsFilter
from apps.trials.models import Trial
from tunebook.space import Space
from tunebook.status import TrialStatus

Rows = QuerySet[Trial]
CONDITION = re.compile(r"(?P<name>.+?)(?P<operator><=|>=|<|>|=)(?P<value>.*)", re.DOTALL)
LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "=": "exact"}
NUMBERS = {"value": "value", "number": "number", "step": "last_step"}


def param(space: Space, name: str) -> KeyTransform | Combinable:
    """The value of a parameter by its flat name ("lr", "model.C"), for ordering and comparing rows."""
    if name in space or "." not in name:
        return KeyTransform(name, "params")
    outer, _, inner = name.rpartition(".")
    top = next((parent for parent in space if outer == parent or outer.startswith(f"{parent}.")), outer)
    path: Any = KeyTransform(top, "params")
    return KeyTransform(inner, path)


class TrialFilter(filters.FilterSet):
    """Each parameter narrows the list; several values of one are alternatives, except `param`: all must hold.

    Beside those below: `value`, `number`, `step`, each with `_lt`, `_lte`, `_gt`, `_gte` and `_is`. Give `space` where
    parameters are asked for.
    """

    key = TextsFilter(field_name="key", lookup_expr="in")
    status = filters.MultipleChoiceFilter(
        choices=[(status.value, status.value) for status in TrialStatus], distinct=False
    )
    source = TextsFilter(field_name="source", lookup_expr="in")
    word = TextsFilter(method="with_words", label="in the reason or the key")
    param = TextsFilter(method="with_params", label="a condition: lr<0.1, model=svm")

    class Meta:
        model = Trial
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, space: Space | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.space = space or Space({})

    def with_words(self, rows: Rows, name: str, words: Sequence[str]) -> Rows:
        for word in words:
            rows = rows.filter(Q(reason__icontains=word) | Q(key=word))
        return rows

    def with_params(self, rows: Rows, name: str, conditions: Sequence[str]) -> Rows:
        for place, condition in enumerate(conditions):
            match = CONDITION.fullmatch(condition)
            if match is None:
                raise forms.ValidationError(f"{condition!r} is not a condition like lr<0.1")
            alias = f"param_{place}"
            rows = rows.alias(**{alias: param(self.space, match["name"])})
            rows = rows.filter(_holds(alias, match["operator"], match["value"]))
        return rows


def _holds(alias: str, operator: str, text: str) -> Q:
    value = _read(text)
    if operator != "=":
        return Q(**{f"{alias}__{LOOKUPS[operator]}": value})
    found = Q(**{alias: text}) | Q(**{f"{alias}___name": text})
    return found if value == text else found | Q(**{alias: value})


def _read(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


declared: dict[str, filters.Filter] = cast(Any, TrialFilter).base_filters
for word, column in NUMBERS.items():
    for suffix, lookup in COMPARISONS.items():
        declared[f"{word}_{suffix}"] = filters.NumberFilter(field_name=column, lookup_expr=lookup)
