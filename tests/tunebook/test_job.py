"""The job document."""

import json
from pathlib import Path

import jsonschema
import pytest

from tunebook import Choice, LogUniform, Metric, Objective, QUniform, Randint, SpecError, Uniform, examples
from tunebook.command import Command
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.monitor import Monitor
from tunebook.policies import POLICIES, BanditPolicy, MedianStoppingPolicy
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.schedule import Schedule
from tunebook.space import Space

EXAMPLES = sorted(Path(examples.__file__).parent.glob("*.json"))


def a_job(**changes):
    parts = {
        "space": Space({"lr": LogUniform.between(1e-4, 1e-1), "n": Randint(5, 1)}),
        "objective": Objective("maximize", (Metric("accuracy"),)),
        "command": Command(steps=("train --lr ${lr}",)),
    }
    return Job(**{**parts, **changes})


def a_document(**changes):
    document = {
        "space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
        "objective": {"goal": "maximize", "metrics": [{"name": "accuracy"}]},
        "command": {"steps": ["train --lr ${lr}"]},
    }
    return {**document, **changes}


FULL = a_job(
    space=Space(
        {
            "lr": LogUniform.between(1e-4, 1e-1),
            "n": Randint(5, 1),
            "q": QUniform(0, 10, 2, clip=True),
            "model": Choice([{"_name": "svm", "C": Uniform(0, 1)}, "tree", 3, None, [1, 2]]),
        }
    ),
    sampling=Sampling("grid", {"order": "bisect"}, 3),
    policy=MedianStoppingPolicy(delay_evaluation=3),
    limits=Limits(max_trials=10, max_concurrent=2, max_seconds=3600),
    readings=Readings("json", ("metrics.json",), "best"),
    schedule=Schedule("weekend", "22:00", "06:00"),
    monitor=Monitor("https://hooks.example.com/", "sweep"),
)


def test_a_job_comes_back_from_its_document():
    assert Job.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL


def test_space_objective_and_command_are_enough():
    job = Job.from_dict(a_document())

    assert (job.sampling, job.policy, job.limits, job.readings) == (Sampling(), None, Limits(), Readings())


def test_null_means_left_out():
    job = Job.from_dict(a_document(sampling=None, policy=None, limits=None, readings=None, schedule=None))

    assert job == Job.from_dict(a_document())


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"space": None}, "space"),
        ({"objective": None}, "objective"),
        ({"command": None}, "command"),
        ({"version": 2}, "version"),
        ({"policies": {}}, "policies"),
        ({"space": {"lr": {"type": "uniform", "min_value": 1, "max_value": 0}}}, "space.lr.max_value"),
        ({"space": {"lr": {"type": "unifrm"}}}, "space.lr.type"),
        ({"objective": {"goal": "up"}}, "objective.goal"),
        ({"objective": {"metrics": [{"name": "a", "wait": 1}]}}, "objective.metrics.0"),
        ({"sampling": {"name": "magic"}}, "sampling.name"),
        ({"sampling": {"name": "grid", "options": {"a": 1}}}, "sampling.options.a"),
        ({"policy": {"name": "mercy"}}, "policy.name"),
        ({"policy": {"name": "median_stopping", "delay_evaluation": -1}}, "policy.delay_evaluation"),
        ({"limits": {"max_concurrent": 0}}, "limits.max_concurrent"),
        ({"command": {"steps": ["a"], "grace": -1}}, "command.grace"),
        ({"readings": {"type": "table"}}, "readings.sources"),
        ({"schedule": {"day": "never"}}, "schedule.day"),
        ({"monitor": {"url": "x"}}, "monitor.url"),
    ],
)
def test_a_wrong_document_is_refused_with_its_path(changes, path):
    with pytest.raises(SpecError) as refused:
        Job.from_dict(a_document(**changes))

    assert refused.value.path == path


@pytest.mark.parametrize("document", [None, [], "job", 3])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(SpecError, match="must be an object"):
        Job.from_dict(document)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"command": Command()}, "command.steps"),
        ({"command": Command(steps=("train ${rl}", "x ${lrr}"))}, "command.steps.1"),
        ({"command": Command(steps=("a",), model_path="/m/${trail_id}")}, "command.model_path"),
        ({"command": Command(steps=("a",), params_files=(("in", "out/${zz}"),))}, "command.params_files.0.destination"),
        (
            {"readings": Readings("stdout", ("cmd2",)), "objective": Objective(metrics=(Metric("a=(.*)"),))},
            "readings.sources.0",
        ),
        (
            {"readings": Readings("stdout"), "objective": Objective(metrics=(Metric("accuracy"),))},
            "objective.metrics.0.name",
        ),
        (
            {"readings": Readings("stdout"), "objective": Objective(metrics=(Metric("a=("),))},
            "objective.metrics.0.name",
        ),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changes, path):
    with pytest.raises(SpecError) as refused:
        a_job(**changes).check()

    assert refused.value.path == path


