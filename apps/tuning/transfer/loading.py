"""A document to an experiment that has ended, with all its trials. Nothing is stored of one that has a mistake."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.experiments import tally
from apps.experiments.models import COUNT_COLUMNS, Accessibility, Experiment, SpaceVersion
from apps.trials.models import Attempt, AttemptState, Trial
from apps.tuning import measuring
from apps.tuning.announce import announce_experiment, note
from apps.tuning.experiments import create
from apps.tuning.measuring import MAX_STEP, Reading
from apps.tuning.names import MAX_NAMES
from apps.tuning.transfer import logged, members, writings
from apps.tuning.transfer.times import moment
from apps.tuning.trials import count_anew
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError
from tunebook.fields import Fields, is_finite
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.space import Space
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL, ExperimentStatus, TrialStatus

MAX_TRIALS = 100_000
MAX_POINTS = 10_000_000
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
BATCH = 2_000


@dataclass(frozen=True)
class Read:
    """A document without a mistake in its trials, not yet stored; it can be stored once."""

    whole: Fields
    given: Fields
    job: Job
    trials: list[_Trial]


def load(actor: Actor, document: object, *, workspace: Workspace, tags: Iterable[tuple[str, str]] = ()) -> Experiment:
    """Store the experiment that a document holds, under a new key, as the actor's own.

    What was still running when the document was written has been cancelled here. `tags` are added to its own.
    Raises SpecError with the path of what is wrong; then nothing is stored.
    """
    return store(actor, read(document), workspace=workspace, tags=tags)


def read(document: object) -> Read:
    """The first half of `load`, which takes the time that a large document needs and does not touch the database."""
    whole = Fields(document, "", ("format", "version", "experiment", "spaces", "notes", "comments", "trials"))
    if whole.require("format").text("format") != members.FORMAT or whole.document.get("version") != members.VERSION:
        raise SpecError("format", f"must be {members.FORMAT} with version {members.VERSION}")
    given = whole.require("experiment").inside("experiment")
    job = Job.from_dict(given.document.get("job"), "experiment.job")
    told = whole.items("trials")
    if len(told) > MAX_TRIALS:
        raise SpecError("trials", f"must be at most {MAX_TRIALS}, got {len(told)}")
    trials = [_Trial(Fields(one, f"trials.{place}"), job.objective) for place, one in enumerate(told)]
    _check_numbers(trials)
    return Read(whole, given, job, trials)


def store(actor: Actor, read: Read, *, workspace: Workspace, tags: Iterable[tuple[str, str]] = ()) -> Experiment:
    """The second half of `load`, in one transaction."""
    whole, given, trials = read.whole, read.given, read.trials
    with transaction.atomic():
        experiment = create(
            actor,
            _without_sources(read.job),
            workspace=workspace,
            name=given.text("name")[:255],
            description=given.text("description")[:10_000],
            accessibility=given.word("accessibility", ["", *Accessibility.values], ""),
            tags=[*given.text_mapping("tags").items(), *tags],
            submitted=given.text("submitted"),
            dialect=given.text("dialect", "native")[:16],
            start=False,
        )
        before = tally.place(experiment)
        _store_spaces(experiment, whole)
        _store(experiment, trials, read.job.objective)
        writings.store(experiment, whole, {trial.number: trial.row for trial in trials})
        _end(experiment, given, trials)
        experiment.save()
        tally.shift(before, tally.place(experiment))
        said = note(f"imported by {actor.username} with {len(trials)} trials", by=actor.username)
        announce_experiment(experiment, also=(said,))
    return experiment


class _Trial:
    """One trial of the document, checked: its row without an experiment, its attempts and its measurements."""

    def __init__(self, given: Fields, objective: Objective) -> None:
        given.require("number", "params", "status")
        self.number = number = _count(given, "number", low=0)
        status = given.word("status", [status.value for status in TrialStatus], "")
        reason = given.text("reason")
        if status not in ENDED_TRIAL:
            status, reason = TrialStatus.SYS_CANCELED, f"it was {status} when the experiment was exported"
        self.row = Trial(
            number=number,
            params=given.mapping("params"),
            space_version=given.integer("space_version", low=1, high=2**31 - 1) or 1,
            source=given.text("source", "imported")[:16],
            note=given.text("note"),
            parent=given.integer("parent", low=0, high=2**31 - 1),
            excluded=given.flag("excluded"),
            excluded_why=given.text("excluded_why")[:255],
            extra=given.flag("extra"),
            status=status,
            stopped_by=given.text("stopped_by")[:8],
            reason=reason,
            **{name: _number(given, name) for name in members.TRIAL_NUMBERS},
        )
        self.row.created, self.row.started, self.row.ended = _times(given)
        self.row.modified = self.row.ended = self.row.ended or timezone.now()
        self.restart_of = given.integer("restart_of", low=0)
        self.attempts = [
            _attempt(Fields(one, f"{given.path}.attempts.{place}")) for place, one in enumerate(given.items("attempts"))
        ]
        self.row.attempt_count = max((attempt.number for attempt in self.attempts), default=0)
        self.logged = logged.read(given)
        self.readings: dict[int, list[Reading]] = {}
        for place, one in enumerate(given.items("series")):
            attempt, readings = _series(Fields(one, f"{given.path}.series.{place}"))
            self.readings.setdefault(attempt, []).extend(readings)


def _check_numbers(trials: list[_Trial]) -> None:
    seen: set[int] = set()
    for place, trial in enumerate(trials):
        if trial.number in seen:
            raise SpecError(f"trials.{place}.number", f"trial {trial.number} is given twice")
        seen.add(trial.number)
        names = {reading.metric for readings in trial.readings.values() for reading in readings}
        if len(names) > MAX_NAMES:
            raise SpecError(f"trials.{place}.series", f"must hold at most {MAX_NAMES} metrics, got {len(names)}")
        count = sum(len(readings) for readings in trial.readings.values())
        if count > measuring.MAX_POINTS:
            raise SpecError(f"trials.{place}.series", f"must hold at most {measuring.MAX_POINTS} points, got {count}")
    points = sum(len(readings) for trial in trials for readings in trial.readings.values())
    if points > MAX_POINTS:
        raise SpecError("trials", f"must hold at most {MAX_POINTS} measurements, got {points}")


def _without_sources(job: Job) -> Job:
    """The job without what points to other rows of the Tunebook it came from."""
    document = job.to_dict()
    document["sampling"] = {**document["sampling"], "warm_start": []}
    document["command"] = {**document["command"], "code": ""}
    return Job.from_dict(document)


def _store_spaces(experiment: Experiment, whole: Fields) -> None:
    rows: list[SpaceVersion] = []
    for place, one in enumerate(whole.items("spaces")):
        given = Fields(one, f"spaces.{place}", ("number", "space", "created")).require("number", "space")
        number = _count(given, "number", low=1)
        if number in {row.number for row in rows}:
            raise SpecError(given.at("number"), f"version {number} is given twice")
        space = Space.from_dict(given.document["space"], given.at("space")).to_dict()
        created = moment(given, "created") or timezone.now()
        rows.append(
            SpaceVersion(
                experiment=experiment, number=number, space=space, created=created, author_id=experiment.creator_id
            )
        )
    if rows:
        experiment.space_versions.all().delete()
        SpaceVersion.objects.bulk_create(rows)
        experiment.space_version = max(row.number for row in rows)


def _store(experiment: Experiment, trials: list[_Trial], objective: Objective) -> None:
    """The rows of trials, attempts and measurements; the columns that follow a curve are worked out on the way."""
    for trial in trials:
        trial.row.experiment = experiment
    Trial.objects.bulk_create([trial.row for trial in trials], batch_size=BATCH)
    rows = {trial.number: trial.row for trial in trials}
    attempts, measured = [], []
    for trial in trials:
        for attempt in trial.attempts:
            attempt.trial, attempt.experiment = trial.row, experiment
            attempt.launch_key = f"imported-{trial.row.key}-{attempt.number}-{secrets.token_hex(4)}"
            attempts.append(attempt)
        if trial.restart_of in rows and trial.restart_of != trial.number:
            trial.row.restart_of = rows[trial.restart_of]
        for number, readings in sorted(trial.readings.items()):
            _, made = measuring.plan(trial.row, number, objective, readings)
            measured += made
    Attempt.objects.bulk_create(attempts, batch_size=BATCH)
    logged.store(rows, {trial.number: trial.logged for trial in trials})
    for start in range(0, len(measured), 10 * BATCH):
        measuring.insert(measured[start : start + 10 * BATCH])
    Trial.objects.bulk_update([trial.row for trial in trials], [*measuring.CURVE, "restart_of"], batch_size=BATCH)


def _end(experiment: Experiment, given: Fields, trials: list[_Trial]) -> None:
    status = given.word("status", [status.value for status in ExperimentStatus], ExperimentStatus.FINISHED)
    reason = given.text("reason")
    if status not in ENDED_EXPERIMENT:
        status, reason = ExperimentStatus.SYS_CANCELED, f"it was {status} when it was exported"
    experiment.status, experiment.reason = status, reason
    created, started, ended = _times(given)
    experiment.created, experiment.started = created, started
    experiment.ended = ended or max((trial.row.ended for trial in trials if trial.row.ended), default=created)
    seed = given.integer("seed", low=0, high=2**63 - 1)
    experiment.seed = experiment.seed if seed is None else seed
    experiment.trial_count = len(trials)
    experiment.extra_trials = sum(trial.row.extra for trial in trials)
    experiment.spent = sum(trial.row.took for trial in trials)
    for status_of in (trial.row.status for trial in trials):
        column = COUNT_COLUMNS[status_of]
        setattr(experiment, column, getattr(experiment, column) + 1)
    count_anew(experiment)


def _attempt(given: Fields) -> Attempt:
    state = given.word("state", AttemptState.values, AttemptState.ENDED)
    attempt = Attempt(
        number=_count(given, "number", low=1),
        executor=given.text("executor", "local")[:16],
        host=given.text("host")[:128],
        state=state if state in (AttemptState.ENDED, AttemptState.LOST) else AttemptState.LOST,
        reason=given.text("reason")[:64],
        fenced=True,
        code=given.integer("code", low=-(2**31), high=2**31 - 1),
        signal=given.integer("signal", low=0, high=2**31 - 1),
    )
    attempt.created, attempt.started, attempt.ended = _times(given)
    attempt.ended = attempt.ended or timezone.now()
    return attempt


def _series(given: Fields) -> tuple[int, list[Reading]]:
    given.require("name", "points")
    name = given.text("name", empty=False)
    if len(name) > 255:
        raise SpecError(given.at("name"), "must be at most 255 characters")
    attempt = given.integer("attempt", low=1, high=2**31 - 1) or 1
    source = given.integer("source", low=0, high=32_767) or 0
    readings = []
    for place, point in enumerate(given.items("points")):
        path = f"{given.at('points')}.{place}"
        if not isinstance(point, list) or not 2 <= len(point) <= 3:
            raise SpecError(path, "must be [step, value] or [step, value, time]")
        known = Fields(dict(zip(("step", "value", "at"), point, strict=False)), path)
        step, value = known.require("step").integer("step", low=-MAX_STEP, high=MAX_STEP), _number(known, "value")
        if step is None or value is None:
            raise SpecError(path, "must be [step, value] or [step, value, time]")
        readings.append(Reading(name, step, value, source, moment(known, "at")))
    return attempt, readings


def _count(given: Fields, name: str, *, low: int) -> int:
    """A whole number that must be there."""
    found = given.require(name).integer(name, low=low, high=2**31 - 1)
    return low if found is None else found


def _number(given: Fields, name: str) -> float | None:
    """A number, or the word for one that JSON lacks."""
    value = given.document.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value in WORDS:
        return WORDS[value]
    if not is_finite(value):
        raise SpecError(given.at(name), f"must be a number or one of {', '.join(WORDS)}, got {value!r:.40}")
    return float(value)


def _times(given: Fields) -> tuple[datetime, datetime | None, datetime | None]:
    found: Mapping[str, datetime | None] = {name: moment(given, name) for name in members.TIMES}
    created = found["created"] or found["started"] or timezone.now()
    return created, found["started"], found["ended"]
