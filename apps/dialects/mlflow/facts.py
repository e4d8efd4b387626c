"""Trials as runs: everything about a page of them in a fixed number of queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.artifacts import remarks
from apps.trials.models import Measurement, Trial, number_of
from tunebook.placeholders import active, text_of
from tunebook.wire import mlflow
from tunebook.wire.mlflow import Point, RunFacts

ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})
RUN_NAME, MOST_NAME = "mlflow.runName", 500
STATUS, END_TIME, NAME, OTHERS = "status", "end_time", remarks.RUN_NAME, "others"
"""What a script has said about its run: its status counts only while the trial's own is not final; others: that it has
made more runs, which are the trial's as well."""


def facts(trials: Sequence[Trial]) -> list[RunFacts]:
    """The trials as runs, with metrics, parameters and tags. Two queries."""
    keys = [trial.pk for trial in trials]
    metrics = latest(keys)
    said: dict[int, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for row in remarks.of(keys):
        said[row.trial_id][row.kind][row.name] = row.text
    return [_facts(trial, metrics.get(trial.pk, []), said[trial.pk]) for trial in trials]


def _facts(trial: Trial, metrics: list[Point], said: dict[str, dict[str, str]]) -> RunFacts:
    about = said[remarks.RUN]
    status, ended = ending(trial.status, trial.ended, about)
    return RunFacts(
        run_id=trial.key,
        experiment_id=trial.experiment.key,
        name=about.get(NAME) or f"trial {trial.number}",
        user=trial.experiment.creator.get_username(),
        status=status,
        started=milliseconds(trial.started or trial.created),
        ended=ended,
        is_deleted=trial.excluded,
        metrics=metrics,
        params={**{name: text_of(value) for name, value in active(trial.params)}, **said[remarks.PARAM]},
        tags={"tunebook.trial": str(trial.number), "tunebook.status": trial.status, **said[remarks.TAG]},
        datasets=[json.loads(text) for text in said[remarks.INPUT].values()],
        models=[json.loads(text) for text in said[remarks.OUTPUT].values()],
    )


def ending(status: str, ended: datetime | None, about: Mapping[str, Any]) -> tuple[str, int | None]:
    """The status of a run and when it ended: the trial's own, until that is final what its script has said."""
    own, said = mlflow.run_status(status), about.get(STATUS)
    if own not in ENDED and said in ENDED:
        return str(said), int(about.get(END_TIME) or 0) or None
    return own, milliseconds(ended)


def latest(trials: Iterable[int]) -> dict[int, list[Point]]:
    """The last value of each metric of each trial (by row id). One query, that costs by metrics and not by steps."""
    keys = list(trials)
    found: dict[int, list[Point]] = defaultdict(list)
    if not keys:
        return found
    with connection.cursor() as cursor:
        cursor.execute(LATEST.format(marks=", ".join(["%s"] * len(keys))), keys)
        ids = [pk for (pk,) in cursor.fetchall()]
    for start in range(0, len(ids), 10_000):
        rows = Measurement.objects.filter(pk__in=ids[start : start + 10_000]).order_by("name")
        for row in rows:
            found[row.trial_id].append(point(row.name, row.step, row.value, row.kind, row.at))
    return found


def point(name: str, step: int, value: float | None, kind: int, at: datetime) -> Point:
    """A stored measurement as a metric."""
    return Point(name, number_of(value, kind), step, milliseconds(at) or 0)


def milliseconds(moment: datetime | None) -> int | None:
    """Milliseconds since 1970."""
    return None if moment is None else int(moment.timestamp() * 1000 + 0.5)


def run_document(trial: Trial) -> dict[str, Any]:
    """One trial as a run. Three queries."""
    return mlflow.run(facts([trial])[0])


_TABLE, _TRIALS = Measurement._meta.db_table, Trial._meta.db_table
# the names of each trial's metrics are found one after another in the index, then the last entry of each
LATEST = f"""
WITH RECURSIVE named(trial, name) AS (
  SELECT t.id, (SELECT min(m.name) FROM {_TABLE} m WHERE m.trial_id = t.id AND m.name > '')
  FROM {_TRIALS} t WHERE t.id IN ({{marks}})
  UNION ALL
  SELECT n.trial, (SELECT min(m.name) FROM {_TABLE} m WHERE m.trial_id = n.trial AND m.name > n.name)
  FROM named n WHERE n.name IS NOT NULL
)
SELECT (
  SELECT m.id FROM {_TABLE} m WHERE m.trial_id = n.trial AND m.name = n.name
  ORDER BY m.attempt DESC, m.source DESC, m.step DESC LIMIT 1
) FROM named n WHERE n.name IS NOT NULL"""
