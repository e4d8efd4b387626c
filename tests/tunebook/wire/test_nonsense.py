"""Whatever stands anywhere in a document: it is read, or refused as what it is, and nothing else happens."""

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tunebook.test_job import FULL
from tests.tunebook.wire.test_pai_load import a_configuration
from tunebook import SpecError
from tunebook.job import Job
from tunebook.space import Space
from tunebook.wire import pai
from tunebook.wire.recognise import recognise, recognise_document

CONFIGURATION = a_configuration(
    platform_config={"resume": "1"},
    yml_config={
        "trial_concurrency": 5,
        "max_trial_number": 100,
        "tuner": {"name": "TPE", "class_args": {"optimize_mode": "minimize", "tpe_args": {"gamma": 0.25}}},
        "assessor": {"name": "PAIAssessor", "class_args": {"start_step": 2, "proportion": 0.4, "moving_avg": "true"}},
    },
    params_config={"params_src_dst_filepath": ["a,b"]},
    output_config={"model_path": "/m/${exp_id}"},
    schedule_config={"day": "weekend", "start_time": "22:00", "end_time": "06:00"},
    monitor_config={"url": "https://hooks.example.com/", "at_mobiles": "['1']", "is_at_all": "True"},
    oss_config={"accessKeySecret": "s"},
    search_space={
        "${lr}": {"_type": "qloguniform", "_value": [1, 100, 2]},
        "m": {"_type": "choice", "_value": [{"_name": "a", "C": {"_type": "normal", "_value": [0, 1]}}, "b"]},
        "n": {"_type": "randint", "_value": [0, 5]},
    },
)
AZURE = {"lr": ["qloguniform", [0, 1, 0.5]], "m": ["choice", [[{"a": ["uniform", [0, 1]]}, 2]]]}
words = st.sampled_from(["", "lr", "choice", "_name", "${", "${}", "LOCAL", "TPE", "1", "nan", "(", "\x00", "${lr}"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node of a document."""
    found = [path] if path else []
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, member in members:
        found += places(member, (*path, name))
    return found


@st.composite
def broken(draw: st.DrawFn, document: Any) -> Any:
    """The document with one or two of its nodes replaced."""
    result = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(places(result)))
        node = result
        for step in way:
            node = node[step]
        node[last] = draw(values)
    return result


def outcome(read: Callable[[Any], Any], document: Any) -> Any:
    """What became of the document: what was read, or the refusal."""
    try:
        return read(document)
    except SpecError as refusal:
        return refusal


def comes_back(job: Job) -> bool:
    return Job.from_dict(json.loads(json.dumps(job.to_dict()))) == job


@quickly
@given(broken(CONFIGURATION))
def test_a_broken_configuration_is_read_or_refused(document):
    found = outcome(pai.load, document)

    assert comes_back(found) if isinstance(found, Job) else found.path.startswith(pai.PATH)


@quickly
@given(broken(CONFIGURATION))
def test_a_broken_configuration_is_still_told(document):
    told = [pai.config_ini(document), pai.config_yml(document), pai.search_space_text(document)]

    assert all(isinstance(text, str) for text in told)
    assert set(pai.mask(document)) == set(document)


@quickly
@given(broken(FULL.to_dict()))
def test_a_broken_job_document_is_read_or_refused(document):
    found = outcome(lambda given: Job.from_dict(given).check(), document)

    assert comes_back(found) if isinstance(found, Job) else found.message


@quickly
@given(broken(AZURE))
def test_a_broken_azure_space_is_read_or_refused(document):
    found = outcome(recognise_document, document)

    assert isinstance(found[1], Space) if isinstance(found, tuple) else found.message


@quickly
@given(st.text(max_size=60) | st.text(alphabet='{}[]":,- \n&*!|>#a1.e', max_size=80) | st.binary(max_size=40))
def test_any_text_is_recognised_or_refused(text):
    found = outcome(recognise, text)

    assert isinstance(found, tuple) or found.message
