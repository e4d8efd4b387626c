"""The filters of every list of experiments. The pages and each dialect use this one; a dialect renames parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import django_filters as filters
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.experiments.models import Accessibility, Experiment
from tunebook.status import ExperimentStatus

Rows = QuerySet[Experiment]
COMPARISONS = {"lt": "lt", "lte": "lte", "gt": "gt", "gte": "gte", "is": "exact"}
NUMBERS = {
    "best": "best_value",
    "trials": "trial_count",
    "succeeded": "finished_count",
    "failed": "failed_count",
    "running": "live",
}
MOMENTS = {"created": "created", "updated": "modified"}


class TextsField(forms.Field):
    """Any number of texts under one name."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> list[str]:
        values = value if isinstance(value, list | tuple) else [value]
        return [str(item) for item in values if item not in (None, "")]


class TextsFilter(filters.Filter):
    """A filter that gets all values of its parameter as a list."""

    field_class = TextsField


class ExperimentFilter(filters.FilterSet):
    """Each parameter narrows the list; several values of one are alternatives, except tags and words: all must hold.

    Beside those below: `best`, `trials`, `succeeded`, `failed`, `running` (live trials), `created`, `updated`, each with
    `_lt`, `_lte`, `_gt`, `_gte` and `_is`.
    """

    word = TextsFilter(method="with_words", label="in name, key, description, tags")
    name = TextsFilter(method="with_names", label="keywords in the name, without case")
    key = TextsFilter(field_name="key", lookup_expr="in")
    creator = TextsFilter(method="of_creators", label="user ids or user names")
    status = filters.MultipleChoiceFilter(
        choices=[(status.value, status.value) for status in ExperimentStatus], distinct=False
    )
    accessibility = filters.MultipleChoiceFilter(choices=Accessibility.choices, distinct=False)
    workspace = filters.CharFilter(field_name="workspace__slug")
    dialect = TextsFilter(field_name="dialect", lookup_expr="in")
    sampler = TextsFilter(field_name="sampler", lookup_expr="in")
    metric = TextsFilter(field_name="metric", lookup_expr="in")
    tag = TextsFilter(method="with_tags", label="key, or key=value")

    class Meta:
        model = Experiment
        fields: tuple[str, ...] = ()

    def __init__(self, data: Any = None, *args: Any, **options: Any) -> None:
        # each filter is copied and becomes a form field: only those that are asked for, or it costs more than the rows
        known: dict[str, filters.Filter] = cast(Any, type(self)).base_filters
        self.base_filters = {name: one for name, one in known.items() if name in (data or {})}
        super().__init__(data, *args, **options)

    def filter_queryset(self, queryset: Rows) -> Rows:
        live = F("waiting_count") + F("running_count") + F("unknown_count")
        return super().filter_queryset(queryset.alias(live=live) if self._asks_for("running") else queryset)

    def _asks_for(self, name: str) -> bool:
        return any(self.form.cleaned_data.get(f"{name}_{comparison}") is not None for comparison in COMPARISONS)

    def with_words(self, rows: Rows, name: str, words: Sequence[str]) -> Rows:
        for word in words:
            tagged = Tagging.filter(Q(tag__key__icontains=word) | Q(tag__value__icontains=word))
            rows = rows.filter(
                Q(name__icontains=word) | Q(key=word) | Q(description__icontains=word) | Q(Exists(tagged))
            )
        return rows

    def with_names(self, rows: Rows, name: str, keywords: Sequence[str]) -> Rows:
        found = Q()
        for keyword in keywords:
            found |= Q(name__icontains=keyword)
        return rows.filter(found)

    def of_creators(self, rows: Rows, name: str, people: Sequence[str]) -> Rows:
        ids = [int(person) for person in people if person.isdecimal() and len(person) < 19]
        names = [person for person in people if not person.isdecimal()]
        if not names:
            return rows.filter(creator_id__in=ids)
        named = get_user_model().objects.filter(username__in=names).values("pk")
        return rows.filter(Q(creator_id__in=ids) | Q(creator_id__in=named))

    def with_tags(self, rows: Rows, name: str, tags: Sequence[str]) -> Rows:
        for tag in tags:
            key, separator, value = tag.partition("=")
            same = Q(tag__key=key, tag__value=value) if separator else Q(tag__key=key)
            rows = rows.filter(Exists(Tagging.filter(same)))
        return rows


Tagging = Experiment.tags.through.objects.filter(experiment=OuterRef("pk"))

declared: dict[str, filters.Filter] = cast(Any, ExperimentFilter).base_filters
for word, column in NUMBERS.items():
    for suffix, lookup in COMPARISONS.items():
        declared[f"{word}_{suffix}"] = filters.NumberFilter(field_name=column, lookup_expr=lookup)
for word, column in MOMENTS.items():
    for suffix, lookup in COMPARISONS.items():
        declared[f"{word}_{suffix}"] = filters.IsoDateTimeFilter(field_name=column, lookup_expr=lookup)
