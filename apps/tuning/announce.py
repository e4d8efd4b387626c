"""Rows to feed events: what a page or a script hears when something has changed."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.experiments.models import Desired, Experiment
from apps.feed.models import experiment_stream, workspace_stream
from apps.feed.writing import Happening, append
from apps.trials.models import Trial
from apps.tuning.measuring import Stored
from tunebook.objective import Objective
from tunebook.status import STATUS_WORDS, ExperimentStatus


def announce_experiment(
    experiment: Experiment, *, listed: bool = True, also: tuple[Happening, ...] = (), left: str = ""
) -> None:
    """Say on the experiment's stream how it stands now, and on the workspace's stream too if lists show it.

    `left` is the workspace that it was moved out of.
    """
    summary = experiment_summary(experiment)
    append(experiment_stream(experiment.key), [*also, ("experiment", summary)])
    told: dict[str, Happening] = {experiment.workspace.slug: ("experiment", summary)} if listed else {}
    if left:
        told[left] = ("removed", {"key": experiment.key})
    # in one order, so that two who move experiments there and back do not wait for each other's streams
    for slug, happening in sorted(told.items()):
        append(workspace_stream(slug), [happening])


def announce_listing(experiment: Experiment, kind: str) -> None:
    """Say on the workspace's stream that an experiment left or came back to its lists."""
    append(workspace_stream(experiment.workspace.slug), [(kind, {"key": experiment.key})])


def storable(text: str) -> str:
    """A text from outside with what no database takes made visible: NUL, and the odd bytes of names of files."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "backslashreplace").decode()


def note(text: str, *, level: str = "info", by: str = "") -> Happening:
    """A line of the experiment's event log."""
    return "note", {"text": storable(text), "level": level, "by": by}


def note_move(to: ExperimentStatus, reason: str) -> Happening:
    """That the experiment is somewhere else now, and why."""
    return note(moved(to, reason), level="error" if to == ExperimentStatus.FAILED else "info")


def moved(status: str, reason: str) -> str:
    """A status in the words of its badge, and why; a reason that says it stands alone."""
    words = STATUS_WORDS[status].lower()
    return words if not reason else reason if reason.startswith(words) else f"{words}: {reason}"


def experiment_summary(experiment: Experiment) -> dict[str, Any]:
    """What lists and headers show of an experiment, as plain JSON."""
    best = None
    if experiment.best_trial is not None:
        best = {"value": word(experiment.best_value), "trial": experiment.best_trial}
    return {
        "key": experiment.key,
        "name": experiment.name,
        "status": str(experiment.status),
        "desired": str(experiment.desired),
        "reason": experiment.reason,
        "counts": experiment.counts,
        "total": experiment.trial_count,
        "max_trials": experiment.max_trials,
        "planned": experiment.planned_trials,
        "max_concurrent": experiment.max_concurrent,
        "ended": experiment.ended_count,
        "running": experiment.live_count,
        "best": best,
        "goal": experiment.goal,
        "spark": experiment.spark,
        "trashed": experiment.trashed,
        "modified": moment(experiment.modified),
        "seconds_left": seconds_left(experiment),
    }


def trial_summary(trial: Trial, *, best: bool = False) -> dict[str, Any]:
    """What tables show of a trial, as plain JSON."""
    return {
        "number": trial.number,
        "key": trial.key,
        "status": str(trial.status),
        "desired": str(trial.desired),
        "reason": trial.reason,
        "value": word(trial.value),
        "last_value": word(trial.last_value),
        "step": trial.last_step,
        "started": moment(trial.started),
        "ended": moment(trial.ended),
        "best": best,
    }


def seconds_left(experiment: Experiment, now: datetime | None = None) -> int | None:
    """A forecast from the pace while it ran: until the planned trials are through, or the running ones of a drain.

    None when there is no limit, no pace yet, nothing left, or while it is paused or being stopped.
    """
    planned, done = experiment.planned_trials, experiment.ended_count
    if experiment.started is None or experiment.has_ended or experiment.desired in (Desired.PAUSE, Desired.STOP):
        return None
    if experiment.desired == Desired.DRAIN:
        planned = done + experiment.live_count
    if planned is None or done == 0 or planned <= done:
        return None
    elapsed = ((now or timezone.now()) - experiment.started).total_seconds() - experiment.idle
    return round((planned - done) * max(elapsed, 0.0) / done)


def update_best(experiment: Experiment, objective: Objective, trial: Trial) -> bool:
    """Take a finished trial's value into the experiment's best and sparkline; whether it is the new best."""
    value = trial.value
    if value is None or not math.isfinite(value):
        return False
    if experiment.best_value is not None and not objective.is_better(value, experiment.best_value):
        return False
    experiment.best_value, experiment.best_trial = value, trial.number
    experiment.spark = thinned([*experiment.spark, [experiment.ended_count, value]])
    return True


def thinned(points: list[list[float]], most: int = 32) -> list[list[float]]:
    """The points with every second inner one dropped when there are too many."""
    if len(points) <= most:
        return points
    return [points[0], *points[1:-1:2], points[-1]]


def moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def word(value: float | None) -> float | str | None:
    """A number as JSON has it; what JSON lacks as a word."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


MOST_NAMES = 1_024
"""Characters of metric names in one event, which is kept small; who wants them all asks for the trial."""


def metrics_event(trial: Trial, stored: Stored) -> tuple[str, dict[str, Any]]:
    """The feed event of a batch of measurements."""
    values, room = {}, MOST_NAMES
    for name, value in list(stored.last.items())[:32]:
        size = len(name) if name.isascii() else 6 * len(name)
        if size <= room:
            values[name], room = word(value), room - size
    return "metrics", {
        "trial": trial.number,
        "step": trial.last_step,
        "value": word(trial.last_value),
        "metrics": values,
        "points": stored.count,
        "curve": [[step, word(value)] for step, value in stored.points[-64:]],
    }
