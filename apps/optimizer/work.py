"""What a driver keeps in memory of one experiment; all of it can be rebuilt from the database and the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.artifacts.models import Snapshot
from apps.artifacts.outputs import Found
from apps.experiments.models import Experiment
from apps.optimizer import checkpoints, folders, logbook
from apps.optimizer.executors.base import Executor, Handle, Observation, State
from apps.trials.earlier import earlier
from apps.trials.history import Curve, curves, history, view
from apps.trials.models import Attempt, Trial
from apps.tuning.attempts import open_attempts
from apps.tuning.leases import Lease
from apps.tuning.measuring import Reading
from tunebook.command import is_below
from tunebook.history import TrialView
from tunebook.job import Job
from tunebook.ledger import Ledger
from tunebook.placeholders import Variables
from tunebook.samplers import Sampler, Suggestion, build
from tunebook.status import ENDED_TRIAL, ExperimentStatus, TrialStatus

RECORD_AFTER = 0.1
"""Seconds after which a launch is written down; what ends sooner is told to have been RUNNING together with its end."""


@dataclass
class Place:
    """Where this driver runs attempts."""

    executor: Executor
    data: Path
    host: str
    slots: int
    instance: str
    table_url: str = ""
    ear: str = ""
    """The socket at which training scripts announce measurements."""
    url: str = ""
    """Where training scripts reach the server, and the file of the authority that vouches for it if it is our own."""
    authority: str = ""
    obstacle: str = ""
    """Why nothing may start there now, by the executor's word."""

    @property
    def root(self) -> str:
        return os.fspath(self.data)


