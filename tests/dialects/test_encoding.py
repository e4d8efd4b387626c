"""Numbers that one database gives back in another form than it took them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from apps.dialects.encoding import encoded
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey
from tests.people import a_job
from tunebook import Space, Uniform


@pytest.mark.parametrize("number", [10**20, -(10**20), 2**64])
def test_a_whole_number_beyond_64_bits_is_told_as_a_float(number: int) -> None:
    told = json.loads(encoded({"a": [{"b": number}], "c": (number,), "d": 2**63, 5: float("nan")}))

    assert told == {"a": [{"b": float(number)}], "c": [float(number)], "d": 2**63, "5": None}


@pytest.mark.parametrize(
    "path",
    [
        "/api/tunebook/v1/experiments/{key}",
        "/api/tunebook/v1/experiments/{key}/trials",
        "/api/automl/v1/hpo/experiment/{key}",
        "/api/automl/v1/hpo/experiment/{key}/trials",
    ],
)
def test_large_parameters_and_bounds_are_told(key_ada: IssuedKey, make_experiment: Any, path: str) -> None:
    experiment = make_experiment(job=a_job(space=Space({"x": Uniform(0.0, 1e300)})))
    Trial.objects.create(experiment=experiment, number=0, params={"x": 5e299}, source="random", status="FINISHED")
    Experiment.objects.filter(pk=experiment.pk).update(trial_count=1, finished_count=1)
    client = Client(headers={"Authorization": f"Bearer {key_ada.token}"})

    answer = client.get(path.format(key=experiment.key))

    assert answer.status_code == 200
    assert re.search(rb"5e\+?299|1e\+?300|5\.0e|1\.0e", answer.content)
