"""What the page of one trial says about it: place among the others, parameters, metrics, events."""

from __future__ import annotations

import shlex
from itertools import zip_longest
from typing import Any

from django.db.models import Count, Max, Q

from apps.dashboard.templatetags.figures import number, words
from apps.experiments.models import Experiment
from apps.feed.models import Event, experiment_stream
from apps.trials.history import series_name
from apps.trials.models import Measurement, Trial, number_of
from apps.tuning.announce import word
from tunebook.job import Job
from tunebook.sampling import Sampling
from tunebook.status import TrialStatus

MOST_METRICS = 200
MOST_EVENTS = 100
TWIN_ROWS = 50


def rank(experiment: Experiment, trial: Trial) -> tuple[int, int] | None:
    """Its place among the trials that count, and how many these are; None for one that does not. One query."""
    if trial.value is None or trial.status != TrialStatus.FINISHED or trial.excluded:
        return None
    finished = Trial.objects.filter(
        experiment=experiment, status=TrialStatus.FINISHED, value__isnull=False, excluded=False
    )
    better = Q(**{"value__lt" if experiment.goal == "minimize" else "value__gt": trial.value})
    counted = finished.aggregate(better=Count("pk", filter=better), all=Count("pk"))
    return counted["better"] + 1, counted["all"]


def params(experiment: Experiment, trial: Trial, job: Job) -> list[dict[str, Any]]:
    """Each parameter with its place in the range and the best trial's value. One query where another is the best."""
    best: dict[str, Any] = {}
    space = job.space
    if experiment.best_trial not in (None, trial.number):
        row = Trial.objects.filter(experiment=experiment, number=experiment.best_trial).values_list("params").first()
        best = space.flatten(row[0]) if row else {}
    leaves = space.leaves()
    shown = []
    for name, value in space.flatten(trial.params).items():
        distribution = leaves[name][0] if name in leaves else None
        share = None
        if distribution is not None and distribution.is_numeric and distribution.contains(value):
            share = distribution.position(value)
        shown.append(
            {
                "name": name,
                "value": value,
                "text": words(value),
                "range": distribution.describe() if distribution else _origin(name, job.sampling),
                "share": share,
                "best": words(best[name]) if name in best else "",
                "difference": _difference(value, best.get(name)),
            }
        )
    return shown


def _origin(name: str, sampling: Sampling) -> str:
    """Where a parameter comes from that the space does not have."""
    if name in sampling.adds:
        return f"given by {sampling.name}"
    return "as listed" if sampling.name == "experiments" else "not in the space any more"


def _difference(value: Any, best: Any) -> str:
    if value == best and best is not None:
        return "same"
    numeric = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, best))
    if not numeric:
        return ""
    gap = number(value - best)
    return gap if gap.startswith("-") else f"+{gap}"


SOURCES = {
    "start-up": "to begin with, before there was anything to learn from",
    "random": "at random",
    "grid": "as the next combination of the grid",
    "model": "by its model",
    "listed": "as the next of the listed parameter sets",
    "sobol": "as the next point of a Sobol sequence",
    "promoted": "because its parameters did well with a smaller budget",
    "continued": "because its parameters are among the best of the generation before",
    "explored": "as a changed copy of one of the best of the generation before",
    "anneal": "near one of the best so far",
    "evolution": "as a changed copy of the best of some of the latest trials",
    "plugin": "by its own algorithm",
}