@dataclass(eq=False)
class Live:
    """One open attempt: what was last seen of it and what is still to be written down."""

    attempt: Attempt
    handle: Handle | None = None
    observation: Observation | None = None
    fresh: list[Reading] = field(default_factory=list)
    offsets: Mapping[str, Any] = field(default_factory=dict)
    is_recorded: bool = False
    launched_at: float | None = None
    next_look: float = 0.0
    judged: int = 0
    has_new_points: bool = False
    stop_sent: float | None = None
    trouble: str = ""
    unreachable_since: float | None = None
    outputs: Future[Found] | None = None
    notes: list[str] = field(default_factory=list)
    is_told_of_metrics: bool = False
    is_full: bool = False
    """Whether its trial has as many points as it may: what else it writes is not read."""

    @property
    def trial(self) -> Trial:
        return self.attempt.trial

    @property
    def has_ended(self) -> bool:
        return self.observation is not None and self.observation.has_ended

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be launched."""
        return self.handle is None and self.observation is None

    @property
    def is_out_of_sight(self) -> bool:
        """Whether its executor cannot tell anything."""
        return self.observation is not None and self.observation.state == State.UNREACHABLE

    @property
    def is_queued(self) -> bool:
        """Whether it waits for room where its executor has it run."""
        return self.observation is not None and self.observation.state == State.QUEUED

    def is_to_be_recorded(self, moment: float) -> bool:
        """Whether it was launched long enough ago to say so."""
        if self.is_recorded or self.handle is None or self.is_out_of_sight or self.is_queued:
            return False
        return self.launched_at is None or moment - self.launched_at >= RECORD_AFTER


@dataclass(eq=False)
class Work:
    """One experiment as its driver knows it."""

    lease: Lease
    place: Place
    job: Job
    version: int
    seed: int
    created: list[Trial]
    live: dict[int, Live]
    views: dict[int, TrialView]
    suggestions: list[Suggestion] = field(default_factory=list)
    is_exhausted: bool = False
    asks_in_vain: bool = False
    """Whether the sampler had nothing to suggest when it was asked last, though there will be more."""
    hungry: int = 0
    starves: bool = False
    served_at: float = 0.0
    yields: bool = False
    closing: tuple[ExperimentStatus, str] | None = None
    seen: object = None
    status: str = ""
    best: float | None = None
    has_ended: bool = False
    evicts: bool = False
    unavailable: str = ""
    sampler_failures: int = 0
    next_due: float = 0.0
    clock: tuple[datetime, float] | None = None
    """When it started, by the calendar and by this process's own count of seconds."""
    workspace_id: int = 0
    earlier: tuple[TrialView, ...] = ()
    messages: list[tuple[str, str]] = field(default_factory=list)
    _sampler: Sampler | None = None
    _ledger: Ledger | None = None
    _ahead: dict[int, Suggestion] = field(default_factory=dict)
    _snapshot: Snapshot | None = None

    def note(self, text: str, *, level: str = "info") -> None:
        """Add to the experiment's log."""
        logbook.write(self.place.data, self.lease.key, text, level=level)

    @property
    def sampler(self) -> Sampler:
        """The sampler, built when first asked for."""
        if self._sampler is None:
            job = self.job
            self._sampler = build(job.sampling, job.space, job.objective, self.seed, limits=job.limits)
            self._sampler.patience = 0.0  # a plugin that thinks must not keep the other experiments waiting
        return self._sampler

    @property
    def is_thinking(self) -> bool:
        """Whether the sampler works on an answer that is not there yet."""
        return self._sampler is not None and self._sampler.is_thinking

    def history(self) -> Ledger:
        """Everything known; it grows in place."""
        if self._ledger is None:
            self._ledger = Ledger(self.job.space, self.job.objective, self.seed)
            self._ahead.clear()
            for trial in (*self.earlier, *(self.views[number] for number in sorted(self.views))):
                self._ledger.put(trial)
        return self._ledger

    def foreseen(self) -> Ledger:
        """The same with the suggestions that wait for a place, under the numbers that they will have."""
        first = max(self.views, default=-1) + 1
        if self.history().next_number > first + len(self.suggestions):
            self._ledger = None  # something else has come of what was foreseen
        ledger = self.history()
        for number, suggestion in enumerate(self.suggestions, first):
            if self._ahead.get(number) is not suggestion:
                self._ahead[number] = suggestion
                ledger.put(TrialView(number, suggestion.params, TrialStatus.CREATED, parent=suggestion.parent))
        return ledger

    def remember(self, trial: Trial, curve: Curve | None = None) -> None:
        """Take a trial as it is now into the history; its curve stays unless given."""
        known = self.views.get(trial.number)
        old = known.curve if known is not None else ()
        self._take(view(trial, old if curve is None else curve))

    def extend_curve(self, trial: Trial, points: list[tuple[int, float]]) -> None:
        """Append measured points to a trial's curve."""
        known = self.views.get(trial.number) or view(trial)
        curve = tuple(sorted(dict([*known.curve, *points]).items()))
        self._take(replace(known, curve=curve))

    def hear(self, heard: Sequence[Live]) -> None:
        """Take the curves of trials that have reported by another way than their files. One query, none without a policy."""
        if self.job.policy is None:
            return
        known = curves(self.job.objective, {live.trial.pk: live.attempt.number for live in heard})
        for live in heard:
            self.remember(live.trial, known.get(live.trial.pk, ()))
            live.has_new_points = True

    def redeclare(self, job: Job, version: int) -> None:
        """Follow a changed declaration: what was asked ahead is dropped, sampler and policy are built anew."""
        if (job.sampling.warm_start, job.space) != (self.job.sampling.warm_start, self.job.space):
            self.earlier = earlier(self.workspace_id, job)
        self.job, self.version = job, version
        self.suggestions.clear()
        self.is_exhausted = False
        self._sampler = self._ledger = None

    def reweigh(self, excluded: Set[int]) -> None:
        """Follow a change of which trials count."""
        for number, known in self.views.items():
            weight = 0.0 if number in excluded else 1.0
            if known.weight != weight:
                self._take(replace(known, weight=weight))

    def _take(self, trial: TrialView) -> None:
        self.views[trial.number] = trial
        self._ahead.pop(trial.number, None)
        if self._ledger is not None:
            self._ledger.put(trial)

    def folder(self, attempt: Attempt) -> str:
        """The folder of an attempt."""
        return folders.attempt_path(self.place.root, self.place_of(attempt))

    def place_of(self, attempt: Attempt) -> folders.Place:
        return self.lease.key, attempt.trial.number, attempt.number

    def work_folder(self, attempt: Attempt) -> Path:
        """Where the commands of an attempt run."""
        return Path(self.work_path(attempt))

    def work_path(self, attempt: Attempt) -> str:
        """The same as text, which costs a tenth."""
        command = self.job.command
        if not command.working_dir:
            return self.base_path(attempt)
        chosen = self.variables(attempt).fill(command.working_dir)
        return os.path.join(self.base_path(attempt), chosen) if command.code else os.fspath(Path(chosen).absolute())

    def base_path(self, attempt: Attempt) -> str:
        """The attempt's own folder to work in; where the job has code, that lies here."""
        first = 1 if self.job.command.resume else attempt.number
        return f"{folders.attempt_path(self.place.root, (self.lease.key, attempt.trial.number, first))}/work"

    def output_folders(self, attempt: Attempt) -> list[str]:
        """The folders whose files are kept when the attempt ends, below its work folder; none where that is shared."""
        command = self.job.command
        if command.working_dir and not command.code:
            return []
        wanted = [*command.outputs, *([command.model_path] if command.model_path else [])]
        filled = [self.variables(attempt).fill(folder) if "$" in folder else folder for folder in wanted]
        cleaned = [os.path.normpath(folder) for folder in filled if is_below(folder)]
        return [folder for folder in dict.fromkeys(cleaned) if folder != "."]

    def snapshot(self) -> Snapshot:
        """The job's code. One query, the first time. Raises LookupError."""
        key = self.job.command.code
        if self._snapshot is None or self._snapshot.key != key:
            self._snapshot = Snapshot.objects.filter(key=key).first()
        if self._snapshot is None:
            raise LookupError(f"its code {key} is not there any more")
        return self._snapshot

    def params_of(self, attempt: Attempt) -> Mapping[str, Any]:
        """The parameters as an attempt gets them."""
        return checkpoints.params_of(self.job, self.place.data, self.lease.key, attempt.trial)

    def variables(self, attempt: Attempt) -> Variables:
        """What the placeholders stand for in one attempt."""
        return self.job.command.variables(
            self.params_of(attempt),
            exp_id=self.lease.key,
            trial_id=attempt.trial.key,
            output_dir=f"{self.folder(attempt)}/work",
            space=self.job.space,
        )


