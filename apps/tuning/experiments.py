"""What can be done with an experiment. Each verb checks the right, opens one transaction and announces the change."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.audit.recording import record
from apps.experiments import tally
from apps.experiments.models import Accessibility, Desired, Experiment, SpaceVersion, tag_text
from apps.tags.models import Tag
from apps.tags.models import checked as checked_tags
from apps.trials.models import Trial
from apps.tuning import declared
from apps.tuning.announce import announce_experiment, note
from apps.tuning.errors import Conflict, Stale
from apps.workspaces.access import Actor, NotAllowed, OutOfReach, require
from apps.workspaces.models import DELETED, Role, Workspace
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.space import Space
from tunebook.status import ExperimentStatus, TrialStatus

MAX_NAME = 255
MAX_DESCRIPTION = 10_000
ACTIVE = (
    ExperimentStatus.WAITING,
    ExperimentStatus.RUNNING,
    ExperimentStatus.NO_MORE_TRIAL,
    ExperimentStatus.UNKNOWN,
)


def find(actor: Actor, key: str, *, trashed: bool = False) -> Experiment:
    """The experiment of that key, if the actor may see it. One query."""
    rows = Experiment.objects.visible_to(actor).select_related("workspace", "creator")
    found = rows.filter(key=key, trashed=trashed).first()
    if found is None:
        raise OutOfReach("experiment", key)
    return found


def create(
    actor: Actor,
    job: Job,
    *,
    workspace: Workspace,
    name: str = "",
    description: str = "",
    accessibility: str = "",
    usual: str = Accessibility.PRIVATE,
    tags: Iterable[tuple[str, str]] = (),
    submitted: str = "",
    dialect: str = "native",
    start: bool = True,
) -> Experiment:
    """Store a job as an experiment; the row is the queue, so an optimizer picks it up after the commit.

    Without an `accessibility` it has the workspace's default, where there is none the `usual` one of this way in.
    Raises SpecError for names, tags or jobs that cannot be, NotAllowed and OutOfReach.
    """
    require(actor, workspace.pk, "create")
    declared.check(actor, workspace.pk, job)
    pairs = checked_tags(tags)
    seed = job.sampling.seed if job.sampling.seed is not None else secrets.randbelow(2**31)
    experiment = Experiment(
        workspace=workspace,
        creator_id=actor.user_id,
        name=_text("name", name, MAX_NAME),
        description=_text("description", description, MAX_DESCRIPTION),
        accessibility=_accessibility(accessibility or default_accessibility(workspace) or usual),
        dialect=dialect,
        submitted=submitted,
        seed=seed,
        status=ExperimentStatus.WAITING if start else ExperimentStatus.CREATED,
        tagged=tag_text(pairs.items()),
        **declared.columns(job),
    )
    with transaction.atomic():
        experiment.save(force_insert=True)
        SpaceVersion.objects.create(experiment=experiment, number=1, space=job.space.to_dict(), author_id=actor.user_id)
        experiment.tags.add(*Tag.objects.ensure(workspace, pairs))
        record(actor, workspace.pk, "experiment.create", experiment.key, experiment.name)
        # from here on others who create in this workspace wait for the commit
        tally.shift(None, tally.place(experiment))
        said = [note(f"created by {actor.username}", by=actor.username)]
        if job.monitor is not None and not settings.TUNEBOOK_ALLOW_WEBHOOKS:
            said.append(note("its monitor is told nothing: TUNEBOOK_ALLOW_WEBHOOKS is off here", level="warning"))
        announce_experiment(experiment, also=tuple(said))
    return experiment


TOLD = {"name": "name", "description": "description", "accessibility": "accessibility: {}", "tagged": "tags"}
"""Of what a change may be, beside the declaration: the row's column, and how the event log says that it is another."""


@dataclass(frozen=True)
class Changes:
    """What an update may change; None leaves a member as it is."""

    name: str | None = None
    description: str | None = None
    accessibility: str | None = None
    tags: tuple[tuple[str, str], ...] | None = None
    workspace: Workspace | None = None
    job: Job | None = None
    submitted: str | None = None


