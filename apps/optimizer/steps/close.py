"""Close: whether the experiment is to end, and how far that is."""

from __future__ import annotations

from typing import Literal

from django.utils import timezone

from apps.experiments.models import Desired, Experiment
from apps.optimizer.work import Work, now
from apps.tuning.driving import Tick
from tunebook.plateau import without_gain
from tunebook.status import ExperimentStatus

Ending = tuple[ExperimentStatus, str]
MOST_SAMPLER_FAILURES = 3


def close(work: Work, tick: Tick) -> None:
    """Ask live trials to stop when the experiment ends early; end it when nothing is live and nothing will be."""
    row = tick.experiment
    if work.evicts:
        evict(work, tick)
    work.closing = ending(work, row)
    if work.closing is not None:
        status, reason = work.closing
        by: Literal["user", "system"] = "user" if status == ExperimentStatus.USER_CANCELED else "system"
        for live in work.live.values():
            if live.trial.desired == Desired.RUN:
                tick.ask_to_stop(live.trial, by=by, reason=reason)
        if row.live_count == 0:
            tick.move(status, reason)
    elif asks_no_more(work, row):
        if row.live_count:
            tick.move(ExperimentStatus.NO_MORE_TRIAL)
        elif row.desired == Desired.DRAIN or not work.created:
            tick.move(*finish(row))


def finish(row: Experiment) -> Ending:
    """How an experiment ends whose trials are all through: it has failed when every single one has."""
    if row.trial_count and row.failed_count == row.trial_count:
        trials = f"all {row.trial_count} trials" if row.trial_count > 1 else "its only trial"
        return ExperimentStatus.FAILED, f"{trials} failed"
    return ExperimentStatus.FINISHED, "drained" if row.desired == Desired.DRAIN else ""


def evict(work: Work, tick: Tick) -> None:
    """Cancel what runs here because its optimizer goes; the experiment itself waits for another one."""
    for live in work.live.values():
        if live.trial.desired == Desired.RUN:
            tick.ask_to_stop(live.trial, by="system", reason="its optimizer was told to stop its trials")


def ending(work: Work, row: Experiment) -> Ending | None:
    """Why the experiment is to end before its limits are used up, None when it is not."""
    limits, objective = work.job.limits, work.job.objective
    if row.desired == Desired.STOP:
        return ExperimentStatus.USER_CANCELED, row.reason or "stopped"
    if work.sampler_failures >= MOST_SAMPLER_FAILURES:
        return ExperimentStatus.FAILED, row.reason
    if limits.max_failed is not None and row.failed_count > limits.max_failed:
        return ExperimentStatus.FAILED, f"{row.failed_count} trials failed, more than max_failed ({limits.max_failed})"
    if objective.target is not None and row.best_value is not None and objective.reached(row.best_value):
        return ExperimentStatus.EARLY_STOPPED, f"the target {objective.target:g} was reached"
    waited = without_gain(work.history(), limits.min_gain or 0.0) if limits.patience is not None else 0
    if limits.patience is not None and waited >= limits.patience:
        return ExperimentStatus.EARLY_STOPPED, plateau(waited, row, limits.min_gain or 0.0)
    left = seconds_left(work, row)
    if left is not None and left <= 0:
        return ExperimentStatus.SYS_CANCELED, f"the time limit of {limits.max_seconds:g} seconds was reached"
    return None


def plateau(waited: int, row: Experiment, least: float) -> str:
    """That nothing gets better any more, for people."""
    if row.best_value is None:
        return f"the last {waited} trials brought no value at all"
    more = f" by more than {least:g}" if least else ""
    return f"the last {waited} trials brought nothing better{more} than {row.best_value:g} of trial {row.best_trial}"


def seconds_left(work: Work, row: Experiment) -> float | None:
    """Until the experiment's time limit; None when it has none or has not started.

    The calendar is asked once: a clock that is set while it is driven makes the time neither longer nor shorter.
    """
    limit = work.job.limits.max_seconds
    if limit is None or row.started is None:
        return None
    if work.clock is None or work.clock[0] != row.started:
        work.clock = row.started, now() - (timezone.now() - row.started).total_seconds()
    return limit - (now() - work.clock[1])


def asks_no_more(work: Work, row: Experiment) -> bool:
    """Whether no further trial will be asked."""
    if row.desired == Desired.DRAIN:
        return True
    if work.created:
        return False
    return budget(work, row) == 0 or (work.is_exhausted and not work.suggestions)


def budget(work: Work, row: Experiment) -> int:
    """How many trials may still be asked; restarted and queued ones do not count."""
    most = work.job.limits.max_trials
    if most is None:
        return 1_000_000
    return max(most - (row.trial_count - row.extra_trials), 0)
