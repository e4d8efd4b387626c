from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from apps.dashboard.declared import filled_from
from apps.dashboard.method_words import POLICY_OPTIONS, SAMPLER_OPTIONS
from apps.dashboard.space_rows import rows_of
from apps.experiments.models import Experiment
from apps.workspaces.models import Workspace
from tests.people import a_job
from tunebook import Space
from tunebook.command import Command
from tunebook.distributions import (
    Choice,
    LogNormal,
    LogUniform,
    Normal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    Uniform,
)
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.platform import Platform
from tunebook.policies import POLICIES, MedianStoppingPolicy
from tunebook.readings import Readings
from tunebook.samplers import SAMPLERS
from tunebook.sampling import Sampling
from tunebook.schedule import Schedule

Make = Callable[..., Experiment]
NEW = "/w/lab/new"


def typed(rows: list[dict[str, str]] | None = None, **fields: str) -> dict[str, str]:
    """The form as somebody might send it."""
    rows = rows if rows is not None else [{"name": "x", "type": "uniform", "low": "0", "high": "1"}]
    form = {
        "name": "typed",
        "accessibility": "PUBLIC",
        "metrics": "loss",
        "goal": "minimize",
        "mode": "final",
        "sampler": "random",
        "seed": "7",
        "max_trials": "20",
        "max_concurrent": "2",
        "steps": "python train.py --x ${x}",
        "reading": "report",
        "space-TOTAL_FORMS": str(len(rows)),
        "space-INITIAL_FORMS": "0",
    }
    form |= {f"space-{place}-{name}": text for place, row in enumerate(rows) for name, text in row.items()}
    return {**form, **fields}


def job_form(job: Job, **fields: str) -> dict[str, str]:
    """The form as the page fills it from a job."""
    filled = {name: "" if value is None else str(value) for name, value in filled_from(job).items()}
    return {**typed(rows_of(job.space)), **filled, "name": "copy", "accessibility": "PUBLIC", **fields}


def made() -> Experiment:
    return Experiment.objects.latest("pk")


def test_viewers_may_not_and_outsiders_see_nothing(as_ben: Client, as_cleo: Client) -> None:
    assert as_ben.get(NEW).status_code == 403
    assert as_ben.post(NEW, typed(do="create")).status_code == 403
    assert as_cleo.get(NEW).status_code == 404


def test_what_is_typed_becomes_an_experiment(as_dora: Client) -> None:
    rows = [
        {"name": "lr", "type": "loguniform", "low": "1e-4", "high": "0.1"},
        {"name": "batch", "type": "choice", "choices": "16, 32, big"},
        {"name": "layers", "type": "randint", "low": "1", "high": "4"},
        {"name": "", "type": "uniform"},
    ]
    form = typed(
        rows, do="create", tags="vision, team=a", target="0.1", steps="train --lr ${lr}", max_seconds="1 h 30 m"
    )

    response = as_dora.post(NEW, form)

    one = made()
    job = Job.from_dict(one.job)
    assert response["Location"] == f"/w/lab/e/{one.key}/"
    assert (one.name, one.status, one.seed, one.creator.username) == ("typed", "WAITING", 7, "dora")
    assert {str(tag) for tag in one.tags.all()} == {"vision", "team:a"}
    assert job.space.to_dict() == {
        "lr": LogUniform.between(1e-4, 0.1).to_dict(),
        "batch": Choice([16, 32, "big"]).to_dict(),
        "layers": Randint(5, lower=1).to_dict(),
    }
    assert (job.objective.target, job.limits.max_seconds, job.sampling.name) == (0.1, 5400, "random")


def test_the_form_begins_with_the_visibility_that_the_workspace_has_for_new_ones(
    as_dora: Client, workspace: Workspace
) -> None:
    assert as_dora.get(NEW).context["form"]["accessibility"].value() == "PUBLIC"

    Workspace.objects.update(default_accessibility="PRIVATE")

    assert as_dora.get(NEW).context["form"]["accessibility"].value() == "PRIVATE"


def test_a_preview_shows_a_choice_of_nothing(as_dora: Client) -> None:
    rows = [{"name": "depth", "type": "choice", "choices": "null"}]

    shown = as_dora.post(NEW, typed(rows, do="preview"))

    assert shown.context["preview"]["rows"][0] == ["null"]
    assert shown.context["preview"]["parallel"]["rows"][0] == ["null"]


