"""Tasks: submitted, looked at, stopped, restarted, deleted; and refused."""

from __future__ import annotations

import json

import pytest

from apps.artifacts.models import Snapshot
from apps.experiments.models import Experiment
from tests.dialects.wmla.conftest import TASKS, Wmla, a_document

pytestmark = pytest.mark.django_db


def test_a_task_is_submitted_and_read(ada_there: Wmla) -> None:
    made = ada_there.submit(repr(a_document()))
    name = made.json()
    found = ada_there.get(f"{TASKS}/{name}")

    assert made.status_code == 201, made.content
    assert name.startswith("ada-hpo-")
    record = found.json()
    assert (record["hpoName"], record["state"], record["progress"], record["experiments"]) == (
        name,
        "SUBMITTED",
        "0/4",
        [],
    )
    experiment = Experiment.objects.get()
    assert (experiment.name, experiment.dialect, experiment.sampler, experiment.seed) == (name, "wmla", "random", 2)
    assert json.loads(experiment.submitted) == a_document()
    assert [one["path"] for one in Snapshot.objects.get().files] == ["digits/helper.py", "digits/main.py"]
    assert experiment.job["command"]["working_dir"] == "digits"
