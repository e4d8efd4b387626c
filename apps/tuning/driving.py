"""The optimizer's verbs: the ticks in which the driver of an experiment writes what happened.

A tick is one transaction under the experiment's row lock and its epoch: everything in it happens or nothing does, and
a driver that was replaced gets `Fenced` instead of writing. The driver keeps Trial and Attempt rows in memory; the tick
changes both, with conditional updates, so that a person's stop that came in between is never overwritten.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.experiments import rows, tally
from apps.experiments.models import COUNT_COLUMNS, Desired, Experiment, Host
from apps.feed.models import experiment_stream, workspace_stream
from apps.feed.writing import Happening, append
from apps.trials.models import Attempt, AttemptState, Trial
from apps.tuning.announce import experiment_summary, metrics_event, note, trial_summary, update_best
from apps.tuning.errors import Overtaken
from apps.tuning.experiments import cancel_unstarted
from apps.tuning.leases import KEPT, Lease, locked
from apps.tuning.measuring import CURVE, Reading, Stored, final_value, save_curve, store
from apps.workspaces.models import hash_token
from tunebook.job import Job
from tunebook.status import ENDED_EXPERIMENT, LIVE_TRIAL, ExperimentStatus, TrialStatus

LISTED_EVERY = timedelta(seconds=1)

EXPERIMENT_BEFORE: Mapping[str, frozenset[str]] = {
    ExperimentStatus.WAITING: frozenset({"CREATED", "RUNNING", "NO_MORE_TRIAL", "UNKNOWN"}),
    ExperimentStatus.RUNNING: frozenset({"WAITING", "UNKNOWN", "NO_MORE_TRIAL"}),
    ExperimentStatus.NO_MORE_TRIAL: frozenset({"WAITING", "RUNNING", "UNKNOWN"}),
    **{ended: frozenset({"WAITING", "RUNNING", "NO_MORE_TRIAL", "UNKNOWN"}) for ended in ENDED_EXPERIMENT},
}


How = Literal["exited", "signaled", "timeout", "stopped", "oom", "launch_error", "lost"]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, as its executor saw it."""

    how: How
    code: int | None = None
    signal: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    text: str = ""

    @property
    def is_success(self) -> bool:
        return self.how == "exited" and self.code == 0

    @property
    def is_infrastructure(self) -> bool:
        """Whether the end says nothing about the command, so that another attempt is worth it."""
        return self.how in ("lost", "launch_error", "oom")

    def words(self) -> str:
        """Why it ended, for people."""
        said = {
            "exited": f"its command exited with status {self.code}",
            "signaled": f"its command was ended by signal {self.signal}",
            "timeout": "it took longer than a trial may",
            "stopped": "it was stopped",
            "oom": "the machine ran out of memory",
            "launch_error": "it could not be started",
            "lost": "its process vanished without a trace",
        }[self.how]
        return f"{said}: {self.text}" if self.text else said


def open_trials(experiment: Experiment) -> list[Trial]:
    """Trials that are not ended, for a driver that takes over. One query."""
    return list(
        Trial.objects.filter(experiment=experiment, status__in=[TrialStatus.CREATED, *LIVE_TRIAL]).order_by("number")
    )


def open_attempts(experiment: Experiment) -> list[Attempt]:
    """Attempts that are not ended, for a driver that takes over. One query."""
    return list(Attempt.objects.filter(experiment=experiment, ended=None).select_related("trial").order_by("pk"))


@contextmanager
def tick(lease: Lease, job: Job, *, known: Experiment | None = None) -> Iterator[Tick]:
    """One transaction of the driver. Raises Fenced when the experiment has another driver.

    known: the row as the driver's last tick left it; it is read again only when somebody else has changed it.
    """
    with transaction.atomic():
        row = known if known is not None and _is_as_it_was(known, lease) else locked(lease)
        work = Tick(row, job)
        yield work
        work.flush()


