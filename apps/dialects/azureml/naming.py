"""Which experiment, or which of its trials, a job's name means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.access import Actor, OutOfReach
from apps.workspaces.models import Workspace

_CHILD = re.compile(r"(?P<parent>.+)_(?P<number>0|[1-9]\d{0,8})")


@dataclass(frozen=True)
class Child:
    """One trial as a job of its own."""

    experiment: Experiment
    trial: Trial


def find(actor: Actor, workspace: Workspace, name: str) -> Experiment | None:
    """The experiment of that name, or of that key where it came by another wire. One query, two without the name."""
    rows = Experiment.objects.visible_to(actor).kept().filter(workspace=workspace)
    rows = rows.select_related("workspace", "creator", "arm_job")
    named = rows.filter(arm_job__name=name, arm_job__workspace=workspace).first()
    return named or rows.filter(key=name[:16]).exclude(arm_job__workspace=workspace).first()


def find_any(actor: Actor, workspace: Workspace, name: str) -> Experiment | Child:
    """The experiment or the trial of that name; `sweep_3` is the trial 3 of `sweep`."""
    found = find(actor, workspace, name)
    if found is not None:
        return found
    child = _CHILD.fullmatch(name)
    parent = find(actor, workspace, child["parent"]) if child else None
    if child is None or parent is None:
        raise OutOfReach("job", name)
    trial = Trial.objects.filter(experiment=parent, number=int(child["number"])).first()
    if trial is None:
        raise OutOfReach("job", name)
    return Child(parent, trial)


def get(actor: Actor, workspace: Workspace, name: str) -> Experiment:
    """The experiment of that name."""
    found = find(actor, workspace, name)
    if found is None:
        raise OutOfReach("job", name)
    return found
