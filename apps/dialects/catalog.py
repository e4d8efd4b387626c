"""Pages of the lists, with a fixed number of queries and without counting rows that somebody keeps counted.

A page is found in a narrow index first (the ids) and only then are its rows read, so that page 90 costs what page 1 does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import orjson
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast

from apps.experiments.filters import ExperimentFilter
from apps.experiments.models import Accessibility, Desired, Experiment, Tally
from apps.tags.models import Tag
from apps.trials.models import Trial
from apps.workspaces.access import Actor, OutOfReach, sees, visible
from apps.workspaces.models import Role
from apps.workspaces.statement import ById, Statement
from tunebook.status import ENDED_EXPERIMENT

KEPT_COUNTED = frozenset({"status", "accessibility", "workspace", "creator"})
"""The filters whose results the tallies add up."""

EXPERIMENT_ORDERS: Mapping[str, tuple[str, ...]] = {
    "created": ("created", "id"),
    "modified": ("modified", "id"),
    # behind these two the index goes on with the newest first
    "status": ("status", "-created", "-id"),
    "accessibility": ("accessibility", "-created", "-id"),
    "workspace": ("workspace__slug", "-created", "-id"),
    "name": ("name", "id"),
    "best": ("best_value", "id"),
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list, in which order; `number` counts from 1."""

    number: int
    size: int
    order: str
    down: bool

    @property
    def slice(self) -> slice:
        return slice((self.number - 1) * self.size, self.number * self.size)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which experiments: parameters of ExperimentFilter, and what it has no word for; `meant` is a query as lookups.

    terminating: only those that a person has stopped and that go on until their trials have ended; False: only others.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[tuple[str, str | None]] = ()
    terminating: bool | None = None
    trashed: bool = False
    meant: Q = field(default_factory=Q)

    @property
    def is_kept_counted(self) -> bool:
        return not (self.tags or self.terminating or self.meant) and KEPT_COUNTED.issuperset(self.filters)


