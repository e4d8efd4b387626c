"""Trials as this wire tells them: jobs of their own, children of their sweep."""

from __future__ import annotations

import shlex
from typing import Any

from apps.dialects.azureml import telling
from apps.dialects.azureml.base import Scope
from apps.dialects.azureml.naming import Child
from tunebook.job import Job
from tunebook.placeholders import text_of
from tunebook.status import ExperimentStatus
from tunebook.wire import azureml
from tunebook.wire.azureml import TODAY, Facts

MAKE_FOLDERS = ["mkdir", "-p"]
"""The first step of a trial with outputs is ours, not the client's."""


def told(child: Child, scope: Scope, shape: str) -> dict[str, Any]:
    """One trial as a command job, its values filled in."""
    experiment, trial = child.experiment, child.trial
    parent, kept = telling.declared(experiment)
    parent = azureml.converted(parent, kept, TODAY)
    name = telling.child_name(telling.name_of(experiment), trial.number)
    command = Job.from_dict(experiment.job).command
    steps = command.filled_steps(command.variables(trial.params, exp_id=experiment.key, trial_id=trial.key))
    lines = [step if isinstance(step, str) else shlex.join(step) for step in steps if step[:2] != MAKE_FOLDERS]
    properties: dict[str, Any] = {
        "jobType": "Command",
        "displayName": name,
        "experimentName": telling.experiment_name(experiment, parent),
        "command": " && ".join(lines),
        "computeId": parent.get("computeId"),
        "environmentId": (parent.get("trial") or {}).get("environmentId"),
        "environmentVariables": (parent.get("trial") or {}).get("environmentVariables") or {},
        "tags": {},
        "properties": {"parent_run_id": telling.name_of(experiment)},
    }
    facts = Facts(
        id=f"{scope.path}/jobs/{name}",
        name=name,
        created=trial.created,
        modified=trial.modified,
        status=ExperimentStatus.CREATED,
        by=experiment.creator.username,
        url=scope.page(f"e/{experiment.key}/t/{trial.number}"),
    )
    answer = azureml.resource(properties, facts, shape)
    answer["properties"]["status"] = azureml.trial_status(trial.status, trial.desired)
    answer["properties"]["parameters"] = {key: text_of(value) for key, value in trial.params.items()}
    return answer
