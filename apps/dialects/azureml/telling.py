"""Experiments as this wire tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from apps.dialects.azureml import code, labels
from apps.dialects.azureml.base import Scope
from apps.dialects.azureml.models import ArmJob
from apps.experiments.models import Experiment
from tunebook.job import Job
from tunebook.wire import azureml
from tunebook.wire.azureml import TODAY, Facts

DIALECT = "azureml"
# What of a declaration can be changed elsewhere while the job goes on.
_DECLARED = ("searchSpace", "samplingAlgorithm", "objective", "limits", "earlyTermination")
Tags = Iterable[tuple[str, str]]


def name_of(experiment: Experiment) -> str:
    """The name of a job: the one it was given here, else its key."""
    named = named_in(experiment)
    return named.name if named is not None else experiment.key


def named_in(experiment: Experiment) -> ArmJob | None:
    """The row of its name; none when it came by another wire, or moved to another workspace since."""
    named: ArmJob | None = getattr(experiment, "arm_job", None)
    return named if named is not None and named.workspace_id == experiment.workspace_id else None


def child_name(parent: str, number: int) -> str:
    """The name of a trial among jobs."""
    return f"{parent}_{number}"


def told(experiment: Experiment, tags: Tags, scope: Scope, shape: str) -> dict[str, Any]:
    """The job, in the shape that was asked for."""
    named = named_in(experiment)
    name = name_of(experiment)
    pairs = list(tags)
    properties, kept = declared(experiment)
    properties |= {
        "description": experiment.description or None,
        "tags": labels.joined(pairs, named.tags if named else {}),
        "properties": named.properties if named else {},
        "displayName": experiment.name or name,
        "experimentName": experiment_name(experiment, properties),
    }
    best = "" if experiment.best_trial is None else child_name(name, experiment.best_trial)
    facts = Facts(
        id=f"{scope.path}/jobs/{name}",
        name=name,
        created=experiment.created,
        modified=experiment.modified,
        status=experiment.status,
        desired=experiment.desired,
        by=experiment.creator.username,
        url=scope.page(f"e/{experiment.key}/"),
        best=best,
        archived=named.archived if named else False,
    )
    answer = azureml.resource(properties, facts, shape, kept)
    if shape == TODAY:
        _name_code(answer["properties"], scope)
    return answer


def _name_code(properties: dict[str, Any], scope: Scope) -> None:
    for member in ("trial", "codeId"):
        holder = properties.get(member)
        if isinstance(holder, dict) and holder.get("codeId") is not None:
            properties[member] = {**holder, "codeId": code.told(holder["codeId"], scope)}
        elif isinstance(holder, str):
            properties[member] = code.told(holder, scope)


def experiment_name(experiment: Experiment, properties: Mapping[str, Any]) -> str | None:
    """The experiment that a job was put into: as it was sent, or for one of another wire as its tag says."""
    named = properties.get("experimentName")
    if named and named != labels.UNNAMED:
        return str(named)
    return dict(json.loads(experiment.tagged)).get(labels.EXPERIMENT)


def declared(experiment: Experiment) -> tuple[dict[str, Any], str]:
    """The properties as they came, and their shape; brought up to date where they were changed since.

    An experiment that came by another wire is said in this one's words, as far as it has some.
    """
    named: ArmJob | None = getattr(experiment, "arm_job", None)
    if experiment.dialect != DIALECT or named is None or not named.shape:
        return azureml.tell(Job.from_dict(experiment.job)), TODAY
    sent: dict[str, Any] = dict(json.loads(experiment.submitted)[azureml.PATH])
    if experiment.version == 1 or named.job_type != "Sweep" or means(sent, named.shape) == _plain(experiment.job):
        return sent, named.shape
    now = azureml.tell(Job.from_dict(experiment.job))
    known = azureml.converted(sent, named.shape, TODAY)
    known = {name: value for name, value in known.items() if name not in _DECLARED}
    return {**known, **{name: now[name] for name in _DECLARED if name in now}}, TODAY


def means(properties: Mapping[str, Any], shape: str) -> dict[str, Any]:
    """What a document declares, for comparing: where its code lies here is no part of it."""
    return _plain(azureml.load(properties, shape).to_dict())


def _plain(job: Mapping[str, Any]) -> dict[str, Any]:
    command = {name: value for name, value in job["command"].items() if name not in ("code", "working_dir")}
    return {**job, "command": command}
