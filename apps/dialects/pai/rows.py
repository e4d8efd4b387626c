"""Experiments and trials as the native API shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast

from apps.dialects import catalog
from apps.dialects.moments import WireMoment
from apps.experiments.models import COUNT_COLUMNS, Experiment
from apps.trials.history import series_name
from apps.trials.models import COMBINED, Measurement, Trial, number_of
from apps.workspaces.statement import ById
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.status import TrialStatus
from tunebook.wire import pai

COUNTS = [(column, pai.trial_status(status)) for status, column in COUNT_COLUMNS.items()]
PLAIN = (
    "pk",
    "key",
    "creator_id",
    "name",
    "status",
    "desired",
    "created",
    "modified",
    "workspace_id",
    "accessibility",
    "description",
    "trial_count",
    "trashed",
    "tagged",
)
MOMENTS = {"created", "modified"}
CONFIG = ("dialect", "submitted", "job", "version")
COLUMNS = (*PLAIN, *(column for column, _ in COUNTS))
PLAIN_COLUMNS, ALL_COLUMNS = len(PLAIN), len(COLUMNS)
REMEMBERED = 4096
"""So many pieces of answers are kept as they were written; rows of a list have many in common."""
JOB_TYPE = "1"

Points = Sequence[tuple[float | None, Mapping[str, float]]]


def experiment_row(values: Sequence[Any], slugs: Mapping[int, str]) -> dict[str, Any]:
    """The row of a list from the values of COLUMNS, and of CONFIG behind them where configuration is wanted.

    `slugs` names the workspaces by id.
    """
    _, key, creator, name, status, desired, created, modified, workspace, *rest = values[:PLAIN_COLUMNS]
    accessibility, description, trials, trashed, tagged = rest
    row = {
        "ExperimentId": key,
        "Creator": str(creator),  # as text: a number of this size would be rounded by a JavaScript client
        "Name": name,
        "Status": _status(status, desired),
        "JobType": JOB_TYPE,
        "GmtCreateTime": created,
        "GmtModifiedTime": modified,
        "WorkspaceId": slugs.get(workspace, ""),
        "Accessibility": accessibility,
        "Description": description,
        "TrialCount": trials,
        "TrialStatus": _counts(tuple(values[PLAIN_COLUMNS:ALL_COLUMNS])),
        "Deleted": trashed,
        "Tags": _tags(tagged),
    }
    if len(values) > ALL_COLUMNS:
        row |= texts(configuration(*values[ALL_COLUMNS:]))
    return row


def experiment_detail(experiment: Experiment) -> dict[str, Any]:
    """The row with its configuration, as texts and as it was sent."""
    values = [getattr(experiment, column) for column in COLUMNS]
    document = configuration_of(experiment)
    row = experiment_row(values, {experiment.workspace_id: experiment.workspace.slug})
    return row | texts(document) | {"HpoExperimentConfiguration": pai.mask(document)}


def configuration_of(experiment: Experiment) -> dict[str, Any]:
    """The configuration that is in force."""
    return configuration(experiment.dialect, experiment.submitted, experiment.job, experiment.version)


def configuration(dialect: str, submitted: str, job: Mapping[str, Any], version: int) -> dict[str, Any]:
    """The configuration word for word as it was sent, as long as it is the one in force.

    Said anew in this dialect's words when it came through another one, or was changed since on a page or by our API.
    """
    if dialect == "native" and submitted:
        document: dict[str, Any] = json.loads(submitted)
        if version == 1 or pai.load(document).to_dict() == job:
            return document
    try:
        return pai.dump(Job.from_dict(job))
    except SpecError:
        return {}  # this dialect has no words for it; the experiment is shown all the same


def texts(document: Mapping[str, Any]) -> dict[str, str]:
    """The three text forms of a configuration, without its secrets."""
    return {
        "SearchSpace": pai.search_space_text(document),
        "ConfigIni": pai.config_ini(document),
        "ConfigYml": pai.config_yml(document),
    }


def trial_rows(experiment: Experiment, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Trials of one experiment with their measurements, in the order of the ids. Two queries."""
    job = Job.from_dict(experiment.job)
    points = _points(ids, series_name(job.objective))
    return [_trial_row(experiment, job, values, points) for values in catalog.in_order(ids, TRIALS.rows(ids))]