def update(actor: Actor, experiment: Experiment, changes: Changes, *, version: int | None = None) -> Experiment:
    """Change an experiment. Its declaration only while it is active; the optimizer follows at its next step.

    Raises Stale when `version` is given and no longer the row's, Conflict when an ended experiment's job should change.
    """
    require(actor, experiment.workspace_id, "edit")
    with transaction.atomic():
        row = locked(experiment)
        if version is not None and version != row.version:
            raise Stale(f"it was changed meanwhile: version {row.version}, yours is {version}")
        shown = row.accessibility if changes.accessibility is None else _accessibility(changes.accessibility)
        if shown != row.accessibility and not may_show(actor, row):
            raise NotAllowed("change who sees somebody else's experiment", Role.ADMIN, actor.role_in(row.workspace_id))
        before, said, left = tally.place(row), [], ""
        was = {member: getattr(row, member) for member in TOLD}
        if changes.workspace is not None and changes.workspace.pk != row.workspace_id:
            require(actor, changes.workspace.pk, "create")
            left, row.workspace = row.workspace.slug, changes.workspace
            _retag(row, [(tag.key, tag.value) for tag in row.tags.all()])
            said.append(f"workspace: {changes.workspace.slug}")
        if changes.name is not None:
            row.name = _text("name", changes.name, MAX_NAME)
        if changes.description is not None:
            row.description = _text("description", changes.description, MAX_DESCRIPTION)
        row.accessibility = shown
        if changes.tags is not None:
            _retag(row, changes.tags)
        said += [
            words.format(getattr(row, member)) for member, words in TOLD.items() if getattr(row, member) != was[member]
        ]
        if changes.job is not None:
            said += declared.redeclare(actor, row, changes.job)
            row.submitted = changes.submitted if changes.submitted is not None else row.submitted
        row.version += 1
        save(row)
        tally.shift(before, tally.place(row))
        told = (note(f"changed by {actor.username}: {', '.join(said)}", by=actor.username),) if said else ()
        announce_experiment(row, also=told, left=left)
        if said:
            record(actor, row.workspace_id, "experiment.change", row.key, ", ".join(said))
    return row


def may_show(actor: Actor, experiment: Experiment) -> bool:
    """Whether the actor may change who sees it: those who always do, its creator and administrators."""
    return experiment.creator_id == actor.user_id or actor.may("manage", experiment.workspace_id)


def limit(actor: Actor, experiment: Experiment, *, version: int | None = None, **limits: Any) -> Experiment:
    """Change some of the limits (members of `Limits`) and leave the rest; `version` as `update` takes it."""

    def changed(job: Job) -> Job:
        return replace(job, limits=Limits.from_dict({**job.limits.to_dict(), **limits}))

    return _rewrite(actor, experiment, changed, version)


def respace(actor: Actor, experiment: Experiment, space: Space, *, version: int | None = None) -> Experiment:
    """Put another space in force and leave the rest of the job; `version` as `update` takes it."""
    return _rewrite(actor, experiment, lambda job: replace(job, space=space), version)


def tag(actor: Actor, experiment: Experiment, tags: Iterable[tuple[str, str]]) -> Experiment:
    """Add tags, or give those that it has another value; what others add at the same time stays."""
    require(actor, experiment.workspace_id, "edit")
    added = checked_tags(tags)
    with transaction.atomic():
        row = locked(experiment)
        kept = {one.key: one.value for one in row.tags.all()}
        return update(actor, row, Changes(tags=tuple((kept | added).items())))


def _rewrite(actor: Actor, experiment: Experiment, change: Callable[[Job], Job], version: int | None) -> Experiment:
    """Change a part of the job as it is now, so that what others change of it at the same time stays."""
    require(actor, experiment.workspace_id, "edit")
    with transaction.atomic():
        row = locked(experiment)
        return update(actor, row, Changes(job=change(Job.from_dict(row.job))), version=version)


def start(actor: Actor, experiment: Experiment) -> Experiment:
    """Let an experiment that was created without starting begin."""
    return resume(actor, experiment)


def pause(actor: Actor, experiment: Experiment) -> Experiment:
    """Ask nothing new; trials that run go on to their end."""
    return _ask_for(actor, experiment, Desired.PAUSE, "paused")


def resume(actor: Actor, experiment: Experiment) -> Experiment:
    """Go on after a pause, or begin."""
    return _ask_for(actor, experiment, Desired.RUN, "resumed")


def drain(actor: Actor, experiment: Experiment) -> Experiment:
    """Ask nothing new and finish when the running trials have."""
    return _ask_for(actor, experiment, Desired.DRAIN, "draining")


def stop(actor: Actor, experiment: Experiment) -> Experiment:
    """Ask for the end: running trials are killed by their driver, then the experiment is USER_CANCELED.

    Immediately USER_CANCELED where no trial is live. An ended experiment stays as it is.
    """
    require(actor, experiment.workspace_id, "run")
    with transaction.atomic():
        row = locked(experiment)
        if not row.has_ended:
            stop_locked(row, actor.username)
            record(actor, row.workspace_id, "experiment.stop", row.key, row.name)
    return row


def reopen(actor: Actor, experiment: Experiment, *, max_trials: int) -> Experiment:
    """Let a finished experiment go on up to a higher number of trials."""
    require(actor, experiment.workspace_id, "run")
    with transaction.atomic():
        row = locked(experiment)
        if row.status not in (ExperimentStatus.FINISHED, ExperimentStatus.EARLY_STOPPED):
            raise Conflict(f"only a finished experiment can be reopened; this one is {row.status}", status=row.status)
        if row.max_trials is not None and max_trials <= row.max_trials:
            raise SpecError("max_trials", f"must be above {row.max_trials}, got {max_trials}")
        before = tally.place(row)
        job = Job.from_dict(row.job)
        changed = replace(job, limits=replace(job.limits, max_trials=max_trials))
        for column, value in declared.columns(changed).items():
            setattr(row, column, value)
        row.version += 1
        _awake(row, since=row.ended)
        row.status, row.desired, row.reason, row.ended = ExperimentStatus.WAITING, Desired.RUN, "", None
        save(row)
        tally.shift(before, tally.place(row))
        announce_experiment(
            row, also=(note(f"reopened by {actor.username} up to {max_trials} trials", by=actor.username),)
        )
        record(actor, row.workspace_id, "experiment.reopen", row.key, f"up to {max_trials} trials")
    return row