def test_created_paused_does_not_start(as_dora: Client) -> None:
    as_dora.post(NEW, typed(do="create-paused"))

    assert made().status == "CREATED"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"metrics": ""}, "metrics", "required"),
        ({"metrics": "loss\nloss"}, "metrics", "given twice"),
        ({"trial_memory": "2 GiB"}, "trial_memory", "whole number"),
        ({"max_concurrent": "0"}, "max_concurrent", "greater than or equal to 1"),
        ({"max_trials": "many"}, "max_trials", "whole number"),
        ({"max_seconds": "soon"}, "max_seconds", "Write a time like"),
        ({"max_seconds": "0.5 s"}, "max_seconds", "must be from 1"),
        ({"seed": "-1"}, "seed", "greater than or equal to 0"),
        ({"sampler": "magic"}, "sampler", "not one of the available choices"),
        ({"sampler": "tpe", "sampler_options": "n_start=3"}, "sampler_options", "n_startup"),
        ({"sampler": "tpe", "sampler_options": "what"}, "sampler_options", "name=value"),
        ({"sampler": "tpe", "sampler_options": "gamma=x"}, "sampler_options", "gamma: must be a number"),
        ({"sampler": "experiments"}, "sampler_options", "experiments: is required"),
        ({"policy": "bandit"}, "policy_options", "slack"),
        ({"policy": "truncation_selection"}, "policy_options", "truncation_percentage: is required"),
        ({"policy_options": "delay_evaluation=5"}, "policy_options", "no rule"),
        ({"steps": ""}, "steps", "required"),
        ({"steps": "train ${X}"}, "steps", "did you mean ${x}"),
        ({"reading": "json"}, "sources", "at least one source"),
        ({"reading": "stdout"}, "metrics", "must have a group"),
        ({"target": "nan"}, "target", "number"),
        ({"tags": "aliyun-x"}, "tags", "must not start with"),
        ({"accessibility": "SECRET"}, "accessibility", "not one of the available choices"),
        ({"name": "x" * 256}, "name", "at most 255"),
    ],
)
def test_each_error_stands_at_its_field_and_nothing_typed_is_lost(
    as_dora: Client, change: dict[str, str], field: str, words: str
) -> None:
    response = as_dora.post(NEW, typed(do="create", description="kept words", **change))

    form = response.context["form"]
    assert response.status_code == 400
    assert words in " ".join(form.errors[field])
    assert list(form.errors) == [field]
    assertContains(response, "kept words", status_code=400)
    assert Experiment.objects.count() == 0


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"name": "", "type": "uniform", "low": "0", "high": "1"}, "name", "is needed"),
        ({"name": "x", "type": "uniform", "low": "", "high": "1"}, "low", "is needed"),
        ({"name": "x", "type": "uniform", "low": "a", "high": "1"}, "low", "must be a number"),
        ({"name": "x", "type": "uniform", "low": "2", "high": "1"}, "high", "2"),
        ({"name": "x", "type": "loguniform", "low": "0", "high": "1"}, "low", "0"),
        ({"name": "x", "type": "quniform", "low": "0", "high": "1", "step": "0"}, "step", "0"),
        ({"name": "x", "type": "randint", "low": "0.5", "high": "3"}, "low", "whole number"),
        ({"name": "x", "type": "normal", "mu": "0", "sigma": "-1"}, "sigma", "-1"),
        ({"name": "x", "type": "choice", "choices": ""}, "choices", "at least one value"),
        ({"name": "x", "type": "choice", "choices": "[1, 2"}, "choices", "JSON list"),
        ({"name": "x", "type": "choice", "choices": 'adam, {"_name": "sgd"'}, "choices", "JSON object"),
        (
            {"name": "x", "type": "choice", "choices": '{"_name": "sgd", "m": {"_type": "uniform", "_value": [0]}}'},
            "choices",
            "0.m._value: uniform takes 2 numbers",
        ),
        ({"name": "x", "type": "magic"}, "type", "not one of the available choices"),
    ],
)
def test_each_wrong_parameter_says_so_in_its_row(as_dora: Client, row: dict[str, str], field: str, words: str) -> None:
    response = as_dora.post(NEW, typed([row], do="create", steps="true"))

    errors = response.context["form"].rows.forms[0].errors
    assert response.status_code == 400
    assert words in " ".join(errors[field])
    assert Experiment.objects.count() == 0


def test_small_numbers_are_written_as_everywhere_else() -> None:
    assert rows_of(Space({"lr": LogUniform.between(1e-5, 0.1)}))[0]["low"] == "1e-5"


def test_nested_parameters_are_understood_in_nnis_words_too(as_dora: Client) -> None:
    nested = 'adam, {"_name": "sgd", "momentum": {"_type": "uniform", "_value": [0, 0.9]}}'

    as_dora.post(NEW, typed([{"name": "x", "type": "choice", "choices": nested}], do="create"))

    assert Job.from_dict(made().job).space["x"] == Choice(["adam", {"_name": "sgd", "momentum": Uniform(0, 0.9)}])


