"""Experiments and trials as the native API shows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast

from apps.dialects import catalog
from apps.dialects.encoding import encoded
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
WORDS_OF_METRIC = (COMBINED, "default", "type")
"""What a metric's name may not be to stand in an entry of `Metric` beside the objective."""

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


@lru_cache(maxsize=64)
def job_of(text: str) -> Job:
    """The job that this JSON declares. Kept, because the pages of one experiment are asked for one after the other."""
    return Job.from_dict(orjson.loads(text))


def trial_rows(experiment: str, job: Job, listed: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Trials of one experiment from the values of TRIALS, with their measurements. One query."""
    measured = MEASUREMENTS.rows([values[0] for values in listed])
    metric = _metric_writer(series_name(job.objective), measured)
    return [_trial_row(experiment, job, values, metric) for values in listed]


def _metric_writer(series: str, measured: Sequence[Sequence[Any]]) -> Callable[[int, float | None], str]:
    """What writes the measurements of a trial, by its id and its final value."""
    if series not in WORDS_OF_METRIC and all(name == series and not kind for _, _, name, _, kind in measured):
        return _of_one_metric(series, measured)
    points = _points(measured, series)
    return lambda trial, final: pai.metric(points.get(trial, ()), final, _text)


def _of_one_metric(series: str, measured: Sequence[Sequence[Any]]) -> Callable[[int, float | None], str]:
    """The same where one metric is all there is, which is usual: its values are written all at once."""
    texts = _text([value for _, _, _, value, _ in measured])[1:-1].split(",")
    found: dict[int, dict[int, str]] = {}
    for (trial, step, _, _, _), text in zip(measured, texts, strict=False):
        if trial in found:
            found[trial][step] = text
        else:
            found[trial] = {step: text}
    write = pai.single_metric(series, _text)

    def metric(trial: int, final: float | None) -> str:
        steps = found.get(trial, {})
        return write([steps[step] for step in sorted(steps)], final)

    return metric


def _points(measured: Sequence[Sequence[Any]], series: str) -> dict[int, Points]:
    """Per trial its measurements in order of step, each the objective's value and all metrics; the newest attempt counts."""
    found: dict[int, dict[int, dict[str, float]]] = {}
    for trial, step, name, value, kind in measured:
        found.setdefault(trial, {}).setdefault(step, {})[name] = number_of(value, kind)
    return {
        trial: [(steps[step].get(series), _named(steps[step])) for step in sorted(steps)]
        for trial, steps in found.items()
    }


def _named(metrics: Mapping[str, float]) -> Mapping[str, float]:
    """Without the combined objective, which is no metric of the job's."""
    return {name: value for name, value in metrics.items() if name} if COMBINED in metrics else metrics


def _trial_row(
    experiment: str, job: Job, values: Sequence[Any], metric: Callable[[int, float | None], str]
) -> dict[str, Any]:
    pk, key, number, text, status, value, created, modified = values
    params = orjson.loads(text)
    final = value if status == TrialStatus.FINISHED else None
    return {
        "TrialId": key,
        "ExperimentId": experiment,
        "ParameterId": number,
        "Hyperparam": pai.hyperparam(params, job.command.literals, _text),
        "Status": _trial_status(status),
        "Model": _model(experiment, job, key, params),
        "MetricName": "",
        "Metric": metric(pk, final),
        "FinalMetric": pai.final_metric(final),
        "JobMeta": pai.job_meta(experiment, key, number, _text),
        "UserScore": 0,
        "UserComment": "",
        "GmtCreateTime": created,
        "GmtModifiedTime": modified,
    }


def _text(value: Any) -> str:
    return encoded(value, 0).decode()


def _model(experiment: str, job: Job, trial: str, params: Mapping[str, Any]) -> str:
    path = job.command.model_path
    if not path:
        return ""
    variables = job.command.variables(params, exp_id=experiment.lower(), trial_id=trial.lower(), space=job.space)
    return job.command.fill(path, variables)


@lru_cache(maxsize=REMEMBERED)
def _trial_status(status: str) -> str:
    return pai.trial_status(status)


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
