"""Writing about experiments and trials."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.discussion.models import MAX_COMMENT, MAX_TEXT, Comment, Note, about
from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.feed.writing import append
from apps.trials.models import Trial
from apps.tuning.errors import Conflict, LimitReached
from apps.workspaces.access import Actor, NotAllowed, OutOfReach, require
from apps.workspaces.models import Role
from tunebook.errors import SpecError

MOST_COMMENTS = 10_000


def note_of(experiment: Experiment, trial: Trial | None = None) -> Note | None:
    """The note in force, or None. One query."""
    return Note.objects.filter(about(experiment, trial)).order_by("-number").first()


def notes_of(experiment: Experiment, trial: Trial | None = None) -> QuerySet[Note]:
    """All versions of the note, newest first."""
    return Note.objects.filter(about(experiment, trial)).order_by("-number")


def write_note(
    actor: Actor, experiment: Experiment, text: str, *, trial: Trial | None = None, based_on: int | None = None
) -> Note:
    """Store a new version of the note; the same text again changes nothing.

    based_on: number of the version that was edited, 0 for none. Raises Conflict when there is a newer one meanwhile.
    """
    require(actor, experiment.workspace_id, "edit")
    _check("text", text, MAX_TEXT)
    with transaction.atomic():
        Experiment.objects.select_for_update(of=("self",)).get(pk=experiment.pk)
        current = note_of(experiment, trial)
        number = current.number if current is not None else 0
        if based_on is not None and based_on != number:
            who = current.username if current is not None else "nobody"
            raise Conflict(f"it was changed meanwhile by {who}: version {number}, yours is based on {based_on}")
        if current is not None and current.text == text:
            return current
        if current is None and not text.strip():
            raise SpecError("text", "must not be empty")
        made = Note.objects.create(
            experiment=experiment,
            trial=trial,
            number=number + 1,
            text=text,
            author_id=actor.user_id,
            username=actor.username,
        )
        _announce(experiment, trial, "written")
    return made


def comments_of(experiment: Experiment, trial: Trial | None = None) -> QuerySet[Comment]:
    """The comments on this, oldest first; those on trials are not among an experiment's own."""
    return Comment.objects.kept().filter(about(experiment, trial)).order_by("created", "id")


def comment(actor: Actor, experiment: Experiment, text: str, *, trial: Trial | None = None) -> Comment:
    """Say something about an experiment or a trial."""
    require(actor, experiment.workspace_id, "edit")
    _check("text", text, MAX_COMMENT)
    if not text.strip():
        raise SpecError("text", "must not be empty")
    with transaction.atomic():
        if Comment.objects.filter(experiment=experiment).count() >= MOST_COMMENTS:
            raise LimitReached(f"at most {MOST_COMMENTS} comments on one experiment")
        made = Comment.objects.create(
            experiment=experiment, trial=trial, author_id=actor.user_id, username=actor.username, text=text
        )
        _announce(experiment, trial, "commented")
    return made


def find_comment(experiment: Experiment, number: int) -> Comment:
    """The comment of that number on the experiment or one of its trials."""
    found = Comment.objects.kept().filter(experiment=experiment, pk=number).select_related("trial").first()
    if found is None:
        raise OutOfReach("comment", str(number))
    return found


def change_comment(actor: Actor, found: Comment, text: str) -> Comment:
    """Say one's own comment differently."""
    _own(actor, found, "change this comment", admins=False)
    _check("text", text, MAX_COMMENT)
    if not text.strip():
        raise SpecError("text", "must not be empty")
    with transaction.atomic():
        found.text, found.edited = text, timezone.now()
        found.save(update_fields=["text", "edited"])
        _announce(found.experiment, found.trial, "commented")
    return found


def delete_comment(actor: Actor, found: Comment) -> None:
    """Take back one's own comment, or as an administrator anybody's. Twice is once."""
    _own(actor, found, "delete this comment", admins=True)
    with transaction.atomic():
        found.text, found.deleted = "", timezone.now()
        found.save(update_fields=["text", "deleted"])
        _announce(found.experiment, found.trial, "commented")


def _own(actor: Actor, found: Comment, action: str, *, admins: bool) -> None:
    workspace = found.experiment.workspace_id
    require(actor, workspace, "edit")
    if found.author_id != actor.user_id and not (admins and actor.may("manage", workspace)):
        raise NotAllowed(action, Role.ADMIN, actor.role_in(workspace))


def _announce(experiment: Experiment, trial: Trial | None, what: str) -> None:
    append(
        experiment_stream(experiment.key), [("discussion", {"trial": trial.number if trial else None, "what": what})]
    )


def _check(path: str, text: str, most: int) -> None:
    if len(text) > most:
        raise SpecError(path, f"at most {most} characters, got {len(text)}")
    if "\x00" in text:
        raise SpecError(path, "must not contain a NUL character")
