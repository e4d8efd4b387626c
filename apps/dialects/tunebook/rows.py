"""Experiments, trials and events as our own API shows them: plain JSON, times in UTC, non-finite numbers as words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from apps.dialects import catalog
from apps.dialects.moments import WireMoment
from apps.experiments.models import COUNT_COLUMNS, Experiment
from apps.experiments.workers import Worker
from apps.search.models import SavedView
from apps.trials.models import Measurement, Trial, number_of
from apps.tuning.usage import Used
from apps.workspaces.access import Actor
from apps.workspaces.models import Key, Member, Workspace
from apps.workspaces.statement import ById

Row = dict[str, Any]

EXPERIMENT = (
    "pk",
    "key",
    "name",
    "description",
    "workspace_id",
    "creator__username",
    "accessibility",
    "dialect",
    "sampler",
    "policy",
    "goal",
    "metric",
    "max_trials",
    "max_concurrent",
    "status",
    "desired",
    "reason",
    "created",
    "modified",
    "started",
    "ended",
    "trashed",
    "version",
    "space_version",
    "trial_count",
    "best_value",
    "best_trial",
    "tagged",
)
MOMENTS = {"created", "modified", "started", "ended"}
COUNTS = tuple(COUNT_COLUMNS.items())
TRIAL = (
    "pk",
    "key",
    "number",
    "params",
    "status",
    "desired",
    "reason",
    "source",
    "note",
    "expected",
    "spread",
    "parent",
    "excluded",
    "excluded_why",
    "value",
    "last_value",
    "best_value",
    "last_step",
    "attempt_count",
    "space_version",
    "created",
    "modified",
    "started",
    "ended",
)


def experiment(row: Experiment) -> Row:
    """One experiment with its job. One query."""
    (values,) = EXPERIMENTS.rows([row.pk])
    shown = listed(values, {row.workspace_id: row.workspace.slug})
    return shown | {"job": row.job, "seed": row.seed}


def trials(ids: Sequence[int]) -> list[Row]:
    """Rows of a list in the order of the ids. One query."""
    return [trial(values) for values in catalog.in_order(ids, TRIALS.rows(ids))]


def measurement(row: Measurement) -> Row:
    number = number_of(row.value, row.kind)
    return {"metric": row.name, "step": row.step, "value": word(number), "attempt": row.attempt, "at": row.at}


def used(row: Used, name: str) -> Row:
    return {name: row.name, "trials": row.trials, "seconds": round(row.seconds, 1), "bytes": row.size}


def worker(row: Worker, held: Sequence[Experiment]) -> Row:
    """An optimizer, with the keys of what it drives."""
    return {
        "name": row.name,
        "host": row.host,
        "slots": row.slots,
        "version": row.version,
        "draining": row.draining,
        "started": row.started,
        "seen": row.seen,
        "left": row.left,
        "experiments": [one.key for one in held],
    }


def member(row: Member) -> Row:
    return {"username": row.user.get_username(), "role": row.role, "since": row.created}


def key(row: Key) -> Row:
    """A key without its secrets."""
    return {
        "access_key_id": row.access_key_id,
        "username": row.user.get_username(),
        "role": row.role,
        "name": row.name,
        "created": row.created,
        "last_used": row.last_used,
        "expires": row.expires,
        "revoked": row.revoked,
    }


def workspace(row: Workspace, actor: Actor) -> Row:
    seen = row.default_accessibility
    return {"slug": row.slug, "name": row.name, "role": actor.roles[row.pk], "default_accessibility": seen}


def view(row: SavedView) -> Row:
    return {
        "id": row.pk,
        "name": row.name,
        "query": row.query,
        "sort": row.sort,
        "columns": row.shows,
        "shared": row.shared,
        "owner": row.owner.get_username(),
        "created": row.created,
    }


def word(number: float | None) -> float | str | None:
    """A number as JSON has it, and a word for what JSON has no number for."""
    if number is None or math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def listed(values: Sequence[Any], slugs: Mapping[int, str]) -> Row:
    """The row of a list from the values of EXPERIMENTS; `slugs` names the workspaces by id."""
    row = dict(zip(EXPERIMENT[1:], values[1:], strict=False))
    row["workspace"] = slugs.get(row.pop("workspace_id"), "")
    row["creator"] = row.pop("creator__username")
    value, trial = row.pop("best_value"), row.pop("best_trial")
    row["best"] = None if trial is None else {"value": word(value), "trial": trial}
    numbers = values[len(EXPERIMENT) :]
    row["counts"] = {status: number for (status, _), number in zip(COUNTS, numbers, strict=True) if number}
    row["tags"] = dict(orjson.loads(row.pop("tagged")))
    return row


def trial(values: Sequence[Any]) -> Row:
    """The row of a list from the values of TRIALS."""
    row = dict(zip(TRIAL[1:], values[1:], strict=True))
    for name in ("expected", "spread", "value", "last_value", "best_value"):
        row[name] = word(row[name])
    return row


def _listed(columns: Sequence[str]) -> list[Any]:
    return [WireMoment(column) if column in MOMENTS else column for column in columns]


EXPERIMENTS = ById(
    catalog.MOST,
    lambda ids: Experiment.objects.filter(pk__in=ids).values_list(
        *_listed(EXPERIMENT), *(column for _, column in COUNTS)
    ),
)
TRIALS = ById(catalog.MOST, lambda ids: Trial.objects.filter(pk__in=ids).values_list(*_listed(TRIAL)))
