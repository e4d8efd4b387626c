"""Keeping the facts about best trials: for experiments that changed, in batches, off every request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from apps.experiments.models import Experiment
from apps.search.models import MAX_TEXT, Fact
from apps.trials.models import Measurement, Trial
from apps.workspaces.models import Workspace
from tunebook.space import Space

BATCH = 200
MOST_NAMES = 32
MANY_POINTS = 2_000
LARGEST = 1e300
MOST_CHANGED = 5_000
MARK = "trial"
"""The fact that says which trial the others are of."""


def catch_up(since: datetime | None = None, *, most: int = 2_000) -> int:
    """Bring the facts of experiments that changed since then up to date, of all without it; how many there were.

    Twice is once. Eight queries for each 200 experiments, and some for each trial with thousands of points.
    """
    done, last = 0, 0
    while done < most:
        with transaction.atomic():
            stale = _stale(since).only("pk", "best_trial", "job")
            if since is None:  # walk all once; what changed lately is few and has an index of its own
                stale = stale.filter(pk__gt=last).order_by("pk")
            batch = list(stale[: min(BATCH, most - done)])
            _keep(batch)
        done += len(batch)
        if len(batch) < BATCH:
            return done
        last = batch[-1].pk
    return done


def _stale(since: datetime | None) -> QuerySet[Experiment]:
    """The experiments whose facts are not those of their best trial."""
    own = Fact.objects.filter(experiment=OuterRef("pk"), name=MARK)
    fresh = own.filter(number=OuterRef("best_trial"))
    rows = Experiment.objects.filter(
        (Q(best_trial__isnull=False) & ~Exists(fresh)) | (Q(best_trial__isnull=True) & Exists(own))
    )
    if since is None:
        return rows
    # the first two columns of the index over `modified`; ids first, or SQLite looks at every row
    places = {"workspace__in": list(Workspace.objects.values_list("pk", flat=True)), "trashed__in": [False, True]}
    changed = Experiment.objects.filter(modified__gte=since, **places).order_by("-modified")
    return rows.filter(pk__in=list(changed.values_list("pk", flat=True)[:MOST_CHANGED]))


def _keep(experiments: Sequence[Experiment]) -> None:
    if not experiments:
        return
    best = Trial.objects.filter(experiment__in=[one.pk for one in experiments], number=F("experiment__best_trial"))
    trials = {trial.experiment_id: trial for trial in best}
    metrics = last_metrics(trials.values())
    Fact.objects.filter(experiment__in=[one.pk for one in experiments]).delete()
    facts: list[Fact] = []
    for one in experiments:
        if one.best_trial is not None:
            facts.append(Fact(experiment_id=one.pk, name=MARK, number=one.best_trial))
        trial = trials.get(one.pk)
        if trial is not None:
            space = Space.from_dict(one.job["space"])
            facts += _facts(one.pk, space.flatten(trial.params), metrics.get(trial.pk, {}))
    Fact.objects.bulk_create(facts, batch_size=500)


def _facts(experiment: int, params: Mapping[str, Any], metrics: Mapping[str, float | None]) -> list[Fact]:
    found = [_fact(experiment, f"param.{name}", value) for name, value in params.items() if value is not None]
    found += [_fact(experiment, f"metric.{name}", value) for name, value in metrics.items() if value is not None]
    return found


def _fact(experiment: int, name: str, value: Any) -> Fact:
    number = None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int | float):
        text, number = str(value), float(value) if abs(value) < LARGEST else None
    else:
        text = str(value)
    return Fact(experiment_id=experiment, name=name[:MAX_TEXT], number=number, text=text[:MAX_TEXT])


def last_metrics(trials: Iterable[Trial]) -> dict[int, dict[str, float | None]]:
    """The last value of each metric of these trials, by row id. Two queries, and some for each long trial."""
    found: dict[int, dict[str, float | None]] = defaultdict(dict)
    short = [trial.pk for trial in trials if trial.value_count < MANY_POINTS]
    of_short = Measurement.objects.filter(trial__in=short).values("trial", "name").annotate(last=Max("pk")).order_by()
    newest = Measurement.objects.filter(pk__in=[row["last"] for row in of_short])
    for pk, name, value in newest.values_list("trial", "name", "value"):
        found[pk][name] = value
    for trial in trials:
        if trial.value_count >= MANY_POINTS:
            found[trial.pk] = _of_long(trial)
    return {pk: {name: value for name, value in of.items() if name} for pk, of in found.items()}


def _of_long(trial: Trial) -> dict[str, float | None]:
    """Name by name through the index, so that a million points are not read for the few last ones."""
    found: dict[str, float | None] = {}
    rows, last = Measurement.objects.filter(trial=trial), ""
    for _ in range(MOST_NAMES):
        name = rows.filter(name__gt=last).order_by("name").values_list("name", flat=True).first()
        if name is None:
            break
        newest = rows.filter(name=name).order_by("-attempt", "-source", "-step")
        found[name], last = newest.values_list("value", flat=True).first(), name
    return found
