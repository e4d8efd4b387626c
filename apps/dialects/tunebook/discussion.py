"""Notes and comments on experiments and trials."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.parameters import INT32, Text, Whole
from apps.dialects.refusal import Refusal
from apps.dialects.tunebook.base import TunebookView
from apps.discussion.models import MAX_COMMENT, MAX_TEXT, Comment, Note
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import discussion, experiments, trials
from apps.workspaces.access import OutOfReach

NOTE = {
    "text": Text("Markdown", longest=MAX_TEXT, required=True),
    "based_on": Whole(0, INT32, "number of the version that was edited; a newer one is a conflict"),
}
COMMENT = {"text": Text("Markdown", longest=MAX_COMMENT, shortest=1, required=True)}
MOST_VERSIONS = 100


class About(TunebookView):
    """What is written about an experiment, or about one of its trials."""

    def subject(self, key: str, number: int | None) -> tuple[Experiment, Trial | None]:
        experiment = experiments.find(self.actor, key)
        if number is not None and number > INT32:
            raise OutOfReach("trial", str(number))
        return experiment, None if number is None else trials.find(self.actor, experiment, number=number)


class NoteOn(About):
    """The note on an experiment or a trial."""

    fields = NOTE
    operations = {"GET": "GetNote", "PUT": "WriteNote"}

    def get(self, request: Request, key: str, number: int | None = None) -> HttpResponse:
        """Read the note with its last 100 versions; `number` 0 and an empty text where nobody wrote one."""
        found = list(discussion.notes_of(*self.subject(key, number))[:MOST_VERSIONS])
        shown = note(found[0]) if found else {"number": 0, "text": "", "author": "", "created": None}
        return self.answer({**shown, "versions": [note(one) for one in found]})

    def put(self, request: Request, key: str, number: int | None = None) -> HttpResponse:
        """Write a new version of the note."""
        experiment, trial = self.subject(key, number)
        given = self.document()
        made = discussion.write_note(self.actor, experiment, given["text"], trial=trial, based_on=given.get("based_on"))
        return self.answer(note(made))


class Comments(About):
    """The comments on an experiment or a trial."""

    creates = True
    fields = COMMENT
    operations = {"GET": "ListComments", "POST": "AddComment"}

    def get(self, request: Request, key: str, number: int | None = None) -> HttpResponse:
        """List the comments, oldest first."""
        return self.answer({"items": [comment(one) for one in discussion.comments_of(*self.subject(key, number))]})

    def post(self, request: Request, key: str, number: int | None = None) -> HttpResponse:
        """Add a comment."""
        experiment, trial = self.subject(key, number)
        text = self.document()["text"]
        return self.created(lambda: comment(discussion.comment(self.actor, experiment, text, trial=trial)))


class OneComment(About):
    """One comment on an experiment or one of its trials."""

    fields = COMMENT
    operations = {"PATCH": "ChangeComment", "DELETE": "DeleteComment"}

    def patch(self, request: Request, key: str, comment_id: int) -> HttpResponse:
        """Change your own comment."""
        return self.answer(
            comment(discussion.change_comment(self.actor, self.found(key, comment_id), **self.document()))
        )

    def delete(self, request: Request, key: str, comment_id: int) -> HttpResponse:
        """Delete your own comment, or as an administrator anybody's."""
        if self.body():
            raise Refusal("bad_parameter", "a deletion takes no body")
        discussion.delete_comment(self.actor, self.found(key, comment_id))
        return self.answer({"id": comment_id, "deleted": True})

    def found(self, key: str, comment_id: int) -> Comment:
        experiment = experiments.find(self.actor, key)
        if comment_id > INT32:
            raise OutOfReach("comment", str(comment_id))
        return discussion.find_comment(experiment, comment_id)


def note(row: Note) -> dict[str, Any]:
    return {"number": row.number, "text": row.text, "author": row.username, "created": row.created}


def comment(row: Comment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "text": row.text,
        "author": row.username,
        "trial": row.trial.number if row.trial else None,
        "created": row.created,
        "edited": row.edited,
    }