def cancel_unstarted(experiment: Experiment, to: TrialStatus, reason: str) -> list[Trial]:
    """End the trials that were asked but never started; the caller holds the experiment's row and saves it."""
    waiting = list(Trial.objects.filter(experiment=experiment, status=TrialStatus.CREATED))
    now = timezone.now()
    moved = Trial.objects.filter(pk__in=[trial.pk for trial in waiting]).update(
        status=to, reason=reason, ended=now, modified=now
    )
    column = f"{to.value.lower()}_count"
    experiment.created_count = max(experiment.created_count - moved, 0)
    setattr(experiment, column, getattr(experiment, column) + moved)
    return waiting


def stop_locked(row: Experiment, by: str) -> None:
    """Ask for the stop of a locked row; carry it out here when there is nothing to kill."""
    before = tally.place(row)
    row.desired, row.reason = Desired.STOP, f"stopped by {by}"
    if row.live_count == 0:
        cancel_unstarted(row, TrialStatus.USER_CANCELED, row.reason)
        row.status, row.ended = ExperimentStatus.USER_CANCELED, timezone.now()
        row.epoch += 1
        row.driver, row.lease_until = "", None
    save(row)
    tally.shift(before, tally.place(row))
    said = row.reason if row.has_ended else f"asked to stop by {by}"
    announce_experiment(row, also=(note(said, level="warning", by=by),))


def _ask_for(actor: Actor, experiment: Experiment, desired: Desired, word: str) -> Experiment:
    require(actor, experiment.workspace_id, "run")
    with transaction.atomic():
        row = locked(experiment)
        if row.has_ended:
            raise Conflict(f"it has already ended: {row.status}", status=row.status)
        if row.desired == Desired.STOP:
            raise Conflict("it is being stopped", status=row.status)
        before = tally.place(row)
        if desired != Desired.PAUSE:
            _awake(row, since=row.paused_at)
        elif row.desired != Desired.PAUSE:
            row.paused_at = timezone.now()
        row.desired = desired
        if row.status == ExperimentStatus.CREATED and desired == Desired.RUN:
            row.status = ExperimentStatus.WAITING
        save(row)
        tally.shift(before, tally.place(row))
        announce_experiment(row, also=(note(f"{word} by {actor.username}", by=actor.username),))
        record(actor, row.workspace_id, f"experiment.{desired.value}", row.key, row.name)
    return row


def _awake(row: Experiment, *, since: datetime | None) -> None:
    """Count the time since then in which no trial ran as idle; the caller saves the row."""
    row.paused_at = None
    if since is None or row.started is None or row.live_count:
        return
    last = Trial.objects.filter(experiment=row).aggregate(last=Max("ended"))["last"]
    row.idle += max((timezone.now() - max(since, row.started, last or since)).total_seconds(), 0.0)


def _retag(row: Experiment, tags: Iterable[tuple[str, str]]) -> None:
    """Give it these tags; the caller saves the row."""
    pairs = checked_tags(tags)
    row.tags.set(Tag.objects.ensure(row.workspace, pairs))
    row.tagged = tag_text(pairs.items())


def locked(experiment: Experiment) -> Experiment:
    """The row as it is now, locked until the end of the transaction. OutOfReach for one that was deleted meanwhile."""
    rows = Experiment.objects.select_for_update(of=("self",)).select_related("workspace")
    row = rows.filter(pk=experiment.pk).first()
    if row is None or row.workspace.slug == DELETED:
        raise OutOfReach("experiment", experiment.key)
    return row


def save(row: Experiment) -> None:
    """Write a locked row, changed now."""
    row.modified = timezone.now()
    row.save()


def _text(path: str, text: str, most: int) -> str:
    if len(text) > most:
        raise SpecError(path, f"at most {most} characters, got {len(text)}")
    if "\x00" in text:
        raise SpecError(path, "must not contain a NUL character")
    return text


def default_accessibility(workspace: Workspace) -> str:
    """Of new experiments there that say nothing of it; empty where none was chosen. One query: callers that come by a
    slug alone have but a part of the row."""
    return Workspace.objects.values_list("default_accessibility", flat=True).get(pk=workspace.pk)


def _accessibility(word: str) -> str:
    if word not in Accessibility.values:
        raise SpecError("accessibility", f"must be one of {', '.join(Accessibility.values)}, got {word!r}")
    return word
