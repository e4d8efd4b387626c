"""A job is put: created the first time, brought up to date after that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from apps.artifacts.models import Snapshot
from apps.dialects.azureml import labels, telling
from apps.dialects.azureml.models import ArmJob, JobInput
from apps.dialects.catalog import tags_of
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, require
from apps.workspaces.models import Workspace
from tunebook.job import Job
from tunebook.wire import azureml
from tunebook.wire.azureml import PATH, TODAY, Details

# Members that only a creation may set, in today's words; a command job's own follow.
FIXED = ("jobType", "computeId", "experimentName", "identity", "priority")
FIXED_OF_COMMANDS = (
    *("command", "codeId", "environmentId", "environmentVariables", "inputs", "outputs", "distribution"),
)


@dataclass(frozen=True)
class Put:
    """A job as a client sent it, read and checked."""

    name: str
    properties: Mapping[str, Any]
    shape: str
    details: Details
    job: Job
    text: str
    """The whole document, word for word."""
    inputs: tuple[Snapshot, ...] = ()
    """The files that the job reads."""


def create(actor: Actor, workspace: Workspace, put: Put) -> Experiment:
    """Store the job and let it start. Raises Conflict when its name was taken meanwhile."""
    details = put.details
    ours, rest = labels.parted(details.tags, details.experiment)
    try:
        with transaction.atomic():
            ArmJob.objects.filter(workspace=workspace, name=put.name, experiment__trashed=True).delete()
            made = experiments.create(
                actor,
                put.job,
                workspace=workspace,
                name=details.display_name or put.name,
                description=details.description,
                usual=Accessibility.PUBLIC,  # this wire has no word for what only its maker sees
                tags=ours,
                submitted=put.text,
                dialect=telling.DIALECT,
            )
            known: dict[str, Any] = {
                "experiment": made,
                "job_type": details.job_type,
                "shape": put.shape,
                "properties": own_properties(put.properties),
                "tags": rest,
                "archived": details.archived,
            }
            ArmJob.objects.create(workspace=workspace, name=put.name, **known)
            _keep_inputs(made, put)
    except IntegrityError:
        raise Conflict(f"there is a job {put.name!r} already") from None
    made.creator = get_user_model()(pk=actor.user_id, username=actor.username)
    return made


def update(actor: Actor, experiment: Experiment, put: Put) -> Experiment:
    """Bring a job up to date; the same document again changes nothing.

    Raises Conflict where a member would change that only a creation sets, or what a job that has ended searches.
    """
    pairs = tags_of([experiment.pk]).get(experiment.pk, [])
    named = telling.named_in(experiment)
    _check_fixed(experiment, put)
    changes = _changes(experiment, put, pairs)
    own = _own(named, put)
    if changes == experiments.Changes() and not own:
        return experiment
    with transaction.atomic():
        row = experiment
        if changes != experiments.Changes():
            row = experiments.update(actor, experiment, changes)
            row.creator = experiment.creator
            _keep_inputs(row, put)
        if own:
            named = named or _row(experiment, put.name)
            for column, value in own.items():
                setattr(named, column, value)
            named.save()
        if named is not None:
            row.arm_job = named
    return row


def amend(
    actor: Actor,
    experiment: Experiment,
    *,
    name: str | None,
    description: str | None,
    tags: Mapping[str, str],
    properties: Mapping[str, str],
    archived: bool | None,
) -> None:
    """Change what a job is called; tags and properties are added to those it has."""
    require(actor, experiment.workspace_id, "edit")
    pairs = tags_of([experiment.pk]).get(experiment.pk, [])
    named = telling.named_in(experiment)
    changes = experiments.Changes(name=name, description=description)
    if tags:
        known = labels.joined(pairs, named.tags if named else {})
        ours, rest = labels.parted({**known, **tags}, dict(pairs).get(labels.EXPERIMENT, labels.UNNAMED))
        changes = replace(changes, tags=ours)
    with transaction.atomic():
        if changes != experiments.Changes():
            experiments.update(actor, experiment, changes)
        if tags or properties or archived is not None:
            named = named or _row(experiment)
            named.tags = rest if tags else named.tags
            named.properties = {**named.properties, **own_properties({"properties": properties})}
            named.archived = named.archived if archived is None else archived
            named.save()


def own_properties(properties: Mapping[str, Any]) -> dict[str, str]:
    """The client's own `properties`; what the server adds to them when it answers is not kept."""
    given = properties.get("properties") or {}
    return {name: value for name, value in given.items() if name != "best_child_run_id"}


