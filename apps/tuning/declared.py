"""The declaration in force of an experiment: what may be declared, what of it lists show, and putting another in force."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from apps.artifacts import snapshots
from apps.experiments.models import Experiment, SpaceVersion
from apps.tuning import platforms, plugins
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.space import Space

MOST_BYTES_OF_SPACE = 256 * 1024


def check(actor: Actor, workspace_id: int, job: Job, *, current: Job | None = None) -> None:
    """Raise SpecError for a job that cannot be, or that builds on what is not there for this person.

    What the job in force builds on is not asked for again: it may be gone since, or have stayed in another workspace.
    """
    job.check()
    _check_size(job.space)
    platforms.check(job)
    _check_sources(actor, workspace_id, job, () if current is None else current.sampling.warm_start)
    if current is None or job.command.code != current.command.code:
        _check_code(workspace_id, job)
    plugins.check(job)


def columns(job: Job) -> dict[str, Any]:
    """What of a job lists show and filter by."""
    return {
        "job": job.to_dict(),
        "sampler": job.sampling.name,
        "policy": job.policy.name if job.policy is not None else "",
        "goal": job.objective.goal,
        "metric": job.objective.name[:255],
        "max_trials": job.limits.max_trials,
        "max_concurrent": job.limits.max_concurrent,
    }


def redeclare(actor: Actor, row: Experiment, job: Job) -> list[str]:
    """Put another job in force; what changed, in words. The objective must stay, or results would not compare."""
    if row.has_ended:
        raise Conflict(f"its configuration cannot change any more: it is {row.status}", status=row.status)
    current = Job.from_dict(row.job)
    check(actor, row.workspace_id, job, current=current)
    if (job.objective.goal, job.objective.metrics) != (current.objective.goal, current.objective.metrics):
        raise SpecError("objective", "the goal and the metrics of an experiment with results cannot change; clone it")
    if job.platform.name != current.platform.name:
        raise SpecError("platform.name", "an experiment stays on the platform where it began; clone it")
    said = [
        name + (f" ({_moved(job.limits, current.limits)})" if name == "limits" else "")
        for name in ("sampling", "policy", "limits", "command", "readings", "platform")
        if _differs(job, current, name)
    ]
    if job.space.to_dict() != current.space.to_dict():
        row.space_version += 1
        SpaceVersion.objects.create(
            experiment=row, number=row.space_version, space=job.space.to_dict(), author_id=actor.user_id
        )
        said.append(f"space version {row.space_version}")
    for column, value in columns(job).items():
        setattr(row, column, value)
    return said


def _moved(limits: Limits, current: Limits) -> str:
    """The limits that are others now, as "max trials 60 → 50"."""
    was, now = current.to_dict(), limits.to_dict()
    return ", ".join(
        f"{name.replace('_', ' ')} {_said(was.get(name))} → {_said(now[name])}"
        for name in now
        if now[name] != was.get(name)
    )


def _said(limit: object) -> str:
    return "none" if limit is None else f"{limit:g}" if isinstance(limit, float) else str(limit)


def _check_size(space: Space) -> None:
    """Refuse a space that every list of parameters and every chart would be slow with."""
    size = len(json.dumps(space.to_dict(), ensure_ascii=False).encode())
    if size > MOST_BYTES_OF_SPACE:
        raise SpecError("space", f"must have at most {MOST_BYTES_OF_SPACE} bytes as JSON, got {size}")


def _check_sources(actor: Actor, workspace_id: int, job: Job, had: Sequence[str]) -> None:
    """Refuse a warm start from experiments that are not there for this person, or measure something else, unless it was
    had before. One query."""
    wanted = {place: key for place, key in enumerate(job.sampling.warm_start) if key not in had}
    if not wanted:
        return
    rows = Experiment.objects.visible_to(actor).kept().filter(workspace=workspace_id, key__in=wanted.values())
    known = {key: (goal, metric) for key, goal, metric in rows.values_list("key", "goal", "metric")}
    for place, key in wanted.items():
        path = f"sampling.warm_start.{place}"
        if key not in known:
            raise SpecError(path, f"there is no experiment {key!r:.40} in this workspace")
        if known[key] != (job.objective.goal, job.objective.name[:255]):
            goal, metric = known[key]
            raise SpecError(path, f"experiment {key} is to {goal} {metric}, which does not compare with this one")


def _check_code(workspace_id: int, job: Job) -> None:
    """Refuse code that is not there in this workspace. One query where a job has code."""
    if job.command.code and snapshots.find(workspace_id, job.command.code) is None:
        raise SpecError("command.code", f"there is no snapshot {job.command.code!r} in this workspace")


def _differs(one: Job, other: Job, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))