def test_the_form_tells_what_the_options_of_each_sampler_and_rule_do(as_dora: Client) -> None:
    response = as_dora.get(NEW)

    assert {name: tuple(map(str, one.options)) for name, one in SAMPLERS.items() if one.options} == SAMPLER_OPTIONS
    for name, policy in POLICIES.items():
        told = {re.match(r"\w+", line)[0] for line in POLICY_OPTIONS[name]}  # type: ignore[index]
        assert told == {option.name for option in fields(policy)}
    assertContains(response, "n_startup (10): trials spread evenly before the model is asked")
    assertContains(response, "truncation_percentage: the share to cut")


def test_a_name_that_stands_twice_is_refused(as_dora: Client) -> None:
    row = {"name": "x", "type": "uniform", "low": "0", "high": "1"}

    response = as_dora.post(NEW, typed([row, row], do="create"))

    assert "stands twice" in str(response.context["form"].rows.forms[1].errors["name"])


def test_a_space_without_parameters_is_refused(as_dora: Client) -> None:
    response = as_dora.post(NEW, typed([{"name": "", "type": "uniform"}], do="create", steps="true"))

    assertContains(response, "The search space has no parameter yet.", status_code=400)


EVERYTHING = a_job(
    space=Space(
        {
            "a": Uniform(0, 1),
            "b": QUniform(0, 10, 0.5),
            "c": LogUniform(-7, 0),
            "d": QLogUniform.between(1, 100, 1),
            "e": Normal(0, 1),
            "f": QNormal(0, 2, 0.5),
            "g": LogNormal(0, 1),
            "h": Randint(7),
            "i": Choice(["x, y", "true", True, 1, "1", None]),
            "j": Choice([{"_name": "svm", "C": LogUniform(-3, 3)}, {"_name": "bayes"}]),
        }
    ),
    objective=Objective("maximize", (Metric("acc", 0.7), Metric("top5", 0.3)), "best", 0.99),
    sampling=Sampling("tpe", {"n_startup": 5, "constant_liar": None}, 3),
    policy=MedianStoppingPolicy(delay_evaluation=4),
    limits=Limits(
        max_trials=9,
        max_seconds=5400,
        trial_seconds=90.5,
        trial_memory=2048,
        max_failed=3,
        retries=1,
        command_retries=2,
    ),
    command=Command(
        steps=(("python", "a b.py"), "one\ntwo", "train --a ${a}"),
        environment={"A": "1"},
        params_files=(("in", "out"),),
        resume=True,
        model_path="m/${trial_id}",
    ),
    readings=Readings("json", ("out.json",), "best"),
    schedule=Schedule("weekend", "08:00", "18:00"),
)


def test_a_job_that_only_passes_through_the_form_stays_as_it_is(as_dora: Client) -> None:
    response = as_dora.post(NEW, job_form(EVERYTHING, do="create"))

    assert response.status_code == 302, response.context["form"].errors
    assert made().job == EVERYTHING.to_dict()


def test_a_clone_is_the_same_form_filled_in(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(name="first", job=EVERYTHING, tags=[("team", "a")])

    response = as_dora.get(NEW, {"from": one.key})

    assertContains(response, 'value="first (copy)"')
    assertContains(response, "team=a")
    assertContains(response, "Also set by the document, and kept: schedule, environment")
    assert as_dora.get(NEW, {"from": "unknown"}).status_code == 404


def test_a_pasted_job_fills_the_form_and_keeps_the_name_typed(as_dora: Client) -> None:
    form = typed(do="read", paste=json.dumps(EVERYTHING.to_dict()))

    response = as_dora.post(NEW, form)

    assertContains(response, "Read as: Tunebook job document.")
    assertContains(response, 'value="typed"')
    assert [row["name"].value() for row in response.context["form"].rows] == list(EVERYTHING.space)
    assert Experiment.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("lr: {_type: loguniform, _value: [0.001, 1]}", "search space in the form of NNI and PAI"),
        ('{"lr": {"type": "uniform", "min_value": 0, "max_value": 1}}', "search space"),
        ('{"lr": ["uniform", [0, 1]]}', "search space in the form of Azure"),
    ],
)
def test_a_pasted_space_fills_the_rows_and_keeps_all_else(as_dora: Client, text: str, kind: str) -> None:
    response = as_dora.post(NEW, typed(do="read", paste=text, steps="train --lr ${lr}"))

    assertContains(response, f"Read as: {kind}.")
    assertContains(response, "train --lr ${lr}")
    assert [row["name"].value() for row in response.context["form"].rows] == ["lr"]


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[1, 2]", '{"a": 1}', '{"space": {}, "objective": 3}'])
def test_a_paste_that_nobody_knows_is_kept_with_the_error(as_dora: Client, text: str) -> None:
    response = as_dora.post(NEW, typed(do="read", paste=text))

    assert response.status_code == 400
    assert response.context["paste_error"]
    assert response.context["paste"] == text
    assertContains(response, "${x}", status_code=400)


