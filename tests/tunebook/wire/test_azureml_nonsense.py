"""Whatever stands anywhere in a document of Azure: it is read, or refused as what it is, and nothing else happens."""

import json

import pytest
import yaml
from hypothesis import given

from tests.tunebook.sweep.test_loading import OLD as OLD_FILE
from tests.tunebook.sweep.test_loading import SWEEP
from tests.tunebook.wire.test_azureml import old, today
from tests.tunebook.wire.test_hyperdrive import a_document
from tests.tunebook.wire.test_nonsense import broken, comes_back, outcome, quickly
from tunebook import SpecError
from tunebook.job import Job
from tunebook.sweep.loading import load_document
from tunebook.wire import azureml, hyperdrive
from tunebook.wire.azureml import OLD, TODAY
from tunebook.wire.recognise import recognise_document

NESTED = {"m": ["choice", [[{"lr": ["uniform", [0, 1]]}, "b"]]], "q": ["qloguniform", [0, 1, 0.5]]}
BANDIT = {"name": "Bandit", "properties": {"slack_factor": 0.1, "evaluation_interval": 2}}


@quickly
@given(broken(a_document(policy_config=BANDIT, generator_config={"name": "RANDOM", "parameter_space": NESTED})))
def test_a_broken_hyperdrive_document_is_read_or_refused(document):
    found = outcome(hyperdrive.load, document)

    assert comes_back(found) if isinstance(found, Job) else found.message
    outcome(hyperdrive.details, document)


@quickly
@given(broken(today(searchSpace=NESTED, trial={"command": "a", "distribution": {"distributionType": "Mpi"}})))
def test_broken_properties_are_read_or_refused(properties):
    found = outcome(azureml.load, properties)

    assert comes_back(found) if isinstance(found, Job) else found.path.startswith("properties")
    outcome(azureml.details, properties)


@quickly
@given(broken(old()))
def test_broken_properties_of_2021_are_read_or_refused(properties):
    found = outcome(lambda given: azureml.load(given, OLD), properties)

    if isinstance(found, Job):
        assert comes_back(found)
        azureml.converted(properties, OLD, TODAY)
    else:
        assert found.path.startswith("properties")


@quickly
@given(broken(today()))
def test_properties_that_are_read_have_the_other_shape(properties):
    if isinstance(outcome(azureml.load, properties), Job):
        azureml.converted(properties, TODAY, OLD)


@quickly
@given(broken(yaml.safe_load(SWEEP)) | broken(yaml.safe_load(OLD_FILE)))
def test_a_broken_sweep_file_is_read_or_refused(document):
    found = outcome(recognise_document, document)

    assert comes_back(found[1]) if isinstance(found, tuple) and isinstance(found[1], Job) else found
    outcome(load_document, document)


@pytest.mark.parametrize("document", [a_document(), today(), old()])
def test_the_documents_themselves_are_read(document):
    kind, job = recognise_document(document)

    assert (type(job), bool(kind)) == (Job, True)
    assert json.dumps(job.to_dict())


def test_a_document_that_is_no_object_is_refused():
    for read in (hyperdrive.load, azureml.load, load_document):
        for document in (None, [], "x", 3):
            with pytest.raises(SpecError):
                read(document)