def test_bounds_of_another_base_mean_the_same_to_everybody():
    job = a_job(space=Space({"lr": LogUniform(-4, -1)}), sampling=Sampling("random", {"rule": "sobol", "logbase": 10}))

    assert job.space["lr"].describe() == "0.0001 to 0.1, log"
    assert job.space.contains({"lr": 0.0002})
    assert job.sampling == Sampling("random", {"rule": "sobol"})
    assert Job.from_dict(job.to_dict()) == job


def test_a_base_with_which_the_bounds_cannot_be_reckoned_is_refused():
    job = a_job(space=Space({"lr": LogUniform(-4, -1)}), sampling=Sampling("random", {"logbase": 1e300}))

    with pytest.raises(SpecError, match="does not fit lr") as refused:
        job.check()

    assert refused.value.path == "sampling.options.logbase"


def test_a_job_whose_parts_fit_is_given_back():
    job = a_job(readings=Readings("stdout", ("cmd1",)), objective=Objective(metrics=(Metric(r"loss=([-\d.e]+)"),)))

    assert job.check() is job


@pytest.mark.parametrize(
    "job",
    [
        a_job(),
        FULL,
        *[
            a_job(policy=kind(**({"slack_factor": 0.1} if kind is BanditPolicy else {})))
            for kind in POLICIES.values()
            if kind.name != "truncation_selection"
        ],
    ],
)
def test_the_published_schema_takes_every_job(job):
    assert schema_problems(job.to_dict()) == []


def test_the_published_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(Job.json_schema())


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"extra": 1},
        {"space": {"lr": {"type": "uniform", "min_value": 0}}},
        {"space": {"lr": {"type": "loguniform", "low": 1}}},
        {"space": {"lr": {"type": "unifrm", "min_value": 0, "max_value": 1}}},
        {"space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1, "q": 1}}},
        {"objective": {"goal": "up"}},
        {"sampling": {"name": "magic"}},
        {"sampling": {"name": "auto", "options": {"a": 1}}},
        {"policy": {"name": "mercy"}},
        {"limits": {"max_concurrent": 0}},
        {"limits": {"max_trails": 1}},
        {"command": {"steps": []}},
        {"command": {"steps": [""]}},
        {"command": {"steps": ["a"], "environment": {"TUNEBOOK_URL": "x"}}},
        {"readings": {"type": "paper"}},
        {"schedule": {"start": "25:00"}},
        {"monitor": {"keyword": "x"}},
    ],
)
def test_what_the_published_schema_refuses_is_refused(changes):
    document = a_document(**changes)

    assert not jsonschema.Draft202012Validator(Job.json_schema()).is_valid(document)
    with pytest.raises(SpecError):
        Job.from_dict(document).check()


@pytest.mark.parametrize("path", [path for path in EXAMPLES if "_" not in path.stem], ids=lambda path: path.stem)
def test_the_examples_are_jobs_and_fit_the_schema(path):
    document = json.loads(path.read_text())

    assert problem_of(Job.from_dict(document)) == ""
    assert schema_problems(document) == []


@pytest.mark.parametrize("name", ["loss=([0-9.]+)", "a=(.*)", r"acc: (\d+)", "f1 (x+)"])
def test_a_reported_metric_that_looks_like_an_expression_is_refused(name):
    job = a_job(objective=Objective("maximize", (Metric(name),)))

    with pytest.raises(SpecError, match=r'objective.metrics.0.name: looks like a regular expression.*type "stdout"'):
        job.check()


@pytest.mark.parametrize("name", ["loss (val)", "R^2", "top-5 [%]", "f(x)", "a.b/c", "recall@10 (k=10)"])
def test_names_with_marks_in_them_are_names(name):
    assert problem_of(a_job(objective=Objective("maximize", (Metric(name),)))) == ""


def problem_of(job):
    """Why a job is refused; empty when it is not."""
    try:
        job.check()
    except SpecError as error:
        return str(error)
    return ""


def schema_problems(document):
    """What the published schema finds wrong with a document."""
    return [error.message for error in jsonschema.Draft202012Validator(Job.json_schema()).iter_errors(document)]
