"""How attempts end, and what that means for their trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from apps.experiments.models import Desired
from apps.trials.models import Attempt, Measurement
from tunebook.job import Job
from tunebook.status import TrialStatus

CLOCK_WAS_SET = timedelta(minutes=1)
"""What two clocks say of the same start differs less, unless one of them was set."""

How = Literal["exited", "signaled", "timeout", "stopped", "oom", "launch_error", "no_room", "lost"]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, as its executor saw it."""

    how: How
    code: int | None = None
    signal: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    text: str = ""
    by_limit: bool = False
    """Whether it was out of the memory that its job lets a trial have; another attempt would be again."""

    @property
    def is_success(self) -> bool:
        return self.how == "exited" and self.code == 0

    @property
    def is_infrastructure(self) -> bool:
        """Whether the end says nothing about the command, so that another attempt is worth it."""
        return self.how in ("lost", "launch_error", "no_room", "oom") and not self.by_limit

    def words(self) -> str:
        """Why it ended, for people."""
        said = {
            "exited": f"its command exited with status {self.code}",
            "signaled": f"its command was ended by signal {self.signal}",
            "timeout": "it took longer than a trial may",
            "stopped": "it was stopped",
            "oom": "it ran out of memory" if self.by_limit else "the machine ran out of memory",
            "launch_error": "it could not be started",
            "no_room": "the cluster had no room for it",
            "lost": "its process vanished without a trace",
        }[self.how]
        return f"{said}: {self.text}" if self.text else said


def verdict(attempt: Attempt, outcome: Outcome, job: Job, value: float | None) -> tuple[TrialStatus, str]:
    """What an attempt's end makes of its trial, and why; CREATED where another attempt is due. `value`: its final one.

    A normal end wins over a stop that came too late. Ends that are not the command's fault, and others as far as the
    job allows, are worth another attempt; one that found no room is not even counted.
    """
    trial, limits = attempt.trial, job.limits
    if outcome.is_success and value is not None:
        return TrialStatus.FINISHED, ""
    if outcome.is_success:
        why = f": {outcome.text}" if outcome.text else ""
        return TrialStatus.FAILED, f"it ended {_lacks(attempt, job)}{why}"
    if trial.desired == Desired.STOP:
        return STOPPED[trial.stopped_by], trial.reason
    if outcome.how == "no_room":
        return TrialStatus.CREATED, outcome.words()
    if outcome.is_infrastructure and tries(attempt) <= limits.retries:
        return TrialStatus.CREATED, outcome.words()
    if outcome.how in ("exited", "signaled") and tries(attempt) <= limits.command_retries:
        return TrialStatus.CREATED, outcome.words()
    return TrialStatus.FAILED, outcome.words()


def began(noted: datetime | None, outcome: Outcome, ended: datetime) -> datetime | None:
    """When something began, by the clock that it ended by: who ran it tells better where a clock was set meanwhile."""
    told = outcome.started
    if noted is None or (told is not None and abs(told - noted) > CLOCK_WAS_SET):
        return told or noted
    return min(noted, ended)


def _lacks(attempt: Attempt, job: Job) -> str:
    name = job.objective.name
    if attempt.trial.best_value is not None:
        return f"with NaN or infinity as the last value of {name!r}"
    if _has_spoken(attempt, job):
        return f"without a number for {name!r}, only NaN or infinite"
    return f"without a value of {name!r}"


def _has_spoken(attempt: Attempt, job: Job) -> bool:
    """Whether it has reported something for the objective, be it no number. One query."""
    names = [metric.name for metric in job.objective.metrics]
    return Measurement.objects.filter(trial=attempt.trial_id, attempt=attempt.number, name__in=names).exists()


def tries(attempt: Attempt) -> int:
    """How many attempts of its trial have had their chance, with this one. One query, none for the first attempt."""
    if attempt.number == 1:
        return 1
    return attempt.number - Attempt.objects.filter(trial_id=attempt.trial_id, reason="no_room").count()


STOPPED: Mapping[str, TrialStatus] = {
    "policy": TrialStatus.EARLY_STOPPED,
    "user": TrialStatus.USER_CANCELED,
    "system": TrialStatus.SYS_CANCELED,
    "": TrialStatus.USER_CANCELED,
}
