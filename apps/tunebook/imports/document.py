"""The document that is made of what another tool kept, piece by piece."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

from tunebook.command import Command
from tunebook.distribution import Distribution
from tunebook.distributions import Choice, Randint, Uniform
from tunebook.errors import SpecError
from tunebook.fields import listed
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.space import Space

Point = tuple[int, float, str | None]
"""(step, value, time or None)"""
GOALS = ("minimize", "maximize")
LOSSES = ("loss", "error", "rmse", "mae", "mse", "perplexity", "time", "latency")
NO_COMMAND = "echo 'this experiment was imported from {}: say here what a trial runs' >&2; exit 1"
MAX_OPTIONS = 1_000


class Document(TypedDict):
    """A whole experiment, in the form of Tunebook's export."""

    format: str
    version: int
    experiment: dict[str, Any]
    spaces: list[Any]
    trials: list[dict[str, Any]]


def document(
    *, name: str, origin: str, job: Job, trials: list[dict[str, Any]], description: str = "", status: str = "FINISHED"
) -> Document:
    """The document of an experiment; `origin` is the tool it comes from, which becomes its source."""
    times = [trial[member] for trial in trials for member in ("created", "started", "ended") if trial.get(member)]
    experiment = {
        "name": name[:255],
        "description": description[:10_000],
        "dialect": origin.lower(),
        "job": job.to_dict(),
        "status": status,
        "reason": f"imported from {origin}",
        "created": min(times, default=None),
        "started": min(times, default=None),
        "ended": max(times, default=None),
        "accessibility": "PUBLIC",
    }
    return {
        "format": "tunebook.experiment",
        "version": 1,
        "experiment": experiment,
        "spaces": [],
        "trials": trials,
    }


def job(
    space: Mapping[str, Distribution],
    metric: str,
    goal: str,
    *,
    origin: str,
    trials: int,
    command: str = "",
    sampling: Sampling | None = None,
) -> Job:
    """A declaration of what was searched. It cannot run before somebody says what, unless the command is known."""
    return Job(
        space=Space(space),
        objective=Objective(goal, (Metric(metric),)),  # type: ignore[arg-type]  # checked by Objective itself
        sampling=sampling or Sampling(),
        limits=Limits(max_trials=max(trials, 1)),
        command=Command(steps=(command or NO_COMMAND.format(origin),)),
        readings=Readings("report"),
    )


def trial(
    number: int,
    params: Mapping[str, Any],
    status: str,
    *,
    value: float | None,
    series: Mapping[str, Iterable[Point]],
    started: str | None,
    ended: str | None,
    note: str = "",
    reason: str = "",
) -> dict[str, Any]:
    """One trial. A value of NaN or infinity is none: the trial has failed."""
    if status == "FINISHED" and (value is None or not math.isfinite(value)):
        status, reason = "FAILED", reason or f"its value was {word(value)}" if value is not None else "it has no value"
    kept = value if status == "FINISHED" else None
    return {
        "number": number,
        "params": dict(params),
        "status": status,
        "reason": reason,
        "source": "imported",
        "note": note,
        "value": kept,
        "created": started or ended,
        "started": started,
        "ended": ended,
        "series": [
            {"attempt": 1, "name": name[:255], "points": [[step, word(one), at] for step, one, at in _once(points)]}
            for name, points in series.items()
            if name
        ],
    }


def _once(points: Iterable[Point]) -> list[Point]:
    """The points in order of step, the first value of each."""
    found: dict[int, Point] = {}
    for point in points:
        if point[0] >= 0:
            found.setdefault(point[0], point)
    return [found[step] for step in sorted(found)]


def word(value: float | None) -> float | str | None:
    """A number as JSON has it, or the word for what JSON lacks."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as a time in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def plain(text: str) -> Any:
    """What a text says: a number, true or false where it is one, else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


def seen_space(params: Iterable[Mapping[str, Any]]) -> dict[str, Distribution]:
    """A space that holds every value there was, for tools that keep no space: ranges of numbers, choices of the rest."""
    values: dict[str, list[Any]] = {}
    for one in params:
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    return {name: _holding(known) for name, known in sorted(values.items())}


def _holding(values: list[Any]) -> Distribution:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values) and min(numbers) < max(numbers) and all(map(math.isfinite, numbers)):
        if all(isinstance(value, int) for value in numbers):
            return Randint(max(numbers) + 1, min(numbers))
        return Uniform(min(numbers), max(numbers))
    return Choice(list(dict.fromkeys(values))[:MAX_OPTIONS])


def goal_of(metric: str, goal: str) -> str:
    """The direction that was said; else the one that the metric's name suggests."""
    if goal and goal not in GOALS:
        raise SpecError("goal", f"must be one of {listed(GOALS)}, got {goal!r}")
    return goal or ("minimize" if any(part in metric.lower() for part in LOSSES) else "maximize")


def chosen(name: str, there: Iterable[str], what: str) -> str:
    """The one of that name; without a name the only one. Raises SpecError with those there are."""
    names = list(there)
    if name in names:
        return name
    if not name and len(names) == 1:
        return names[0]
    problem = f"there is no {what} {name!r}" if name else f"there are {len(names)}: say which"
    raise SpecError("name", f"{problem}; there are: {listed(names[:50]) or 'none'}")
