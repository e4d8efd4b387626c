"""Samplers and policies as they are submitted: what is taken, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from apps.experiments.models import Experiment
from tests.dialects.tunebook.conftest import Ours
from tests.people import a_job

BUDGETS = {"resource": "epochs", "max_resource": 27}


def declared(sampling: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    job = a_job().to_dict() | members
    return {"name": "a sweep", "job": job if sampling is None else job | {"sampling": sampling}}


@pytest.mark.parametrize(
    "sampling",
    [
        {"name": "hyperband", "options": {**BUDGETS, "eta": 3, "rounds": 1}},
        {"name": "halving", "options": BUDGETS},
        {"name": "bohb", "options": {**BUDGETS, "random_fraction": 0.2}},
        {"name": "pbt", "options": {"population_size": 8, "fraction": 0.25}},
        {"name": "experiments", "options": {"experiments": [{"x": 0.5}, {"x": 0.25}]}},
        {"name": "plugin", "options": {"path": "/srv/plugins/mine.py", "arguments": {"sigma": 0.3}}},
    ],
)
def test_every_sampler_is_taken(ours: Ours, workspace: Any, sampling: dict[str, Any]) -> None:
    answer = ours.post("/experiments", declared(sampling))

    assert answer.status == 201, answer.body
    assert Experiment.objects.get().sampler == sampling["name"]


@pytest.mark.parametrize(
    ("sampling", "field", "words"),
    [
        ({"name": "hyperbend"}, "job.sampling.name", "did you mean hyperband"),
        ({"name": "hyperband", "options": {"etta": 3}}, "job.sampling.options.etta", "did you mean eta"),
        ({"name": "hyperband", "options": {"eta": 1}}, "job.sampling.options.eta", "of at least 2"),
        ({"name": "hyperband", "options": {"resource": "x"}}, "job.sampling.options.resource", "'x'"),
        (
            {"name": "bohb", "options": {"min_resource": 100}},
            "job.sampling.options.min_resource",
            "at most max_resource",
        ),
        ({"name": "halving", "options": {"max_resource": 2.5}}, "job.sampling.options.max_resource", "whole number"),
        ({"name": "pbt", "options": {"fraction": 0.9}}, "job.sampling.options.fraction", "at most 0.5"),
        ({"name": "experiments"}, "job.sampling.options.experiments", "required"),
        (
            {"name": "experiments", "options": {"experiments": [{"x": 0.5}, {"x": 9}]}},
            "job.sampling.options.experiments.1.x",
            "0 to 1",
        ),
        ({"name": "plugin"}, "job.sampling.options.module", "required"),
        (
            {"name": "plugin", "options": {"path": "a.py", "call_seconds": 600}},
            "job.sampling.options.call_seconds",
            "60",
        ),
        ({"name": "tpe", "warm_start": ["nothing"]}, "job.sampling.warm_start.0", "there is no experiment"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    ours: Ours, workspace: Any, sampling: dict[str, Any], field: str, words: str
) -> None:
    answer = ours.post("/experiments", declared(sampling))

    assert answer.status in (400, 422)
    assert answer.field == field
    assert words in answer.body["error"]["message"]


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"name": "curve_fitting", "threshold": 2}, "policy.threshold"),
        ({"name": "halving", "eta": 1}, "policy.eta"),
        ({"name": "nni_medianstop", "start": 1}, "policy.start"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(
    ours: Ours, workspace: Any, policy: dict[str, Any], field: str
) -> None:
    answer = ours.post("/experiments", declared(policy=policy))

    assert answer.field == f"job.{field}"


def test_parameters_by_hand_may_name_the_budget(ours: Ours, workspace: Any) -> None:
    key = ours.post("/experiments", declared({"name": "hyperband", "options": BUDGETS}))["key"]

    answer = ours.post(f"/experiments/{key}/trials", {"params": {"x": 0.5, "epochs": 27}})

    assert answer.status == 201, answer.body
