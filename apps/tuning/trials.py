"""What people and training scripts can do with trials. The optimizer's own verbs are in `driving`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.experiments.models import COUNT_COLUMNS, Desired, Experiment
from apps.trials.models import Trial
from apps.tuning import reporting
from apps.tuning.announce import announce_experiment, note, thinned, trial_summary
from apps.tuning.errors import Conflict
from apps.tuning.measuring import MAX_STEP, Reading, Verdict
from apps.tuning.names import TOO_MANY
from apps.tuning.reporting import Batch
from apps.workspaces.access import Actor, OutOfReach, require
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.status import ENDED_TRIAL, TrialStatus

MAX_ITEMS = 1_000
MAX_METRIC = 255
MAX_WHY = 255
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def find(actor: Actor, experiment: Experiment, *, key: str | None = None, number: int | None = None) -> Trial:
    """One trial of an experiment that was already found for this actor. One query."""
    lookup: dict[str, Any] = {"key": key} if key is not None else {"number": number}
    found = Trial.objects.filter(experiment=experiment, **lookup).first()
    if found is None:
        raise OutOfReach("trial", str(key if key is not None else number))
    return found


def stop(actor: Actor, experiment: Experiment, keys: Iterable[str], *, reason: str = "") -> dict[str, bool]:
    """Ask trials to stop; key -> whether that is or will be so. Ended and unknown ones are False.

    A trial that was not started ends at once; a running one when its process is dead.
    """
    require(actor, experiment.workspace_id, "run")
    wanted = list(dict.fromkeys(keys))
    why = reason or f"stopped by {actor.username}"
    with transaction.atomic():
        row = _locked(experiment)
        trials = {trial.key: trial for trial in Trial.objects.filter(experiment=row, key__in=wanted)}
        open_ones = [trial for trial in trials.values() if not trial.has_ended]
        for trial in open_ones:
            _ask_to_stop(row, trial, why)
        if open_ones:
            said = tuple(("trial", trial_summary(trial)) for trial in open_ones)
            row.modified = timezone.now()
            row.save(update_fields=["modified", *COUNT_COLUMNS.values()])
            announce_experiment(row, listed=False, also=said)
    stopped = {trial.key for trial in open_ones}
    return {key: key in stopped for key in wanted}


def restart(actor: Actor, experiment: Experiment, keys: Iterable[str]) -> dict[str, Trial | str]:
    """Start a new trial with the parameters of each; key -> the new trial, or a sentence why not.

    As the native API says it: not when a trial with the same parameters has succeeded. Not counted against max_trials.
    """
    require(actor, experiment.workspace_id, "run")
    wanted = list(dict.fromkeys(keys))
    with transaction.atomic():
        row = _open_for_more(experiment)
        originals = {trial.key: trial for trial in Trial.objects.filter(experiment=row, key__in=wanted)}
        succeeded = _succeeded_params(row)
        answers: dict[str, Trial | str] = {}
        made: list[Trial] = []
        for key in wanted:
            original = originals.get(key)
            if original is None:
                answers[key] = "there is no such trial in this experiment"
            elif not original.has_ended:
                answers[key] = f"it has not ended: {original.status}"
            elif _same_as_any(original.params, succeeded):
                answers[key] = "a trial with the same parameters has succeeded"
            else:
                made.append(_extra(row, len(made), original.params, "restarted", original))
                answers[key] = made[-1]
        _add(actor, row, made)
    return answers


def exclude(
    actor: Actor, experiment: Experiment, keys: Iterable[str], *, excluded: bool = True, why: str = ""
) -> list[Trial]:
    """Leave ended trials out of what models, policies and the best count, or take them back; those that are so then.

    `why` is kept with the trial and told in the log. The optimizer follows at its next step. Trials that have not ended
    stay as they are.
    """
    require(actor, experiment.workspace_id, "edit")
    if len(why) > MAX_WHY:
        raise SpecError("reason", f"at most {MAX_WHY} characters, got {len(why)}")
    with transaction.atomic():
        row = _locked(experiment)
        found = [
            trial
            for trial in Trial.objects.filter(experiment=row, key__in=list(keys)).order_by("number")
            if trial.has_ended
        ]
        changed = [trial for trial in found if trial.excluded != excluded]
        now = timezone.now()
        kept = why if excluded else ""
        Trial.objects.filter(pk__in=[trial.pk for trial in changed]).update(
            excluded=excluded, excluded_why=kept, modified=now
        )
        for trial in changed:
            trial.excluded, trial.excluded_why, trial.modified = excluded, kept, now
        if changed:
            count_anew(row)
            row.version += 1
            row.modified = now
            row.save(update_fields=["best_value", "best_trial", "spark", "version", "modified"])
            numbers = ", ".join(str(trial.number) for trial in changed)
            what = f"trial{'s' if len(changed) > 1 else ''} {numbers} {'excluded' if excluded else 'included again'} by {actor.username}"
            said = [("trial", trial_summary(trial, best=trial.number == row.best_trial)) for trial in changed]
            announce_experiment(row, also=(note(f"{what}: {why}" if why else what, by=actor.username), *said))
    return found


def count_anew(row: Experiment) -> None:
    """The best value, its trial and the sparkline from the finished trials that count. One query."""
    counted = Trial.objects.filter(experiment=row, status=TrialStatus.FINISHED, value__isnull=False, excluded=False)
    row.best_value, row.best_trial, row.spark = None, None, []
    for place, (number, value) in enumerate(counted.order_by("ended", "number").values_list("number", "value"), 1):
        if value is None:
            continue
        if row.best_value is None or (value < row.best_value if row.goal == "minimize" else value > row.best_value):
            row.best_value, row.best_trial = value, number
            row.spark = thinned([*row.spark, [place, value]])


def restart_failed(actor: Actor, experiment: Experiment) -> dict[str, Trial | str]:
    """Start each failed trial again that was not yet; as `restart` does, and answers."""
    require(actor, experiment.workspace_id, "run")
    failed = Trial.objects.filter(experiment=experiment, status=TrialStatus.FAILED, restarts__isnull=True)
    with transaction.atomic():
        _open_for_more(experiment)  # locked before it is looked: who asks at the same time finds them restarted
        return restart(actor, experiment, list(failed.order_by("number").values_list("key", flat=True)[:MAX_ITEMS]))


def queue(actor: Actor, experiment: Experiment, params: Mapping[str, Any], *, source: str = "queued") -> Trial:
    """Add one trial with given parameters. Raises SpecError when they lie outside the space."""
    require(actor, experiment.workspace_id, "run")
    with transaction.atomic():
        row = _open_for_more(experiment)
        job = Job.from_dict(row.job)
        problems = job.space.problems({name: one for name, one in params.items() if name not in job.sampling.adds})
        if problems:
            raise SpecError("params", "; ".join(problems))
        if _same_as_any(params, _succeeded_params(row)):
            raise Conflict("a trial with the same parameters has succeeded")
        trial = _extra(row, 0, dict(params), source, None)
        _add(actor, row, [trial])
    return trial


@dataclass(frozen=True)
class Report:
    """What became of a batch of reported items: a verdict and, where it is not stored, a sentence for each."""

    verdicts: Sequence[Verdict]
    problems: Mapping[int, str]


def report(token: str, items: Sequence[object]) -> Report:
    """Store what an attempt reports, in one transaction; sent twice it is stored once.

    Items are {"metric", "step", "value"}; a bad one is rejected alone. Raises OutOfReach for an unknown token, Fenced
    for a superseded attempt, SpecError for a batch that is too large, LimitReached beyond what a trial may keep.
    """
    if len(items) > MAX_ITEMS:
        raise SpecError("items", f"at most {MAX_ITEMS} items, got {len(items)}")
    readings, problems = _readings(items)
    (answer,) = reporting.report([Batch(token, list(readings.values()))])
    if isinstance(answer, Exception):
        raise answer
    verdicts: list[Verdict] = ["rejected"] * len(items)
    for index, verdict in zip(readings, answer.stored.verdicts, strict=True):
        verdicts[index] = verdict
        if verdict == "rejected":
            problems[index] = TOO_MANY
    return Report(verdicts, problems)


def _readings(items: Sequence[object]) -> tuple[dict[int, Reading], dict[int, str]]:
    """The good items by their place in the batch, and what is wrong with the others."""
    good: dict[int, Reading] = {}
    bad: dict[int, str] = {}
    for index, item in enumerate(items):
        try:
            good[index] = _reading(item)
        except SpecError as error:
            bad[index] = str(error)
    return good, bad


def _reading(item: object) -> Reading:
    if not isinstance(item, Mapping):
        raise SpecError("item", "must be an object with metric, step and value")
    metric, step, value = item.get("metric"), item.get("step", 0), item.get("value")
    if not isinstance(metric, str) or not 1 <= len(metric) <= MAX_METRIC or not metric.isprintable():
        raise SpecError("metric", f"must be a printable text of 1 to {MAX_METRIC} characters")
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= MAX_STEP:
        raise SpecError("step", "must be a whole number from 0 to 2^53 - 1")
    if isinstance(value, str) and value in WORDS:
        return Reading(metric, step, WORDS[value])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError("value", f"must be a number or one of {', '.join(WORDS)}")
    try:
        return Reading(metric, step, float(value))
    except OverflowError as error:
        raise SpecError("value", "is too large for a floating-point number") from error


def _ask_to_stop(row: Experiment, trial: Trial, why: str) -> None:
    now = timezone.now()
    if trial.status == TrialStatus.CREATED:
        if Trial.objects.move(trial, TrialStatus.USER_CANCELED, reason=why, ended=now):
            row.created_count -= 1
            row.user_canceled_count += 1
            trial.status, trial.reason, trial.ended = TrialStatus.USER_CANCELED, why, now
        return
    trial.desired, trial.stopped_by, trial.reason = Desired.STOP, "user", why
    Trial.objects.filter(pk=trial.pk).exclude(status__in=ENDED_TRIAL).update(
        desired=trial.desired, stopped_by=trial.stopped_by, reason=why, modified=now
    )


def _extra(row: Experiment, offset: int, params: Mapping[str, Any], source: str, original: Trial | None) -> Trial:
    return Trial(
        experiment=row,
        number=row.trial_count + offset,
        params=dict(params),
        space_version=row.space_version,
        source=source,
        extra=True,
        restart_of=original,
        parent=original.parent if original else None,
        note=f"restart of trial {original.number}" if original else "queued by hand",
    )


def _add(actor: Actor, row: Experiment, made: list[Trial]) -> None:
    if not made:
        return
    Trial.objects.bulk_create(made)
    row.trial_count += len(made)
    row.extra_trials += len(made)
    row.created_count += len(made)
    row.modified = timezone.now()
    row.save(update_fields=["trial_count", "extra_trials", "created_count", "modified"])
    numbers = ", ".join(str(trial.number) for trial in made)
    said = [("trial", trial_summary(trial)) for trial in made]
    announce_experiment(row, also=(note(f"trial {numbers} added by {actor.username}", by=actor.username), *said))


def _open_for_more(experiment: Experiment) -> Experiment:
    row = _locked(experiment)
    if row.has_ended:
        raise Conflict(f"no trial can be added: the experiment is {row.status}", status=row.status)
    if row.desired == Desired.STOP:
        raise Conflict("no trial can be added: the experiment is being stopped", status=row.status)
    return row


def _succeeded_params(row: Experiment) -> list[dict[str, Any]]:
    done = Trial.objects.filter(experiment=row, status=TrialStatus.FINISHED)
    return list(done.values_list("params", flat=True))


def _same_as_any(params: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> bool:
    return any(dict(params) == other for other in others)


def _locked(experiment: Experiment) -> Experiment:
    held = Experiment.objects.select_for_update(of=("self",)).select_related("workspace")
    row = held.filter(pk=experiment.pk).first()
    if row is None:
        raise OutOfReach("experiment", experiment.key)
    return row
