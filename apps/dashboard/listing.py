"""The catalog's rows, totals and facets for a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Case, Count, F, OrderBy, Q, QuerySet, Sum, Value, When, Window

from apps.dashboard.paging import Pages
from apps.dashboard.strictest import Strictest, strictest
from apps.dashboard.words import EXPERIMENT_ORDER
from apps.experiments.models import Experiment
from apps.experiments.tally import Tally
from apps.search.experiments import asks_for, meaning
from apps.search.grammar import CATALOG, moment
from apps.search.models import Archived, Star
from apps.search.parser import Query, Term
from apps.tags.models import Tag
from apps.workspaces.access import Actor, visible
from apps.workspaces.models import Workspace
from tunebook.status import STATUS_WORDS

Rows = QuerySet[Experiment]

TALLIED = {"status": "status", "visibility": "accessibility"}
"""Fields of the query that the tallies have too, and their columns there."""
SORTS: Mapping[str, tuple[str, ...]] = {
    "status": ("status_rank", "created"),
    "name": ("name", "id"),
    "best": ("best_value", "id"),
    "trials": ("trial_count", "id"),
    "running": ("live", "modified"),
    "succeeded": ("finished_count", "id"),
    "failed": ("failed_count", "id"),
    "metric": ("metric", "id"),
    "sampler": ("sampler", "id"),
    "owner": ("creator__username", "id"),
    "created": ("created", "id"),
    "updated": ("modified", "id"),
}
DEFAULT_SORT = "-created"
AGES: Mapping[str, str] = {
    "updated>today": "Today",
    "updated>7d": "Last 7 days",
    "updated>30d": "Last 30 days",
    "updated<30d": "Longer ago",
}
"""What the query says of the last change, and the words for it."""
SINCE = tuple(term for term in AGES if ">" in term)
"""Each holds the ones before it too."""
FACET_SECONDS = 15
FACET_LENGTH = 8
FIRST = 2_000
WALKED = ("created", "updated")
"""The orders that an index has, so that the first rows are found without a look at all of them."""
HELD = frozenset({*TALLIED, "owner", "source", "sampler", "metric"})
"""Fields that the index of the newest holds beside the order: to count by them costs less than what counts on the way."""


@dataclass(frozen=True)
class Choice:
    """One line of a facet: what to type for it, its words, how many, whether it is in the query."""

    value: str
    words: str
    number: int
    on: bool
    address: str


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    choices: tuple[Choice, ...]


class Listing:
    """The visible experiments of a workspace that meet a query."""

    def __init__(self, actor: Actor, workspace: Workspace, query: Query, *, trashed: bool = False) -> None:
        self.actor, self.workspace, self.query, self.trashed = actor, workspace, query, trashed
        self.everything: Rows = self.within(actor, workspace).filter(
            trashed__in=[trashed],  # a list of one: NOT "trashed" would keep SQLite from walking the index in order
        )
        self.shows_archived = trashed or asks_for(query, "is", "archived")
        self._first: dict[str, list[int]] = {}

    @staticmethod
    def within(actor: Actor, workspace: Workspace) -> Rows:
        """All that the actor may see there, in the trash or not."""
        return Experiment.objects.visible_to(actor).filter(workspace=workspace)

    def meaning(self, terms: Sequence[Term] | None = None) -> Q:
        """What all parts of the query ask for, or these parts; the archive stays away unless it is asked for."""
        asked = self.query if terms is None else Query("", self.query.grammar, list(terms))
        found = meaning(asked, self.actor)
        return found if self.shows_archived else found & ~Q(pk__in=Archived.objects.values("experiment"))

    def rows(self, terms: Sequence[Term] | None = None) -> Rows:
        """The rows that meet all parts of the query, or these parts."""
        return self.everything.filter(self.meaning(terms))

    def archived(self) -> Rows:
        """What is put away, whatever the query."""
        return self.everything.filter(archived__isnull=False).order_by()

    def total(self, sort: str) -> int:
        """How many rows meet the query: from the kept tallies where they know it, else counted. One or two queries.

        Finding what a query asks for costs a look at every row; so the first rows in order are found on the way.
        """
        tallied = self._tallied()
        if tallied is not None:
            return tallied
        if self._is_held and sort.removeprefix("-") in WALKED:
            found = list(ordered(self.rows(), sort).values_list("pk", flat=True)[: FIRST + 1])
            self._first[sort] = found[:FIRST]
            return len(found) if len(found) <= FIRST else self.rows().order_by().count()
        counted = ordered(self.rows(), sort).annotate(met=Window(Count("pk"))).values_list("pk", "met")
        first = list(counted[:FIRST])
        self._first[sort] = [pk for pk, _ in first]
        return first[0][1] if first else 0

    @property
    def _is_held(self) -> bool:
        """Whether the index of the newest has all that the query asks for, so that another look costs little."""
        conditions = self.query.conditions
        return conditions is not None and all(one.field in HELD for one in conditions)

    def _tallied(self) -> int | None:
        """What the kept tallies say, without what is archived. Two queries; none and None where they do not know it."""
        conditions = self.query.conditions
        if conditions is None or not all(one.field in TALLIED for one in conditions):
            return None
        tallies = Tally.objects.filter(visible(self.actor), workspace=self.workspace, trashed=self.trashed)
        away = self.archived()
        for one in conditions:
            wanted = {f"{TALLIED[one.field]}__in": list(one.values)}
            tallies, away = tallies.filter(**wanted), away.filter(**wanted)
        total: int = tallies.aggregate(total=Sum("number"))["total"] or 0
        return total if self.shows_archived else total - away.count()

    def page(self, sort: str, pages: Pages) -> list[Experiment]:
        """The rows of one page in order, with creator and tags. Three queries: narrow ids, rows, tags."""
        known = self._first.get(sort, [])
        if known and pages.stop <= FIRST:
            ids = known[pages.start : pages.stop]
        else:
            ids = list(ordered(self.rows(), sort).values_list("pk", flat=True)[pages.start : pages.stop])
        found = Experiment.objects.lean().select_related("creator", "trashed_by").prefetch_related("tags").in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]

    def starred(self, page: Sequence[Experiment]) -> set[int]:
        """Which of these the actor has starred. One query."""
        stars = Star.objects.filter(user_id=self.actor.user_id, experiment__in=[one.pk for one in page])
        return set(stars.values_list("experiment_id", flat=True))

    def statuses(self) -> dict[str, int]:
        """How many experiments of the workspace are in each status, whatever the query. One query."""
        tallies = Tally.objects.filter(visible(self.actor), workspace=self.workspace, trashed=self.trashed)
        counted = tallies.values_list("status").annotate(total=Sum("number")).order_by()
        return {status: number for status, number in counted if number}

    def facets(self) -> list[Facet]:
        """What the rows of the query share, with counts; kept for a quarter of a minute. Five queries at most when not kept."""
        reach = ",".join(f"{workspace}{role}" for workspace, role in sorted(self.actor.roles.items()))
        kept = f"facets:{self.workspace.pk}:{self.actor.user_id}:{hash((reach, self.query.text, self.trashed))}"
        counts = cache.get(kept)
        if counts is None:
            counts = self._counts()
            cache.set(kept, counts, FACET_SECONDS)
        return [facet for facet in (self._facet(name, counts[name]) for name in FACET_TITLES) if facet.choices]

    def _counts(self) -> dict[str, Counter[str]]:
        rows = self.rows().order_by()
        counts: dict[str, Counter[str]] = {name: Counter() for name in FACET_TITLES}
        owners: Counter[int] = Counter()
        # first what one index alone has, or SQLite takes another and looks at every row
        columns = ("dialect", "sampler", "status", "creator")
        shared = rows.values_list(*columns) if self._is_held else rows.annotate(age=_age()).values_list(*columns, "age")
        ages: Counter[str] = Counter()
        for source, sampler, status, owner, *age, number in shared.annotate(number=Count("pk")):
            ages.update(dict.fromkeys(age, number))
            counts["source"][source] += number
            counts["sampler"][sampler] += number
            counts["status"][status] += number
            owners[owner] += number
        named = get_user_model().objects.filter(pk__in=list(owners)).values_list("pk", "username")
        counts["owner"] = Counter({name: owners[pk] for pk, name in named})
        counts["updated"] = _aged(_lately(rows) if self._is_held else ages, owners.total())
        through = Experiment.tags.through.objects.filter(experiment__in=rows.values("pk"))
        tagged = through.values_list("tag").annotate(number=Count("pk")).order_by("-number")[: FACET_LENGTH * 2]
        tags = Tag.objects.in_bulk([pk for pk, _ in tagged])
        for pk, number in tagged:
            if tag := tags.get(pk):  # else it was deleted meanwhile
                counts["tag"][f"{tag.key}={tag.value}" if tag.value else tag.key] += number
        return counts

    def _facet(self, name: str, counts: Counter[str]) -> Facet:
        if name == "updated":
            return Facet(
                name, FACET_TITLES[name], tuple(self._age(term, counts[term]) for term in AGES if counts[term])
            )
        if name == "status":
            values = [status for status in EXPERIMENT_ORDER if counts[status]]
        else:
            values = [value for value, _ in counts.most_common(FACET_LENGTH)]
        choices = tuple(self._choice(name, value, counts[value]) for value in values)
        return Facet(name, FACET_TITLES[name], choices)

    def _choice(self, name: str, value: str, number: int) -> Choice:
        words = STATUS_WORDS.get(value, value) if name == "status" else value
        typed = words.lower().replace(" ", "_") if name == "status" else value
        on = self.query.has(name, typed) is not None
        return Choice(value, words, number, on, self.query.toggled(name, typed))

    def _age(self, term: str, number: int) -> Choice:
        """An age stands alone: choosing another one takes its place."""
        on = any(one.text == term for one in self.query.terms)
        others = [one.text for one in self.query.terms if not (one.condition and one.condition.field == "updated")]
        return Choice(term, AGES[term], number, on, " ".join(others if on else [*others, term]))

    def strictest(self) -> Strictest | None:
        """Of a query that finds nothing, the term whose removal would find most. A query per term."""
        return strictest(self.query, lambda terms: self.rows(terms).order_by()[:10_000].count())


FACET_TITLES = {
    "status": "Status",
    "updated": "Updated",
    "owner": "Owner",
    "tag": "Tag",
    "source": "Source",
    "sampler": "Sampler",
}


def _age() -> Case:
    """The narrowest part of AGES since when a row has changed; null for those that none of them holds."""
    field = CATALOG.fields["updated"]
    since = {term: moment(field, term.partition(">")[2]) for term in SINCE}
    return Case(*(When(modified__gt=at, then=Value(term)) for term, at in since.items()))


def _lately(rows: Rows) -> Counter[str]:
    """How many of these rows are so old and no older. One query, which looks at those that changed lately."""
    first = moment(CATALOG.fields["updated"], SINCE[-1].partition(">")[2])
    aged = rows.filter(modified__gt=first).annotate(age=_age()).values_list("age")
    return Counter(dict(aged.annotate(number=Count("pk"))))


def _aged(narrowest: Counter[str], total: int) -> Counter[str]:
    """How many rows each part of AGES holds for, of so many in all."""
    counts: Counter[str] = Counter()
    for place, term in enumerate(SINCE):
        counts[term] = sum(narrowest[one] for one in SINCE[: place + 1])
    counts[list(AGES)[-1]] = total - counts[SINCE[-1]]
    return counts


def ordered(rows: Rows, sort: str) -> Rows:
    """In the order that `name` or `-name` asks for; experiments without a value come last either way."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        return ordered(rows, DEFAULT_SORT)
    if name == "status":
        rank = Case(*(When(status=word, then=Value(at)) for at, word in enumerate(RANKS)), default=Value(len(RANKS)))
        rows = rows.alias(status_rank=rank)
    if name == "running":
        rows = rows.alias(live=F("waiting_count") + F("running_count") + F("unknown_count"))
    return rows.order_by(*(_direction(column, down) for column in SORTS[name]))


def _direction(column: str, down: bool) -> OrderBy | str:
    if column == "best_value":
        return F(column).desc(nulls_last=True) if down else F(column).asc(nulls_last=True)
    return f"-{column}" if down else column


RANKS: Sequence[str] = (
    "RUNNING",
    "NO_MORE_TRIAL",
    "WAITING",
    "CREATED",
    "UNKNOWN",
    "FAILED",
    "FINISHED",
    "EARLY_STOPPED",
    "USER_CANCELED",
    "SYS_CANCELED",
)
