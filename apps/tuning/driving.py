"""The optimizer's verbs: the ticks in which the driver of an experiment writes what happened.

A tick is one transaction under the experiment's row lock and its epoch: everything in it happens or nothing does, and
a driver that was replaced gets `Fenced` instead of writing. The driver keeps Trial and Attempt rows in memory; the tick
changes both, with conditional updates, so that a person's stop that came in between is never overwritten.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.experiments import rows, tally
from apps.experiments.models import COUNT_COLUMNS, Desired, Experiment
from apps.feed.models import experiment_stream, workspace_stream
from apps.feed.writing import Happening, append
from apps.trials.models import Attempt, AttemptState, Trial
from apps.tuning.announce import experiment_summary, metrics_event, note, note_move, trial_summary, update_best
from apps.tuning.errors import Overtaken
from apps.tuning.experiments import cancel_unstarted
from apps.tuning.leases import KEPT, Lease, locked
from apps.tuning.measuring import CURVE, Reading, Stored, final_value, save_curve, store
from apps.tuning.outcomes import Outcome, began, verdict
from apps.tuning.slots import lock_known, taken_on
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

BREATH = {ExperimentStatus.WAITING, ExperimentStatus.RUNNING}
"""Between the end of the last trial that runs and the start of the next; nothing for the log, which would fill with it."""


@contextmanager
def tick(lease: Lease, job: Job, *, known: Experiment | None = None, host: str = "") -> Iterator[Tick]:
    """One transaction of the driver. Raises Fenced when the experiment has another driver.

    known: the row as the driver's last tick left it; it is read again only when somebody else has changed it.
    host: the machine whose slots will be asked for.
    """
    with transaction.atomic():
        taken = lock_known(known, lease, host) if known is not None else None
        row = locked(lease) if known is None or taken is None else known
        work = Tick(row, job)
        if taken is not None and taken >= 0:
            work.taken[host] = taken
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
    taken: dict[str, int] = field(default_factory=dict)
    """Slots that are taken on a machine, where that is known."""

    def __post_init__(self) -> None:
        self._place = tally.place(self.experiment)
        self._before = {name: getattr(self.experiment, name) for name in KEPT}
        self._curves: dict[int, dict[str, Any]] = {}
        self._offsets: set[int] = set()

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
        """How many attempts may start now, by the experiment's limit and the machine's. Up to two queries per tick."""
        if host not in self.taken:
            self.taken[host] = taken_on(host, slots)
        return max(min(self.job.limits.max_concurrent - self.experiment.live_count, slots - self.taken[host]), 0)

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
        """A sign of life: WAITING or UNKNOWN to RUNNING; why nothing was known of it is over then."""
        trial = attempt.trial
        if trial.status == TrialStatus.RUNNING:
            return
        started = trial.started or attempt.started or timezone.now()
        is_back = trial.status == TrialStatus.UNKNOWN and trial.desired == Desired.RUN
        changes: dict[str, Any] = {"started": started, **({"reason": ""} if is_back else {})}
        if Trial.objects.move(trial, TrialStatus.RUNNING, **changes):
            trial.started, trial.reason = started, "" if is_back else trial.reason
            self._moved(trial, TrialStatus.RUNNING)

    def measured(
        self, attempt: Attempt, readings: Sequence[Reading], offsets: Mapping[str, Any], *, ending: bool = False
    ) -> Stored:
        """Import what an attempt wrote, together with how far it was read, so that nothing is imported twice.

        `ending`: its end is written down in this tick too, which takes the changes of its row and its trial's along.
        Raises Overtaken when the attempt has reported over HTTP meanwhile, of which this driver does not know yet.
        """
        trial = attempt.trial
        before = {name: getattr(trial, name) for name in SEEN}
        try:
            stored = store(trial, attempt.number, self.job.objective, readings)
        except IntegrityError as error:
            raise Overtaken(f"trial {trial.number} has reported the same elsewhere") from error
        attempt.offsets = dict(offsets)
        if ending:
            self._offsets.add(attempt.pk)
        else:
            rows.update(Attempt, {"offsets": attempt.offsets}, id=attempt.pk)
        if stored.count:
            self._curves[attempt.pk] = before
            if not ending:
                self._save_curve(attempt)
            self.said.append(metrics_event(trial, stored))
        return stored

    def _save_curve(self, attempt: Attempt) -> None:
        """Write what was measured into the trial's row, unless somebody else has done so."""
        before = self._curves.pop(attempt.pk, None)
        if before is not None and not save_curve(attempt.trial, **before):
            raise Overtaken(f"trial {attempt.trial.number} has reported elsewhere")

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
        before = {name: getattr(trial, name) for name in UNTOUCHED} | self._curves.get(attempt.pk, {})
        to, moved = self._conclude(attempt, outcome, before)
        if not moved:  # others have changed it: look again
            self._save_curve(attempt)
            for name, current in zip(WATCHED, rows.read(Trial, WATCHED, trial.pk) or (), strict=False):
                setattr(trial, name, current)
            to, moved = self._conclude(attempt, outcome, {"status": trial.status})
        self._curves.pop(attempt.pk, None)
        return to

    def _conclude(self, attempt: Attempt, outcome: Outcome, before: Mapping[str, Any]) -> tuple[TrialStatus, bool]:
        """What becomes of the trial, and whether it was written: only if it is as `before` says, in the database too."""
        trial = attempt.trial
        value = final_value(trial, attempt.number, self.job.objective, self.job.readings)
        to, reason = verdict(attempt, outcome, self.job, value)
        if to == TrialStatus.CREATED:
            return to, self._retry(trial, reason, before, outcome)
        at = outcome.ended or timezone.now()
        started = began(trial.started or attempt.started, outcome, at)
        kept = value if to == TrialStatus.FINISHED else None
        curve = {name: getattr(trial, name) for name in CURVE} if attempt.pk in self._curves else {}
        if not Trial.objects.move(trial, to, before, reason=reason, ended=at, started=started, value=kept, **curve):
            return to, False
        self._ran(trial, outcome)
        trial.reason, trial.ended, trial.started, trial.value = reason, at, started, kept
        self.experiment.spent += trial.took
        self._moved(trial, to)
        if to == TrialStatus.FINISHED and update_best(self.experiment, self.job.objective, trial):
            self.said[-1] = ("trial", trial_summary(trial, best=True))
        return to, True

    def unknown(self, trial: Trial, reason: str) -> None:
        """Nobody can say how a live trial is. Why one is to stop remains its reason."""
        reason = trial.reason if trial.desired == Desired.STOP else reason
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
        is_first = row.started is None
        if to == ExperimentStatus.RUNNING and is_first:
            row.started = timezone.now()
        is_breath = {row.status, to} == BREATH and not (reason or row.reason or is_first)
        row.status = to
        row.reason = reason
        self.dirty = self.must_list = True
        if not is_breath:
            self.said.append(note_move(to, reason))
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
        if host in self.taken:
            self.taken[host] += len(attempts)
        return attempts

    def _ran(self, trial: Trial, outcome: Outcome) -> None:
        """Tell of a trial that ended before its start was written down that it has been running in between."""
        if trial.status == TrialStatus.WAITING and outcome.started is not None:
            trial.started = trial.started or outcome.started
            self.said.append(("trial", {**trial_summary(trial), "status": str(TrialStatus.RUNNING)}))

    def _retry(self, trial: Trial, reason: str, before: Mapping[str, Any], outcome: Outcome) -> bool:
        """Back to CREATED for another attempt; the curve of the failed one is history."""
        fresh = {"last_value": None, "last_step": None, "best_value": None, "value_sum": 0.0, "value_count": 0}
        if not Trial.objects.move(trial, TrialStatus.CREATED, before, reason=reason, started=None, **fresh):
            return False
        self._ran(trial, outcome)
        for column, value in fresh.items():
            setattr(trial, column, value)
        trial.reason, trial.started = reason, None
        self._moved(trial, TrialStatus.CREATED)
        self.said.append(note(f"trial {trial.number} is tried again: {reason}", level="warning"))
        return True

    def _close_attempt(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.state = AttemptState.LOST if outcome.how == "lost" else AttemptState.ENDED
        attempt.ended = outcome.ended or timezone.now()
        attempt.started = began(attempt.started, outcome, attempt.ended)
        attempt.code, attempt.signal, attempt.reason = outcome.code, outcome.signal, outcome.how
        attempt.fenced = outcome.how == "lost"
        closed = ["state", "ended", "started", "code", "signal", "reason", "fenced"]
        if attempt.pk in self._offsets:
            closed.append("offsets")
        rows.update(Attempt, {name: getattr(attempt, name) for name in closed}, id=attempt.pk)
        if attempt.host in self.taken:
            self.taken[attempt.host] -= 1

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


SEEN = ("last_step", "value_count", "point_count")
"""What of a trial's curve tells whether it is the one that the driver knows."""

UNTOUCHED = ("status", "desired", *SEEN)
"""What must be as the driver knows it for an end to be written without looking again."""

WATCHED = ("desired", "stopped_by", "reason", "status", *CURVE)
"""What others may change of a trial while it runs."""


def newest(said: Sequence[Happening]) -> list[Happening]:
    """The happenings without what a later one repeats: of each trial the last summary, and that it was running."""
    last = {_told(payload): index for index, (kind, payload) in enumerate(said) if kind == "trial"}
    return [one for index, one in enumerate(said) if one[0] != "trial" or last[_told(one[1])] == index]


def _told(summary: Mapping[str, Any]) -> tuple[int, bool]:
    return summary["number"], summary["status"] == TrialStatus.RUNNING