def why(experiment: Experiment, trial: Trial) -> str:
    """Why the trial was tried, what was expected, and what came of that, in words."""
    if trial.restart_of_id:
        return "Started again by hand with the parameters of an earlier trial."
    if trial.source == "queued":
        return "Queued by hand."
    how = SOURCES.get(trial.source, f"as {trial.source}")
    words = f"Asked by the sampler {experiment.sampler} {how}"
    if trial.source == "model":
        # not how many: it may have been asked before the last of them came, and its note tells which it knew
        words += ", from the results known then"
        words += " and those of earlier experiments" if experiment.job["sampling"].get("warm_start") else ""
    if trial.parent is not None:
        words += f", going on from the checkpoint of trial {trial.parent}"
    words += "."
    if trial.expected is None:
        return words
    spread = f" ± {number(trial.spread)}" if trial.spread is not None else ""
    words += f" Expected {number(trial.expected)}{spread}"
    if trial.value is None:
        return f"{words}."
    gap = trial.value - trial.expected
    better = (gap < 0) == (experiment.goal == "minimize")
    how_much = f", {abs(gap) / trial.spread:.1f} spreads" if trial.spread else ""
    side = "as expected" if gap == 0 else f"{'better' if better else 'worse'} than that"
    return f"{words}; it came to {number(trial.value)}{how_much if gap else ''} {side}."


def metrics(trial: Trial) -> list[dict[str, Any]]:
    """The last value of each metric. Two queries."""
    rows = Measurement.objects.filter(trial=trial, attempt=max(trial.attempt_count, 1))
    names = rows.values("name").annotate(points=Count("pk"), last=Max("step")).order_by("name")[:MOST_METRICS]
    known = {row["name"]: row for row in names}
    steps = {row["last"] for row in known.values()}
    found: dict[str, Any] = {}
    for row in rows.filter(name__in=list(known), step__in=steps):
        if row.step == known[row.name]["last"]:
            found[row.name] = word(number_of(row.value, row.kind))
    return [
        {"name": name or "objective (weighted)", "value": found.get(name), "step": row["last"], "points": row["points"]}
        for name, row in known.items()
    ]


def command(step: dict[str, Any]) -> dict[str, Any]:
    """A step as it would be typed into a shell, and how it ended."""
    typed = step.get("command", "")
    text = shlex.join(map(str, typed)) if isinstance(typed, list) else str(typed)
    return {"text": text, "code": step.get("code")}


def twin(trial: Trial, job: Job) -> list[tuple[int, Any]]:
    """The newest points of the curve. One query."""
    rows = Measurement.objects.filter(trial=trial, attempt=max(trial.attempt_count, 1), name=series_name(job.objective))
    newest = rows.order_by("-step").values_list("step", "value", "kind")[:TWIN_ROWS]
    return [(step, word(number_of(value, kind))) for step, value, kind in newest]


def same_reason(experiment: Experiment, trial: Trial) -> int:
    if trial.status != TrialStatus.FAILED or not trial.reason:
        return 0
    same = Trial.objects.filter(experiment=experiment, status=TrialStatus.FAILED, reason=trial.reason)
    return same.exclude(pk=trial.pk).count()


def events(experiment: Experiment, trial: Trial) -> list[Event]:
    """The trial's changes of state, newest first; what else changed, as that it was excluded, is none. One query."""
    rows = Event.objects.filter(stream=experiment_stream(experiment.key), kind="trial", payload__number=trial.number)
    found = list(rows.order_by("-seq")[:MOST_EVENTS])
    return [one for one, before in zip_longest(found, found[1:]) if before is None or _state(one) != _state(before)]


def _state(event: Event) -> tuple[Any, ...]:
    return tuple(event.payload.get(name) for name in ("status", "desired", "reason"))


def raw(trial: Trial) -> dict[str, Any]:
    return {
        "key": trial.key,
        "number": trial.number,
        "status": str(trial.status),
        "reason": trial.reason,
        "params": trial.params,
        "value": word(trial.value),
        "last_value": word(trial.last_value),
        "last_step": trial.last_step,
        "source": trial.source,
        "expected": word(trial.expected),
        "spread": word(trial.spread),
        "space_version": trial.space_version,
        "attempts": trial.attempt_count,
        "created": trial.created.isoformat(),
        "started": trial.started.isoformat() if trial.started else None,
        "ended": trial.ended.isoformat() if trial.ended else None,
    }
