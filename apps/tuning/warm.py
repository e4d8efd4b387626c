"""What a warm start would bring: which earlier experiments compare, how many of their trials fit, and how parameters map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.experiments.models import Experiment
from apps.trials.earlier import results
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.space import Params, Space

MOST_CANDIDATES = 25


@dataclass
class Mapped:
    """One parameter of the new space in the trials of one source: how many have it, and of how many the value fits."""

    name: str
    had: int = 0
    fit: int = 0
    same: bool = False

    @property
    def words(self) -> str:
        if not self.had:
            return "missing there"
        if self.same:
            return "the same"
        return "all values fit" if self.fit == self.had else f"{self.fit} of {self.had} values fit"


@dataclass
class Transfer:
    """One source: of its succeeded trials (the newest 1,000 of all sources together), how many bring all, some, nothing."""

    key: str
    name: str
    trials: int = 0
    whole: int = 0
    partly: int = 0
    parameters: list[Mapped] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    @property
    def usable(self) -> int:
        return self.whole + self.partly

    def document(self) -> dict[str, Any]:
        mapped = [{"name": one.name, "had": one.had, "fit": one.fit, "same": one.same} for one in self.parameters]
        counts = {"trials": self.trials, "whole": self.whole, "partly": self.partly}
        return {"key": self.key, "name": self.name, **counts, "parameters": mapped, "dropped": self.dropped}


def candidates(actor: Actor, workspace: Workspace, objective: Objective, *, text: str = "") -> QuerySet[Experiment]:
    """The newest experiments here that measured the same thing and have results."""
    rows = Experiment.objects.visible_to(actor).kept().filter(workspace=workspace, finished_count__gt=0)
    rows = rows.filter(goal=objective.goal, metric=objective.name[:255])
    rows = rows.filter(name__icontains=text) if text else rows
    return rows.lean().order_by("-created", "-id")[:MOST_CANDIDATES]


def forecast(actor: Actor, workspace: Workspace, job: Job, keys: Sequence[str]) -> list[Transfer]:
    """What each source would bring to a job, as its sampler takes it (`trials.earlier`). Two queries."""
    rows = Experiment.objects.visible_to(actor).kept().filter(workspace=workspace, key__in=list(keys))
    sources = {one.pk: one for one in rows}
    trials: dict[int, list[Params]] = defaultdict(list)
    for pk, params, _ in results({pk: one.job for pk, one in sources.items()}, job):
        trials[pk].append(params)
    found = [_transfer(one, job.space, trials[one.pk]) for one in sources.values()]
    return sorted(found, key=lambda one: list(keys).index(one.key))


def _transfer(source: Experiment, space: Space, trials: Sequence[Mapping[str, Any]]) -> Transfer:
    theirs = Space.from_dict(source.job["space"])
    mapped = {name: Mapped(name, same=name in theirs and theirs[name] == one) for name, one in space.items()}
    found = Transfer(source.key, str(source), len(trials), parameters=list(mapped.values()))
    found.dropped = [name for name in theirs if name not in space]
    for params in trials:
        fitting = 0
        for name, one in mapped.items():
            if name in params:
                one.had += 1
                fits = space[name].contains(params[name])
                one.fit += fits
                fitting += fits
        found.whole += fitting == len(mapped)
        found.partly += 0 < fitting < len(mapped)
    return found