class Search:
    """The experiments that an actor may see and wants to: their total, and pages of their ids."""

    def __init__(self, actor: Actor, wanted: Wanted) -> None:
        self.actor, self.wanted = actor, wanted
        self.filters = ExperimentFilter(wanted.filters, queryset=self._all()) if wanted.filters else None

    @cached_property
    def rows(self) -> QuerySet[Experiment]:
        """What is wanted, in no order. No query; a list of everything gets along without."""
        return self._narrowed(self._all() if self.filters is None else self.filters.qs)

    def total(self) -> int:
        """How many there are in all, from the tallies where they know, else by a count. One query.

        Without any filter one query per workspace, of which a key has one. Asked again, or after the last page, none.
        """
        return self._total

    @cached_property
    def _total(self) -> int:
        if self._counts_taggings:
            return self._tagged()
        if not self.wanted.is_kept_counted:
            return self.rows.count()
        if self.filters is None:
            return sum(self._visible_in(workspace) for workspace in self.actor.roles)
        # a tally has the columns that these filters ask for
        places: Any = Tally.objects.filter(visible(self.actor), trashed=self.wanted.trashed)
        kept = self.filters.filter_queryset(places).aggregate(total=Sum("number"))["total"] or 0
        if self.wanted.terminating is False:
            kept -= self.filters.qs.filter(desired=Desired.STOP).count()  # few, and not for long
        return int(kept)

    @property
    def _counts_taggings(self) -> bool:
        """Whether all with the tags are wanted, by somebody who sees them all."""
        only_tags = bool(self.wanted.tags) and self.wanted == Wanted(tags=self.wanted.tags)
        return only_tags and len(self.actor.roles) == 1 and bool(self.actor.administers)

    def _tagged(self) -> int:
        """How many have these tags, counted in the narrow table of taggings: experiment and tag share a workspace."""
        _, value = self._tags[0]
        first, *others = self._tag_ids
        rows = TAGGING.filter(tag__in=first)
        for ids in others:
            rows = rows.filter(Exists(TAGGING.filter(experiment=OuterRef("experiment"), tag__in=ids)))
        found = rows.count() if value is not None else rows.aggregate(n=Count("experiment", distinct=True))["n"]
        in_trash = Experiment.objects.visible_to(self.actor).filter(trashed__in=[True])
        return int(found) - self._with_tags(in_trash).count()

    @property
    def _tags(self) -> list[tuple[str, str | None]]:
        """The wanted tags, those with a value first: fewer have them."""
        return sorted(self.wanted.tags, key=lambda tag: tag[1] is None)

    @cached_property
    def _tag_ids(self) -> list[list[int]]:
        """The tags that each wanted one may be. One query each."""
        tags = Tag.objects.filter(workspace__in=list(self.actor.roles))
        named = [
            tags.filter(key=key) if value is None else tags.filter(key=key, value=value) for key, value in self._tags
        ]
        return [list(one.values_list("pk", flat=True)) for one in named]

    def _with_tags(self, rows: QuerySet[Experiment]) -> QuerySet[Experiment]:
        for ids in self._tag_ids:
            rows = rows.filter(Exists(TAGGING.filter(experiment=OuterRef("pk"), tag__in=ids)))
        return rows

    def page(self, page: Page, columns: ById) -> list[Sequence[Any]]:
        """The rows of one page in order. One query, and the total's, for a list of all of one workspace; else two."""
        if self.wanted == Wanted(trashed=self.wanted.trashed) and len(self.actor.roles) == 1:
            return self._page_of_all(page, columns)
        ids = self.ids(page)
        return in_order(ids, columns.rows(ids))

    def _page_of_all(self, page: Page, columns: ById) -> list[Sequence[Any]]:
        (workspace,) = self.actor.roles
        sees_all = workspace in self.actor.administers
        whose = [] if sees_all else [Accessibility.PUBLIC.value, self.actor.user_id]
        start, size, down, total = page.slice.start, page.size, page.down, self.total()
        from_behind = total / 2 < start < total  # the end is nearer, and rows passed over are what a deep page costs
        if from_behind:
            size = min(size, total - start)
            start, down = total - start - size, not down
        statement = _whole_list(columns, page.order, down, sees_all)
        rows = statement.rows([workspace, *whose, self.wanted.trashed, size, start])
        return rows[::-1] if from_behind else rows

    def ids(self, page: Page) -> list[int]:
        """The ids of one page, read from a narrow index. One query. The last page tells the total, too."""
        order = _order(page.order, page.down, one_workspace=len(self.actor.roles) == 1)
        found = list(self.rows.order_by(*order).values_list("pk", flat=True)[page.slice])
        start = page.slice.start
        if len(found) < page.size and (found or start == 0) and "_total" not in self.__dict__:
            self._total = start + len(found)  # what no index finds is not looked for twice
        return found

    def _all(self) -> QuerySet[Experiment]:
        # a list of one, because NOT "trashed" would keep SQLite from walking the index in order
        return Experiment.objects.visible_to(self.actor).filter(trashed__in=[self.wanted.trashed])

    def _narrowed(self, rows: QuerySet[Experiment]) -> QuerySet[Experiment]:
        rows = rows.filter(self.wanted.meant) if self.wanted.meant else rows
        if self.wanted.terminating:
            rows = rows.filter(desired=Desired.STOP).exclude(status__in=ENDED_EXPERIMENT)
        elif self.wanted.terminating is False:
            rows = rows.exclude(desired=Desired.STOP)
        if not self.wanted.tags:
            return rows
        if self._counts_taggings and self.total() < FEW:
            first = TAGGING.filter(tag__in=self._tag_ids[0]).values("experiment")
            rows = rows.filter(pk__in=first)  # looked up one by one, not met on a walk through all
        return self._with_tags(rows)

    def _visible_in(self, workspace: int) -> int:
        return sum(
            number
            for creator, accessibility, number in TALLIES.rows([workspace, self.wanted.trashed])
            if sees(self.actor, workspace, accessibility, creator)
        )