def _keep_inputs(experiment: Experiment, put: Put) -> None:
    rows = [JobInput(experiment=experiment, snapshot=one) for one in put.inputs]
    JobInput.objects.bulk_create(rows, ignore_conflicts=True)


def _check_fixed(experiment: Experiment, put: Put) -> None:
    kept, shape = telling.declared(experiment)
    before, after = azureml.converted(kept, shape, TODAY), azureml.converted(put.properties, put.shape, TODAY)
    is_command = str(before.get("jobType")).lower() == "command"
    for member in (*FIXED, *(FIXED_OF_COMMANDS if is_command else ())):
        known = [_settled(member, before.get(member))]
        if member == "experimentName":  # as it was sent, and as it is told, which a tag may say
            known.append(telling.experiment_name(experiment, before))
        wanted = _settled(member, after.get(member))
        if wanted is not None and wanted not in known:
            raise Conflict(f"{PATH}.{member}: cannot change once the job exists")


def _settled(member: str, value: Any) -> Any:
    """The value as it compares: absent and empty are the same, names of resources count without their path."""
    if member == "experimentName":
        return value or "Default"
    if not value:
        return None
    if isinstance(value, str) and member in ("computeId", "codeId", "environmentId"):
        return _named(value)
    return value.lower() if member == "jobType" else _without_nulls(value)


def _named(value: str) -> str:
    """The name that ends the id of a resource, with the version of those that have one: `name:version`."""
    *_, name, word, last = ("", "", *value.lower().rstrip("/").split("/"))
    return f"{name.removeprefix('azureml:')}:{last}" if word == "versions" else last.removeprefix("azureml:")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return value


def _changes(experiment: Experiment, put: Put, pairs: list[tuple[str, str]]) -> experiments.Changes:
    """What of the experiment the document would change; what it does not mention stays."""
    given, details = put.properties, put.details
    wanted: dict[str, Any] = {}
    if details.display_name and details.display_name != experiment.name:
        wanted["name"] = details.display_name
    if given.get("description") is not None and details.description != experiment.description:
        wanted["description"] = details.description
    if given.get("tags") is not None:
        ours, _ = labels.parted(details.tags, dict(pairs).get(labels.EXPERIMENT, labels.UNNAMED))
        if set(ours) != set(pairs):
            wanted["tags"] = ours
    kept, shape = telling.declared(experiment)
    if details.job_type == "Sweep" and (
        telling.means(put.properties, put.shape) != telling.means(kept, shape) or _brings_code(kept, given)
    ):
        wanted |= {"job": put.job, "submitted": put.text}
    return experiments.Changes(**wanted)


def _brings_code(kept: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether a sweep names other code than before."""
    before, after = ((one.get("trial") or {}).get("codeId") for one in (kept, given))
    return bool(after) and _settled("codeId", after) != _settled("codeId", before)


def _own(named: ArmJob | None, put: Put) -> dict[str, Any]:
    """What would change of what no column of the experiment holds."""
    given, known = put.properties, named or ArmJob()
    wanted: dict[str, Any] = {}
    if given.get("properties") is not None:
        wanted["properties"] = own_properties(given)
    if given.get("tags") is not None:
        wanted["tags"] = labels.parted(put.details.tags, put.details.experiment)[1]
    if given.get("isArchived") is not None:
        wanted["archived"] = put.details.archived
    return {column: value for column, value in wanted.items() if value != getattr(known, column)}


def _row(experiment: Experiment, name: str = "") -> ArmJob:
    """A row for an experiment that came by another wire; the name it had in another workspace is gone."""
    ArmJob.objects.filter(experiment=experiment).delete()
    return ArmJob(
        workspace_id=experiment.workspace_id,
        name=name or experiment.key,
        experiment=experiment,
        job_type="Sweep",
    )
