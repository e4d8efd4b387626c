"""What a job has to say, as the text that a client streams: lines are only ever added."""

from __future__ import annotations

import json
from pathlib import Path

from apps.dialects.azureml.files import LOGS
from apps.dialects.azureml.naming import Child
from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Trial
from tunebook.wire.azureml import trial_status

MOST_LINES = 20_000


def text_of(found: Experiment | Child) -> str:
    """A trial's own output, what it wrote as errors once it has ended; for a command job that of its one trial; for a sweep a line per trial that has ended."""
    if isinstance(found, Child):
        return _output(found.experiment, found.trial)
    named = getattr(found, "arm_job", None)
    if named is not None and named.job_type == "Command":
        trial = Trial.objects.filter(experiment=found, number=0).first()
        return _output(found, trial) if trial is not None else ""
    return _trials(found)


def _trials(experiment: Experiment) -> str:
    ended = Trial.objects.filter(experiment=experiment, ended__isnull=False).order_by("ended", "number")
    lines = [_line(experiment, trial) for trial in ended[:MOST_LINES]]
    if experiment.has_ended:
        lines.append(f"{experiment.ended_count} trials, {_best(experiment)}")
    return "".join(f"{line}\n" for line in lines)


def _best(experiment: Experiment) -> str:
    if experiment.best_value is None:
        return "none with a value"
    return f"best {experiment.metric}={experiment.best_value:.6g} by trial {experiment.best_trial}"


def _line(experiment: Experiment, trial: Trial) -> str:
    value = trial.value if trial.value is not None else trial.last_value
    said = f" {experiment.metric}={value:.6g}" if value is not None else ""
    why = f" ({trial.reason})" if trial.reason else ""
    # databases keep members in orders of their own
    params = json.dumps(trial.params, ensure_ascii=False, sort_keys=True)
    moment = f"{trial.ended:%Y-%m-%dT%H:%M:%SZ}"
    return f"{moment} trial {trial.number} {trial_status(trial.status)}{said} {params}{why}"


def _output(experiment: Experiment, trial: Trial) -> str:
    folder: Path = logs.attempt_folder(experiment.key, trial.number, max(trial.attempt_count, 1))
    files = LOGS.values() if trial.has_ended else [LOGS["user_logs/std_log.txt"]]
    lines = [line for file in files for line in logs.page([folder / file], 1, MOST_LINES).lines]
    return "".join(f"{line}\n" for line in lines)
