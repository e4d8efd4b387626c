"""Which experiment, or which of its trials, a job's name means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from apps.dialects.azureml.models import ArmJob
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, OutOfReach, sees
from apps.workspaces.models import Workspace
from apps.workspaces.statement import Statement

_CHILD = re.compile(r"(?P<parent>.+)_(?P<number>0|[1-9]\d{0,8})")


@dataclass(frozen=True)
class Child:
    """One trial as a job of its own."""

    experiment: Experiment
    trial: Trial


def find(actor: Actor, workspace: Workspace, name: str) -> Experiment | None:
    """The experiment of that name, or of that key where it came by another wire. One query, two without the name.

    With its creator and the row of its name; their texts are compiled once, as every request for a job begins here.
    """
    return _of(actor, workspace, BY_NAME.rows([workspace.pk, name])) or _of(
        actor, workspace, BY_KEY.rows([workspace.pk, name])
    )


def _of(actor: Actor, workspace: Workspace, rows: list[Sequence[Any]]) -> Experiment | None:
    if not rows:
        return None
    columns, (username,) = rows[0][: len(COLUMNS)], rows[0][-1:]
    found = Experiment.from_db("default", COLUMNS, columns)
    if found.trashed or found.workspace_id != workspace.pk:
        return None
    if not sees(actor, found.workspace_id, found.accessibility, found.creator_id):
        return None
    named = rows[0][len(COLUMNS) : -1]
    if named[0] is not None:
        ArmJob.from_db("default", NAMED, named).experiment = found
    found.workspace = workspace
    found.creator = get_user_model()(pk=found.creator_id, username=username)
    return found


def _rows(**lookup: Any) -> QuerySet[Experiment, Any]:
    rows = Experiment.objects.order_by()
    for name, value in lookup.items():  # one filter after the other, or Django sorts them and with them the parameters
        rows = rows.filter(**{name: value})
    return rows.values_list(*COLUMNS, *(f"arm_job__{name}" for name in NAMED), "creator__username")


COLUMNS = [one.attname for one in Experiment._meta.concrete_fields]
NAMED = [one.attname for one in ArmJob._meta.concrete_fields]
BY_NAME = Statement(lambda: _rows(arm_job__workspace=1, arm_job__name="?"))
BY_KEY = Statement(lambda: _rows(workspace=1, key="?"))


def find_any(actor: Actor, workspace: Workspace, name: str) -> Experiment | Child:
    """The experiment or the trial of that name; `sweep_3` is the trial 3 of `sweep`."""
    found = find(actor, workspace, name) or child(actor, workspace, name)
    if found is None:
        raise OutOfReach("job", name)
    return found


def child(actor: Actor, workspace: Workspace, name: str) -> Child | None:
    """The trial of that name. No query where the name is none of a trial, else up to three."""
    named = _CHILD.fullmatch(name)
    parent = find(actor, workspace, named["parent"]) if named else None
    if named is None or parent is None:
        return None
    trial = Trial.objects.filter(experiment=parent, number=int(named["number"])).first()
    return Child(parent, trial) if trial is not None else None


def get(actor: Actor, workspace: Workspace, name: str) -> Experiment:
    """The experiment of that name. Raises Conflict for a trial, which has nothing of its own to change."""
    found = find(actor, workspace, name)
    if found is None:
        refuse_child(actor, workspace, name)
        raise OutOfReach("job", name)
    return found


def refuse_child(actor: Actor, workspace: Workspace, name: str) -> None:
    """Raise Conflict where this name is that of a trial."""
    found = child(actor, workspace, name)
    if found is not None:
        sweep = name.rpartition("_")[0]
        raise Conflict(f"{name} is a trial of {sweep} and changes with it; only cancelling it works for it alone")
