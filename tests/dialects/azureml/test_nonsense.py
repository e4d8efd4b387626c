"""Nonsense at every place of every document: it may be refused, it may not break anything."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from apps.experiments.models import Experiment
from tests.dialects.azureml.conftest import VERSION, Arm
from tests.dialects.hyperdrive.conftest import HyperDrive, a_scope
from tests.tunebook.wire.test_azureml import old, today
from tests.tunebook.wire.test_hyperdrive import a_document
from tunebook.wire.azureml import OLD

NONSENSE = [None, 0, -1, 2**40, 1e308, "", "x" * 300, "-", [], [[]], {}, {"a": None}, True, "${lr}", "é\u202e"]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every member and item of a document."""
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*way, name)
        yield from places(member, (*way, name))


def spoiled(document: Any) -> Iterator[Any]:
    """The document with one place after the other put to each nonsense."""
    for *way, last in places(document):
        for nonsense in NONSENSE:
            copied = copy.deepcopy(document)
            place = copied
            for name in way:
                place = place[name]
            place[last] = nonsense
            yield copied


@pytest.mark.parametrize(("version", "properties"), [(VERSION, today()), (OLD, old())])
def test_no_sweep_breaks_the_server(ada_there: Arm, version: str, properties: dict[str, Any]) -> None:
    for number, document in enumerate(spoiled(properties)):
        answer = ada_there.put(f"job-{number}", document, version=version)

        assert answer.status in (201, 400), (document, answer)
        if answer.status == 400:
            assert answer.error["target"].startswith("properties"), (document, answer)
        else:
            assert ada_there.get(f"job-{number}", version=VERSION).status == 200
            assert ada_there.get(f"job-{number}", version=OLD).status == 200
    assert ada_there.list(listViewType="All").status == 200
    assert Experiment.objects.exists()


def test_no_change_of_a_sweep_breaks_the_server(ada_there: Arm) -> None:
    ada_there.put("sweep", today())

    for document in list(spoiled(today()))[::3]:
        assert ada_there.put("sweep", document).status in (200, 400, 409), document
    assert ada_there.get("sweep").status == 200


def test_no_command_job_breaks_the_server(ada_there: Arm) -> None:
    command = {"jobType": "Command", "command": "a1", "computeId": "c", "inputs": {"a": {"jobInputType": "literal"}}}

    for number, document in enumerate(spoiled(command)):
        assert ada_there.put(f"job-{number}", document).status in (201, 400), document


def test_no_hyperdrive_document_breaks_the_server(ada_there: Arm) -> None:
    there = HyperDrive(None, a_scope("lab"))
    there.client = ada_there.client

    for document in list(spoiled(json.loads(json.dumps(a_document()))))[::2]:
        assert there.create(document).status in (201, 400), document


@pytest.mark.parametrize("path", ["environments/e/versions/1", "codes/c/versions/1", "jobs/j"])
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"3", b'{"properties": 3}', b'{"properties": {"codeUri": 3}}'])
def test_nonsense_for_an_asset_is_refused(ada_there: Arm, path: str, body: bytes) -> None:
    answer = ada_there.call("PUT", f"{ada_there.base}/{path}", body or None)

    assert answer.status == 400 or (path.startswith("environments") and b"codeUri" in body)


@pytest.mark.parametrize("name", ["%00", "%ff", "a%2Fb", "..", "a" * 3000, "%F0%9F%98%80"])
def test_odd_names_are_no_jobs(ada_there: Arm, name: str) -> None:
    for path in (f"{ada_there.base}/jobs/{name}", f"/azureml/history/v1.0{ada_there.base}/runs/{name}/details"):
        assert ada_there.call("GET", path).status in (400, 404)
