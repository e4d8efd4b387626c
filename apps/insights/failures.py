"""Failed trials by reason, with what they have in common where that was found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.trials.models import Trial
from tunebook.rules import kind_of
from tunebook.status import TrialStatus

MOST_REASONS = 5_000
MOST_GROUPS = 6


@dataclass
class Group:
    """Failures of one kind of reason; numbers in a reason do not part them."""

    reason: str
    number: int
    latest: int
    attempts: int = 0
    """The most that any of them had."""
    rule: Mapping[str, Any] | None = None


def failures(experiment: Experiment, known: keeping.Known, upto: int | None = None) -> list[Group]:
    """The groups, the largest first. One query, none where nothing has failed."""
    if not experiment.failed_count:
        return []
    rows = Trial.objects.filter(experiment=experiment, status=TrialStatus.FAILED)
    if upto is not None:
        rows = rows.filter(number__lte=upto)
    told = rows.values("reason").annotate(trials=Count("pk"), last=Max("number"), tried=Max("attempt_count"))
    reasons = told.order_by("-trials")[:MOST_REASONS]
    groups: dict[str, Group] = {}
    for row in reasons:
        kind = kind_of(row["reason"])
        group = groups.setdefault(kind, Group(row["reason"], 0, -1))
        group.number += row["trials"]
        group.attempts = max(group.attempts, row["tried"])
        if row["last"] > group.latest:
            group.latest, group.reason = row["last"], row["reason"]
    for found in known.document.get("failures") or []:
        kind = kind_of(found["reason"])
        if kind in groups:
            groups[kind].rule = found.get("rule")
    return sorted(groups.values(), key=lambda group: -group.number)[:MOST_GROUPS]
