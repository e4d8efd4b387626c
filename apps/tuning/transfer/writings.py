"""What people wrote about an experiment and its trials, out of a document: by the names they had where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from apps.discussion.models import MAX_COMMENT, MAX_TEXT, Comment, Note
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning.transfer.times import moment
from tunebook.errors import SpecError
from tunebook.fields import Fields

MEMBERS = ("trial", "username", "text", "created")
MOST = 10_000
LONGEST_NAME = 150


def store(experiment: Experiment, whole: Fields, trials: Mapping[int, Trial]) -> None:
    """The notes with their versions, and the comments. Documents of earlier releases have none. Two queries at most."""
    notes = [Note(**given) for given in _given(whole, "notes", MAX_TEXT, trials)]
    versions = set()
    for place, note in enumerate(notes):
        version = (note.trial.number if note.trial is not None else None, note.number)
        if version in versions:
            raise SpecError(f"notes.{place}.number", f"version {note.number} is given twice")
        versions.add(version)
        note.experiment = experiment
    comments = [Comment(**given) for given in _given(whole, "comments", MAX_COMMENT, trials)]
    for comment in comments:
        comment.experiment = experiment
    Note.objects.bulk_create(notes)
    Comment.objects.bulk_create(comments)


def _given(whole: Fields, name: str, longest: int, trials: Mapping[int, Trial]) -> Iterator[dict[str, Any]]:
    """The columns of each note or comment. Whoever wrote it is a name here, nobody's account."""
    items = whole.items(name)
    if len(items) > MOST:
        raise SpecError(name, f"must be at most {MOST}, got {len(items)}")
    own = "number" if name == "notes" else "edited"
    for place, item in enumerate(items):
        given = Fields(item, f"{name}.{place}", (*MEMBERS, own)).require("username", "text")
        number = given.integer("trial", low=0)
        if number is not None and number not in trials:
            raise SpecError(given.at("trial"), f"there is no trial {number} in the document")
        found = {
            "trial": trials[number] if number is not None else None,
            "username": _short(given, "username", LONGEST_NAME),
            "text": _short(given, "text", longest),
            "created": moment(given, "created") or timezone.now(),
        }
        if own == "number":
            yield {**found, "number": given.require("number").integer("number", low=1, high=2**31 - 1)}
        else:
            yield {**found, "edited": moment(given, "edited")}


def _short(given: Fields, name: str, most: int) -> str:
    text = given.text(name)
    if len(text) > most:
        raise SpecError(given.at(name), f"must be at most {most} characters, got {len(text)}")
    if "\x00" in text:
        raise SpecError(given.at(name), "must not contain a NUL character")
    return text
