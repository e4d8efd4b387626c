"""Each constraint of both schemas violated once: 400 in ARM's envelope, the place named, nothing stored."""

from __future__ import annotations

from typing import Any

import pytest

from apps.dialects.azureml.models import ArmJob
from apps.experiments.models import Experiment
from tests.dialects.azureml.conftest import VERSION, Arm
from tests.tunebook.wire.test_azureml import OLD_WRONG, TODAY_WRONG, old, today
from tunebook.wire.azureml import OLD

WRONG = [*((VERSION, changes, path) for changes, path in TODAY_WRONG), *((OLD, *case) for case in OLD_WRONG)]
COMMAND = {"jobType": "Command", "command": "python a.py", "computeId": "c"}
OLD_COMMAND = {"jobType": "Command", "command": "python a.py", "compute": {}}


@pytest.mark.parametrize(("version", "changes", "path"), WRONG)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    ada_there: Arm, version: str, changes: dict[str, Any], path: str
) -> None:
    sent = (old if version == OLD else today)(**changes)

    answer = ada_there.put("sweep", sent, version=version)

    assert (answer.status, answer.error["code"]) == (400, "UserError")
    assert answer.error["target"] == f"properties.{path}"
    assert answer.error["message"].startswith(f"properties.{path}: ")
    assert answer.error["details"][0]["target"] == answer.error["target"]
    assert not Experiment.objects.exists() and not ArmJob.objects.exists()


@pytest.mark.parametrize(
    ("version", "properties", "path"),
    [
        (VERSION, {**COMMAND, "command": ""}, "command"),
        (VERSION, {**COMMAND, "command": "--"}, "command"),
        (VERSION, {**COMMAND, "command": None}, "command"),
        (VERSION, {**COMMAND, "codeId": 1}, "codeId"),
        (VERSION, {**COMMAND, "environmentVariables": {"a": 1}}, "environmentVariables.a"),
        (VERSION, {**COMMAND, "limits": {"timeout": "1h"}}, "limits.timeout"),
        (VERSION, {**COMMAND, "distribution": {}, "inputs": []}, "inputs"),
        (OLD, {**OLD_COMMAND, "compute": None}, "compute"),
        (OLD, {**OLD_COMMAND, "timeout": "60"}, "timeout"),
        (OLD, {**OLD_COMMAND, "outputDataBindings": {"o": {"mode": "Send"}}}, "outputDataBindings.o.mode"),
    ],
)
def test_what_is_wrong_in_a_command_job_is_named(
    ada_there: Arm, version: str, properties: dict[str, Any], path: str
) -> None:
    answer = ada_there.put("train", properties, version=version)

    assert (answer.status, answer.error["target"]) == (400, f"properties.{path}")
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "target"),
    [({"displayName": "x" * 256}, "properties.displayName"), ({"description": "x" * 10_001}, "properties.description")],
)
def test_texts_that_are_too_long_are_named_in_this_wires_words(
    ada_there: Arm, changes: dict[str, Any], target: str
) -> None:
    answer = ada_there.put("sweep", today(**changes))

    assert (answer.status, answer.error["target"]) == (400, target)
    assert not Experiment.objects.exists()
