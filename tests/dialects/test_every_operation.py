"""What holds for every operation of the native API and of our own, whoever adds one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey
from tests.dialects.operations import (
    TOKEN,
    Operation,
    World,
    call,
    code_of,
    contents,
    operations,
    populated,
    text_of,
)

pytestmark = pytest.mark.django_db

Make = Callable[..., Experiment]

REPORT = "/api/tunebook/v1/attempts/report"
PERSONAL = {
    ("put", "/api/tunebook/v1/experiments/{key}/star"),
    ("delete", "/api/tunebook/v1/experiments/{key}/star"),
    ("post", "/api/tunebook/v1/experiments/{key}/space/preview"),
    ("post", "/api/tunebook/v1/workspaces/{slug}/keys"),
    ("post", "/api/tunebook/v1/workspaces/{slug}/views"),
    ("patch", "/api/tunebook/v1/workspaces/{slug}/views/{number}"),
    ("delete", "/api/tunebook/v1/workspaces/{slug}/views/{number}"),
}
"""What also a viewer may do: it changes nothing, or only what is the viewer's own."""


def is_for_people(one: Operation) -> bool:
    return one.path != REPORT


@pytest.fixture
def world(make_experiment: Make, key_ada: IssuedKey, ben: Any) -> World:
    return populated(make_experiment, key_ada.access_key_id, 1)


def token_for(operation: Operation, key: IssuedKey) -> str:
    return TOKEN if operation.path == REPORT else key.token


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_nobody_is_answered(world: World, operation: Operation) -> None:
    before = contents()

    answer = call(None, operation, world.address(operation), world.body(operation))

    assert (answer.status_code, code_of(answer)) in {(401, "unauthenticated"), (400, "MissingParameter")}
    assert contents() == before


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_a_wrong_token_is_no_token(world: World, operation: Operation) -> None:
    answer = call("tb_nonsense", operation, world.address(operation), world.body(operation))

    assert (answer.status_code, code_of(answer)) in {(401, "unauthenticated"), (404, "InvalidAccessKeyId.NotFound")}


@pytest.mark.parametrize("operation", operations(lambda one: one.is_of_an_object), ids=str)
def test_what_is_elsewhere_looks_like_what_is_nowhere(world: World, key_cleo: IssuedKey, operation: Operation) -> None:
    body = world.body(operation)
    nowhere = dict.fromkeys(("key", "experiment", "trial", "slug"), "nothing")
    before = contents()

    hidden = call(key_cleo.token, operation, world.address(operation), body)
    missing = call(key_cleo.token, operation, world.address(operation, **nowhere), body)

    assert (hidden.status_code, code_of(hidden)) == (missing.status_code, code_of(missing))
    assert hidden.status_code == 404
    said = text_of(hidden)
    for name in ("key", "slug"):
        said = said.replace(str(world.names[name]), "nothing")
    assert said == text_of(missing)
    assert contents() == before


@pytest.mark.parametrize(
    "operation",
    operations(lambda one: is_for_people(one) and not one.is_reading and (one.method, one.path) not in PERSONAL),
    ids=str,
)
def test_a_viewer_changes_nothing(world: World, key_ben: IssuedKey, operation: Operation) -> None:
    before = contents()

    answer = call(key_ben.token, operation, world.address(operation), world.body(operation))

    # 404: lies in the trash, or is known only to those who manage it; 400: what is missing is said first
    assert answer.status_code in {400, 403, 404}, answer.content
    assert contents() == before


@pytest.mark.parametrize("operation", operations(lambda one: one.is_reading), ids=str)
def test_a_viewer_reads_what_is_public(world: World, key_ben: IssuedKey, operation: Operation) -> None:
    answer = call(key_ben.token, operation, world.address(operation))

    # 403: for those who manage it; 404: there is no such thing in this world
    assert answer.status_code in {200, 403, 404}, answer.content


@pytest.mark.parametrize("operation", operations(lambda one: one.takes_json), ids=str)
def test_a_parameter_that_there_is_not_is_named(world: World, key_ada: IssuedKey, operation: Operation) -> None:
    before = contents()
    token, address = token_for(operation, key_ada), world.address(operation)

    if operation.is_reading:
        answer = call(token, operation, f"{address}{'&' if '?' in address else '?'}Nonsense=1")
    else:
        answer = call(token, operation, address, {**(world.body(operation) or {}), "Nonsense": 1})

    assert answer.status_code in {400, 404}, answer.content
    assert answer.status_code == 404 or "Nonsense" in text_of(answer)
    assert contents() == before


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_more_parameters_than_django_reads_are_refused(world: World, key_ada: IssuedKey, operation: Operation) -> None:
    before = contents()
    address = world.address(operation)
    many = "&".join(f"n{number}=1" for number in range(1001))

    answer = call(
        token_for(operation, key_ada),
        operation,
        f"{address}{'&' if '?' in address else '?'}{many}",
        world.body(operation),
    )

    assert (answer.status_code, "more fields" in text_of(answer)) == (400, True), answer.content
    assert contents() == before


