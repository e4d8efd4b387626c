"""Pasted texts: what they are, and why they are not."""

import json
from pathlib import Path

import pytest

from tests.tunebook.sweep.test_loading import OLD, SWEEP
from tests.tunebook.wire.test_azureml import old, today
from tests.tunebook.wire.test_hyperdrive import a_document
from tests.tunebook.wire.test_pai_load import MINIMAL
from tunebook import Choice, LogUniform, QUniform, SpecError, Uniform, examples
from tunebook.job import Job
from tunebook.space import Space
from tunebook.wire import pai
from tunebook.wire.recognise import KINDS, own_tags, recognise, title
from tunebook.wire.text import parse

EXAMPLES = Path(examples.__file__).parent
JOB = {
    "space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "maximize", "metrics": [{"name": "a"}]},
    "command": {"steps": ["train ${lr}"]},
}


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        (json.dumps(JOB), "job", Job.from_dict(JOB)),
        (json.dumps(MINIMAL), "pai", pai.load(MINIMAL)),
        (json.dumps({"Name": "x", pai.PATH: MINIMAL}), "pai", pai.load(MINIMAL)),
        ('{"lr": {"type": "uniform", "min_value": 0, "max_value": 1}}', "space", Space({"lr": Uniform(0, 1)})),
        ('{"${lr}": {"_type": "uniform", "_value": [0, 1]}}', "typed_space", Space({"lr": Uniform(0, 1)})),
        ('{"lr": ["loguniform", [-9, -2]]}', "expression_space", Space({"lr": LogUniform(-9, -2)})),
        ("lr: [quniform, [0, 1, 0.5]]", "expression_space", Space({"lr": QUniform(0, 1, 0.5)})),
        (
            "lr:\n  _type: loguniform\n  _value: [1e-4, 1e-1]",
            "typed_space",
            Space({"lr": LogUniform.between(1e-4, 0.1)}),
        ),
        ('{"search_space": {"lr": ["uniform", [0, 1]]}}', "expression_space", Space({"lr": Uniform(0, 1)})),
        ("{lr: {type: uniform, min_value: 0, max_value: 1}}", "space", Space({"lr": Uniform(0, 1)})),
    ],
)
def test_a_text_is_known_by_its_shape(text, kind, found):
    assert recognise(text) == (kind, found)
    assert kind in KINDS


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        (SWEEP, "sweep", "digits"),
        (OLD, "sweep", ""),
        (json.dumps(a_document()), "hyperdrive", "digits"),
        (json.dumps({"name": "n", "properties": today()}), "azureml", "Digits"),
        (json.dumps(today()), "azureml", ""),
        (json.dumps({"properties": old()}), "azureml", ""),
    ],
)
def test_documents_of_azure_are_known(text, kind, name):
    found, job = recognise(text)

    assert (found, type(job)) == (kind, Job)
    assert kind in KINDS
    assert title(parse(text)) == name


def test_what_is_wrong_in_a_document_of_azure_has_its_path():
    with pytest.raises(SpecError) as refused:
        recognise(json.dumps({"properties": today(searchSpace={"lr": ["uniform", [1, 0]]})}))

    assert refused.value.path == "properties.searchSpace.lr.1.1"


def test_a_pasted_sweep_looks_at_no_path_of_this_machine(tmp_path):
    text = SWEEP.replace("./src", str(tmp_path))

    _, job = recognise(text)

    assert job.command.working_dir is None


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_the_examples_are_known(path):
    kind, found = recognise(path.read_bytes())

    assert (kind, type(found)) == ("pai" if "pai" in path.stem else "job", Job)


def test_a_choice_of_azure_nests_in_its_options():
    _, space = recognise('{"model": ["choice", [[{"name": "a", "lr": ["uniform", [0, 1]]}, "b"]]]}')

    assert space == Space({"model": Choice([{"name": "a", "lr": Uniform(0, 1)}, "b"])})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"lr": {"_type": "uniform", "_value": [1, 0]}}', "lr._value.1"),
        ('{"lr": ["uniform", [0]]}', "lr.1"),
        ('{"lr": ["uniform", [0, "a"]]}', "lr.1.1"),
        ('{"a": ["choice", [[1]]], "lr": ["unifrm", [0, 1]]}', "lr.0"),
        ('{"a": ["choice", [1, 2]]}', "a.1"),
        ('{"a": ["randint", [0]]}', "a.1.0"),
        ('{"a": ["randint", [1.5]]}', "a.1.0"),
        ('{"lr": {"type": "uniform", "min_value": 0}}', "lr.max_value"),
        ('{"search_space": {"lr": ["uniform", [1, 0]]}}', "search_space.lr.1.1"),
        (json.dumps({**JOB, "limits": {"max_concurrent": 0}}), "limits.max_concurrent"),
        (json.dumps({**JOB, "command": {"steps": ["train ${Lr}"]}}), "command.steps.0"),
        (json.dumps({**MINIMAL, "platform_config": {"name": "DLC", "cmd": ["a"]}}), "platform_config.name"),
        (json.dumps({pai.PATH: {}}), f"{pai.PATH}.platform_config"),
    ],
)
def test_what_is_wrong_in_a_known_text_is_named_by_its_path(text, path):
    with pytest.raises(SpecError) as refused:
        recognise(text)

    assert refused.value.path == path


@pytest.mark.parametrize("text", ["hello", "3", "[1, 2]", '{"a": 1}', "a: b", "{}", '{"search_space": {}}'])
def test_what_nobody_knows_is_refused(text):
    with pytest.raises(SpecError):
        recognise(text)


@pytest.mark.parametrize(
    ("document", "tags"),
    [
        ({"type": "sweep", "experiment_name": "vision", "tags": {"a": 1, "b": None}}, {"a": "1", "b": ""}),
        ({"properties": {"jobType": "Sweep", "experimentName": "vision", "tags": {"url": "https://a"}}}, {}),
        ({"jobType": "Sweep", "experimentName": "vision", "tags": {"long": "x" * 200}}, {}),
    ],
)
def test_a_document_brings_its_own_tags_and_its_experiments_name(document, tags):
    assert own_tags(document) == {"experiment": "vision", **tags}


@pytest.mark.parametrize("document", [{}, {"type": "sweep", "tags": ["a"]}, {"properties": {"jobType": "Sweep"}}])
def test_a_document_without_tags_brings_none(document):
    assert own_tags(document) == {}
