"""What a workspace uses: trials, their time and the files they left, by person and by experiment; and who works for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from apps.artifacts.models import Artifact
from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.trials.models import Trial
from apps.trials.spans import Seconds
from apps.workspaces.access import Actor, require
from apps.workspaces.models import Workspace

MOST_EXPERIMENTS = 20
MOST_GONE = 5
"""Optimizers that have left are told of, the latest ones."""
MOST_HELD = 1_000


@dataclass(frozen=True)
class Used:
    """What one person or one experiment has used; `size` is of all their files, however old."""

    name: str
    trials: int
    seconds: float
    size: int
    key: str = ""


@dataclass(frozen=True)
class Usage:
    people: Sequence[Used]
    experiments: Sequence[Used]

    @property
    def trials(self) -> int:
        return sum(one.trials for one in self.people)

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.people)

    @property
    def size(self) -> int:
        return sum(one.size for one in self.people)


def usage(actor: Actor, workspace: Workspace, *, days: int) -> Usage:
    """Of the experiments within reach, in the trash or not: the trials begun in so many days, and all files. Five queries.

    The twenty experiments that took most time are named.
    """
    require(actor, workspace.pk, "read")
    reach = Experiment.objects.visible_to(actor).filter(workspace=workspace)
    since = timezone.now() - timedelta(days=days)
    trials = Trial.objects.filter(experiment__in=reach.filter(modified__gte=since).values("pk"), started__gte=since)
    took = Sum(Seconds("started", Coalesce("ended", Now())))
    files = Artifact.objects.filter(experiment__in=reach.values("pk")).order_by()

    begun = trials.order_by().values("experiment__creator__username").annotate(number=Count("pk"), seconds=took)
    kept = files.values("experiment__creator__username").annotate(size=Sum("size"))
    people = _used(begun, kept, "experiment__creator__username")

    longest = trials.order_by().values("experiment").annotate(number=Count("pk"), seconds=took)
    chosen = list(longest.order_by("-seconds", "experiment")[:MOST_EXPERIMENTS])
    keys = [row["experiment"] for row in chosen]
    sizes = dict(files.filter(experiment__in=keys).values_list("experiment").annotate(size=Sum("size")))
    named = Experiment.objects.lean().in_bulk(keys)
    experiments = [
        Used(str(one), row["number"], row["seconds"] or 0.0, sizes.get(one.pk, 0), one.key)
        for row in chosen
        if (one := named.get(row["experiment"]))
    ]
    return Usage(people, experiments)


def _used(begun: Any, kept: Any, name: str) -> list[Used]:
    ran: Mapping[str, Any] = {row[name]: row for row in begun}
    sizes: Mapping[str, int] = {row[name]: row["size"] for row in kept}
    nothing = {"number": 0, "seconds": 0.0}
    found = [
        Used(who, ran.get(who, nothing)["number"], ran.get(who, nothing)["seconds"] or 0.0, sizes.get(who, 0))
        for who in {*ran, *sizes}
    ]
    return sorted(found, key=lambda one: (-one.seconds, -one.size, one.name))


def workers(actor: Actor, workspace: Workspace) -> list[tuple[Worker, list[Experiment]]]:
    """The optimizers that live, then the latest that left, each with what it drives here within reach. Three queries."""
    require(actor, workspace.pk, "read")
    alive = list(Worker.objects.alive().order_by("-started", "-pk"))
    gone = list(Worker.objects.exclude(pk__in=[one.pk for one in alive]).order_by("-seen", "-pk")[:MOST_GONE])
    reach = Experiment.objects.visible_to(actor).kept().lean().filter(workspace=workspace, ended=None)
    driven = reach.filter(driver__in=[one.name for one in alive]).order_by("-created", "-pk")[:MOST_HELD]
    held: dict[str, list[Experiment]] = {}
    for experiment in driven:
        held.setdefault(experiment.driver, []).append(experiment)
    return [(one, held.get(one.name, [])) for one in [*alive, *gone]]