@dataclass
class Tick:
    """Gathers what happened to one experiment; `experiment` is the locked row, without its documents."""

    experiment: Experiment
    job: Job
    said: list[Happening] = field(default_factory=list)
    dirty: bool = False
    must_list: bool = False

    def __post_init__(self) -> None:
        self._place = tally.place(self.experiment)
        self._before = {name: getattr(self.experiment, name) for name in KEPT}
        self._free: int | None = None

    def suggest(self, suggestions: Sequence[Any]) -> list[Trial]:
        """Store what a sampler asked, before it is used. One query."""
        trials = self._asked(suggestions)
        self._add(trials, TrialStatus.CREATED)
        return trials

    def begin(
        self, suggestions: Sequence[Any], *, instance: str, executor: str, host: str, slots: int
    ) -> list[Attempt]:
        """Store what a sampler asked and give it slots at once: `suggest` and `claim` for what there is room for."""
        trials = self._asked(suggestions[: self.room(host=host, slots=slots)])
        for trial in trials:
            trial.status, trial.attempt_count = TrialStatus.WAITING, 1
        self._add(trials, TrialStatus.WAITING)
        return self._attempts(trials, instance=instance, executor=executor, host=host)

    def room(self, *, host: str, slots: int) -> int:
        """How many attempts may start now, by the experiment's limit and the machine's. Two queries, once per tick."""
        if self._free is None:
            self._free = _host_room(host, slots)
        return max(min(self.job.limits.max_concurrent - self.experiment.live_count, self._free), 0)

    def claim(self, trials: Sequence[Trial], *, instance: str, executor: str, host: str, slots: int) -> list[Attempt]:
        """Give slots to trials: CREATED to WAITING with an attempt row each, as far as both limits allow."""
        chosen = list(trials[: self.room(host=host, slots=slots)])
        started = []
        for trial in chosen:
            number = trial.attempt_count + 1
            if not Trial.objects.move(trial, TrialStatus.WAITING, attempt_count=number):
                trial.refresh_from_db()
                continue
            trial.attempt_count = number
            self._moved(trial, TrialStatus.WAITING)
            started.append(trial)
        return self._attempts(started, instance=instance, executor=executor, host=host)

    def launched(self, attempt: Attempt, *, handle: Mapping[str, Any], started: datetime | None = None) -> None:
        """The executor confirmed the process: the trial is RUNNING."""
        attempt.state, attempt.handle = AttemptState.RUNNING, dict(handle)
        attempt.started = started or timezone.now()
        seen = {"state": attempt.state, "handle": attempt.handle, "started": attempt.started}
        rows.update(Attempt, seen, id=attempt.pk)
        self.confirmed(attempt)

    def confirmed(self, attempt: Attempt) -> None:
        """A sign of life: WAITING or UNKNOWN to RUNNING."""
        trial = attempt.trial
        if trial.status == TrialStatus.RUNNING:
            return
        started = trial.started or attempt.started or timezone.now()
        if Trial.objects.move(trial, TrialStatus.RUNNING, started=started):
            trial.started = started
            self._moved(trial, TrialStatus.RUNNING)

    def measured(self, attempt: Attempt, readings: Sequence[Reading], offsets: Mapping[str, Any]) -> Stored:
        """Import what an attempt wrote, together with how far it was read, so that nothing is imported twice.

        Raises Overtaken when the attempt has reported over HTTP meanwhile, of which this driver does not know yet.
        """
        trial = attempt.trial
        before = {name: getattr(trial, name) for name in SEEN}
        try:
            stored = store(trial, attempt.number, self.job.objective, readings)
        except IntegrityError as error:
            raise Overtaken(f"trial {trial.number} has reported the same elsewhere") from error
        attempt.offsets = dict(offsets)
        rows.update(Attempt, {"offsets": attempt.offsets}, id=attempt.pk)
        if stored.count:
            if not save_curve(trial, **before):
                raise Overtaken(f"trial {trial.number} has reported elsewhere")
            self.said.append(metrics_event(trial, stored))
        return stored

    def ask_to_stop(self, trial: Trial, *, by: Literal["policy", "system", "user"], reason: str) -> None:
        """Note that a trial should end and why; the process is stopped outside the tick. The first reason stays."""
        wished = Trial.objects.filter(pk=trial.pk, status__in=LIVE_TRIAL, desired=Desired.RUN)
        if wished.update(desired=Desired.STOP, stopped_by=by, reason=reason, modified=timezone.now()):
            trial.desired, trial.stopped_by, trial.reason = Desired.STOP, by, reason
            self.said.append(("trial", trial_summary(trial)))

    def ended(self, attempt: Attempt, outcome: Outcome) -> TrialStatus:
        """Write down an attempt's end and what it means for its trial; the trial's status then.

        A normal end wins over a stop that came too late. Ends that are not the command's fault, and others as far as
        the job allows, put the trial back to CREATED for another attempt.
        """
        self._close_attempt(attempt, outcome)
        trial = attempt.trial
        for name, current in zip(WATCHED, rows.read(Trial, WATCHED, trial.pk) or (), strict=False):
            setattr(trial, name, current)
        to, reason = self._verdict(attempt, outcome)
        if to == TrialStatus.CREATED:
            self._retry(trial, reason)
            return to
        at = outcome.ended or timezone.now()
        started = trial.started or outcome.started or attempt.started
        value = final_value(trial, attempt.number, self.job.objective, self.job.readings)
        kept = value if to == TrialStatus.FINISHED else None
        if Trial.objects.move(trial, to, reason=reason, ended=at, started=started, value=kept):
            trial.reason, trial.ended, trial.started, trial.value = reason, at, started, kept
            self._moved(trial, to)
            if to == TrialStatus.FINISHED and update_best(self.experiment, self.job.objective, trial):
                self.said[-1] = ("trial", trial_summary(trial, best=True))
        return to

    def unknown(self, trial: Trial, reason: str) -> None:
        """Nobody can say how a live trial is."""
        if Trial.objects.move(trial, TrialStatus.UNKNOWN, reason=reason):
            trial.reason = reason
            self._moved(trial, TrialStatus.UNKNOWN)

    def move(self, to: ExperimentStatus, reason: str = "") -> bool:
        """Move the experiment; False when it may not go there from where it is. Ends cancel what was not started."""
        row = self.experiment
        if row.status == to or row.status not in EXPERIMENT_BEFORE[to]:
            return False
        if to in ENDED_EXPERIMENT:
            stopped = TrialStatus.USER_CANCELED if to == ExperimentStatus.USER_CANCELED else TrialStatus.SYS_CANCELED
            cancel_unstarted(row, stopped, reason or "the experiment ended")
            row.ended, row.driver, row.lease_until = timezone.now(), "", None
        if to == ExperimentStatus.RUNNING and row.started is None:
            row.started = timezone.now()
        row.status = to
        row.reason = reason
        self.dirty = self.must_list = True
        level = "error" if to == ExperimentStatus.FAILED else "info"
        self.said.append(note(f"{to.value.lower().replace('_', ' ')}{': ' + reason if reason else ''}", level=level))
        return True

    def settle(self) -> None:
        """Forget earlier errors of the driver: this tick went well."""
        if self.experiment.troubles or self.experiment.retry_at:
            self.experiment.troubles, self.experiment.retry_at = 0, None
            self.dirty = True

    def flush(self) -> None:
        """Write the experiment's row and the feed, once for the whole tick."""
        row = self.experiment
        if not (self.dirty or self.said):
            return
        now = timezone.now()
        if self.dirty:
            listed = self.must_list or now - row.modified >= LISTED_EVERY
            row.modified = now if listed else row.modified
            current = {name: getattr(row, name) for name in KEPT}
            changes = {name: value for name, value in current.items() if value != self._before[name]}
            if changes:
                rows.update(Experiment, changes, id=row.pk)
            tally.shift(self._place, tally.place(row))
            summary = experiment_summary(row)
            self.said.append(("experiment", summary))
            if listed:
                append(workspace_stream(row.workspace.slug), [("experiment", summary)])
        append(experiment_stream(row.key), newest(self.said))

    def _asked(self, suggestions: Sequence[Any]) -> list[Trial]:
        """New trials, not yet stored."""
        first = self.experiment.trial_count
        return [
            Trial(
                experiment=self.experiment,
                number=first + offset,
                params=dict(suggestion.params),
                space_version=self.experiment.space_version,
                source=suggestion.source[:16],
                expected=suggestion.expected,
                spread=suggestion.spread,
                note=suggestion.note,
                parent=suggestion.parent,
            )
            for offset, suggestion in enumerate(suggestions)
        ]

    def _add(self, trials: Sequence[Trial], status: TrialStatus) -> None:
        rows.insert(trials)
        self.experiment.trial_count += len(trials)
        self._count(status, len(trials))
        self.said += [("trial", trial_summary(trial)) for trial in trials]

    def _attempts(self, trials: Sequence[Trial], *, instance: str, executor: str, host: str) -> list[Attempt]:
        """An attempt row for each trial that was just given a slot."""
        now = timezone.now()
        attempts = []
        for trial in trials:
            token = secrets.token_urlsafe(24)
            attempt = Attempt(
                trial=trial,
                experiment=self.experiment,
                number=trial.attempt_count,
                launch_key=f"tb-{instance}-{trial.key}-{trial.attempt_count}",
                executor=executor,
                host=host,
                token_hash=hash_token(token),
                created=now,
            )
            attempt.token = token  # in memory only, for whoever launches it
            attempts.append(attempt)
        rows.insert(attempts)
        self._free = (self._free or 0) - len(attempts)
        return attempts

    def _verdict(self, attempt: Attempt, outcome: Outcome) -> tuple[TrialStatus, str]:
        trial, limits = attempt.trial, self.job.limits
        if outcome.is_success:
            return self._success(attempt, outcome)
        if trial.desired == Desired.STOP:
            return STOPPED[trial.stopped_by], trial.reason
        if outcome.is_infrastructure and attempt.number <= limits.retries:
            return TrialStatus.CREATED, outcome.words()
        if outcome.how in ("exited", "signaled") and attempt.number <= limits.command_retries:
            return TrialStatus.CREATED, outcome.words()
        return TrialStatus.FAILED, outcome.words()

    def _success(self, attempt: Attempt, outcome: Outcome) -> tuple[TrialStatus, str]:
        value = final_value(attempt.trial, attempt.number, self.job.objective, self.job.readings)
        if value is None:
            why = f": {outcome.text}" if outcome.text else ""
            return TrialStatus.FAILED, f"it ended without a value of {self.job.objective.name!r}{why}"
        return TrialStatus.FINISHED, ""

    def _retry(self, trial: Trial, reason: str) -> None:
        """Back to CREATED for another attempt; the curve of the failed one is history."""
        fresh = {"last_value": None, "last_step": None, "best_value": None, "value_sum": 0.0, "value_count": 0}
        if Trial.objects.move(trial, TrialStatus.CREATED, reason=reason, started=None, **fresh):
            for column, value in fresh.items():
                setattr(trial, column, value)
            trial.reason, trial.started = reason, None
            self._moved(trial, TrialStatus.CREATED)
            self.said.append(note(f"trial {trial.number} is tried again: {reason}", level="warning"))

    def _close_attempt(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.state = AttemptState.LOST if outcome.how == "lost" else AttemptState.ENDED
        attempt.ended = outcome.ended or timezone.now()
        attempt.started = attempt.started or outcome.started
        attempt.code, attempt.signal, attempt.reason = outcome.code, outcome.signal, outcome.how
        attempt.fenced = outcome.how == "lost"
        closed = ("state", "ended", "started", "code", "signal", "reason", "fenced")
        rows.update(Attempt, {name: getattr(attempt, name) for name in closed}, id=attempt.pk)

    def _moved(self, trial: Trial, to: TrialStatus) -> None:
        """Carry a trial's move into the counts and the feed."""
        self._count(TrialStatus(trial.status), -1)
        self._count(to, 1)
        trial.status = to
        self.said.append(("trial", trial_summary(trial)))

    def _count(self, status: TrialStatus, number: int) -> None:
        column = COUNT_COLUMNS[status]
        setattr(self.experiment, column, max(getattr(self.experiment, column) + number, 0))
        self.dirty = True


STOPPED: Mapping[str, TrialStatus] = {
    "policy": TrialStatus.EARLY_STOPPED,
    "user": TrialStatus.USER_CANCELED,
    "system": TrialStatus.SYS_CANCELED,
    "": TrialStatus.USER_CANCELED,
}

SEEN = ("last_step", "value_count")
"""What of a trial's curve tells whether it is the one that the driver knows."""

WATCHED = ("desired", "stopped_by", "reason", "status", *CURVE)
"""What others may change of a trial while it runs."""


def newest(said: Sequence[Happening]) -> list[Happening]:
    """The happenings without what a later one repeats: of each trial the last summary is enough."""
    last = {payload["number"]: index for index, (kind, payload) in enumerate(said) if kind == "trial"}
    return [one for index, one in enumerate(said) if one[0] != "trial" or last[one[1]["number"]] == index]


def _is_as_it_was(known: Experiment, lease: Lease) -> bool:
    """Lock the row if it is the one that the driver knows. One small query."""
    statement = AS_IT_WAS + (" FOR UPDATE" if connection.features.has_select_for_update else "")
    modified = connection.ops.adapt_datetimefield_value(known.modified)
    with connection.cursor() as cursor:
        cursor.execute(statement, [lease.experiment_id, lease.epoch, modified])
        return cursor.fetchone() is not None


def renew_token(attempt: Attempt) -> None:
    """Give an attempt a token that this process knows, for one that another process made and did not launch. One query."""
    attempt.token = secrets.token_urlsafe(24)
    attempt.token_hash = hash_token(attempt.token)
    rows.update(Attempt, {"token_hash": attempt.token_hash}, id=attempt.pk)


AS_IT_WAS = f"SELECT 1 FROM {Experiment._meta.db_table} WHERE id = %s AND epoch = %s AND modified = %s"


def _host_room(host: str, slots: int) -> int:
    """Free slots of a machine, counted under its row lock (taken after the experiment's). One query or two."""
    has_row_locks = connection.features.has_select_for_update
    if has_row_locks and Host.objects.select_for_update().filter(pk=host).first() is None:
        Host.objects.bulk_create([Host(name=host, slots=slots)], ignore_conflicts=True)
        Host.objects.select_for_update().get(pk=host)
    with connection.cursor() as cursor:  # SQLite's writers exclude each other anyway
        cursor.execute(TAKEN, [host])
        (taken,) = cursor.fetchone()
    return slots - int(taken)


TAKEN = f"SELECT count(*) FROM {Attempt._meta.db_table} WHERE host = %s AND ended IS NULL"


def host_attempts(host: str) -> Iterable[tuple[str, str]]:
    """(launch key, state) of what should run on a machine, for hunting orphans. One query."""
    return Attempt.objects.filter(host=host, ended=None).values_list("launch_key", "state")
