"""Words that were sent in another spelling are told in the one that today's clients know."""

import pytest

from tests.tunebook.wire.test_azureml import old, today
from tunebook import SpecError
from tunebook.wire import azureml
from tunebook.wire.azureml import OLD, TODAY


def told(**changes):
    properties = today(**changes)
    azureml.load(properties)  # nothing that is refused has to be told
    return azureml.converted(properties, TODAY, TODAY)


def test_a_document_in_todays_words_is_told_as_it_is():
    assert azureml.converted(today(), TODAY, TODAY) == today()


@pytest.mark.parametrize(
    ("member", "sent", "expected"),
    [
        ("jobType", "sweep", "Sweep"),
        ("searchSpace", {"lr": ["Uniform", [0, 1]], "bs": ["CHOICE", [[1]]]}, {"lr": ["uniform", [0, 1]], "bs": ["choice", [[1]]]}),
        ("limits", {"timeout": "pt1h"}, {"timeout": "PT1H", "jobLimitsType": "Sweep"}),
        ("limits", {"jobLimitsType": "Command", "maxTotalTrials": 3}, {"jobLimitsType": "Sweep", "maxTotalTrials": 3}),
        ("limits", None, None),
        ("identity", {"identityType": "amltoken"}, {"identityType": "AMLToken"}),
        ("identity", {}, {}),
        ("inputs", {"n": {"value": "x"}, "m": None}, {"n": {"jobInputType": "literal", "value": "x"}}),
        (
            "inputs",
            {"n": {"jobInputType": "UriFile", "uri": "/x", "mode": "Mount"}},
            {"n": {"jobInputType": "uri_file", "uri": "/x", "mode": "ReadOnlyMount"}},
        ),
        (
            "outputs",
            {"a": {"mode": "mount"}, "b": {"jobOutputType": "URI_FILE", "mode": "Download"}, "c": None},
            {
                "a": {"jobOutputType": "uri_folder", "mode": "ReadWriteMount"},
                "b": {"jobOutputType": "uri_file", "mode": None},
            },
        ),
    ],
)  # fmt: skip
def test_another_spelling_is_told_in_todays(member, sent, expected):
    trial = {"command": "train ${{search_space.lr}} ${{search_space.bs}}"}

    assert told(**{"trial": trial, "inputs": {}, member: sent})[member] == expected


def test_mounts_of_2021_are_told_in_todays_words():
    bound = {"mode": "Mount", "dataId": "/x"}
    trial = {"command": "a", "inputDataBindings": {"d": bound, "e": {"pathOnCompute": "/y"}, "f": {}, "g": None}}

    found = azureml.converted(old(trial={**trial, "outputDataBindings": {"o": {"mode": "Mount"}}}), OLD, TODAY)

    assert found["inputs"] == {
        "d": {"jobInputType": "uri_folder", "uri": "/x", "mode": "ReadOnlyMount"},
        "e": {"jobInputType": "uri_folder", "uri": "/y"},
    }
    assert found["outputs"] == {"o": {"jobOutputType": "uri_folder", "mode": "ReadWriteMount"}}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"inputs": {"n": {"jobInputType": "table", "uri": "x"}}}, "inputs.n.jobInputType"),
        ({"inputs": {"n": {"jobInputType": "uri_file", "uri": ""}}}, "inputs.n.uri"),
        ({"inputs": {"n": {"jobInputType": "uri_file", "uri": "x", "mode": "zz"}}}, "inputs.n.mode"),
        ({"outputs": {"o": {"jobOutputType": "table"}}}, "outputs.o.jobOutputType"),
        ({"outputs": {"o": {"mode": 3}}}, "outputs.o.mode"),
        ({"queueSettings": 3}, "queueSettings"),
        ({"queueSettings": {"jobTier": 3}}, "queueSettings.jobTier"),
        ({"resources": {"properties": []}}, "resources.properties"),
        ({"trial": {"command": "a", "resources": 3}}, "trial.resources"),
        ({"trial": {"command": "a", "resources": {"instanceCount": "x"}}}, "trial.resources.instanceCount"),
    ],
)
def test_what_no_client_could_read_is_refused(changes, path):
    with pytest.raises(SpecError) as refused:
        azureml.load(today(**{"trial": {"command": "a"}, **changes}))

    assert refused.value.path == f"properties.{path}"