def tags_of(experiments: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """(key, value) pairs of each of these experiments. One query; none for no experiments."""
    return {pk: [(key, value) for key, value in orjson.loads(tagged)] for pk, tagged in TAGGED.rows(experiments)}


@cache
def _whole_list(columns: ById, order: str, down: bool, sees_all: bool) -> Statement:
    """A page of all experiments of one workspace, for somebody who sees all of them or has to be asked who they are."""
    anybody = Actor(user_id=0, username="", roles={0: Role.ADMIN if sees_all else Role.VIEWER})
    within = Experiment.objects.visible_to(anybody).filter(trashed__in=[False]).values("pk")
    return columns.where(lambda: within, _order(order, down, one_workspace=True))


def in_order(ids: Sequence[int], rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """The rows, whose first column is their id, in the order of the ids."""
    by_id = {row[0]: row for row in rows}
    return [by_id[pk] for pk in ids if pk in by_id]


@dataclass(frozen=True)
class Sweep:
    """Of an experiment what the list of its trials needs; the job as JSON."""

    id: int
    key: str
    trial_count: int
    job: str


def sweep(actor: Actor, key: str) -> Sweep:
    """The experiment of that key, if the actor may see it and it is not in the trash. One query."""
    for pk, workspace, accessibility, creator, trials, job in SWEEPS.rows([key, False]):
        if sees(actor, workspace, accessibility, creator):
            return Sweep(pk, key, trials, job)
    raise OutOfReach("experiment", key)


def trial_page(experiment: int, count: int, page: Page, columns: ById) -> list[Sequence[Any]]:
    """The rows of one page of all trials, by number or by value; those without a value come last. One query.

    Two more on the pages behind the last value: there the rest goes on by number.
    """
    if page.order == "number":
        # numbers run from 0 without a gap, so that a page's ends are known, however deep it lies
        places = range(count)[::-1][page.slice] if page.down else range(count)[page.slice]
        if not places:
            return []
        ends = [min(places), max(places)]
        return _trials_by_number(columns, page.down).rows([experiment, *ends, page.size, 0])
    found = _trials_by_value(columns, page.down).rows([experiment, page.size, page.slice.start])
    missing = min(page.size, count - page.slice.start) - len(found)
    if missing <= 0:
        return found
    rows = Trial.objects.filter(experiment=experiment)
    start = max(page.slice.start - rows.filter(value__isnull=False).count(), 0)
    rest = rows.filter(value__isnull=True).order_by("number").values_list("pk", flat=True)
    ids = list(rest[start : start + missing])
    return found + in_order(ids, columns.rows(ids))


@cache
def _trials_by_number(columns: ById, down: bool) -> Statement:
    within = Trial.objects.filter(experiment=0).filter(number__range=(0, 1)).values("pk")
    return columns.where(lambda: within, _directed(["number"], down))


@cache
def _trials_by_value(columns: ById, down: bool) -> Statement:
    within = Trial.objects.filter(experiment=0).filter(value__isnull=False).values("pk")
    # of most experiments it is best to sort the few trials, of the large ones to walk the index
    return columns.where(lambda: within, _directed(["value", "number"], down), prepared=False)


def wanted_trials(experiment: Experiment, page: Page, wanted: QuerySet[Trial]) -> list[int]:
    """The ids of one page of some of an experiment's trials, ordered as `trial_page` does. One to three queries."""
    if page.order == "number":
        return list(wanted.order_by("-number" if page.down else "number").values_list("pk", flat=True)[page.slice])
    valued = wanted.filter(value__isnull=False)
    order = _directed(["value", "number"], page.down)
    ids = list(valued.order_by(*order).values_list("pk", flat=True)[page.slice])
    if len(ids) == page.size or (page.slice.start + len(ids)) >= experiment.trial_count:
        return ids
    rest = wanted.filter(value__isnull=True).order_by("number").values_list("pk", flat=True)
    start = max(page.slice.start - valued.count(), 0)
    return ids + list(rest[start : start + page.size - len(ids)])


MOST = 200
FEW = 2000
TAGGING = Experiment.tags.through.objects.order_by()
SWEEPS = Statement(
    lambda: (
        Experiment.objects.filter(key="?")
        .filter(trashed__in=[False])
        .values_list(
            "pk",
            "workspace_id",
            "accessibility",
            "creator_id",
            "trial_count",
            Cast("job", TextField()),
        )
    )
)
TALLIES = Statement(
    # one filter after the other: inside one call Django sorts them, and with them the parameters
    lambda: (
        Tally.objects.filter(workspace=1)
        .filter(trashed__in=[False])
        .values_list("creator_id", "accessibility", "number")
    )
)
TAGGED = ById(MOST, lambda ids: Experiment.objects.filter(pk__in=ids).values_list("pk", "tagged"))


def _order(name: str, down: bool, *, one_workspace: bool) -> list[str]:
    order = EXPERIMENT_ORDERS[name]
    if one_workspace and name == "workspace":
        order = order[1:]  # all have the same; what is left is an order that an index has
    return _directed(order, down)


def _directed(order: Sequence[str], down: bool) -> list[str]:
    if not down:
        return list(order)
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]