def needs_curves(job: Job) -> bool:
    """Whether somebody looks at the curves of trials: a policy, or a plugin, which is told of them."""
    return job.policy is not None or job.sampling.name == "plugin"


def load(lease: Lease, place_of: Callable[[str], Place]) -> Work:
    """Read an experiment for a driver that has just claimed it. Four or five queries, and a look at each open attempt."""
    experiment = Experiment.objects.get(pk=lease.experiment_id)
    job = Job.from_dict(experiment.job)
    past = history(experiment, job, with_curves=needs_curves(job))
    work = Work(
        lease=lease,
        place=place_of(job.platform.name),
        job=job,
        version=experiment.version,
        seed=experiment.seed,
        created=[],
        live={},
        views={trial.number: trial for trial in past.trials},
        status=experiment.status,
        best=experiment.best_value,
        workspace_id=experiment.workspace_id,
        earlier=earlier(experiment.workspace_id, job),
        sampler_failures=experiment.troubles if experiment.reason.startswith(SAMPLER_FAILED) else 0,
    )
    for attempt in open_attempts(experiment):
        live = Live(attempt, offsets=attempt.offsets, judged=len(work.views[attempt.trial.number].curve))
        live.handle = find_handle(work, attempt)
        live.is_recorded = attempt.state != "LAUNCHING"
        work.live[attempt.pk] = live
    taken = {live.trial.pk for live in work.live.values()}
    not_ended = Trial.objects.filter(experiment=experiment).exclude(status__in=ENDED_TRIAL).order_by("number")
    for trial in not_ended.exclude(pk__in=taken):
        work.created.append(trial)
    return work


SAMPLER_FAILED = "the sampler failed"


def find_handle(work: Work, attempt: Attempt) -> Handle | None:
    """The handle of an open attempt: as it was stored, or as the executor finds it; None when it was never launched."""
    if attempt.handle:
        return Handle.from_dict(attempt.handle)
    return work.place.executor.find(attempt.launch_key, work.place_of(attempt))


def now() -> float:
    return time.monotonic()
