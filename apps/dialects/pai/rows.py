"""Experiments and trials as the native API shows them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.experiments.models import COUNT_COLUMNS, Experiment
from apps.trials.history import series_name
from apps.trials.models import Measurement, Trial, number_of
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.status import TrialStatus
from tunebook.wire import pai

COUNTS = [(column, pai.trial_status(status)) for status, column in COUNT_COLUMNS.items()]
PLAIN = {
    "key": "ExperimentId",
    "creator_id": "Creator",
    "name": "Name",
    "status": "Status",
    "created": "GmtCreateTime",
    "modified": "GmtModifiedTime",
    "workspace__slug": "WorkspaceId",
    "accessibility": "Accessibility",
    "description": "Description",
    "trial_count": "TrialCount",
    "trashed": "Deleted",
}
CONFIG = ("dialect", "submitted", "job")
COLUMNS = ("pk", *PLAIN, *(column for column, _ in COUNTS))
NAMES = tuple(PLAIN.values())
JOB_TYPE = "1"

Tags = Mapping[int, Sequence[tuple[str, str]]]
Points = Sequence[tuple[float | None, Mapping[str, float]]]


def experiment_row(values: Sequence[Any], tags: Tags) -> dict[str, Any]:
    """The row of a list from the values of COLUMNS, and of CONFIG behind them where configuration is wanted."""
    row = dict(zip(NAMES, values[1:], strict=False))
    row["Creator"] = str(row["Creator"])
    row["JobType"] = JOB_TYPE
    place = 1 + len(NAMES)
    row["TrialStatus"] = _counts(values[place : place + len(COUNTS)])
    row["Tags"] = [{"Key": key, "Value": value} for key, value in tags.get(values[0], ())]
    if len(values) > len(COLUMNS):
        row |= texts(configuration(*values[len(COLUMNS) :]))
    return row


def experiment_detail(experiment: Experiment) -> dict[str, Any]:
    """The row with its configuration, as texts and as it was sent. One query, for the tags."""
    values = [experiment.pk]
    values += [experiment.workspace.slug if name == "workspace__slug" else getattr(experiment, name) for name in PLAIN]
    values += [getattr(experiment, column) for column, _ in COUNTS]
    tags = {experiment.pk: [(tag.key, tag.value) for tag in experiment.tags.all()]}
    document = configuration(experiment.dialect, experiment.submitted, experiment.job)
    row = experiment_row(values, tags)
    return row | texts(document) | {"HpoExperimentConfiguration": pai.mask(document)}


def configuration(dialect: str, submitted: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration word for word as it was sent; said in this dialect's words when it came through another."""
    if dialect == "native" and submitted:
        document: dict[str, Any] = json.loads(submitted)
        return document
    return pai.dump(Job.from_dict(job))


def texts(document: Mapping[str, Any]) -> dict[str, str]:
    """The three text forms of a configuration, without its secrets."""
    return {
        "SearchSpace": pai.search_space_text(document),
        "ConfigIni": pai.config_ini(document),
        "ConfigYml": pai.config_yml(document),
    }


def trial_rows(experiment: Experiment, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Trials of one experiment with their measurements. One query, for the measurements of all of them."""
    job = Job.from_dict(experiment.job)
    points = points_of(trials, job.objective)
    return [_trial_row(experiment, job, trial, points.get(trial.pk, ())) for trial in trials]


def points_of(trials: Iterable[Trial], objective: Objective) -> dict[int, Points]:
    """Per trial its measurements in order of step, each the objective's value and all metrics; the newest attempt counts."""
    series = series_name(objective)
    found: dict[int, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    rows = Measurement.objects.filter(trial__in=[trial.pk for trial in trials]).order_by("trial_id", "attempt")
    for trial, step, name, value, kind in rows.values_list("trial_id", "step", "name", "value", "kind"):
        found[trial][step][name] = number_of(value, kind)
    return {
        trial: [(steps[step].get(series), _named(steps[step])) for step in sorted(steps)]
        for trial, steps in found.items()
    }


def _named(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name}


def _trial_row(experiment: Experiment, job: Job, trial: Trial, points: Points) -> dict[str, Any]:
    is_final = trial.status == TrialStatus.FINISHED
    return {
        "TrialId": trial.key,
        "ExperimentId": experiment.key,
        "ParameterId": trial.number,
        "Hyperparam": pai.hyperparam(trial.params, job.command.literals),
        "Status": pai.trial_status(trial.status),
        "Model": _model(experiment, job, trial),
        "MetricName": "",
        "Metric": pai.metric(points, trial.value if is_final else None),
        "FinalMetric": pai.final_metric(trial.value if is_final else None),
        "JobMeta": pai.job_meta(experiment.key, trial.key, trial.number),
        "UserScore": 0,
        "UserComment": "",
        "GmtCreateTime": trial.created,
        "GmtModifiedTime": trial.modified,
    }


def _model(experiment: Experiment, job: Job, trial: Trial) -> str:
    path = job.command.model_path
    if not path:
        return ""
    variables = job.command.variables(
        trial.params, exp_id=experiment.key.lower(), trial_id=trial.key.lower(), space=job.space
    )
    return job.command.fill(path, variables)


def _counts(numbers: Sequence[int]) -> dict[str, str]:
    counts: dict[str, int] = {}
    for (_, word), number in zip(COUNTS, numbers, strict=True):
        if number:
            counts[word] = counts.get(word, 0) + number
    return {word: str(number) for word, number in counts.items()}
