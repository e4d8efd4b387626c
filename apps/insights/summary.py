"""What the results say, in sentences: each computed from the data, each with the place where it can be checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.insights.charts.shares import FEWEST, trust
from apps.insights.wording import metric, short
from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.space import Space
from tunebook.status import TrialStatus

TOP = 10
NARROW = 0.35
"""The best ten lie together in a parameter when they span less of its range than this."""
EDGE = 0.05
STALE = 20
"""Trials without an improvement from which on it is worth saying."""
MATTERS = 0.1
ALIKE = 0.0005
"""The share by which the second best may be behind and still be as good; it would read as 0.0%."""


@dataclass(frozen=True)
class Sentence:
    """A statement and where to look: `kind` is trial, chart or trials; `at` a number, a chart's name or a query."""

    text: str
    kind: str
    at: str


@dataclass(frozen=True)
class Top:
    """One of the best trials."""

    number: int
    value: float
    flat: Mapping[str, Any]


def best_ten(experiment: Experiment, space: Space, upto: int | None = None) -> list[Top]:
    """The best succeeded trials, best first. One query."""
    rows = Trial.objects.filter(experiment=experiment, status=TrialStatus.FINISHED, value__isnull=False, excluded=False)
    if upto is not None:
        rows = rows.filter(number__lte=upto)
    order = "value" if experiment.goal == "minimize" else "-value"
    found = rows.order_by(order, "number").values_list("number", "value", "params")[: TOP * 2]
    finite = [(number, value, params) for number, value, params in found if value is not None and math.isfinite(value)]
    return [Top(number, value, space.flatten(params)) for number, value, params in finite[:TOP]]


def summary(
    experiment: Experiment, job: Job, known: keeping.Known, top: Sequence[Top], upto: int | None = None
) -> list[Sentence]:
    """The sentences, the most telling first. One query where `auto` picks; `upto` leaves out what only the whole experiment knows."""
    picked = list(_picked(experiment, upto))
    if not top:
        return picked
    sentences = [*_best(experiment, top)]
    if upto is None:
        sentences += _progress(experiment)
    sentences += _importance(known)
    sentences += _regions(job.space, top, known)
    sentences += _failures(known)
    if upto is None:
        sentences += _stopped(experiment)
    return sentences + picked


def _best(experiment: Experiment, top: Sequence[Top]) -> Iterator[Sentence]:
    best = top[0]
    text = f"The best {metric(experiment.metric)[:80]} is {short(best.value)}, from trial {best.number}"
    if len(top) > 1:
        gap = abs(top[1].value - best.value)
        share = gap / abs(best.value) if best.value else math.inf
        text += (
            f"; trial {top[1].number} comes next and is as good."
            if gap == 0 or share < ALIKE
            else f"; next is trial {top[1].number} with {short(top[1].value)}{f' ({share:.1%} behind)' if share < 10 else ''}."
        )
    else:
        text += ", the only one that has succeeded."
    yield Sentence(text, "trial", str(best.number))
    if len(top) == TOP:
        span = abs(top[-1].value - best.value)
        yield Sentence(f"The ten best lie within {short(span)} of each other.", "chart", "edf")


def _progress(experiment: Experiment) -> Iterator[Sentence]:
    spark = [pair for pair in experiment.spark if isinstance(pair, list) and len(pair) == 2]
    if len(spark) < 2:
        return
    waited = experiment.ended_count - int(spark[-1][0])
    if waited >= STALE:
        yield Sentence(f"Nothing better has come for {waited:,} trials.", "chart", "history")
    else:
        ago = "with the latest trial" if waited <= 0 else f"{waited:,} {'trial' if waited == 1 else 'trials'} ago"
        yield Sentence(f"The last improvement came {ago}.", "chart", "history")


def _importance(known: keeping.Known) -> Iterator[Sentence]:
    found = known.document.get("importance")
    if not found or not found["shares"]:
        return
    telling = [one for one in found["shares"] if one["share"] >= MATTERS and one["share"] > one["spread"]][:3]
    if not telling:
        yield Sentence("No single parameter explains much of what the results vary by.", "chart", "importance")
        return
    parts = [f"{one['name']} explains {one['share']:.0%} (± {one['spread']:.0%})" for one in telling]
    rest = [one["name"] for one in found["shares"] if one["share"] + one["spread"] < EDGE]
    text = f"Of what the results vary by, {', '.join(parts)}"
    if rest and len(rest) <= 4:
        text += f"; {', '.join(rest)} {'hardly matters' if len(rest) == 1 else 'hardly matter'}"
    yield Sentence(f"{text}. {trust(found['fit'])}", "chart", "importance")


