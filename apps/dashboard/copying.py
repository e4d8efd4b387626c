"""The parameters of a trial as texts to copy: for a program, a shell, our command line, our API."""

from __future__ import annotations

import json
import shlex
from typing import Any

from django.http import HttpRequest

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tunebook.job import Job

Copy = tuple[str, str]


def copies(request: HttpRequest, experiment: Experiment, job: Job, trial: Trial) -> list[Copy]:
    """What can be copied of a trial, each with its name."""
    server = request.build_absolute_uri("/").rstrip("/")
    address = f"{server}/api/tunebook/v1/experiments/{experiment.key}/trials/{trial.number}"
    return [
        ("JSON", json.dumps(trial.params, ensure_ascii=False, indent=2)),
        ("Python", python(trial.params)),
        ("Shell", shell(job, trial)),
        (
            "CLI",
            f"tunebook best {experiment.key} --json" if trial.number == experiment.best_trial else _shown(experiment),
        ),
        ("API call", f'curl -H "Authorization: Bearer $TUNEBOOK_TOKEN" {shlex.quote(address)}'),
    ]


def python(params: dict[str, Any]) -> str:
    """The parameters as a Python assignment, a line each."""
    lines = [f"    {name!r}: {value!r}," for name, value in params.items()]
    return "\n".join(["params = {", *lines, "}"])


def shell(job: Job, trial: Trial) -> str:
    """The commands with these parameters filled in, as they would be typed."""
    values = job.command.variables(trial.params, trial_id=trial.key, space=job.space)
    steps = job.command.filled_steps(values)
    return "\n".join(step if isinstance(step, str) else shlex.join(step) for step in steps)


def _shown(experiment: Experiment) -> str:
    return f"tunebook export {experiment.key} --format json"