@pytest.mark.parametrize("operation", operations(lambda one: bool(one.query)), ids=str)
def test_a_wrong_method_is_told_before_the_parameters_of_the_right_one(
    world: World, key_ada: IssuedKey, operation: Operation
) -> None:
    address = f"{world.address(operation).partition('?')[0]}?{operation.query[0]['name']}=1"
    answer = call(token_for(operation, key_ada), Operation("trace", operation.path), address)

    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


def wrong_texts(parameter: dict[str, Any]) -> list[str]:
    """What a query parameter of this kind must refuse."""
    schema = parameter["schema"]
    kind = schema.get("type")
    if schema.get("enum"):
        return ["nonsense", "1" * 40]
    if kind == "integer":
        beyond = [str(schema["maximum"] + 1)] if "maximum" in schema else []
        return ["one", "1.5", "-1", "9" * 40, *beyond]
    if kind == "number":
        return ["one", "1" + "0" * 400]
    if kind == "boolean":
        return ["maybe"]
    longest = [] if "maxLength" not in schema else ["x" * (schema["maxLength"] + 1)]
    return ["a%00b", *longest]


@pytest.mark.parametrize("operation", operations(lambda one: bool(one.query)), ids=str)
def test_a_wrong_parameter_is_refused_by_its_name(world: World, key_ada: IssuedKey, operation: Operation) -> None:
    address, _, given = world.address(operation).partition("?")
    wrong = []

    for name, text in ((one["name"], text) for one in operation.query for text in wrong_texts(one)):
        others = [one for one in given.split("&") if one and not one.startswith(f"{name}=")]
        answer = call(key_ada.token, operation, f"{address}?{'&'.join([*others, f'{name}={text}'])}")
        if answer.status_code != 404 and (answer.status_code != 400 or name not in text_of(answer)):
            wrong.append((name, text[:20], answer.status_code, answer.content[:200]))

    assert wrong == []


def wrong_values(schema: dict[str, Any]) -> list[Any]:
    """What a member of a body of this kind must refuse."""
    kind = schema.get("type")
    wrong: dict[Any, list[Any]] = {
        "string": [7, ["a"], {"a": 1}, "a\0b"],
        "integer": ["7", 1.5, True, [], -(2**40)],
        "number": ["7", True, []],
        "boolean": ["maybe", 7, []],
        "array": ["text", 7, {}],
        "object": ["text", 7, [1]],
    }
    longest = ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    return [*wrong.get(kind if isinstance(kind, str) else None, []), *longest]


@pytest.mark.parametrize("operation", operations(lambda one: bool(one.members)), ids=str)
def test_a_wrong_member_is_refused_by_its_name(world: World, key_ada: IssuedKey, operation: Operation) -> None:
    before = contents()
    token, address = token_for(operation, key_ada), world.address(operation)
    cases = [(name, value) for name, schema in operation.members.items() for value in wrong_values(schema)]
    wrong = []

    for name, value in cases:
        answer = call(token, operation, address, {**(world.body(operation) or {}), name: value})
        is_refused = answer.status_code in (404, 413) or (answer.status_code in (400, 422) and name in text_of(answer))
        if not is_refused:
            wrong.append((name, repr(value)[:20], answer.status_code, answer.content[:200]))

    assert wrong == []
    assert contents() == before


@pytest.mark.parametrize("operation", operations(lambda one: one.takes_json), ids=str)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    make_experiment: Make, key_ada: IssuedKey, ben: Any, operation: Operation
) -> None:
    counts = []
    for size in (13, 20):  # some answers begin with a dozen trials
        with transaction.atomic():
            world = populated(make_experiment, key_ada.access_key_id, size)
            address, body = world.address(operation), world.body(operation)
            token = token_for(operation, key_ada)
            for _ in range(2):  # what is kept from the first call on is not counted
                with CaptureQueriesContext(connection) as queries, transaction.atomic():
                    answer = call(token, operation, address, body)
                    transaction.set_rollback(True)
            assert answer.status_code < 500, answer.content
            counts.append(len(queries))
            transaction.set_rollback(True)

    assert counts[0] == counts[1], f"{counts}, answered {answer.status_code}"