def test_a_preview_shows_twenty_suggestions_and_creates_nothing(as_dora: Client) -> None:
    response = as_dora.post(NEW, typed(do="preview"))

    preview: dict[str, Any] = response.context["preview"]
    assert len(preview["rows"]) == 20
    assert all(0 <= row[0] <= 1 for row in preview["rows"])
    assert json.loads(preview["document"])["space"]["x"]["type"] == "uniform"
    assert Experiment.objects.count() == 0


@pytest.mark.parametrize("sampler", ["auto", "random", "sobol", "tpe"])
def test_a_preview_of_nested_spaces_leaves_what_is_not_chosen_empty(as_dora: Client, sampler: str) -> None:
    response = as_dora.post(NEW, job_form(EVERYTHING, do="preview", sampler=sampler, sampler_options=""))

    assert response.status_code == 200, response.context["form"].errors
    preview = response.context["preview"]
    column = preview["names"].index("j.C")
    assert any(row[column] is None for row in preview["rows"])


def test_the_same_seed_previews_the_same(as_dora: Client) -> None:
    first, second = (as_dora.post(NEW, typed(do="preview")).context["preview"]["rows"] for _ in range(2))

    assert first == second


def test_rows_come_and_go_without_scripts(as_dora: Client) -> None:
    rows = [{"name": "x", "type": "uniform"}, {"name": "y", "type": "choice", "choices": "1,2"}]

    more = as_dora.post(NEW, typed(rows, do="add"))
    fewer = as_dora.post(NEW, typed(rows, do="remove-0"))

    assert [row["name"].value() for row in more.context["form"].rows] == ["x", "y", None]
    assert [row["name"].value() for row in fewer.context["form"].rows] == ["y"]
    assertContains(fewer, "python train.py --x ${x}")
    assertNotContains(more, "Not created yet")


@pytest.mark.parametrize("total", ["", "x", "-1", "999999999"])
def test_a_nonsense_number_of_rows_is_no_crash(as_dora: Client, total: str) -> None:
    form = {**typed(do="create"), "space-TOTAL_FORMS": total}

    assert as_dora.post(NEW, form).status_code == 400


def test_errors_of_fields_and_of_rows_are_said_together(as_dora: Client) -> None:
    rows = [{"name": "x", "type": "uniform", "low": "abc", "high": "1"}]

    form = as_dora.post(NEW, typed(rows, do="create", metrics="")).context["form"]

    assert form.errors["metrics"]
    assert form.rows.forms[0].errors["low"]


def test_all_that_is_wrong_is_said_at_once(as_dora: Client) -> None:
    wrong = {"metrics": "", "sampler": "tpe", "sampler_options": "n_start=3", "steps": "", "patience": "-1"}

    form = as_dora.post(NEW, typed([], do="create", policy="bandit", reading="json", **wrong)).context["form"]

    assert set(form.errors) == {*wrong, "__all__", "policy_options", "sources"} - {"sampler"}
    assert "no parameter yet" in str(form.errors["__all__"])


def test_trials_run_on_the_cluster_where_there_is_one(as_ada: Client, settings: Any) -> None:
    without = as_ada.get(NEW)
    settings.TUNEBOOK_RAY_ADDRESS = "http://127.0.0.1:8265"
    offered = as_ada.get(NEW)

    as_ada.post(NEW, typed(do="create", platform="RAY", cpus="", gpus="0.5"))

    assertNotContains(without, "on the Ray cluster")
    assertContains(offered, "on the Ray cluster")
    assertContains(offered, "run in order.")
    assert made().job["platform"] == {"name": "RAY", "cpus": 1, "gpus": 0.5}


def test_a_clone_stays_on_the_cluster(as_ada: Client, settings: Any) -> None:
    settings.TUNEBOOK_RAY_ADDRESS = "http://127.0.0.1:8265"
    job = a_job(platform=Platform(name="RAY", cpus=4, gpus=1))

    as_ada.post(NEW, job_form(job, do="create"))

    assert Job.from_dict(made().job).platform == job.platform