def _regions(space: Space, top: Sequence[Top], known: keeping.Known) -> Iterator[Sentence]:
    """Where the best ten lie together, for the parameters that matter; and where they press against an edge."""
    if len(top) < TOP:
        return
    leaves = space.leaves()
    found = known.document.get("importance") or {}
    order = [one["name"] for one in found.get("shares", []) if one["share"] >= EDGE] or list(leaves)
    said = 0
    for name in order:
        if name not in leaves or said >= 3:
            continue
        distribution, _ = leaves[name]
        values = [one.flat[name] for one in top if one.flat.get(name) is not None]
        if len(values) < TOP:
            continue
        if not distribution.is_numeric:
            if len(set(map(str, values))) == 1 and len(getattr(distribution, "values", ())) > 1:
                said += 1
                yield Sentence(f"All ten best trials have {name} {values[0]}.", "chart", f"slice {name}")
            continue
        inside = [value for value in values if distribution.contains(value)]
        if len(inside) < TOP:
            continue
        if min(inside) == max(inside):
            said += 1
            yield Sentence(f"All ten best trials have {name} {short(inside[0])}.", "chart", f"slice {name}")
            continue
        places = sorted(distribution.position(value) for value in inside)
        span = places[-1] - places[0]
        if span > NARROW:
            continue
        said += 1
        text = f"The ten best trials have {name} from {short(min(inside))} to {short(max(inside))}, {max(span, 0.01):.0%} of its range"
        middle = places[len(places) // 2]
        bounded = distribution.lowest is not None and distribution.highest is not None
        if bounded and (middle < EDGE or middle > 1 - EDGE):
            text += ", at its edge: a wider range may hold better ones"
        yield Sentence(f"{text}.", "chart", f"slice {name}")


def _failures(known: keeping.Known) -> Iterator[Sentence]:
    groups = known.document.get("failures") or []
    for group in groups[:3]:
        if group.get("rule"):
            yield Sentence(rule_text(group["rule"], len(groups)), "trials", rule_query(group["rule"]))


def _stopped(experiment: Experiment) -> Iterator[Sentence]:
    ended, stopped = experiment.ended_count, experiment.early_stopped_count
    if stopped and ended:
        yield Sentence(
            f"{stopped:,} of {ended:,} trials were stopped early ({stopped / ended:.0%}).",
            "trials",
            "status:stopped_early",
        )


def _picked(experiment: Experiment, upto: int | None) -> Iterator[Sentence]:
    """Which sampler `auto` asked last, and why, as the trial's note says it."""
    if experiment.sampler != "auto":
        return
    asked = Trial.objects.filter(experiment=experiment, note__startswith="auto picked ")
    if upto is not None:
        asked = asked.filter(number__lte=upto)
    for number, note in asked.order_by("-number").values_list("number", "note")[:1]:
        sampler, _, why = note.removeprefix("auto picked ").partition(". ")[0].partition(": ")
        yield Sentence(f"The sampler auto asked {sampler} for trial {number}: {why}.", "trial", str(number))


def rule_text(rule: Mapping[str, Any], groups: int = 1) -> str:
    """ "9 of 11 failures have batch_size ≥ 512; of the 14 trials tried there, 9 failed." """
    inside, members, tried = rule["inside"], rule["members"], rule["tried"]
    whole = "All" if inside == members else f"{inside:,} of"
    there = (
        "every trial tried there failed"
        if inside == tried
        else f"of the {tried:,} trials tried there, {inside:,} failed"
    )
    what = "failures" if groups == 1 else "failures of one kind"
    return f"{whole} {members:,} {what} have {rule['text']}; {there}."


def rule_query(rule: Mapping[str, Any]) -> str:
    """The query that shows the failures a rule speaks of."""
    return " ".join(["status:failed", *(_term(one) for one in rule["conditions"])])


def _term(condition: Mapping[str, Any]) -> str:
    value = condition["value"]
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    text = f'"{text}"' if any(letter in text for letter in ' ,"()') else text
    return f"{condition['name']}{condition['operator']}{text}"


def waits_for(experiment: Experiment) -> str:
    """What is missing before importance can be told; empty when it is on its way or there.

    Without how many there are: this is not read again with each trial.
    """
    results = experiment.finished_count + experiment.early_stopped_count
    return f"Needs {FEWEST} results." if results < FEWEST else ""
