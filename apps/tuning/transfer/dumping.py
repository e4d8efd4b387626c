"""An experiment to its document, written piece by piece so that a large one needs little memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from apps.discussion.models import Comment, Note
from apps.experiments.models import Experiment
from apps.trials.models import COMBINED, Attempt, Measurement, Trial, number_of
from apps.tuning.announce import moment, word
from apps.tuning.transfer import logged, members

CHUNK = 500


def dump(experiment: Experiment) -> Iterator[str]:
    """The text of the document in pieces. Four queries, and four for each 500 trials."""
    head = {
        "format": members.FORMAT,
        "version": members.VERSION,
        "experiment": _experiment(experiment),
        "spaces": [
            {"number": row.number, "space": row.space, "created": moment(row.created)}
            for row in experiment.space_versions.all()
        ],
        "notes": [
            {**_written(note), "number": note.number}
            for note in Note.objects.filter(experiment=experiment).select_related("trial").order_by("trial", "number")
        ],
        "comments": [
            {**_written(said), "edited": moment(said.edited)}
            for said in Comment.objects.kept().filter(experiment=experiment).select_related("trial")
        ],
    }
    yield _json(head)[:-1] + ', "trials": ['
    comma = ""
    for trials in _chunks(experiment):
        for text in _trials(trials):
            yield comma + text
            comma = ",\n"
    yield "]}\n"


def _experiment(row: Experiment) -> dict[str, Any]:
    found: dict[str, Any] = {name: str(getattr(row, name)) for name in members.EXPERIMENT}
    found |= {name: moment(getattr(row, name)) for name in members.EXPERIMENT_TIMES}
    return found | {"tags": dict(json.loads(row.tagged)), "job": row.job, "seed": row.seed}


def _written(row: Note | Comment) -> dict[str, Any]:
    """What somebody wrote, and about which trial; null is the experiment itself."""
    found: dict[str, Any] = {"trial": row.trial.number if row.trial is not None else None}
    found |= {name: getattr(row, name) for name in members.WRITTEN}
    return found | {"created": moment(row.created)}


def _chunks(experiment: Experiment) -> Iterator[Sequence[Trial]]:
    """All trials in order of number, some hundred at a time."""
    rows = Trial.objects.filter(experiment=experiment).select_related("restart_of").order_by("number")
    after = -1
    while found := list(rows.filter(number__gt=after)[:CHUNK]):
        yield found
        after = found[-1].number


def _trials(trials: Sequence[Trial]) -> Iterator[str]:
    keys = [trial.pk for trial in trials]
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(trial__in=keys).order_by("number"):
        attempts[attempt.trial_id].append(attempt)
    series, said = _series(keys), logged.of(keys)
    for trial in trials:
        found = _trial(trial, attempts[trial.pk], series.get(trial.pk, {}))
        yield _json(found | ({logged.MEMBER: said[trial.pk]} if trial.pk in said else {}))


def _trial(trial: Trial, attempts: Sequence[Attempt], series: dict[tuple[int, int, str], list[Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"number": trial.number, "params": trial.params}
    found |= {name: getattr(trial, name) for name in (*members.TRIAL, *members.TRIAL_FLAGS, *members.TRIAL_PLACES)}
    found |= {name: word(getattr(trial, name)) for name in members.TRIAL_NUMBERS}
    found |= {name: moment(getattr(trial, name)) for name in members.TIMES}
    found["restart_of"] = trial.restart_of.number if trial.restart_of is not None else None
    found["attempts"] = [_attempt(attempt) for attempt in attempts]
    found["series"] = [
        {"attempt": attempt, "source": source, "name": name, "points": points}
        for (attempt, source, name), points in series.items()
    ]
    return found


def _attempt(attempt: Attempt) -> dict[str, Any]:
    found: dict[str, Any] = {"number": attempt.number}
    found |= {name: getattr(attempt, name) for name in (*members.ATTEMPT, *members.ATTEMPT_NUMBERS)}
    return found | {name: moment(getattr(attempt, name)) for name in members.TIMES}


def _series(trials: Sequence[int]) -> dict[int, dict[tuple[int, int, str], list[Any]]]:
    """Each trial's measurements as [step, value, at], by attempt, source and name; without the weighted objective."""
    rows = Measurement.objects.filter(trial__in=trials).exclude(name=COMBINED)
    columns = ("trial_id", "attempt", "source", "name", "step", "value", "kind", "at")
    found: dict[int, dict[tuple[int, int, str], list[Any]]] = defaultdict(lambda: defaultdict(list))
    ordered = rows.order_by("trial_id", "attempt", "source", "name", "step")
    for trial, attempt, source, name, step, value, kind, at in ordered.values_list(*columns).iterator(
        chunk_size=10_000
    ):
        found[trial][attempt, source, name].append([step, word(number_of(value, kind)), moment(at)])
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