def _points(ids: Sequence[int], series: str) -> dict[int, Points]:
    """Per trial its measurements in order of step, each the objective's value and all metrics; the newest attempt counts."""
    found: dict[int, dict[int, dict[str, float]]] = {}
    for trial, step, name, value, kind in MEASUREMENTS.rows(ids):
        number = number_of(value, kind) if kind else value
        steps = found.setdefault(trial, {})
        if step in steps:
            steps[step][name] = number
        else:
            steps[step] = {name: number}
    return {
        trial: [(steps[step].get(series), _named(steps[step])) for step in sorted(steps)]
        for trial, steps in found.items()
    }


def _named(metrics: Mapping[str, float]) -> Mapping[str, float]:
    """Without the combined objective, which is no metric of the job's."""
    return {name: value for name, value in metrics.items() if name} if COMBINED in metrics else metrics


def _trial_row(experiment: Experiment, job: Job, values: Sequence[Any], points: Mapping[int, Points]) -> dict[str, Any]:
    pk, key, number, text, status, value, created, modified = values
    params = orjson.loads(text)
    final = value if status == TrialStatus.FINISHED else None
    return {
        "TrialId": key,
        "ExperimentId": experiment.key,
        "ParameterId": number,
        "Hyperparam": pai.hyperparam(params, job.command.literals, _text),
        "Status": pai.trial_status(status),
        "Model": _model(experiment, job, key, params),
        "MetricName": "",
        "Metric": pai.metric(points.get(pk, ()), final, _text),
        "FinalMetric": pai.final_metric(final),
        "JobMeta": pai.job_meta(experiment.key, key, number, _text),
        "UserScore": 0,
        "UserComment": "",
        "GmtCreateTime": created,
        "GmtModifiedTime": modified,
    }


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _model(experiment: Experiment, job: Job, trial: str, params: Mapping[str, Any]) -> str:
    path = job.command.model_path
    if not path:
        return ""
    variables = job.command.variables(params, exp_id=experiment.key.lower(), trial_id=trial.lower(), space=job.space)
    return job.command.fill(path, variables)


@lru_cache(maxsize=REMEMBERED)
def _status(status: str, desired: str) -> str:
    return pai.experiment_status(status, desired)


@lru_cache(maxsize=REMEMBERED)
def _counts(numbers: tuple[int, ...]) -> orjson.Fragment:
    """Trials per status in this API's words, as text; two statuses here may be one word there."""
    counts: dict[str, int] = {}
    for (_, word), number in zip(COUNTS, numbers, strict=True):
        if number:
            counts[word] = counts.get(word, 0) + number
    return orjson.Fragment(orjson.dumps({word: str(number) for word, number in counts.items()}))


@lru_cache(maxsize=REMEMBERED)
def _tags(tagged: str) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps([{"Key": key, "Value": value} for key, value in orjson.loads(tagged)]))


LISTED = tuple(WireMoment(column) if column in MOMENTS else column for column in COLUMNS)
WITHOUT_CONFIG = ById(catalog.MOST, lambda ids: Experiment.objects.filter(pk__in=ids).values_list(*LISTED))
WITH_CONFIG = ById(catalog.MOST, lambda ids: Experiment.objects.filter(pk__in=ids).values_list(*LISTED, *CONFIG))
TRIALS = ById(
    catalog.MOST,
    # the parameters as text: the faster reader turns them into values
    lambda ids: Trial.objects.filter(pk__in=ids).values_list(
        "pk",
        "key",
        "number",
        Cast("params", TextField()),
        "status",
        "value",
        WireMoment("created"),
        WireMoment("modified"),
    ),
)
MEASUREMENTS = ById(
    catalog.MOST,
    lambda ids: (
        Measurement.objects.filter(trial__in=ids)
        .order_by("trial_id", "attempt")
        .values_list("trial_id", "step", "name", "value", "kind")
    ),
)
